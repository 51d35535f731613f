/** What watching channels does again and again. */
import type { Task } from '$lib/server/jobs/scheduler.ts';
import type { Loop } from '$lib/server/jobs/ticker.ts';
import type { StatusWatcher } from './watcher.ts';

const CATEGORIES_S = 300;

export const statusTasks = (watcher: StatusWatcher): Task[] =>
	watcher.platforms.flatMap((platform) => [
		{
			name: `watch_${platform.name}`,
			title: `Ask ${platform.title} which channels are live`,
			interval_s: platform.status.interval_s,
			run: (signal) => watcher.poll(platform, signal)
		},
		{
			name: `categories_${platform.name}`,
			title: `Ask ${platform.title} for the pictures of categories`,
			interval_s: CATEGORIES_S,
			run: () => watcher.syncCategories(platform)
		}
	]);

/** Fast, as people look at the lamp when they go live; any process may do it at any time. */
export const statusLoop = (watcher: StatusWatcher): Loop => ({
	name: 'judge what events told of streams',
	every_ms: 1_000,
	run: () => watcher.settle()
});

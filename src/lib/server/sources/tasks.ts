/** What is done for sources again and again, by whichever process is asked. */
import type { Sql } from '$lib/server/backend/index.ts';
import { purgeSources, requestReconciles } from '$lib/server/backend/statements/sources.ts';
import type { Task } from '$lib/server/jobs/scheduler.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const BEGINNING = new Date(0);

const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);

export const sourceTasks = (sql: Sql): Task[] => [
	{
		name: 'reconcile_sources',
		title: 'Compare subscriptions with what should be subscribed to',
		interval_s: 15 * MINUTE_S,
		run: () => requestReconciles(sql, ago(10 * MINUTE_S), BEGINNING)
	},
	{
		name: 'quota_snapshot',
		title: 'Note how much may still be subscribed to',
		interval_s: HOUR_S,
		run: () => requestReconciles(sql, BEGINNING, ago(HOUR_S - 5 * MINUTE_S))
	},
	{
		name: 'purge_quota_snapshots',
		title: 'Forget quotas of more than 30 days ago',
		interval_s: 24 * HOUR_S,
		run: () => purgeSources(sql)
	}
];

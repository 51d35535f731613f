/**
 * What the server does again and again, and how often. A task of another part of the server is one
 * entry in the list of `tasks`.
 */
import type { Database } from '$lib/server/backend/index.ts';
import { purgeAccounts } from '$lib/server/backend/statements/account.ts';
import { purgeFetchLog } from '$lib/server/backend/statements/access.ts';
import { rollAnalytics } from '$lib/server/backend/statements/analytics.ts';
import { ensureEventPartitions } from '$lib/server/backend/statements/events.ts';
import { purgeIdempotencyKeys } from '$lib/server/backend/statements/idempotency.ts';
import { endDueKeys } from '$lib/server/backend/statements/keys.ts';
import { purgeExpired } from '$lib/server/backend/statements/maintenance.ts';
import { purgeRealtimeMessages, settlePlays } from '$lib/server/backend/statements/queue.ts';
import { dropEventPartitions, purgeSessions } from '$lib/server/backend/statements/tasks.ts';
import type { Gatherer } from '$lib/server/gather.ts';
import type { Task } from './scheduler.ts';
import type { Loop } from './ticker.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;
const MONTHS_AHEAD = 2;
const DAYS_OF_FETCHES = 14;
const MONTH_MS = 30 * DAY * 1_000;

/**
 * The fast loops. Not tasks of the scheduler: a play that a page left behind, and what another
 * process gathered and did not live to release, are due within a second, and a row of app.tasks
 * written every second would be the busiest of a quiet server. They need no lease either: every
 * process may run them at any time, as the queues' and gatherings' own locks decide.
 */
export const loops = ({ sql }: Database, gatherer: Gatherer): Loop[] => [
	{ name: 'settle plays', every_ms: 1_000, run: () => settlePlays(sql) },
	{ name: 'settle gatherings', every_ms: 1_000, run: () => gatherer.settleDue() },
	// A rotated key's sockets close within a second of its end.
	{ name: 'end rotated keys', every_ms: 500, run: () => endDueKeys(sql) },
	// Whoever deleted an account is promised that nothing is left within a minute.
	{ name: 'purge deleted accounts', every_ms: 2_000, run: () => purgeAccounts(sql) }
];

interface TaskParts {
	database: Database;
	/** How many months of events are kept; null: all. */
	eventMonths: number | null;
}

/** The server's own slow tasks: what must be there ahead of time, and what is kept for a time. */
export const tasks = ({ database: { sql }, eventMonths }: TaskParts): Task[] => [
	{
		name: 'make_event_partitions',
		title: 'Make room for the events of the coming months',
		interval_s: HOUR,
		run: () => ensureEventPartitions(sql, MONTHS_AHEAD)
	},
	{
		name: 'drop_old_events',
		title: 'Drop months of events that are no longer kept',
		interval_s: DAY,
		run: async () => {
			if (eventMonths === null) return 0;
			return dropEventPartitions(sql, new Date(Date.now() - eventMonths * MONTH_MS));
		}
	},
	{
		name: 'roll_analytics',
		title: 'Count what happened, for the statistics',
		interval_s: 60,
		run: () => rollAnalytics(sql)
	},
	{
		name: 'purge_realtime_messages',
		title: 'Forget live messages that can no longer be replayed',
		interval_s: HOUR / 4,
		run: () => purgeRealtimeMessages(sql)
	},
	{
		name: 'purge_expired',
		title: 'Forget webhook deliveries, duplicate marks and pages that are long gone',
		interval_s: HOUR,
		run: () => purgeExpired(sql)
	},
	{
		name: 'purge_idempotency_keys',
		title: 'Forget answers kept for repeated requests',
		interval_s: HOUR,
		run: () => purgeIdempotencyKeys(sql)
	},
	{
		name: 'purge_fetch_log',
		title: 'Forget old requests to platforms',
		interval_s: HOUR,
		run: () => purgeFetchLog(sql, new Date(Date.now() - DAYS_OF_FETCHES * DAY * 1_000))
	},
	{
		name: 'purge_sessions',
		title: 'Forget sign-ins that have ended',
		interval_s: HOUR,
		run: () => purgeSessions(sql)
	}
];

/** What the server does again and again, and how often. */
import type { Database } from '$lib/server/backend/index.ts';
import { ensureEventPartitions } from '$lib/server/backend/statements/events.ts';
import { purgeExpired } from '$lib/server/backend/statements/maintenance.ts';
import { purgeIdempotencyKeys } from '$lib/server/backend/statements/idempotency.ts';
import { purgeRealtimeMessages, settlePlays } from '$lib/server/backend/statements/queue.ts';
import type { Task } from './ticker.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const MONTHS_AHEAD = 2;

export const tasks = ({ sql }: Database): Task[] => [
	{ name: 'settle plays', every_ms: SECOND, run: () => settlePlays(sql) },
	{
		name: 'make event partitions',
		every_ms: HOUR,
		run: () => ensureEventPartitions(sql, MONTHS_AHEAD)
	},
	{ name: 'purge realtime messages', every_ms: HOUR / 4, run: () => purgeRealtimeMessages(sql) },
	{ name: 'purge what has expired', every_ms: HOUR, run: () => purgeExpired(sql) },
	{ name: 'purge idempotency keys', every_ms: HOUR, run: () => purgeIdempotencyKeys(sql) }
];

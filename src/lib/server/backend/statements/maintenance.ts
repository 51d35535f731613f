/** What the server does for the database's own sake. Trusted server only. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Purged = z.object({
	event_keys: z.int(),
	deliveries: z.int(),
	instances: z.int()
});
export type Purged = z.infer<typeof Purged>;

/** Forgets what is kept for a time only; how many of each. */
export const purgeExpired = (sql: Sql | TransactionSql, now?: Date): Promise<Purged> =>
	ask(Purged, sql`select app.purge_expired(coalesce(${now ?? null}, clock_timestamp())) as answer`);

/** To be called once after a restore from a backup: voids every reader's cursor. */
export const renewEpochs = (sql: Sql | TransactionSql): Promise<number> =>
	ask(z.int(), sql`select app.renew_epochs() as answer`);

/** Parts of what is not whole yet. Trusted server only. */
import { z } from 'zod';
import { Draft, JsonObject } from '$lib/bus/event.ts';
import type { Decision, Part } from '$lib/platforms/gather.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { RecordOutcome } from './events.ts';
import { ask } from './refusal.ts';

export const StoredGathering = z.object({
	/** What a release must name: it has changed when something arrived meanwhile. */
	rev: z.int(),
	memory: z.array(
		z
			.object({ event_id: z.uuid(), seq: z.int(), until: z.number(), what: JsonObject })
			.transform(({ event_id, seq, until, what }) => ({ event: { event_id, seq }, until, what }))
	),
	parts: z.array(
		z.object({
			id: z.int(),
			arrived_at: z.string().transform((instant) => new Date(instant)),
			about: JsonObject,
			draft: Draft
		})
	)
});
export type StoredGathering = z.infer<typeof StoredGathering>;

export const DueGathering = z.object({ account_id: z.uuid(), name: z.string() });
export type DueGathering = z.infer<typeof DueGathering>;

/** Stores parts, all or nothing; outcomes in their order. */
export const gatherParts = (
	sql: Sql | TransactionSql,
	accountId: string,
	parts: readonly Part[],
	now?: Date
): Promise<('gathered' | 'duplicate')[]> =>
	ask(
		z.array(z.enum(['gathered', 'duplicate'])),
		sql`select app.gather(${accountId}, ${sql.json(parts.map((part) => ({ ...part })))},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** What waits and what was released lately; null when nothing was ever gathered under this name. */
export const readGathering = (
	sql: Sql | TransactionSql,
	accountId: string,
	name: string
): Promise<StoredGathering | null> =>
	ask(StoredGathering.nullable(), sql`select app.read_gathering(${accountId}, ${name}) as answer`);

/** Stores a decision; null when it was made too late: judge again. */
export const releaseGathering = (
	sql: Sql | TransactionSql,
	accountId: string,
	name: string,
	rev: number,
	{ drafts, done, memory, due_at }: Decision,
	now?: Date
): Promise<RecordOutcome[] | null> =>
	ask(
		z.array(RecordOutcome).nullable(),
		sql`select app.release_gathering(${accountId}, ${name}, ${rev},
			${sql.json(drafts.map((draft) => ({ ...draft })))},
			${sql.json(done.map(({ part, event }) => ({ part, event: { ...event } })))},
			${sql.json(memory.map(({ event, until, what }) => ({ ...event, until, what })))},
			${due_at === null ? null : new Date(due_at)},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** What is to be judged now, the longest due first. */
export const dueGatherings = (sql: Sql | TransactionSql, now?: Date): Promise<DueGathering[]> =>
	ask(
		z.array(DueGathering),
		sql`select app.due_gatherings(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

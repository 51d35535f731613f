/** The log of events. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { EventStatus, StreamingEvent, type Draft, type EventOrigin } from '$lib/bus/event.ts';
import { Play, PlayStatus } from '$lib/bus/status.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const RecordOutcome = z.object({
	/** Of the draft in its batch. */
	index: z.int().nonnegative(),
	outcome: z.enum(['recorded', 'duplicate']),
	/** Of the event; of the first one when this is a duplicate. */
	event_id: z.uuid(),
	seq: z.int().positive(),
	/** Null when the first one is so old that retention has dropped it. */
	status: EventStatus.nullable().transform((status) => status ?? 'completed')
});
export type RecordOutcome = z.infer<typeof RecordOutcome>;

export const EventPage = z.object({
	items: z.array(StreamingEvent),
	page: z.int().positive(),
	limit: z.int().positive(),
	total: z.int().nonnegative(),
	total_is_exact: z.boolean(),
	/** Seq to pass as `cursor` for the next, older page. */
	next_cursor: z.int().nullable()
});
export type EventPage = z.infer<typeof EventPage>;

export const Transition = z.object({
	at: z.string(),
	from_status: PlayStatus,
	to_status: PlayStatus,
	actor_kind: z.string(),
	actor_id: z.uuid().nullable(),
	reason: z.string().nullable()
});
export type Transition = z.infer<typeof Transition>;

export const EventDetail = StreamingEvent.extend({
	raw: z.record(z.string(), z.json()).nullable(),
	plays: z.array(Play.extend({ transitions: z.array(Transition) }))
});
export type EventDetail = z.infer<typeof EventDetail>;

export const PulledEvents = z.object({
	epoch: z.string(),
	recovered: z.boolean(),
	top_seq: z.int().nonnegative(),
	cursor: z.int().nonnegative(),
	more: z.boolean(),
	events: z.array(StreamingEvent)
});
export type PulledEvents = z.infer<typeof PulledEvents>;

export interface EventFilter {
	types?: string[] | undefined;
	platform?: string[] | undefined;
	origin?: EventOrigin[] | undefined;
	status?: EventStatus | undefined;
	search?: string | undefined;
	/** ISO 8601, inclusive; `to` is exclusive. */
	from?: string | undefined;
	to?: string | undefined;
	page?: number | undefined;
	limit?: number | undefined;
	/** Older than this seq; goes before `page`. */
	cursor?: number | undefined;
}

/** Stores a batch, all or nothing; outcomes in its order. Trusted server. */
export const recordEvents = (
	sql: Sql | TransactionSql,
	accountId: string,
	drafts: readonly Draft[],
	now?: Date
): Promise<RecordOutcome[]> =>
	ask(
		z.array(RecordOutcome),
		sql`select app.record_events(${accountId}, ${sql.json(drafts)},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** The same for whoever may create events; leaves an audit entry. */
export const emitEvents = (
	sql: Sql | TransactionSql,
	accountId: string,
	drafts: readonly Draft[],
	now?: Date
): Promise<RecordOutcome[]> =>
	ask(
		z.array(RecordOutcome),
		sql`select app.emit_events(${accountId}, ${sql.json(drafts)},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** A page of the history, newest first. */
export const listEvents = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: EventFilter
): Promise<EventPage> =>
	ask(EventPage, sql`select app.list_events(${accountId}, ${sql.json({ ...filter })}) as answer`);

/** Events that wait for their time, the next one first. */
export const listUpcoming = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: Pick<EventFilter, 'types' | 'platform' | 'page' | 'limit'>,
	now?: Date
): Promise<EventPage> =>
	ask(
		EventPage,
		sql`select app.list_upcoming(${accountId}, ${sql.json({ ...filter })},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** One event with its plays and their moves. */
export const getEvent = (
	sql: Sql | TransactionSql,
	accountId: string,
	eventId: string,
	now?: Date
): Promise<EventDetail> =>
	ask(
		EventDetail,
		sql`select app.get_event(${accountId}, ${eventId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** The log after a cursor, oldest first; `epoch` null starts afresh, at the top. */
export const pullEvents = (
	sql: Sql | TransactionSql,
	accountId: string,
	epoch: string | null,
	cursor: number | null,
	limit: number
): Promise<PulledEvents> =>
	ask(
		PulledEvents,
		sql`select app.pull_events(${accountId}, ${epoch}, ${cursor}, ${limit}) as answer`
	);

/** Makes the partitions of this month and the next ones; answers how many were new. Trusted server. */
export const ensureEventPartitions = (
	sql: Sql | TransactionSql,
	monthsAhead: number,
	now?: Date
): Promise<number> =>
	ask(
		z.int(),
		sql`select app.ensure_event_partitions(coalesce(${now ?? null}, clock_timestamp()),
			${monthsAhead}) as answer`
	);

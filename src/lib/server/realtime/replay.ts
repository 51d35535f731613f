/**
 * What a private topic said since a moment: at most 25 messages, the newest ones, oldest first.
 * Only messages that went through the database are there to be replayed. It is a comfort, not a
 * recovery: a reader that needs every message pulls by its cursor.
 */
import { z } from 'zod';
import type { Database } from '../backend/index.ts';
import type { Broadcast } from './wire.ts';

export const MAX_REPLAY = 25;
/** Messages are kept this long. */
const RETENTION_MS = 72 * 3_600_000;
/** Nothing is from later than this; Postgres cannot read every date that JavaScript can write. */
const FUTURE_MS = 86_400_000;

/** Numbers may arrive as text from other clients. */
const Whole = z.coerce.number().int().nonnegative();
const Request = z.object({
	/** Unix milliseconds. */
	since: Whole.max(8_640_000_000_000_000),
	limit: Whole.min(1).max(MAX_REPLAY).default(MAX_REPLAY)
});
export type ReplayRequest = z.infer<typeof Request>;

/** Reads `config.broadcast.replay`: null when not asked for, `'invalid'` when it cannot be read. */
export function readReplay(value: unknown): ReplayRequest | null | 'invalid' {
	if (value === undefined || value === null) return null;
	const read = Request.safeParse(value);
	return read.success ? read.data : 'invalid';
}

export type Replay = (topic: string, request: ReplayRequest, now: number) => Promise<Broadcast[]>;

export const createReplay =
	(database: Database): Replay =>
	async (topic, { since, limit }, now) => {
		const from = new Date(
			Math.min(Math.max(since, now - RETENTION_MS), now + FUTURE_MS)
		).toISOString();
		// `inserted_at` is a timestamp without zone in UTC and the same for all of a transaction;
		// `n` gives their order within it.
		const rows = await database.sql<
			{ id: string; event: string | null; json: string | null; bytes: Buffer | null }[]
		>`
			select id, event, payload::text as json, binary_payload as bytes
			from realtime.messages
			where topic = ${topic} and private and extension = 'broadcast'
				and inserted_at >= ${from}::timestamptz at time zone 'UTC'
			order by inserted_at desc, n desc
			limit ${limit}`;
		return rows.reverse().map(({ id, event, json, bytes }) => ({
			event: event ?? '',
			body: bytes ?? Buffer.from(json ?? '{}'),
			encoding: bytes ? 'binary' : 'json',
			meta: { id, replayed: true }
		}));
	};

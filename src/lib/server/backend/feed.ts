/**
 * The hints as they are committed: LISTEN says which transactions sent messages, one query reads
 * all that wait, listeners get them in commit order.
 *
 * At most once: what is committed while the LISTEN connection is down is never delivered. When it
 * is back, `onReset` tells readers to pull instead. No polling: the row is the truth.
 * On Supabase only revocations and changes of connections come; its own Realtime carries the
 * messages.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { openPool } from './connection.ts';
import type postgres from 'postgres';

export interface FeedMessage {
	id: string;
	topic: string;
	event: string;
	private: boolean;
	/** Parsed when first asked for. */
	readonly payload: Record<string, unknown>;
	/** The payload as PostgreSQL wrote it: a fan-out need not parse and print it again. */
	payload_json: string;
	/** ISO 8601, UTC, when its transaction began. */
	inserted_at: string;
}

const Revocation = z.union([
	z.object({ key_id: z.uuid() }),
	z.object({ user_id: z.uuid(), account_id: z.uuid() }),
	z.object({ session_id: z.uuid() })
]);
/**
 * A key that no longer opens anything, a member who left an account or lost permissions, or a
 * session that ended.
 */
export type Revocation = z.infer<typeof Revocation>;

/** Each subscription answers with the function that ends it. */
export interface HintFeed {
	subscribe(listener: (messages: FeedMessage[]) => void): () => void;
	onRevoked(listener: (revocation: Revocation) => void): () => void;
	/** Hints may have been missed and flow again: readers must pull. */
	onReset(listener: () => void): () => void;
}

/** Changes of connections to platforms, by their ids; on Supabase too. */
export interface ConnectionFeed {
	onConnection(listener: (connectionId: string) => void): () => void;
}

export interface OpenFeed extends HintFeed, ConnectionFeed {
	close(): Promise<void>;
}

/** Transactions read by one query at most. */
const BATCH = 1_000;
/** How often the connection is tried; unanswered by the next time, it counts as lost. */
const BEAT_MS = 5_000;
const RETRY_MS = 100;

/**
 * Opens the feed of a database; resolves when it listens.
 * @throws the connection's error when it cannot listen at the first try.
 */
export async function openFeed(url: string, log: Log): Promise<OpenFeed> {
	const readers = new Set<(messages: FeedMessage[]) => void>();
	const revocations = new Set<(revocation: Revocation) => void>();
	const connections = new Set<(connectionId: string) => void>();
	const resets = new Set<() => void>();
	const reader = openPool(url, { max: 1, log });
	let listening: postgres.Sql | null = null;
	let closed = false;
	let waiting: string[] = [];
	let reading = false;

	/** One listener's fault is not the others'. */
	function tell<T>(listeners: Set<(value: T) => void>, value: T): void {
		for (const listener of listeners) {
			try {
				listener(value);
			} catch (error) {
				log.error('a listener of the feed failed', { error });
			}
		}
	}

	function hear(channel: string, payload: string): void {
		if (channel === 'realtime_messages') {
			waiting.push(payload);
			if (!reading) void drain();
			return;
		}
		if (channel === 'cuelight_connections') {
			tell(connections, payload);
			return;
		}
		const revocation = readRevocation(payload);
		if (revocation !== null) tell(revocations, revocation);
		else log.warn('a revocation cannot be read', { payload });
	}

	async function drain(): Promise<void> {
		reading = true;
		while (waiting.length > 0 && !closed) {
			const batch = waiting.slice(0, BATCH);
			waiting = waiting.slice(BATCH);
			try {
				const messages = await readMessages(reader, batch);
				if (messages.length > 0) tell(readers, messages);
			} catch (error) {
				if (closed) break;
				// The rows are safe; who reads them by pulling misses nothing.
				log.warn('messages were notified and could not be read', { error });
				waiting = [];
				if (listening !== null) tell(resets, undefined);
			}
		}
		reading = false;
	}

	/** Rejects when this one try fails. */
	async function listen(): Promise<void> {
		const client: postgres.Sql = openPool(url, {
			max: 1,
			bounded: false,
			lasting: true,
			log,
			onnotify: hear,
			onclose: () => lost(client)
		});
		try {
			await client.unsafe(
				'listen realtime_messages; listen cuelight_revoked; listen cuelight_connections'
			);
			listening = client;
		} catch (error) {
			void client.end({ timeout: 0 });
			throw error;
		}
		void beat(client);
	}

	function lost(client: postgres.Sql): void {
		if (closed || client !== listening) return;
		listening = null;
		log.warn('the feed lost its connection');
		void client.end({ timeout: 0 });
		void listenAgain();
	}

	async function listenAgain(): Promise<void> {
		while (!closed) {
			try {
				await listen();
			} catch {
				await pause(RETRY_MS);
				continue;
			}
			log.info('the feed listens again');
			tell(resets, undefined);
			return;
		}
	}

	/** A connection that a router forgot is silent for ever: ask, and miss the answer. */
	async function beat(client: postgres.Sql): Promise<void> {
		while (!closed && client === listening) {
			await pause(BEAT_MS, undefined, { ref: false });
			if (closed || client !== listening) return;
			const answer = client`select 'listening'`.then(
				() => true,
				() => false
			);
			const late = pause(BEAT_MS, false, { ref: false });
			if (!(await Promise.race([answer, late]))) lost(client);
		}
	}

	const add = <T>(set: Set<T>, listener: T) => {
		set.add(listener);
		return () => void set.delete(listener);
	};

	try {
		await listen();
	} catch (error) {
		await reader.end({ timeout: 0 });
		throw error;
	}
	return {
		subscribe: (listener) => add(readers, listener),
		onRevoked: (listener) => add(revocations, listener),
		onConnection: (listener) => add(connections, listener),
		onReset: (listener) => add(resets, listener),
		async close() {
			closed = true;
			await Promise.all([listening?.end({ timeout: 0 }), reader.end({ timeout: 0 })]);
		}
	};
}

function readRevocation(payload: string): Revocation | null {
	try {
		return Revocation.parse(JSON.parse(payload));
	} catch {
		return null;
	}
}

interface Row {
	id: string;
	topic: string;
	event: string;
	private: boolean;
	payload_json: string;
	inserted_at: string;
}

/** The messages of these transactions, in the order of the list, then as they were sent. */
async function readMessages(sql: postgres.Sql, txids: string[]): Promise<FeedMessage[]> {
	const rows = await sql<Row[]>`
		select m.id, m.topic, coalesce(m.event, '') as event, coalesce(m.private, false) as private,
			m.payload::text as payload_json,
			to_char(m.inserted_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as inserted_at
		from unnest(${`{${txids.join(',')}}`}::xid8[]) with ordinality as t (txid, place)
		join realtime.messages m on m.txid = t.txid
		where m.extension = 'broadcast' and m.payload is not null
		order by t.place, m.n`;
	return rows.map(withPayload);
}

const Payload = z.record(z.string(), z.unknown());

function withPayload(row: Row): FeedMessage {
	let payload: Record<string, unknown> | null = null;
	return {
		...row,
		get payload() {
			return (payload ??= Payload.parse(JSON.parse(row.payload_json)));
		}
	};
}

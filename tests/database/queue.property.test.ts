/**
 * Random commands on the queue's SQL functions, watched from outside: after each one, everything
 * that changed is read back and judged by rules that know nothing of how it is done.
 *
 * - Nothing is lost or stored twice: the log is 1, 2, 3 … and agrees with a model of the keys.
 * - Plays move only as the bus allows, and what has ended stays ended; nothing starts twice,
 *   nothing starts after a cancel.
 * - Each start was the best choice then, and none happens in a pause; no lane idles without reason.
 * - Every message parses, and each overlay's count 1, 2, 3 … is on both topics without a hole.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { AppError } from '../../src/lib/bus/error.ts';
import { Draft, EventStatus, priorities } from '../../src/lib/bus/event.ts';
import { BusMessage } from '../../src/lib/bus/message.ts';
import { deriveEventStatus, isTerminal, mayBecome, PlayStatus } from '../../src/lib/bus/status.ts';
import type { Claims, TransactionSql } from '../../src/lib/server/backend/index.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { recordEvents } from '../../src/lib/server/backend/statements/events.ts';
import { createKey } from '../../src/lib/server/backend/statements/keys.ts';
import * as queue from '../../src/lib/server/backend/statements/queue.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

const RUNS = 25;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

const OWNER = '00000000-0000-4000-8000-00000000000a';
const INSTANCES = [1, 2, 3].map((n) => `00000000-0000-4000-8000-0000000000b${n}`);
const LANES = ['main', 'side'];
const TYPES = ['twitch:follower', 'twitch:cheer', 'chat:message'];

// Commands ------------------------------------------------------------------------------------

const overlay = fc.nat(1);
const instance = fc.nat(INSTANCES.length - 1);
const some = fc.nat(50);
const anOverlay = fc.option(overlay, { freq: 2 });

const draft = fc.record({
	transport: fc.option(fc.nat(40), { freq: 4 }),
	business: fc.option(fc.nat(40), { freq: 1 }),
	type: fc.nat(TYPES.length - 1),
	priority: fc.constantFrom(...priorities),
	delay_s: fc.constantFrom(null, null, null, null, 3, 30)
});

const command = fc.oneof(
	{
		weight: 5,
		arbitrary: fc.record({
			do: fc.constant('record' as const),
			drafts: fc.array(draft, { minLength: 1, maxLength: 4 })
		})
	},
	{ weight: 4, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), overlay, instance }) },
	// A page that tells the truth about what it shows, and one that tells anything.
	{
		weight: 6,
		arbitrary: fc.record({
			do: fc.constant('show' as const),
			some,
			report: fc.constantFrom('started', 'ended', 'failed')
		})
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant('claim' as const),
			overlay,
			instance,
			lane: fc.constantFrom(...LANES)
		})
	},
	{
		weight: 2,
		arbitrary: fc.record({
			do: fc.constant('report' as const),
			some,
			instance,
			attempt: fc.nat(3),
			report: fc.constantFrom('started', 'ended', 'failed')
		})
	},
	{ weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), some }) },
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('cancelPlay' as const), some }) },
	{
		weight: 2,
		arbitrary: fc.record({ do: fc.constant('replay' as const), some, overlay: anOverlay })
	},
	{
		weight: 1,
		arbitrary: fc.record({
			do: fc.constant('skip' as const),
			overlay,
			lane: fc.option(fc.constantFrom(...LANES))
		})
	},
	{ weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), overlay: anOverlay }) },
	{ weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), overlay: anOverlay }) },
	{ weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
	{
		weight: 4,
		arbitrary: fc.record({
			do: fc.constant('wait' as const),
			ms: fc.constantFrom(1, 400, 2_500, 6_000, 20_000)
		})
	}
);
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never;
type Wanted = typeof draft extends fc.Arbitrary<infer Value> ? Value : never;

// What is read back ---------------------------------------------------------------------------

const Row = z.object({
	id: z.string(),
	overlay_id: z.string(),
	event_id: z.string(),
	seq: z.number(),
	priority: z.number(),
	play_no: z.number(),
	lane: z.string(),
	status: PlayStatus,
	attempt: z.number(),
	instance_id: z.string().nullable(),
	due: z.boolean(),
	scheduled: z.boolean(),
	started_at: z.string().nullable(),
	ended_at: z.string().nullable()
});
type Row = z.infer<typeof Row>;

const Snapshot = z.object({
	next_seq: z.number(),
	account_paused: z.boolean(),
	events: z.array(z.object({ id: z.string(), seq: z.number(), status: EventStatus })),
	plays: z.array(Row),
	queues: z.array(
		z.object({
			overlay_id: z.string(),
			rev: z.number(),
			paused: z.boolean(),
			live: z.boolean(),
			leader_id: z.string().nullable(),
			lease_version: z.number()
		})
	),
	moves: z.array(z.object({ play_id: z.string(), from_status: PlayStatus, to_status: PlayStatus })),
	messages: z.array(z.object({ n: z.number(), topic: z.string(), payload: z.unknown() }))
});
type Snapshot = z.infer<typeof Snapshot>;

let db: TestDatabase;
let runs = 0;
beforeAll(async () => {
	db = await testDatabase();
});
afterAll(() => db?.close());

/** One account with two overlays and its clock; carries out commands and judges what they did. */
class World {
	readonly account: string;
	readonly overlays: string[];
	readonly #member: Claims;
	readonly #pages: Claims[];
	/** Milliseconds; every world begins long after the one before it. */
	#now = Date.UTC(2030, 0, 1) + ++runs * 86_400_000;
	/** The model of the keys: which seq they name. */
	readonly #keys = new Map<string, number>();
	#seq = 0;
	#before: Snapshot | null = null;
	#moves = 0;
	#messages = 0;
	readonly #revs = new Map<string, number>();

	private constructor(account: string, overlays: string[], pages: Claims[]) {
		this.account = account;
		this.overlays = overlays;
		this.#member = member;
		this.#pages = pages;
	}

	static async make(): Promise<World> {
		const { sql } = db;
		const made = await createAccount(sql, 'Property', OWNER, {}, new Date(0));
		const [second] = await sql<{ id: string }[]>`
			select app.add_overlay(${made.account_id}, 'Second', '{}', now()) as id`;
		const overlays = [made.overlay_id, second?.id ?? ''].sort();
		await sql`insert into app.event_subscriptions (overlay_id, account_id, pattern, lane)
			values (${overlays[0] ?? ''}, ${made.account_id}, 'twitch:cheer', 'side')`;
		const pages: Claims[] = [];
		for (const overlay_id of overlays) {
			const key = await db.database.as(member, (tx) =>
				createKey(tx, made.account_id, {
					kind: 'overlay',
					name: 'OBS',
					overlay_id,
					permissions: [],
					token_hash: crypto.getRandomValues(new Uint8Array(32)),
					hint: 'test'
				})
			);
			pages.push({ ...member, kind: 'overlay', sub: key.id, key_id: key.id, overlay_id });
		}
		const world = new World(made.account_id, overlays, pages);
		await world.judge('the beginning');
		return world;
	}

	async end(): Promise<void> {
		await db.sql`delete from app.accounts where id = ${this.account}`;
	}

	get now(): Date {
		return new Date(this.#now);
	}

	async run(command: Command): Promise<void> {
		try {
			await this.#carryOut(command);
		} catch (error) {
			// A refusal is an answer too (an event that cannot be cancelled); it must change nothing.
			if (!(error instanceof AppError) || !['conflict', 'not_found'].includes(error.code))
				throw error;
		}
		await this.judge(JSON.stringify(command));
	}

	#asMember<T>(fn: (sql: TransactionSql) => Promise<T>): Promise<T> {
		return db.database.as(this.#member, fn);
	}

	#asPage<T>(overlayId: string, fn: (sql: TransactionSql) => Promise<T>): Promise<T> {
		return db.database.as(this.#pages[this.overlays.indexOf(overlayId)] ?? member, fn);
	}

	async #carryOut(command: Command): Promise<void> {
		const { now, account } = this;
		const plays = this.#before?.plays ?? [];
		const events = this.#before?.events ?? [];
		const overlayAt = (index: number): string => this.overlays[index] ?? '';
		switch (command.do) {
			case 'wait':
				this.#now += command.ms;
				return;
			case 'record':
				return this.#record(command.drafts);
			case 'heartbeat': {
				const [id, page] = [overlayAt(command.overlay), INSTANCES[command.instance] ?? ''];
				const answer = await this.#asPage(id, (sql) => queue.heartbeat(sql, id, page, {}, now));
				expect(answer.leads).toBe(answer.leader_id === page);
				return;
			}
			case 'claim': {
				const [id, page] = [overlayAt(command.overlay), INSTANCES[command.instance] ?? ''];
				const play = await this.#asPage(id, (sql) =>
					queue.claimNext(sql, id, page, command.lane, now)
				);
				if (play !== null) expect([play.status, play.instance_id]).toEqual(['playing', page]);
				return;
			}
			case 'show':
			case 'report': {
				const open = plays.filter(({ status }) => command.do === 'report' || status === 'playing');
				const play = open[command.some % open.length];
				if (play === undefined) return;
				const truthful = command.do === 'show';
				const instance_id = truthful
					? (play.instance_id ?? '')
					: (INSTANCES[command.instance] ?? '');
				const answer = await this.#asPage(play.overlay_id, (sql) =>
					queue.reportPlay(
						sql,
						play.overlay_id,
						{
							play_id: play.id,
							instance_id,
							attempt: truthful ? play.attempt : command.attempt,
							report: command.report
						},
						now
					)
				);
				if (isTerminal(play.status)) expect(answer.accepted).toBe(false);
				if (truthful) expect(answer.accepted).toBe(true);
				return;
			}
			case 'cancel': {
				const event = events[command.some % events.length];
				if (event === undefined) return;
				const answer = await this.#asMember((sql) =>
					queue.cancelEvent(sql, account, event.id, now)
				);
				const open = plays.filter((play) => play.event_id === event.id && play.ended_at === null);
				expect([...answer.cancelled].sort()).toEqual(open.map(({ id }) => id).sort());
				return;
			}
			case 'cancelPlay': {
				const play = plays[command.some % plays.length];
				if (play === undefined) return;
				const answer = await this.#asMember((sql) => queue.cancelPlay(sql, account, play.id, now));
				expect(answer.already).toBe(isTerminal(play.status));
				return;
			}
			case 'replay': {
				const event = events[command.some % events.length];
				if (event === undefined) return;
				const id = command.overlay === null ? null : overlayAt(command.overlay);
				const answer = await this.#asMember((sql) =>
					queue.replayEvent(sql, account, event.id, id, now)
				);
				const had = new Set(
					plays.filter((play) => play.event_id === event.id).map((play) => play.overlay_id)
				);
				expect(answer.plays.map((play) => play.overlay_id)).toEqual(
					id === null ? [...had].sort() : [id]
				);
				return;
			}
			case 'skip':
				await this.#asMember((sql) =>
					queue.skip(sql, account, overlayAt(command.overlay), command.lane, now)
				);
				return;
			case 'pause':
			case 'resume': {
				const id = command.overlay === null ? null : overlayAt(command.overlay);
				await this.#asMember((sql) => queue[command.do](sql, account, id, now));
				return;
			}
			case 'settle':
				await queue.settlePlays(db.sql, now);
		}
	}

	async #record(wanted: Wanted[]): Promise<void> {
		const drafts = wanted.map(({ transport, business, type, priority, delay_s }) =>
			Draft.parse({
				event_type: TYPES[type],
				class: type === 2 ? 'data' : 'animated',
				platform: 'twitch',
				transport_key: transport === null ? null : `t${transport}`,
				business_key: business === null ? null : `b${business}`,
				data: { user: { id: '1', login: 'ann', name: 'Ann' } },
				priority,
				duration_ms: 4_000,
				scheduled_at: delay_s === null ? null : new Date(this.#now + delay_s * 1_000).toISOString()
			})
		);
		const outcomes = await recordEvents(db.sql, this.account, drafts, this.now);
		const expected = drafts.map(({ transport_key, business_key }) => {
			const names = [transport_key, business_key].filter((key) => key !== null);
			const known = names.flatMap((name) => this.#keys.get(name) ?? []);
			if (known.length > 0) return { outcome: 'duplicate', seq: Math.min(...known) };
			this.#seq += 1;
			for (const name of names) this.#keys.set(name, this.#seq);
			return { outcome: 'recorded', seq: this.#seq };
		});
		expect(outcomes.map(({ outcome, seq }) => ({ outcome, seq }))).toEqual(expected);
	}

	/** Reads what there is and judges what has changed since the last time. */
	async judge(what: string): Promise<void> {
		const after = await this.#read();
		const before = this.#before;
		this.#before = after;
		this.#judgeLog(after, what);
		this.#judgePlays(before, after, what);
		this.#judgeStarts(after, what);
		this.#judgeLeads(before, after, what);
		this.#judgeMessages(after, what);
	}

	#judgeLog({ events, plays, next_seq }: Snapshot, what: string): void {
		expect(
			events.map(({ seq }) => seq),
			what
		).toEqual(Array.from({ length: this.#seq }, (_, i) => i + 1));
		expect(next_seq, what).toBe(this.#seq + 1);
		for (const { id, seq, status } of events) {
			const statuses = plays.filter((play) => play.event_id === id).map((play) => play.status);
			expect({ seq, status }, what).toEqual({ seq, status: deriveEventStatus(statuses) });
		}
	}

	#judgePlays(before: Snapshot | null, after: Snapshot, what: string): void {
		const old = new Map(before?.plays.map((play) => [play.id, play]));
		const now = new Map(after.plays.map((play) => [play.id, play]));
		for (const id of old.keys()) expect(now.has(id), `${what}: a play vanished`).toBe(true);
		// The written moves lead, one allowed step at a time, from the old status to the new one.
		const status = new Map(after.plays.map(({ id }) => [id, old.get(id)?.status ?? 'queued']));
		for (const { play_id, from_status, to_status } of after.moves) {
			expect(from_status, `${what}: the moves are connected`).toBe(status.get(play_id));
			expect(mayBecome(from_status, to_status), `${what}: ${from_status} to ${to_status}`).toBe(
				true
			);
			status.set(play_id, to_status);
		}
		for (const play of after.plays) {
			expect(play.status, `${what}: each move is written down`).toBe(status.get(play.id));
			expect(play.ended_at !== null, what).toBe(isTerminal(play.status));
			const was = old.get(play.id);
			if (was === undefined) continue;
			// Shown once: the start of a play is set once and never after its end.
			if (was.started_at !== null) expect(play.started_at, what).toBe(was.started_at);
			if (isTerminal(was.status)) expect(play, what).toEqual({ ...was, due: play.due });
			expect(play.attempt, what).toBeGreaterThanOrEqual(was.attempt);
			if (was.started_at !== null && was.status === 'playing')
				expect(play.status, what).not.toBe('queued');
		}
	}

	/** Who started was the best; nobody starts in a pause; no lane idles that could show something. */
	#judgeStarts(after: Snapshot, what: string): void {
		const started = new Set(
			after.moves.filter(({ to_status }) => to_status === 'playing').map(({ play_id }) => play_id)
		);
		for (const { overlay_id, paused, live } of after.queues) {
			const plays = after.plays.filter((play) => play.overlay_id === overlay_id);
			const stopped = paused || after.account_paused;
			for (const lane of LANES) {
				const here = plays.filter((play) => play.lane === lane);
				const playing = here.filter(({ status }) => status === 'playing');
				const waiting = here.filter(({ status, due }) => status === 'queued' && due);
				expect(playing.length, `${what}: one at a time`).toBeLessThanOrEqual(1);
				const starts = here.filter(({ id }) => started.has(id));
				if (stopped || !live) expect(starts, `${what}: nothing starts`).toEqual([]);
				for (const start of starts)
					for (const other of waiting)
						expect(
							isBefore(start, other),
							`${what}: seq ${start.seq} started before ${other.seq}`
						).toBe(true);
				if (!stopped && live && playing.length === 0)
					expect(
						waiting.filter(({ scheduled }) => !scheduled),
						`${what}: ${lane} idles`
					).toEqual([]);
			}
		}
	}

	#judgeLeads(before: Snapshot | null, after: Snapshot, what: string): void {
		for (const { overlay_id, leader_id, lease_version } of after.queues) {
			const was = before?.queues.find((queue) => queue.overlay_id === overlay_id);
			if (was === undefined) continue;
			const changed = was.leader_id !== leader_id;
			expect(lease_version, what).toBe(was.lease_version + (changed ? 1 : 0));
			if (changed) expect(was.live, `${what}: a live lease was taken`).toBe(false);
		}
	}

	#judgeMessages({ messages, queues }: Snapshot, what: string): void {
		for (const { topic, payload } of messages) {
			const message = BusMessage.parse(payload);
			const changes =
				message.type === 'EVENT_BROADCAST'
					? (message.plays ??
						(message.play ? [{ overlay_id: message.play.overlay_id, rev: message.rev }] : []))
					: [{ overlay_id: message.overlay_id, rev: message.rev }];
			for (const { overlay_id, rev } of changes) {
				if (rev === null || rev === undefined) continue;
				const reader = `${topic} ${overlay_id}`;
				expect(rev, `${what}: ${message.type} on ${topic}`).toBe((this.#revs.get(reader) ?? 0) + 1);
				this.#revs.set(reader, rev);
			}
		}
		for (const { overlay_id, rev } of queues)
			for (const topic of [`overlay:${overlay_id}`, `account:${this.account}`])
				expect(this.#revs.get(`${topic} ${overlay_id}`) ?? 0, `${what}: ${topic}`).toBe(rev);
	}

	async #read(): Promise<Snapshot> {
		const { account, overlays, now } = this;
		const [row] = await db.sql<{ answer: unknown; moves: string; messages: string }[]>`
			with move as materialized (
				select t.* from app.play_transitions t where t.account_id = ${account} and t.id > ${this.#moves}
			),
			message as materialized (
				select m.n, m.topic, m.payload from realtime.messages m
				where m.n > ${this.#messages} and split_part(m.topic, ':', 2)::uuid = any (${[account, ...overlays]}::uuid[])
			)
			select jsonb_build_object(
				'next_seq', a.next_seq, 'account_paused', a.paused_at is not null,
				'events', (select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'seq', e.seq, 'status', e.status) order by e.seq), '[]')
					from app.platform_events e where e.account_id = a.id),
				'plays', (select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('scheduled', p.scheduled_at is not null,
						'due', coalesce(p.scheduled_at <= ${now}, true)) order by p.seq, p.overlay_id, p.play_no), '[]')
					from app.plays p where p.account_id = a.id),
				'queues', (select jsonb_agg(jsonb_build_object('overlay_id', q.overlay_id, 'rev', q.rev, 'paused', q.paused_at is not null,
						'live', coalesce(q.lease_until > ${now}, false), 'leader_id', q.leader_id, 'lease_version', q.lease_version) order by q.overlay_id)
					from app.overlay_queues q where q.account_id = a.id),
				'moves', (select coalesce(jsonb_agg(to_jsonb(t) order by t.id), '[]') from move t),
				'messages', (select coalesce(jsonb_agg(to_jsonb(m) order by m.n), '[]') from message m)
			) as answer,
				(select coalesce(max(id), ${this.#moves}) from move)::text as moves,
				(select coalesce(max(n), ${this.#messages}) from message)::text as messages
			from app.accounts a where a.id = ${account}`;
		this.#moves = Number(row?.moves);
		this.#messages = Number(row?.messages);
		return Snapshot.parse(row?.answer);
	}
}

const member: Claims = { sub: OWNER, role: 'authenticated', aud: 'authenticated', kind: 'member' };

const isBefore = (a: Row, b: Row): boolean =>
	a.priority !== b.priority
		? a.priority > b.priority
		: a.seq !== b.seq
			? a.seq < b.seq
			: a.play_no < b.play_no;

test('whatever is done to it, the queue keeps its promises', async () => {
	console.log(`queue property: SEED=${seed}`);
	await fc.assert(
		fc.asyncProperty(
			fc.array(command, { minLength: 20, maxLength: 60, size: 'max' }),
			async (commands) => {
				const world = await World.make();
				try {
					for (const each of commands) await world.run(each);
				} finally {
					await world.end();
				}
			}
		),
		{ seed, numRuns: RUNS, interruptAfterTimeLimit: 40_000, endOnFailure: false }
	);
}, 120_000);

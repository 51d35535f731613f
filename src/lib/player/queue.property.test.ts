/**
 * The promise, held against any order of things. A small honest server (it decides, it counts revs,
 * it never takes back an end) talks to one page through a channel that loses, repeats and reorders;
 * pulls, reports and beats fail or come late; time passes in any steps.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
	isTerminal,
	type BusMessage,
	type OverlayState,
	type PlayWithEvent
} from '../bus/index.ts';
import type { Report } from './outbox.ts';
import { firstState, nextWake, step } from './queue.ts';
import { aPlay, aState, ME, OTHER, OVERLAY, told } from './sample.ts';
import type { Effect, Input, State } from './state.ts';

/** The server's side: one overlay, two lanes. */
class Server {
	rev = 0;
	leader: string | null = null;
	plays: PlayWithEvent[] = [];
	claimedAt = new Map<string, number>();
	/** What was sent and has not arrived; the test decides what becomes of it. */
	channel: BusMessage[] = [];
	/** Ids whose end the page reported and the server believed. */
	closedByPage = new Set<string>();

	#change(now: number, play: PlayWithEvent, change: Partial<PlayWithEvent>): void {
		Object.assign(play, change);
		this.rev += 1;
		this.channel.push(told(this.rev, this.#view(now, play)));
	}
	#view(now: number, play: PlayWithEvent): PlayWithEvent {
		const claimed = this.claimedAt.get(play.id);
		const elapsed_ms = play.status === 'playing' && claimed !== undefined ? now - claimed : null;
		const instance_id = play.status === 'playing' ? play.instance_id : null;
		return structuredClone({ ...play, elapsed_ms, instance_id });
	}
	#last = new Map<string, string>();

	record(now: number, lane: string, priority: PlayWithEvent['priority']): void {
		const play = aPlay(this.plays.length + 1, { lane, priority, duration_ms: 3_000 });
		this.plays.push(play);
		this.#change(now, play, {});
		this.advance(now);
	}
	end(now: number, index: number, status: 'cancelled' | 'skipped'): void {
		const open = this.plays.filter((play) => !isTerminal(play.status));
		const play = open[index % Math.max(1, open.length)];
		if (!play) return;
		this.#change(now, play, { status });
		this.advance(now);
	}
	lead(now: number, leader: string): void {
		if (this.leader === leader) return;
		this.leader = leader;
		for (const play of this.plays)
			if (play.status === 'playing') this.#claim(now, play, play.started_at !== null);
		this.advance(now);
	}
	#claim(now: number, play: PlayWithEvent, runs: boolean): void {
		if (!runs) this.claimedAt.set(play.id, now);
		this.#last.set(play.id, this.leader ?? '');
		this.#change(now, play, {
			status: 'playing',
			instance_id: this.leader,
			attempt: play.attempt + 1
		});
	}
	advance(now: number): void {
		if (this.leader === null) return;
		for (const lane of new Set(this.plays.map((play) => play.lane))) {
			const inLane = this.plays.filter((play) => play.lane === lane);
			if (inLane.some((play) => play.status === 'playing')) continue;
			const next = inLane.find((play) => play.status === 'queued');
			if (next) this.#claim(now, next, false);
		}
	}
	/** What the ticker does: ends or takes back what is long past its time. */
	settle(now: number): void {
		for (const play of this.plays) {
			const late = now - (this.claimedAt.get(play.id) ?? now) > play.duration_ms + 5_000;
			if (play.status !== 'playing' || !late) continue;
			this.#change(now, play, { status: play.started_at === null ? 'queued' : 'completed' });
		}
		this.advance(now);
	}
	report(now: number, { play_id, attempt, report }: Report, from: string) {
		const play = this.plays.find((one) => one.id === play_id);
		if (!play || isTerminal(play.status) || this.#last.get(play_id) !== from)
			return { accepted: false };
		if (attempt > play.attempt) return { accepted: false };
		if (report === 'started') {
			if (play.status === 'playing') this.#change(now, play, { started_at: 'then' });
			return { accepted: true };
		}
		this.closedByPage.add(play_id);
		this.#change(now, play, { status: report === 'ended' ? 'completed' : 'failed' });
		this.advance(now);
		return { accepted: true };
	}
	pull(now: number): OverlayState {
		return aState({
			rev: this.rev,
			leader_id: this.leader,
			plays: this.plays
				.filter(({ status }) => status === 'playing' || status === 'queued')
				.map((play) => this.#view(now, play))
		});
	}
}

/** The page's side, and all that the rules say of it. */
class World {
	now = 0;
	readonly server = new Server();
	state: State = firstState({ me: ME, overlay_id: OVERLAY }, 0);
	pulls: OverlayState[] = [];
	reports: Report[] = [];
	beats = 0;
	claims: string[] = [];
	preparing: string[] = [];
	shown = new Map<string, { ends_at: number; hidden: boolean }>();
	seenOver = new Set<string>();
	prepared = new Set<string>();

	feed(input: Input): void {
		const { state, effects } = step(this.state, input, this.now);
		this.state = state;
		for (const effect of effects) this.#take(effect);
	}
	#take(effect: Effect): void {
		switch (effect.kind) {
			case 'prepare':
				this.preparing.push(effect.play.id);
				return;
			case 'show': {
				const { play, offset_ms } = effect;
				expect(this.shown.has(play.id), 'a play id is shown at most once').toBe(false);
				expect(this.seenOver.has(play.id), 'never shown after its end was seen').toBe(false);
				expect(offset_ms).toBeGreaterThanOrEqual(0);
				this.shown.set(play.id, {
					ends_at: this.now - offset_ms + play.duration_ms,
					hidden: false
				});
				return;
			}
			case 'hide': {
				const entry = this.shown.get(effect.play_id);
				expect(entry?.hidden, 'only what is on is taken off').toBe(false);
				if (entry) entry.hidden = true;
				return;
			}
			case 'pull':
				// The answer is made now and may arrive much later.
				this.pulls.push(this.server.pull(this.now));
				return;
			case 'report':
				this.reports.push(effect.report);
				return;
			case 'heartbeat':
				this.beats += 1;
				return;
			case 'claim':
				this.claims.push(effect.lane);
				return;
			case 'sound':
			case 'renew':
			case 'reload':
				return;
		}
	}
	deliver(message: BusMessage): void {
		if ('play' in message && message.play && isTerminal(message.play.status))
			this.seenOver.add(message.play.id);
		this.feed({ kind: 'message', message });
	}
	/** Time passes; the page wakes where it asked to. Whatever has had its time must be gone by then. */
	pass(ms: number): void {
		const end = this.now + ms;
		for (;;) {
			const at = nextWake(this.state);
			if (at === null || at > end) break;
			this.now = Math.max(this.now, at);
			this.feed({ kind: 'tick' });
			this.checkTimes();
		}
		this.now = end;
		this.feed({ kind: 'tick' });
		this.checkTimes();
	}
	checkTimes(): void {
		for (const { ends_at, hidden } of this.shown.values())
			expect(hidden || ends_at > this.now, 'off the screen by its time').toBe(true);
	}
	answerPull(arrives: boolean): void {
		const answer = this.pulls.shift();
		if (answer) this.feed(arrives ? { kind: 'pulled', answer } : { kind: 'pull_failed' });
	}
	/** The report may have done its work although its answer is lost. */
	answerReport(reaches: boolean, arrives: boolean): void {
		const report = this.reports.shift();
		if (!report) return;
		const answer = reaches ? this.server.report(this.now, report, ME) : null;
		if (answer && arrives) this.feed({ kind: 'reported', id: report.id, answer });
		else this.feed({ kind: 'report_failed', id: report.id, final: false });
	}
	answerBeat(arrives: boolean): void {
		if (this.beats === 0) return;
		this.beats -= 1;
		if (!arrives) return this.feed({ kind: 'beat_failed' });
		const { leader, rev } = this.server;
		this.feed({
			kind: 'beat',
			answer: {
				leads: leader === ME,
				leader_id: leader,
				lease_version: 1,
				lease_ms: 5_000,
				rev,
				next_in_ms: leader === ME ? 2_000 : 5_000
			}
		});
	}
	answerRest(): void {
		const play_id = this.preparing.shift();
		if (play_id !== undefined) this.feed({ kind: 'prepared', play_id, missing: [] });
		const lane = this.claims.shift();
		if (lane !== undefined) this.feed({ kind: 'claimed', lane, play: null });
	}
	paint(index: number): void {
		const on = [...this.shown].filter(([, { hidden }]) => !hidden);
		const one = on[index % Math.max(1, on.length)];
		if (one) this.feed({ kind: 'painted', play_id: one[0] });
	}
	/** Everything works again for a while: nothing is lost, all is answered. */
	calm(): void {
		for (let round = 0; round < 400; round += 1) {
			while (this.pulls.length > 0) this.answerPull(true);
			while (this.reports.length > 0) this.answerReport(true, true);
			while (this.beats > 0) this.answerBeat(true);
			this.answerRest();
			this.paint(round);
			for (const message of this.server.channel.splice(0)) this.deliver(message);
			this.pass(250);
			if (round % 4 === 0) this.server.settle(this.now);
		}
	}
}

const index = fc.nat(3);
const often = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary });
const anything = fc.oneof(
	often(
		3,
		fc.record({
			do: fc.constant('record' as const),
			lane: fc.constantFrom('main', 'side'),
			priority: fc.constantFrom('normal' as const, 'high' as const)
		})
	),
	often(
		3,
		fc.record({
			do: fc.constant('end' as const),
			index,
			status: fc.constantFrom('cancelled' as const, 'skipped' as const)
		})
	),
	often(1, fc.record({ do: fc.constant('lead' as const), who: fc.constantFrom(ME, ME, OTHER) })),
	often(1, fc.record({ do: fc.constant('settle' as const) })),
	often(8, fc.record({ do: fc.constant('deliver' as const), index, keep: fc.boolean() })),
	often(1, fc.record({ do: fc.constant('lose' as const), index })),
	often(2, fc.record({ do: fc.constant('pull' as const), arrives: fc.boolean() })),
	often(
		2,
		fc.record({
			do: fc.constant('report' as const),
			reaches: fc.boolean(),
			arrives: fc.boolean()
		})
	),
	often(1, fc.record({ do: fc.constant('beat' as const), arrives: fc.boolean() })),
	often(6, fc.record({ do: fc.constant('rest' as const) })),
	often(2, fc.record({ do: fc.constant('paint' as const), index })),
	often(1, fc.record({ do: fc.constant('need_pull' as const) })),
	often(1, fc.record({ do: fc.constant('link' as const), up: fc.boolean() })),
	often(
		4,
		fc.record({
			do: fc.constant('pass' as const),
			ms: fc.constantFrom(1, 100, 700, 1_600, 4_000, 9_000, 60_000)
		})
	)
);
type Anything = typeof anything extends fc.Arbitrary<infer Value> ? Value : never;

function happen(world: World, what: Anything): void {
	const { server } = world;
	switch (what.do) {
		case 'record':
			return server.record(world.now, what.lane, what.priority);
		case 'end':
			return server.end(world.now, what.index, what.status);
		case 'lead':
			return server.lead(world.now, what.who);
		case 'settle':
			return server.settle(world.now);
		case 'deliver': {
			const at = what.index % Math.max(1, server.channel.length);
			const [message] = what.keep ? [server.channel[at]] : server.channel.splice(at, 1);
			return message && world.deliver(message);
		}
		case 'lose':
			return void server.channel.splice(what.index % Math.max(1, server.channel.length), 1);
		case 'pull':
			return world.answerPull(what.arrives);
		case 'report':
			return world.answerReport(what.reaches, what.arrives);
		case 'beat':
			return world.answerBeat(what.arrives);
		case 'rest':
			return world.answerRest();
		case 'paint':
			return world.paint(what.index);
		case 'need_pull':
			return world.feed({ kind: 'need_pull' });
		case 'link':
			return world.feed({ kind: 'link', up: what.up });
		case 'pass':
			return world.pass(what.ms);
	}
}

/** The page has introduced itself and leads. */
function aWorld(): World {
	const world = new World();
	world.feed({ kind: 'link', up: true });
	world.server.lead(0, ME);
	world.answerBeat(true);
	world.answerPull(true);
	return world;
}

describe('whatever is lost, repeated, reordered or late', () => {
	test('each play is shown at most once, never after its end was seen, and is off by its time', () => {
		fc.assert(
			fc.property(fc.array(anything, { maxLength: 150, size: 'max' }), (story) => {
				const world = aWorld();
				for (const what of story) {
					happen(world, what);
					world.checkTimes();
				}
			}),
			{ numRuns: 600 }
		);
	}, 60_000);

	test('once everything works again nothing stays open and no report stays unsaid', () => {
		fc.assert(
			fc.property(fc.array(anything, { maxLength: 80, size: 'max' }), (story) => {
				const world = aWorld();
				for (const what of story) happen(world, what);
				world.server.lead(world.now, ME);
				world.calm();
				expect(world.state.outbox.entries).toEqual([]);
				expect(world.server.plays.filter((play) => !isTerminal(play.status))).toEqual([]);
				expect([...world.state.plays.keys()]).toEqual([]);
				expect(world.state.continuity.rev).toBe(world.server.rev);
				// Whoever was not cancelled, and whom the other page did not show, was shown here.
				for (const play of world.server.plays)
					if (play.status === 'completed' && world.server.closedByPage.has(play.id))
						expect(world.shown.has(play.id)).toBe(true);
			}),
			{ numRuns: 150 }
		);
	}, 60_000);
});

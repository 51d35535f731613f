/**
 * What time brings. After every input the queue settles: whatever has fallen due is done, and
 * `nextWake` says when something will fall due next. Both read the same times, so a page that
 * sleeps until `nextWake` misses nothing.
 */
import { priorities, type PlayWithEvent } from '../bus/index.ts';
import { hasHole, isBehind } from './continuity.ts';
import { due as reportDue, sent } from './outbox.ts';
import { end, show, tellStarted } from './plays.ts';
import { leads, withEntry, without, type Question, type State, type Turn } from './state.ts';

/** How many waiting plays are prepared ahead. */
const PREPARE_AHEAD = 3;
/** A lane that could play but does not for this long makes the leader ask. */
const IDLE_LANE_MS = 1_500;

/** Does everything that is due. */
export function settle(turn: Turn): void {
	endAndShow(turn);
	prepareAhead(turn);
	ask(turn);
	claimIdleLanes(turn);
	sound(turn);
	reload(turn);
}

/** The next moment at which `settle` may have something to do, or null. */
export function nextWake(state: State): number | null {
	if (state.revoked) return null;
	const moments: number[] = [];
	for (const showing of state.showing.values()) {
		if (showing.phase === 'preparing') moments.push(showing.show_by);
		else {
			moments.push(showing.ends_at);
			if (!showing.painted) moments.push(showing.paint_by);
		}
	}
	if (state.outbox.entries.length > 0 && !state.outbox.in_flight) moments.push(state.outbox.due_at);
	for (const question of [state.pull, state.beat, ...state.claims.values()])
		if (!question.in_flight) moments.push(question.due_at);
	if (state.catch_up_at !== null && !state.pull.in_flight && state.pull.tries === 0)
		moments.push(state.catch_up_at);
	if (state.renew_at !== null) moments.push(state.renew_at);
	if (state.quiet_until > state.stepped_at) moments.push(state.quiet_until);
	return moments.length === 0 ? null : Math.min(...moments);
}

function endAndShow(turn: Turn): void {
	// Ends before beginnings: the next play of a lane must not meet the last one on the stage.
	for (const [playId, showing] of turn.state.showing)
		if (showing.phase === 'on' && showing.ends_at <= turn.now) end(turn, playId);

	for (const [playId, showing] of turn.state.showing) {
		const known = turn.state.plays.get(playId);
		if (showing.phase === 'preparing') {
			const ready = (turn.state.prepared.get(playId) ?? null) !== null;
			if (known && (ready || showing.show_by <= turn.now)) show(turn, known.play, showing);
		} else if (!showing.painted && showing.paint_by <= turn.now) {
			const showingNow = { ...showing, painted: true, error: showing.error ?? 'never painted' };
			turn.state = {
				...turn.state,
				showing: withEntry(turn.state.showing, playId, showingNow)
			};
			tellStarted(turn, playId);
		}
	}
}

const urgency = (play: PlayWithEvent): number => priorities.indexOf(play.priority);

/** The order in which the server would claim. */
const byTurn = (a: PlayWithEvent, b: PlayWithEvent): number =>
	urgency(b) - urgency(a) || a.seq - b.seq || a.play_no - b.play_no;

function prepareAhead(turn: Turn): void {
	const { plays, showing, memory } = turn.state;
	const open = [...plays.values()].map(({ play }) => play);
	const next = open
		.filter((play) => play.status === 'queued' && !memory.get(play.id)?.shown)
		.sort(byTurn)
		.slice(0, PREPARE_AHEAD);
	for (const play of [...open.filter(({ id }) => showing.has(id)), ...next]) {
		if (turn.state.prepared.has(play.id)) continue;
		turn.state = { ...turn.state, prepared: withEntry(turn.state.prepared, play.id, null) };
		turn.effects.push({ kind: 'prepare', play });
	}
}

const asking = (question: Question): Question => ({ ...question, in_flight: true });
const isDue = (question: Question, now: number): boolean =>
	!question.in_flight && question.due_at <= now;

function ask(turn: Turn): void {
	const { now } = turn;
	const report = reportDue(turn.state.outbox, now);
	if (report) {
		turn.state = { ...turn.state, outbox: sent(turn.state.outbox) };
		turn.effects.push({ kind: 'report', report });
	}
	if (isDue(turn.state.beat, now)) {
		turn.state = { ...turn.state, beat: asking(turn.state.beat) };
		turn.effects.push({ kind: 'heartbeat', visible: turn.state.visible });
	}
	const { pull, catch_up_at } = turn.state;
	// A failing server is not asked faster because more is missing.
	const behind = catch_up_at !== null && catch_up_at <= now && !pull.in_flight && pull.tries === 0;
	if (isDue(pull, now) || behind) {
		turn.state = {
			...turn.state,
			catch_up_at: null,
			pull: { ...pull, ...asking(pull), again: false, asked_at: now }
		};
		turn.effects.push({ kind: 'pull', epoch: turn.state.epoch, cursor: turn.state.cursor });
	}
	if (turn.state.renew_at !== null && turn.state.renew_at <= now) {
		turn.state = { ...turn.state, renew_at: null };
		turn.effects.push({ kind: 'renew' });
	}
}

/**
 * Plans a pull when messages are known to be missing: at once when one jumped over another, for
 * channels keep order; else after the time that a hint may still be on its way.
 */
export function catchUp(turn: Turn, patience_ms: number): void {
	const { continuity, catch_up_at } = turn.state;
	if (!isBehind(continuity)) {
		if (catch_up_at !== null) turn.state = { ...turn.state, catch_up_at: null };
		return;
	}
	const at = hasHole(continuity) ? turn.now : turn.now + patience_ms;
	turn.state = { ...turn.state, catch_up_at: Math.min(at, catch_up_at ?? at) };
}

/**
 * The server advances lanes by itself. Should it ever leave one idle with plays waiting, the
 * leading page asks for the next one.
 */
function claimIdleLanes(turn: Turn): void {
	const { plays, showing, paused } = turn.state;
	const waiting = new Set<string>();
	const busy = new Set<string>();
	for (const { play } of plays.values()) {
		if (play.status === 'playing' || showing.has(play.id)) busy.add(play.lane);
		else if (play.status === 'queued') waiting.add(play.lane);
	}
	const idle = new Set(
		leads(turn.state) && !paused ? [...waiting].filter((lane) => !busy.has(lane)) : []
	);
	for (const lane of turn.state.claims.keys())
		if (!idle.has(lane)) turn.state = { ...turn.state, claims: without(turn.state.claims, lane) };
	for (const lane of idle) {
		const question = turn.state.claims.get(lane) ?? {
			in_flight: false,
			due_at: turn.now + IDLE_LANE_MS,
			tries: 0
		};
		const now = isDue(question, turn.now);
		if (now) turn.effects.push({ kind: 'claim', lane });
		turn.state = {
			...turn.state,
			claims: withEntry(turn.state.claims, lane, now ? asking(question) : question)
		};
	}
}

function sound(turn: Turn): void {
	const on = leads(turn.state) && turn.state.quiet_until <= turn.now;
	if (on === turn.state.sounding) return;
	turn.state = { ...turn.state, sounding: on };
	// Before whatever is shown in this step, so that it starts as it should go on.
	turn.effects.unshift({ kind: 'sound', on });
	for (const [index, effect] of turn.effects.entries())
		if (effect.kind === 'show') turn.effects[index] = { ...effect, sounding: on };
}

/** A newer server or document: load the page anew, but only between plays and with nothing left to say. */
function reload(turn: Turn): void {
	const { state } = turn;
	const plays = [...state.plays.values()].some(({ play }) => play.status === 'playing');
	if (state.reload !== 'wanted' || plays || state.showing.size > 0) return;
	if (state.outbox.entries.length > 0) return;
	turn.state = { ...state, reload: 'asked' };
	turn.effects.push({ kind: 'reload' });
}

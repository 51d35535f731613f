/**
 * What becomes of one play on this page: learned, prepared, shown, ended, reported. Each function
 * takes the turn in the making and changes only what belongs to that play.
 */
import { isTerminal, type PlayStatus, type PlayWithEvent } from '../bus/index.ts';
import { recall, remember } from './memory.ts';
import { enqueue, type ReportDetail } from './outbox.ts';
import { withEntry, without, type Showing, type Turn } from './state.ts';

/** A play is shown after this long even if its pictures and sounds have not loaded. */
export const PREPARE_LIMIT_MS = 1_500;
/**
 * A play that never started is shown whole although its claim is a while ago. The server settles
 * a play 5 s after its time, so what is shown late must still end before that.
 */
export const LATE_START_MS = 4_000;
/** A stage that has said nothing for this long after `show` is taken to have painted. */
const PAINT_LIMIT_MS = 2_000;

/**
 * Takes in what the server says of a play. `rev` is the queue's rev at which it was true, or null
 * for an answer that carries none (it then counts as what was known already).
 */
export function learn(turn: Turn, play: PlayWithEvent, rev: number | null): void {
	const known = turn.state.plays.get(play.id);
	if (isTerminal(play.status)) return conclude(turn, play.id, howItLeaves(play.status));
	if (known && rev !== null && rev < known.rev) return;

	const at = rev ?? known?.rev ?? turn.state.continuity.rev ?? 0;
	const memo = recall(turn.state.memory, play.id);
	if (memo.over) {
		// It ended, as far as this page was told, yet the server has it open: a restored database, or
		// an answer older than the end. Never show it again; let the server close it if it is ours.
		if (play.status === 'playing') close(turn, play, memo.shown ? 'ended' : 'failed');
		return;
	}
	turn.state = { ...turn.state, plays: withEntry(turn.state.plays, play.id, { play, rev: at }) };

	const showing = turn.state.showing.get(play.id);
	if (play.status !== 'playing') {
		// Taken back before it was seen. Once it is on, it goes on: what was shown is the truth.
		if (showing?.phase === 'preparing') dropShowing(turn, play.id);
		return;
	}
	if (play.instance_id === turn.state.me) {
		const memory = remember(turn.state.memory, play.id, { led_attempt: play.attempt });
		turn.state = { ...turn.state, memory };
	}
	if (showing) return tellStarted(turn, play.id);
	if (memo.shown) return close(turn, play, 'ended');
	begin(turn, play);
}

function howItLeaves(status: PlayStatus): 'end' | 'cut' {
	return status === 'completed' ? 'end' : 'cut';
}

function dropShowing(turn: Turn, playId: string): void {
	turn.state = { ...turn.state, showing: without(turn.state.showing, playId) };
}

function begin(turn: Turn, play: PlayWithEvent): void {
	const { now } = turn;
	const claimedAt = now - (play.elapsed_ms ?? 0);
	if (offsetOf(turn, play, now - claimedAt) >= play.duration_ms) {
		// Its time is over. If somebody showed it, close it; if nobody did, the server queues it again.
		if (play.started_at !== null) close(turn, play, 'ended');
		return;
	}
	turn.state = {
		...turn.state,
		showing: withEntry(turn.state.showing, play.id, {
			phase: 'preparing',
			claimed_at: claimedAt,
			show_by: now + PREPARE_LIMIT_MS
		})
	};
}

/**
 * Where in its timeline a play stands: it runs since its claim. Only the page that the server chose
 * to lead it, and that hears of it late, shows it from its beginning; for any other copy the moment
 * has passed, and beginning anew would show on one screen what another has just ended.
 */
function offsetOf(turn: Turn, play: PlayWithEvent, elapsed: number): number {
	const waitsForUs = play.started_at === null && play.instance_id === turn.state.me;
	return Math.max(0, waitsForUs ? elapsed - LATE_START_MS : elapsed);
}

/** Puts a prepared play on the stage. */
export function show(
	turn: Turn,
	play: PlayWithEvent,
	showing: Extract<Showing, { phase: 'preparing' }>
): void {
	const { now } = turn;
	const elapsed = Math.max(0, now - showing.claimed_at);
	const offset = offsetOf(turn, play, elapsed);
	if (offset >= play.duration_ms) {
		dropShowing(turn, play.id);
		if (play.started_at !== null) close(turn, play, 'ended');
		return;
	}
	turn.state = {
		...turn.state,
		memory: remember(turn.state.memory, play.id, { shown: true }),
		showing: withEntry(turn.state.showing, play.id, {
			phase: 'on',
			ends_at: now - offset + play.duration_ms,
			paint_by: now + PAINT_LIMIT_MS,
			painted: false,
			started_attempt: 0,
			delay_ms: Math.round(elapsed - offset),
			missing: turn.state.prepared.get(play.id) ?? [],
			error: null
		})
	};
	turn.effects.push({ kind: 'show', play, offset_ms: offset, sounding: turn.state.sounding });
}

/** The first frame is on screen: say so, if this page leads the play. */
export function tellStarted(turn: Turn, playId: string): void {
	const showing = turn.state.showing.get(playId);
	const known = turn.state.plays.get(playId);
	if (showing?.phase !== 'on' || !showing.painted || !known) return;
	const { play } = known;
	const ours = play.status === 'playing' && play.instance_id === turn.state.me;
	if (!ours || play.started_at !== null || showing.started_attempt >= play.attempt) return;
	turn.state = {
		...turn.state,
		showing: withEntry(turn.state.showing, playId, { ...showing, started_attempt: play.attempt }),
		outbox: enqueue(turn.state.outbox, {
			play_id: playId,
			attempt: play.attempt,
			report: 'started',
			detail: detailOf(showing)
		})
	};
}

/** The play's time is over on this page. */
export function end(turn: Turn, playId: string): void {
	takeOff(turn, playId, 'end');
	const known = turn.state.plays.get(playId);
	if (known) close(turn, known.play, 'ended');
}

/** The stage could not show it: give the lane back at once. */
export function giveUp(turn: Turn, playId: string, error: string): void {
	takeOff(turn, playId, 'cut');
	const known = turn.state.plays.get(playId);
	if (known) close(turn, known.play, 'failed', error);
}

/** The server says that it is over: nothing to report, only to clear. */
export function conclude(turn: Turn, playId: string, how: 'end' | 'cut'): void {
	takeOff(turn, playId, how);
	turn.state = {
		...turn.state,
		memory: remember(turn.state.memory, playId, { over: true }),
		plays: without(turn.state.plays, playId),
		prepared: without(turn.state.prepared, playId)
	};
}

/** The newest pull does not have it: off the screen, in case it was cancelled unheard. */
export function vanish(turn: Turn, playId: string): void {
	takeOff(turn, playId, 'cut');
	turn.state = {
		...turn.state,
		plays: without(turn.state.plays, playId),
		prepared: without(turn.state.prepared, playId)
	};
}

function takeOff(turn: Turn, playId: string, how: 'end' | 'cut'): void {
	const showing = turn.state.showing.get(playId);
	if (!showing) return;
	if (showing.phase === 'on') {
		turn.effects.push({ kind: 'hide', play_id: playId, how });
		const memory = remember(turn.state.memory, playId, { detail: detailOf(showing) });
		turn.state = { ...turn.state, memory };
	}
	turn.state = { ...turn.state, showing: without(turn.state.showing, playId) };
}

/**
 * Reports that a play is through, if this page leads it and has not said so for this attempt. One
 * that went back to the queue meanwhile is still ours to close: we were the last to claim it.
 */
function close(turn: Turn, play: PlayWithEvent, report: 'ended' | 'failed', error?: string): void {
	const memo = recall(turn.state.memory, play.id);
	const attempt =
		play.status !== 'playing'
			? memo.led_attempt
			: play.instance_id === turn.state.me
				? play.attempt
				: 0;
	if (attempt <= memo.closed_attempt) return;
	turn.state = {
		...turn.state,
		memory: remember(turn.state.memory, play.id, { closed_attempt: attempt }),
		outbox: enqueue(turn.state.outbox, {
			play_id: play.id,
			attempt,
			report,
			detail: error === undefined ? memo.detail : { ...memo.detail, error: tellable(error, 500) }
		})
	};
}

function detailOf(showing: Showing | undefined): ReportDetail {
	if (showing?.phase !== 'on') return {};
	return {
		...(showing.missing.length > 0
			? { missing: showing.missing.slice(0, 50).map((name) => tellable(name, 200)) }
			: {}),
		...(showing.error === null ? {} : { error: tellable(showing.error, 500) }),
		...(showing.delay_ms > 0 ? { delay_ms: showing.delay_ms } : {})
	};
}

/** The server refuses text that cannot be stored, and a refused report would leave the play open. */
const tellable = (text: string, max: number): string =>
	text.replaceAll('\u0000', '').slice(0, max).toWellFormed();

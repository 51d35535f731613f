/**
 * What the page hears and what it pulls, taken into its state: a message counts while it is news,
 * a pull replaces what was believed, and what is missing between them brings the next pull nearer.
 */
import {
	isTerminal,
	type BusMessage,
	type EventBroadcast,
	type OverlayState,
	type PlayWithEvent,
	type StatusChanged
} from '../bus/index.ts';
import { heard, isStale, nothingHeard, promisedUpTo, pulledUpTo } from './continuity.ts';
import { catchUp } from './due.ts';
import { learn, vanish } from './plays.ts';
import { withEntry, type Turn } from './state.ts';

/** Pulls by themselves when nothing else made the page pull. */
const PULL_EVERY_MS = 30_000;
/** An answer that knows more than the page: how long the hint may still be on its way. */
const HINT_PATIENCE_MS = 250;
/** How long a hole in the events' numbers may wait for a pull. */
const SEQ_PATIENCE_MS = 10_000;

export function pullSoon(turn: Turn): void {
	const { pull } = turn.state;
	// One under way may have been answered from before the reason for this one: ask once more after it.
	turn.state = {
		...turn.state,
		pull: pull.in_flight ? { ...pull, again: true } : { ...pull, due_at: turn.now, tries: 0 }
	};
}

export function promised(turn: Turn, rev: number): void {
	turn.state = { ...turn.state, continuity: promisedUpTo(turn.state.continuity, rev) };
	catchUp(turn, HINT_PATIENCE_MS);
}

export function lead(turn: Turn, leaderId: string | null, rev: number): void {
	if (rev < turn.state.leader_rev) return;
	turn.state = { ...turn.state, leader_id: leaderId, leader_rev: rev };
}

export function hear(turn: Turn, message: BusMessage): void {
	const { state } = turn;
	if (message.overlay_id && message.overlay_id !== state.overlay_id) return;
	if (state.epoch !== null && message.epoch !== state.epoch) return pullSoon(turn);

	const rev = message.rev ?? null;
	const stale = rev !== null && isStale(state.continuity, rev);
	if (rev !== null) turn.state = { ...turn.state, continuity: heard(state.continuity, rev) };
	switch (message.type) {
		case 'EVENT_BROADCAST':
			hearEvent(turn, message, stale);
			break;
		case 'STATUS_CHANGED':
			if (!stale) hearStatus(turn, message);
			break;
		default:
			// An end is true whenever it is heard; anything else only while it is news.
			if (isTerminal(message.play.status) || !stale) learn(turn, message.play, message.rev);
	}
	catchUp(turn, HINT_PATIENCE_MS);
}

function hearEvent(turn: Turn, message: EventBroadcast, stale: boolean): void {
	const { event, play } = message;
	const { cursor } = turn.state;
	// Only events routed to this overlay are told, so numbers may be missing by right; a message
	// with a rev proves its continuity by that. Without one (data and system events) a hole brings
	// the next pull nearer, no more: a busy account would make its pages pull all the time.
	if (message.rev === undefined && cursor !== null && event.seq > cursor + 1)
		turn.state = {
			...turn.state,
			pull: {
				...turn.state.pull,
				due_at: Math.min(turn.state.pull.due_at, turn.now + SEQ_PATIENCE_MS)
			}
		};
	else if (cursor !== null && event.seq > cursor) turn.state = { ...turn.state, cursor: event.seq };
	if (play && message.rev !== undefined && (isTerminal(play.status) || !stale))
		learn(turn, { ...play, event }, message.rev);
}

function hearStatus(turn: Turn, { subject, state, rev }: StatusChanged): void {
	switch (subject) {
		case 'queue':
			if (typeof state.paused === 'boolean') turn.state = { ...turn.state, paused: state.paused };
			else pullSoon(turn);
			return;
		case 'leader': {
			const leader = state.leader_id;
			if (typeof leader === 'string' || leader === null) lead(turn, leader, rev ?? 0);
			else pullSoon(turn);
			return;
		}
		case 'key':
		case 'document':
			turn.state = { ...turn.state, renew_at: turn.now };
			return;
	}
}

/** Takes in a pull: the full truth at its rev, unless more has been heard since. */
export function compare(turn: Turn, answer: OverlayState): void {
	const { state, now } = turn;
	const fresh = state.epoch !== answer.epoch;
	const continuity = pulledUpTo(fresh ? nothingHeard : state.continuity, answer.rev);
	const outdated = !fresh && state.continuity.rev !== null && answer.rev < state.continuity.rev;
	const again = state.pull.again || answer.more;
	turn.state = {
		...state,
		continuity,
		epoch: answer.epoch,
		cursor: answer.cursor,
		pull: {
			...state.pull,
			in_flight: false,
			again: false,
			due_at: again ? now : now + PULL_EVERY_MS * (0.9 + state.spread / 5),
			tries: 0
		}
	};
	if (!outdated) {
		turn.state = { ...turn.state, paused: answer.paused };
		if (fresh) turn.state = { ...turn.state, leader_rev: 0 };
		// A lease that lapsed with nobody taking it leaves the sound where it was.
		if (answer.leader_id !== null) lead(turn, answer.leader_id, answer.rev);
		const open = new Set(answer.plays.map(({ id }) => id));
		for (const [id, known] of turn.state.plays)
			if (!open.has(id) && (fresh || known.rev <= answer.rev)) vanish(turn, id);
		for (const play of answer.plays) {
			if (fresh) forgetRev(turn, play.id);
			learn(turn, asOldAsItMayBe(turn, play), answer.rev);
		}
	}
	// Still behind: the answer was made before the hints that told us so.
	catchUp(turn, HINT_PATIENCE_MS);
}

/**
 * When the server read its clock lies somewhere between question and answer. A copy that joins late
 * takes the earliest moment, so that it never goes on showing what the others have ended.
 */
function asOldAsItMayBe({ state, now }: Turn, play: PlayWithEvent): PlayWithEvent {
	if (play.elapsed_ms === null || play.instance_id === state.me) return play;
	return { ...play, elapsed_ms: play.elapsed_ms + Math.max(0, now - state.pull.asked_at) };
}

/** Revs of another epoch compare with nothing. */
function forgetRev(turn: Turn, playId: string): void {
	const known = turn.state.plays.get(playId);
	if (known)
		turn.state = {
			...turn.state,
			plays: withEntry(turn.state.plays, playId, { ...known, rev: 0 })
		};
}

/**
 * What an overlay page does with what it is told: a pure state machine, `step(state, input, now)`.
 * It draws nothing and asks nobody; it answers with effects, and the player runs them.
 *
 * The server decides the order. A play is held, queued, playing, then over; this page obeys:
 *
 *   told `queued`   the first three are prepared ahead
 *   told `playing`  prepared if it is not, then shown, at the latest 1.5 s later; a play that runs
 *                   already is shown from where it stands, one that never started from its beginning
 *   its time up     taken off and, if this page leads the play, reported `ended`; by the monotonic
 *                   clock, whether or not the page can be seen
 *   told it is over completed: taken off; cancelled, skipped, expired, failed: cut at once
 *
 * Messages are hints: they may come twice, late, in any order or not at all. Three rules make that
 * harmless. A play id is put on the stage at most once in the life of the page. Terminal is for
 * ever: what was once heard to be over is never shown, whatever is heard later. And everything
 * else is judged by the queue's `rev`: older than what is known is ignored, a hole makes the page
 * pull, and the newest pull replaces what the page believed.
 *
 * All open pages show; the one that holds the lease sounds and reports. Reports wait in an outbox
 * until they are answered, so a lost link delays them and nothing else.
 *
 * A page that showed a play to its end and is told to play it again (a report was lost, another
 * leader took over) reports `ended` at once. A page whose key was revoked clears the stage and
 * falls silent for good.
 */
import {
	isTerminal,
	type BusMessage,
	type EventBroadcast,
	type OverlayState,
	type StatusChanged
} from '../bus/index.ts';
import { heard, isStale, nothingHeard, promisedUpTo, pulledUpTo } from './continuity.ts';
import { catchUp, nextWake, settle } from './due.ts';
import { answered, reachable, unanswered } from './outbox.ts';
import { conclude, giveUp, learn, tellStarted, vanish } from './plays.ts';
import { retryDelay } from './retry.ts';
import { withEntry, type Effect, type Input, type State, type Turn } from './state.ts';

export { firstState } from './state.ts';
export { nextWake };

/** Pulls by themselves when nothing else made the page pull. */
const PULL_EVERY_MS = 30_000;
/** An answer that knows more than the page: how long the hint may still be on its way. */
const HINT_PATIENCE_MS = 250;
/** How long a hole in the events' numbers may wait for a pull. */
const SEQ_PATIENCE_MS = 10_000;
/** Steps are never this far apart (heartbeats see to it) unless the machine slept. */
const ASLEEP_MS = 12_000;
/** After waking no sound starts for this long, so that what was missed is not fired in a burst. */
const QUIET_AFTER_SLEEP_MS = 1_500;
const RETRY = { first_ms: 500, most_ms: 10_000 };
/** A lease lasts 5 s: a leader that cannot reach the server must ask again well within that. */
const RETRY_BEAT = { first_ms: 400, most_ms: 4_000 };
const RETRY_CLAIM = { first_ms: 3_000, most_ms: 30_000 };

/** One input in, the next state and what is to be done out. Never throws. */
export function step(
	state: State,
	input: Input,
	now: number
): { state: State; effects: readonly Effect[] } {
	if (state.revoked) return { state, effects: [] };
	const turn: Turn = { state, effects: [], now };
	wake(turn);
	take(turn, input);
	if (!turn.state.revoked) settle(turn);
	return turn;
}

function wake(turn: Turn): void {
	const { state, now } = turn;
	const slept = now - state.stepped_at > ASLEEP_MS;
	turn.state = { ...state, stepped_at: now };
	if (!slept) return;
	turn.state = {
		...turn.state,
		quiet_until: now + QUIET_AFTER_SLEEP_MS,
		beat: { ...state.beat, due_at: now }
	};
	pullSoon(turn);
}

function take(turn: Turn, input: Input): void {
	const { now } = turn;
	switch (input.kind) {
		case 'message':
			return hear(turn, input.message);
		case 'need_pull':
			// With no link this is the call of a timer: a server that fails is asked at its own pace.
			if (!turn.state.link_up && turn.state.pull.tries > 0) return;
			return pullSoon(turn);
		case 'pulled':
			return compare(turn, input.answer);
		case 'pull_failed': {
			const { pull, spread } = turn.state;
			const due_at = now + retryDelay(pull.tries, spread, RETRY);
			turn.state = {
				...turn.state,
				pull: { in_flight: false, again: false, due_at, tries: pull.tries + 1 }
			};
			return;
		}
		case 'beat': {
			const { answer } = input;
			// A follower looks again just after the lease could lapse, so that a dead leader is missed
			// for half a second, not for a whole round.
			const lapse = answer.lease_ms + 100 + 400 * turn.state.spread;
			const due_at = now + (answer.leads ? answer.next_in_ms : Math.min(answer.next_in_ms, lapse));
			turn.state = {
				...turn.state,
				beat: { in_flight: false, due_at, tries: 0 },
				outbox: reachable(turn.state.outbox, now)
			};
			lead(turn, answer.leader_id, answer.rev);
			return promised(turn, answer.rev);
		}
		case 'beat_failed': {
			const { beat, spread } = turn.state;
			const due_at = now + retryDelay(beat.tries, spread, RETRY_BEAT);
			turn.state = {
				...turn.state,
				beat: { in_flight: false, due_at, tries: beat.tries + 1 }
			};
			return;
		}
		case 'claimed':
			laneAsked(turn, input.lane);
			if (input.play) learn(turn, input.play, null);
			return;
		case 'claim_failed':
			return laneAsked(turn, input.lane);
		case 'reported': {
			turn.state = { ...turn.state, outbox: answered(turn.state.outbox, input.id, now) };
			const { play, rev } = input.answer;
			if (play && isTerminal(play.status))
				conclude(turn, play.id, play.status === 'completed' ? 'end' : 'cut');
			return promised(turn, rev ?? 0);
		}
		case 'report_failed': {
			const { outbox, spread } = turn.state;
			const next = input.final
				? answered(outbox, input.id, now)
				: unanswered(outbox, input.id, now, spread);
			turn.state = { ...turn.state, outbox: next };
			return;
		}
		case 'prepared': {
			// Answers for plays that have gone meanwhile would only pile up.
			if (!turn.state.plays.has(input.play_id)) return;
			const prepared = withEntry(turn.state.prepared, input.play_id, input.missing);
			turn.state = { ...turn.state, prepared };
			return;
		}
		case 'painted': {
			const showing = turn.state.showing.get(input.play_id);
			if (showing?.phase !== 'on') return;
			const painted = { ...showing, painted: true };
			const all = withEntry(turn.state.showing, input.play_id, painted);
			turn.state = { ...turn.state, showing: all };
			return tellStarted(turn, input.play_id);
		}
		case 'fault': {
			const { play_id, part, message } = input.fault;
			const showing = play_id === null ? undefined : turn.state.showing.get(play_id);
			if (play_id === null || showing?.phase !== 'on') return;
			const error = `${part}: ${message}`;
			if (input.fatal) return giveUp(turn, play_id, error);
			const all = withEntry(turn.state.showing, play_id, {
				...showing,
				error: showing.error ?? error
			});
			turn.state = { ...turn.state, showing: all };
			return;
		}
		case 'visibility':
			if (input.visible === turn.state.visible) return;
			// Said at once: the server may prefer a visible page to lead.
			turn.state = {
				...turn.state,
				visible: input.visible,
				beat: { ...turn.state.beat, due_at: now }
			};
			return;
		case 'link':
			return link(turn, input.up);
		case 'session': {
			const { version, revision } = input;
			const { loaded, reload } = turn.state;
			const other = loaded && (loaded.version !== version || loaded.revision !== revision);
			turn.state = {
				...turn.state,
				loaded: loaded ?? { version, revision },
				reload: other && reload === 'no' ? 'wanted' : reload
			};
			return;
		}
		case 'revoked':
			for (const [playId, showing] of turn.state.showing)
				if (showing.phase === 'on')
					turn.effects.push({ kind: 'hide', play_id: playId, how: 'cut' });
			turn.effects.push({ kind: 'sound', on: false });
			turn.state = { ...turn.state, revoked: true, showing: new Map(), plays: new Map() };
			return;
		case 'tick':
			return;
		default:
			return input satisfies never;
	}
}

function pullSoon(turn: Turn): void {
	const { pull } = turn.state;
	// One under way may have been answered from before the reason for this one: ask once more after it.
	turn.state = {
		...turn.state,
		pull: pull.in_flight ? { ...pull, again: true } : { ...pull, due_at: turn.now, tries: 0 }
	};
}

function promised(turn: Turn, rev: number): void {
	turn.state = { ...turn.state, continuity: promisedUpTo(turn.state.continuity, rev) };
	catchUp(turn, HINT_PATIENCE_MS);
}

function lead(turn: Turn, leaderId: string | null, rev: number): void {
	if (rev < turn.state.leader_rev) return;
	turn.state = { ...turn.state, leader_id: leaderId, leader_rev: rev };
}

function laneAsked(turn: Turn, lane: string): void {
	const question = turn.state.claims.get(lane);
	if (!question) return;
	const delay = retryDelay(question.tries, turn.state.spread, RETRY_CLAIM);
	turn.state = {
		...turn.state,
		claims: withEntry(turn.state.claims, lane, {
			in_flight: false,
			due_at: turn.now + delay,
			tries: question.tries + 1
		})
	};
}

function link(turn: Turn, up: boolean): void {
	const { link_up, epoch, spread } = turn.state;
	if (up === link_up) return;
	turn.state = { ...turn.state, link_up: up };
	if (!up) return;
	// A server that went away may have come back newer: look, but not all pages at once.
	if (epoch !== null) turn.state = { ...turn.state, renew_at: turn.now + 10_000 + spread * 50_000 };
	turn.state = { ...turn.state, beat: { ...turn.state.beat, due_at: turn.now } };
	pullSoon(turn);
}

function hear(turn: Turn, message: BusMessage): void {
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
function compare(turn: Turn, answer: OverlayState): void {
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
			learn(turn, play, answer.rev);
		}
	}
	// Still behind: the answer was made before the hints that told us so.
	catchUp(turn, HINT_PATIENCE_MS);
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

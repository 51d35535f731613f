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
import { isTerminal } from '../bus/index.ts';
import { nextWake, settle } from './due.ts';
import { compare, hear, lead, promised, pullSoon } from './hearing.ts';
import { answered, reachable, unanswered } from './outbox.ts';
import { conclude, giveUp, learn, tellStarted } from './plays.ts';
import { retryDelay } from './retry.ts';
import { withEntry, type Effect, type Input, type State, type Turn } from './state.ts';

export { firstState } from './state.ts';
export { nextWake };

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
				pull: { ...pull, in_flight: false, again: false, due_at, tries: pull.tries + 1 }
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

/** What the queue knows, what it is told and what it wants done. All plain data. */
import type { BusMessage, OverlayState, PlayWithEvent } from '../bus/index.ts';
import type { HeartbeatAnswer, ReportAnswer } from './answers.ts';
import { nothingHeard, type Continuity } from './continuity.ts';
import type { Memory } from './memory.ts';
import { emptyOutbox, type Outbox, type Report } from './outbox.ts';
import { spreadOf } from './retry.ts';
import type { StageFault } from './stage.ts';

/** A play that is open at the server, as last heard. */
export interface Known {
	readonly play: PlayWithEvent;
	/** The queue's rev at which this was true; newer beats older whatever order they come in. */
	readonly rev: number;
}

/** A play that is on, or about to be. Times are the page's monotonic milliseconds. */
export type Showing =
	| {
			readonly phase: 'preparing';
			/** When the server claimed it, on this page's clock. */
			readonly claimed_at: number;
			/** Shown by then, loaded or not. */
			readonly show_by: number;
	  }
	| {
			readonly phase: 'on';
			readonly ends_at: number;
			/** Taken for painted by then. */
			readonly paint_by: number;
			readonly painted: boolean;
			/** The attempt for which we said `started`; 0 when not yet. */
			readonly started_attempt: number;
			/** How late it was shown, after its claim. */
			readonly delay_ms: number;
			readonly missing: readonly string[];
			readonly error: string | null;
	  };

/** A question to the server that repeats: when it is due, and whether one is under way. */
export interface Question {
	readonly in_flight: boolean;
	readonly due_at: number;
	readonly tries: number;
}

export interface State {
	/** This page's instance id, new with each load. */
	readonly me: string;
	readonly overlay_id: string;
	readonly spread: number;
	readonly stepped_at: number;
	readonly link_up: boolean;
	/** The key is not good any more: nothing is shown, nothing is asked. */
	readonly revoked: boolean;
	readonly epoch: string | null;
	readonly cursor: number | null;
	readonly continuity: Continuity;
	readonly paused: boolean;
	readonly leader_id: string | null;
	/** Leadership heard at a lower rev than this is old news. */
	readonly leader_rev: number;
	readonly visible: boolean;
	readonly plays: ReadonlyMap<string, Known>;
	readonly showing: ReadonlyMap<string, Showing>;
	/** What the stage loaded: the names it could not have, or null while it loads. */
	readonly prepared: ReadonlyMap<string, readonly string[] | null>;
	readonly memory: Memory;
	readonly outbox: Outbox;
	/** `asked_at`: when the one under way, or the last, was asked. */
	readonly pull: Question & { readonly again: boolean; readonly asked_at: number };
	/** The page is known to be behind: pull at this moment, unless it has caught up by then. */
	readonly catch_up_at: number | null;
	readonly beat: Question;
	readonly claims: ReadonlyMap<string, Question>;
	/** When to renew the session (to learn of a new server), or null. */
	readonly renew_at: number | null;
	/** No sound starts before this: the page has just woken up. */
	readonly quiet_until: number;
	readonly sounding: boolean;
	/** What the page was loaded as; null until the first session. */
	readonly loaded: { readonly version: string; readonly revision: number } | null;
	readonly reload: 'no' | 'wanted' | 'asked';
}

export type Input =
	| { kind: 'message'; message: BusMessage }
	/** The transport subscribed, lost something, or polls for want of better. */
	| { kind: 'need_pull' }
	| { kind: 'pulled'; answer: OverlayState }
	| { kind: 'pull_failed' }
	| { kind: 'beat'; answer: HeartbeatAnswer }
	| { kind: 'beat_failed' }
	| { kind: 'claimed'; lane: string; play: PlayWithEvent | null }
	| { kind: 'claim_failed'; lane: string }
	| { kind: 'reported'; id: number; answer: ReportAnswer }
	/** `final`: the server will never take this report. */
	| { kind: 'report_failed'; id: number; final: boolean }
	| { kind: 'prepared'; play_id: string; missing: readonly string[] }
	| { kind: 'painted'; play_id: string }
	/** `fatal`: the stage could not show it at all. */
	| { kind: 'fault'; fault: StageFault; fatal: boolean }
	| { kind: 'visibility'; visible: boolean }
	| { kind: 'link'; up: boolean }
	| { kind: 'session'; version: string; revision: number }
	| { kind: 'revoked' }
	| { kind: 'tick' };

export type Effect =
	| { kind: 'prepare'; play: PlayWithEvent }
	| { kind: 'show'; play: PlayWithEvent; offset_ms: number; sounding: boolean }
	| { kind: 'hide'; play_id: string; how: 'end' | 'cut' }
	| { kind: 'sound'; on: boolean }
	| { kind: 'report'; report: Report }
	| { kind: 'pull'; epoch: string | null; cursor: number | null }
	| { kind: 'heartbeat'; visible: boolean }
	| { kind: 'claim'; lane: string }
	/** Exchange the key again: learns of a revoked key, a new server, a new document. */
	| { kind: 'renew' }
	| { kind: 'reload' };

/** One step in the making: the state so far and the effects so far. */
export interface Turn {
	state: State;
	readonly effects: Effect[];
	readonly now: number;
}

export function firstState(ids: { me: string; overlay_id: string }, now: number): State {
	const asked: Question = { in_flight: false, due_at: now, tries: 0 };
	return {
		...ids,
		spread: spreadOf(ids.me),
		stepped_at: now,
		link_up: false,
		revoked: false,
		epoch: null,
		cursor: null,
		continuity: nothingHeard,
		paused: false,
		leader_id: null,
		leader_rev: 0,
		visible: true,
		plays: new Map(),
		showing: new Map(),
		prepared: new Map(),
		memory: new Map(),
		outbox: { ...emptyOutbox, due_at: now },
		pull: { ...asked, again: false, asked_at: asked.due_at },
		catch_up_at: null,
		beat: asked,
		claims: new Map(),
		renew_at: null,
		quiet_until: now,
		sounding: false,
		loaded: null,
		reload: 'no'
	};
}

export const leads = (state: State): boolean => state.leader_id === state.me;

export function withEntry<Key, Value>(
	map: ReadonlyMap<Key, Value>,
	key: Key,
	value: Value
): ReadonlyMap<Key, Value> {
	return new Map(map).set(key, value);
}

export function without<Key, Value>(
	map: ReadonlyMap<Key, Value>,
	key: Key
): ReadonlyMap<Key, Value> {
	if (!map.has(key)) return map;
	const next = new Map(map);
	next.delete(key);
	return next;
}

/**
 * The life of one EventSub session, as a pure step from state to state.
 *
 *   connect ──▶ main opens ──▶ welcome: subscribe ──▶ notifications, keepalives …
 *                                  │ session_reconnect
 *                                  ▼
 *             main goes on, an heir opens ──▶ welcome: moved, main is closed, heir is main
 *
 * - Both sockets are read while they overlap; a message that comes by both is delivered once.
 * - Silence for 1.2 times the promised keepalive ends a socket: a half-open one never says so.
 * - A reconnect that is asked for again replaces the heir that is still opening.
 * - Whatever ends without an heir is `lost`: its subscriptions are void and Twitch repeats nothing.
 *
 * Source: dev.twitch.tv/docs/eventsub/handling-websocket-events.
 */
import {
	sessionOf,
	type Lost,
	type SocketEffect,
	type SocketInput,
	type SocketProtocol
} from '../../source.ts';
import { normalize } from '../normalize.ts';
import { readFrame, type Frame } from './frame.ts';

/** Twitch closes a socket with 4003 when nobody subscribes within this time. */
export const SUBSCRIBE_WITHIN_MS = 10_000;
/** From asking for a socket to its welcome. */
export const WELCOME_WITHIN_MS = 15_000;
/** How much longer than promised silence is borne. */
const PATIENCE = 1.2;
const DEFAULT_KEEPALIVE_MS = 10_000;
/** Both sockets of a reconnect repeat within seconds; older ones the database knows. */
const REMEMBERED = 500;

interface Socket {
	readonly id: number;
	readonly asked_at: number;
	readonly heard_at: number;
	/** null until welcomed. */
	readonly keepalive_ms: number | null;
}

export interface State {
	readonly url: string;
	readonly channel_id: string;
	readonly next_id: number;
	readonly main: Socket | null;
	readonly heir: Socket | null;
	/** Ids of messages delivered lately, oldest first. */
	readonly recent: readonly string[];
}

interface Step {
	readonly state: State;
	readonly effects: readonly SocketEffect[];
}

export const initial = (url: string, channel_id: string): State => ({
	...{ url, channel_id, next_id: 1 },
	...{ main: null, heir: null, recent: [] }
});

/** What each close code asks for: §1.4 of the facts, in the documents under "close message". */
export const closeCodes: ReadonlyMap<number, Lost> = new Map([
	[4000, { retry: 'backoff', reason: 'internal server error' }],
	// We never send; a library that did must not do so in a tight loop.
	[4001, { retry: 'backoff', reason: 'client sent inbound traffic' }],
	[4002, { retry: 'soon', reason: 'client failed ping-pong' }],
	[4003, { retry: 'when_wanted', reason: 'connection unused' }],
	[4004, { retry: 'soon', reason: 'reconnect grace time expired' }],
	[4005, { retry: 'soon', reason: 'network timeout' }],
	[4006, { retry: 'soon', reason: 'network error' }],
	[4007, { retry: 'soon', reason: 'invalid reconnect URL' }]
]);

/** Reasons that end a consent, not only a subscription. */
const CONSENT_ENDED = new Set(['authorization_revoked', 'user_removed']);

/** One step. `now`: monotonic milliseconds. Never throws. */
export function step(state: State, input: SocketInput, now: number): Step {
	const next = react(state, input, now);
	const at = wakeAt(next.state);
	return at === null
		? next
		: { state: next.state, effects: [...next.effects, { kind: 'schedule', at }] };
}

function react(state: State, input: SocketInput, now: number): Step {
	switch (input.kind) {
		case 'connect': {
			if (state.main !== null || state.heir !== null) return { state, effects: [] };
			const { socket, ...opening } = open(state, state.url, now);
			return { state: { ...opening.state, main: socket }, effects: opening.effects };
		}
		case 'opened':
			return { state: heard(state, input.socket, now), effects: [] };
		case 'frame':
			return input.socket === state.main?.id || input.socket === state.heir?.id
				? hear(heard(state, input.socket, now), input.socket, input.text, now)
				: { state, effects: [] };
		case 'closed':
			return end(
				state,
				input.socket,
				closeCodes.get(input.code) ?? { retry: 'soon', reason: `closed with ${input.code}` },
				// Too late for the heir as well: what it would have taken over is void.
				input.code === 4004
			);
		case 'tick':
			return watch(state, now);
	}
}

function open(state: State, url: string, now: number) {
	const id = state.next_id;
	const socket: Socket = { id, asked_at: now, heard_at: now, keepalive_ms: null };
	const effects: SocketEffect[] = [{ kind: 'connect', socket: id, url }];
	return { state: { ...state, next_id: id + 1 }, socket, effects };
}

function heard(state: State, id: number, now: number): State {
	if (state.main?.id === id) return { ...state, main: { ...state.main, heard_at: now } };
	if (state.heir?.id === id) return { ...state, heir: { ...state.heir, heard_at: now } };
	return state;
}

function hear(state: State, id: number, text: string, now: number): Step {
	const frame = readFrame(text);
	if (frame === null)
		return {
			state,
			effects: [
				{ kind: 'problem', reason: `a frame of ${text.length} characters is not understood` }
			]
		};
	switch (frame.metadata.message_type) {
		case 'session_keepalive':
			return { state, effects: [] };
		case 'session_welcome':
			return welcome(state, id, frame);
		case 'session_reconnect':
			return reconnect(state, id, frame, now);
		case 'notification':
		case 'revocation':
			return deliver(state, frame);
	}
}

type Of<Type extends Frame['metadata']['message_type']> = Extract<
	Frame,
	{ metadata: { message_type: Type } }
>;

function welcome(state: State, id: number, frame: Frame): Step {
	if (!isOf(frame, 'session_welcome')) return { state, effects: [] };
	const { session } = frame.payload;
	const seconds = session.keepalive_timeout_seconds;
	const keepalive_ms = seconds == null ? DEFAULT_KEEPALIVE_MS : seconds * 1_000;
	const { main, heir } = state;
	if (heir?.id === id)
		return {
			state: { ...state, main: { ...heir, keepalive_ms }, heir: null },
			effects: [
				...(main === null ? [] : [{ kind: 'close', socket: main.id } as const]),
				{ kind: 'moved', session_id: session.id }
			]
		};
	// Welcomed twice: the session that it has goes on.
	if (main === null || main.keepalive_ms !== null) return { state, effects: [] };
	return {
		state: { ...state, main: { ...main, keepalive_ms } },
		effects: [{ kind: 'subscribe', session_id: session.id, within_ms: SUBSCRIBE_WITHIN_MS }]
	};
}

function reconnect(state: State, id: number, frame: Frame, now: number): Step {
	if (!isOf(frame, 'session_reconnect') || state.main?.id !== id) return { state, effects: [] };
	// Exactly as given: it carries what the subscriptions move by.
	const opening = open(state, frame.payload.session.reconnect_url, now);
	const replaced = state.heir;
	return {
		state: { ...opening.state, heir: opening.socket },
		effects: [
			...(replaced === null ? [] : [{ kind: 'close', socket: replaced.id } as const]),
			...opening.effects
		]
	};
}

function deliver(state: State, frame: Frame): Step {
	const { metadata } = frame;
	if (state.recent.includes(metadata.message_id)) return { state, effects: [] };
	const next = { ...state, recent: [...state.recent, metadata.message_id].slice(-REMEMBERED) };
	if (isOf(frame, 'revocation')) {
		const { id, type, status } = frame.payload.subscription;
		const is_consent = CONSENT_ENDED.has(status);
		return {
			state: next,
			effects: [{ kind: 'revoked', subscription: id, type, reason: status, is_consent }]
		};
	}
	if (!isOf(frame, 'notification')) return { state, effects: [] };
	const { subscription, event } = frame.payload;
	const normalized = normalize({
		type: subscription.type,
		message_id: metadata.message_id,
		timestamp: metadata.message_timestamp,
		channel_id: state.channel_id,
		event: event ?? {}
	});
	return {
		state: next,
		effects: [
			{
				kind: 'deliver',
				subscription: subscription.id,
				type: subscription.type,
				reading:
					'ignored' in normalized
						? { kind: 'ignored', reason: normalized.ignored }
						: { kind: 'events', drafts: [normalized.draft] }
			}
		]
	};
}

const isOf = <Type extends Frame['metadata']['message_type']>(
	frame: Frame,
	type: Type
): frame is Of<Type> => frame.metadata.message_type === type;

/** A socket is gone. `isVoid`: whatever was to take over has nothing to take over. */
function end(state: State, id: number, lost: Lost, isVoid: boolean): Step {
	const { main, heir } = state;
	if (heir?.id === id)
		return main === null
			? { state: { ...state, heir: null }, effects: [{ kind: 'lost', ...lost }] }
			: {
					// The old one is read until Twitch closes it.
					state: { ...state, heir: null },
					effects: [{ kind: 'problem', reason: `the socket to move to: ${lost.reason}` }]
				};
	if (main?.id !== id) return { state, effects: [] };
	if (heir !== null && !isVoid) return { state: { ...state, main: null }, effects: [] };
	return {
		state: { ...state, main: null, heir: null },
		effects: [
			...(heir === null ? [] : [{ kind: 'close', socket: heir.id } as const]),
			{ kind: 'lost', ...lost }
		]
	};
}

/** Ends the sockets that have been silent for too long. */
function watch(state: State, now: number): Step {
	let next: Step = { state, effects: [] };
	for (const socket of [state.main, state.heir])
		if (socket !== null && now >= deadline(socket)) {
			const reason =
				socket.keepalive_ms === null
					? `no welcome within ${WELCOME_WITHIN_MS / 1_000} s`
					: `silent for longer than ${socket.keepalive_ms / 1_000} s`;
			const ended = end(next.state, socket.id, { retry: 'soon', reason }, false);
			next = {
				state: ended.state,
				effects: [...next.effects, { kind: 'close', socket: socket.id }, ...ended.effects]
			};
		}
	return next;
}

const deadline = ({ asked_at, heard_at, keepalive_ms }: Socket): number =>
	keepalive_ms === null ? asked_at + WELCOME_WITHIN_MS : heard_at + PATIENCE * keepalive_ms;

function wakeAt({ main, heir }: State): number | null {
	const deadlines = [main, heir].flatMap((socket) => (socket === null ? [] : [deadline(socket)]));
	return deadlines.length === 0 ? null : Math.min(...deadlines);
}

export const socket: SocketProtocol = {
	address: 'eventsub',
	max_sockets: 3,
	max_subscriptions: 300,
	start: (url, channelId) => sessionOf(step, initial(url, channelId))
};

/**
 * Keeps a topic's messages coming, by the best way there is: Supabase Realtime; when that has
 * failed for a while, server-sent events; when those fail too, the caller is told to pull at short
 * intervals. The better way is always tried on in the background and taken up as soon as it works.
 *
 * What it promises: `onNeedPull` after every moment in which a message may have been missed, so
 * that a caller who pulls then misses nothing. Messages may come twice or late; `rev` and `seq`
 * tell. Messages that are not of the bus are dropped and told to `onFault`.
 */
import { BusMessage } from '$lib/bus/index.ts';
import { realClock, type Clock } from '$lib/player/clock.ts';
import type { Carrier, CarrierEvents, StartCarrier, TokenSource } from './carrier.ts';
import { channelCarrier, type ChannelOptions } from './channel.ts';
import { streamCarrier } from './stream.ts';
import { keepToken } from './token.ts';

/** How messages come just now; `polling` means that they do not and that pulls take their place. */
export type LinkState = 'connecting' | 'realtime' | 'stream' | 'polling';

export interface TopicOptions {
	url: string;
	key: string;
	topic: string;
	/** Resolves with a token that is good for a while; `fresh` when the last one was refused. */
	token: TokenSource;
	onMessage: (message: BusMessage) => void;
	onNeedPull: (reason: 'subscribed' | 'missed' | 'poll') => void;
	onState?: (state: LinkState) => void;
	/** Something was dropped or failed; for logs only. */
	onFault?: (part: string, message: string) => void;
	/** Address of the same messages as server-sent events. */
	sseUrl?: string;
	request?: typeof fetch;
	clock?: Clock;
	random?: () => number;
	transport?: ChannelOptions['transport'];
}

/** So many failures, or so much time, until the next best way is tried beside the better one. */
const FAILURES = 3;
const PATIENCE_MS = 8_000;
const POLL_MS = 5_000;

export interface Supervised {
	readonly state: LinkState;
	close(): void;
}

/** Joins a topic with the real carriers. */
export function connectTopic(options: TopicOptions): Supervised {
	const {
		sseUrl,
		clock = realClock(),
		random = Math.random,
		request = globalThis.fetch.bind(globalThis)
	} = options;
	const token = keepToken(options.token, clock);
	const best = channelCarrier({ ...options, token, clock, random });
	const next =
		sseUrl === undefined
			? null
			: streamCarrier({
					url: sseUrl,
					token,
					request,
					clock,
					random
				});
	return supervise({ ...options, best, next, clock, random });
}

export interface SuperviseOptions extends Pick<
	TopicOptions,
	'onMessage' | 'onNeedPull' | 'onState' | 'onFault'
> {
	best: StartCarrier;
	next: StartCarrier | null;
	clock: Clock;
	random: () => number;
}

/** The choice among carriers, apart from what they are made of. */
export function supervise(options: SuperviseOptions): Supervised {
	const { clock, random } = options;
	let state: LinkState = 'connecting';
	let closed = false;
	let stopWaiting = () => {};
	let stopPolling = () => {};

	const best = watch(options.best, 'realtime');
	const next = options.next === null ? null : watch(options.next, 'stream');

	function watch(start: StartCarrier, name: 'realtime' | 'stream') {
		let carrier: Carrier | null = null;
		let failures = 0;
		let isUp = false;
		const events: CarrierEvents = {
			up() {
				if (closed) return;
				isUp = true;
				failures = 0;
				choose();
				options.onNeedPull('subscribed');
			},
			down(reason) {
				if (closed) return;
				isUp = false;
				failures += 1;
				options.onFault?.(name, reason);
				choose();
			},
			message: (payload) => {
				if (!closed) deliver(name, payload);
			},
			missed() {
				if (!closed) options.onNeedPull('missed');
			}
		};
		return {
			name,
			get isUp() {
				return isUp;
			},
			get hasFailed() {
				return failures >= FAILURES;
			},
			start() {
				carrier ??= start(events);
			},
			stop() {
				carrier?.close();
				carrier = null;
				isUp = false;
				failures = 0;
			}
		};
	}

	function deliver(name: string, payload: unknown): void {
		const message = BusMessage.safeParse(payload);
		if (message.success) options.onMessage(message.data);
		else options.onFault?.(name, `dropped a message: ${message.error.issues[0]?.message}`);
	}

	function choose(): void {
		if (best.isUp) return settle('realtime');
		if (state === 'realtime') enter('connecting');
		if (next?.isUp) return settle('stream');
		if (best.hasFailed) next?.start();
		if (best.hasFailed && (next === null || next.hasFailed)) return poll();
		if (state === 'stream') enter('connecting');
		wait();
	}

	function settle(to: 'realtime' | 'stream'): void {
		stopWaiting();
		stopPolling();
		if (to === 'realtime') next?.stop();
		enter(to);
	}

	/** Failures may be slow to show: a connection that hangs counts as failed after a while. */
	function wait(): void {
		stopWaiting();
		stopWaiting = clock.after(PATIENCE_MS, () => {
			if (best.isUp || next?.isUp) return;
			next?.start();
			poll();
		});
	}

	function poll(): void {
		stopWaiting();
		if (state === 'polling') return;
		enter('polling');
		const again = () => {
			options.onNeedPull('poll');
			stopPolling = clock.after(POLL_MS * (0.75 + random() / 2), again);
		};
		again();
	}

	function enter(to: LinkState): void {
		if (state === to) return;
		state = to;
		options.onState?.(to);
	}

	best.start();
	wait();
	return {
		get state() {
			return state;
		},
		close() {
			closed = true;
			stopWaiting();
			stopPolling();
			best.stop();
			next?.stop();
		}
	};
}

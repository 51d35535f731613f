/**
 * The carrier over Supabase Realtime, ours or Supabase's own, through the unmodified supabase-js:
 * its `RealtimeClient`, which is what `createClient` makes of the same options. Made directly, the
 * parts that no page of ours uses (sign-in, storage, tables) stay out of the overlay's bundle.
 *
 * What the client leaves to us, and why:
 *
 * - A join that leaves before the first token is judged as anonymous, so the token comes first.
 * - `phx_close` is the end of a channel object (token expired, permission lost, rate limit); the
 *   client never comes back from it. A new one is made, later and at a random moment.
 * - A socket that drops while the page is hidden is not opened again until the page is seen, and
 *   OBS hides pages for hours. So our own clock looks after the socket; hidden pages' timers are
 *   slow as well, so it sends the beats that keep an idle socket from being closed.
 * - Coming back, the client does not ask for a new token. We do, on a timer and when a refusal
 *   speaks of expiry.
 */
import { RealtimeClient, type RealtimeChannel } from '@supabase/supabase-js';
import {
	fullJitter,
	messageOf,
	type CarrierEvents,
	type StartCarrier,
	type Surroundings,
	type TokenSource
} from './carrier.ts';

type ClientOptions = NonNullable<ConstructorParameters<typeof RealtimeClient>[1]>;
type ClientTransport = NonNullable<ClientOptions['transport']>;

/** A WebSocket class: the browser's own, or `ws` where there is none. */
export type SocketClass = new (address: string, protocols?: string | string[]) => object;

/** The client's types ask for the DOM's events, which `ws`, the one its documentation names, has not. */
const isTransport = (socket: SocketClass | undefined): socket is ClientTransport & SocketClass =>
	socket !== undefined;

export interface ChannelOptions extends Surroundings {
	/** Of the project: `https://host`; the client adds `/realtime/v1`. */
	url: string;
	/** The publishable key. */
	key: string;
	topic: string;
	token: TokenSource;
	/** Node before 22 has no WebSocket of its own: `ws`. */
	transport?: SocketClass;
}

/** How often our own clock looks after the socket. */
const LOOK_MS = 2_500;
/** How often it renews the token and sends a beat. */
const CARE_MS = 20_000;
/** The client has this much longer than it planned before its reconnect is taken to be held back. */
const GRACE_MS = 1_500;
/** A socket that is still opening after this long is opened anew. */
const OPENING_MS = 15_000;

export const channelCarrier =
	(options: ChannelOptions): StartCarrier =>
	(events) =>
		new ChannelCarrier(options, events);

class ChannelCarrier {
	readonly #options: ChannelOptions;
	readonly #events: CarrierEvents;
	readonly #client: RealtimeClient;
	#channel: RealtimeChannel | null = null;
	#closed = false;
	#joins = 0;
	/** The last refusal spoke of an expired token. */
	#expired = false;
	/** When the socket should be open or opening at the latest. */
	#open_by: number;
	#reconnects = 0;
	#cared_at: number;
	#stopLooking = () => {};
	#stopJoining = () => {};

	constructor(options: ChannelOptions, events: CarrierEvents) {
		this.#options = options;
		this.#events = events;
		this.#cared_at = options.clock.now();
		this.#open_by = options.clock.now() + OPENING_MS;
		// Asked by the client when it is made and at every beat. While no token can be had the last one
		// stands: rejecting would only be written to the console of a page that nobody looks at.
		let last: string | null = null;
		const { transport } = options;
		this.#client = new RealtimeClient(`${options.url.replace(/^http/, 'ws')}/realtime/v1`, {
			params: { apikey: options.key },
			accessToken: async () => (last = await options.token().catch(() => last)),
			reconnectAfterMs: (tries) => this.#planReconnect(tries),
			...(isTransport(transport) ? { transport } : {})
		});
		void this.#join();
		this.#look();
	}

	close(): void {
		this.#closed = true;
		this.#stopLooking();
		this.#stopJoining();
		this.#channel = null;
		this.#client.removeAllChannels().catch(() => {});
	}

	async #join(): Promise<void> {
		const { token, topic } = this.#options;
		try {
			await token({ fresh: this.#expired });
			this.#expired = false;
			await this.#client.setAuth();
		} catch (error) {
			if (!this.#closed) this.#rejoinLater(messageOf(error));
			return;
		}
		if (this.#closed) return;
		try {
			this.#subscribe(topic);
		} catch (error) {
			// A browser that forbids sockets throws where others report a lost one.
			const channel = this.#channel;
			this.#channel = null;
			if (channel) this.#client.removeChannel(channel).catch(() => {});
			this.#rejoinLater(messageOf(error));
		}
	}

	#subscribe(topic: string): void {
		const channel = this.#client.channel(topic, { config: { private: true } });
		this.#channel = channel;
		channel
			.on('broadcast', { event: '*' }, ({ payload }) => {
				if (this.#channel === channel) this.#events.message(payload);
			})
			.on('system', {}, (payload: unknown) => this.#hearSystem(payload))
			.subscribe((status, error) => {
				if (this.#closed || this.#channel !== channel) return;
				switch (status) {
					case 'SUBSCRIBED':
						this.#joins = 0;
						this.#reconnects = 0;
						return this.#events.up();
					case 'CLOSED':
						this.#channel = null;
						return this.#rejoinLater('the server closed the channel');
					default:
						return this.#hearError(error?.message ?? status);
				}
			});
	}

	#rejoinLater(reason: string): void {
		this.#events.down(reason);
		const delay = fullJitter(this.#joins++, this.#options.random);
		this.#stopJoining();
		this.#stopJoining = this.#options.clock.after(delay, () => void this.#join());
	}

	/** Sent just before the server closes a channel, to say why. */
	#hearSystem(payload: unknown): void {
		const message =
			typeof payload === 'object' && payload !== null && 'message' in payload
				? String(payload.message)
				: '';
		if (/expired/i.test(message)) this.#expired = true;
	}

	/** The client joins again by itself, but with the token it has. */
	#hearError(reason: string): void {
		this.#events.down(reason);
		if (!/expired/i.test(reason)) return;
		this.#options
			.token({ fresh: true })
			.then(() => this.#client.setAuth())
			.catch(() => {});
	}

	#planReconnect(tries: number): number {
		const delay = fullJitter(tries - 1, this.#options.random);
		this.#open_by = this.#options.clock.now() + delay + GRACE_MS;
		if (!this.#closed) this.#events.down('the socket is closed');
		return delay;
	}

	#look(): void {
		if (this.#closed) return;
		const { clock } = this.#options;
		this.#stopLooking = clock.after(LOOK_MS, () => {
			const realtime = this.#client;
			if (realtime.isConnected()) {
				this.#open_by = clock.now() + OPENING_MS;
				if (clock.now() - this.#cared_at >= CARE_MS) this.#care();
			} else if (clock.now() > this.#open_by && this.#channel !== null) void this.#reopen();
			this.#look();
		});
	}

	#care(): void {
		const realtime = this.#client;
		this.#cared_at = this.#options.clock.now();
		realtime.setAuth().catch(() => {});
		// A beat of our own: sendHeartbeat would take the client's unanswered one for a dead socket.
		realtime.push({ topic: 'phoenix', event: 'heartbeat', payload: {}, ref: 'cuelight' });
	}

	/** Does what the client does not do while the page is hidden. Channels join again by themselves. */
	async #reopen(): Promise<void> {
		const { clock, random } = this.#options;
		const realtime = this.#client;
		const delay = fullJitter(this.#reconnects++, random, { first_ms: 4_000, most_ms: 20_000 });
		this.#open_by = clock.now() + OPENING_MS + delay;
		this.#events.down('the socket was not opened again');
		await realtime.setAuth().catch(() => {});
		await realtime.disconnect();
		if (this.#closed) return;
		try {
			realtime.connect();
		} catch (error) {
			this.#events.down(messageOf(error));
		}
	}
}

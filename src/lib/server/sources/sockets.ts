/**
 * Runs a platform's session machine on real sockets: its effects become sockets and timers, what
 * happens to those goes back into it. One of these is one line of sockets that follow each other.
 */
import { WebSocket } from 'ws';
import type {
	SocketEffect,
	SocketInput,
	SocketProtocol,
	SocketSession
} from '$lib/platforms/source.ts';
import type { SourceClock } from './clock.ts';
import { delayOf, GOOD_SESSION_MS, RECONNECTS } from './policy.ts';

/** Larger frames are no notification. */
const MAX_FRAME_BYTES = 1024 * 1024;
const ABNORMAL = 1006;

export interface OpenSocket {
	close(): void;
}

export interface SocketEvents {
	opened(): void;
	frame(text: string): void;
	closed(code: number): void;
}

/** Opens a socket; `closed` also tells that it could not be opened. */
export type SocketOpener = (url: string, events: SocketEvents) => OpenSocket;

export const openWebSocket: SocketOpener = (url, { opened, frame, closed }) => {
	let isOver = false;
	const end = (code: number) => {
		if (isOver) return;
		isOver = true;
		closed(code);
	};
	const socket = madeOf(url);
	if (socket === null) {
		// Later, as for any other socket that could not be opened.
		setImmediate(() => end(ABNORMAL));
		return { close: () => void (isOver = true) };
	}
	socket.on('open', opened);
	socket.on('message', (data, isBinary) => {
		if (!isBinary) frame(data.toString());
	});
	// What went wrong is told by the close that follows.
	socket.on('error', () => undefined);
	socket.on('close', (code) => end(code));
	// Nobody waits for the other side's goodbye: it may be gone.
	return {
		close() {
			isOver = true;
			const isOpen = socket.readyState === WebSocket.OPEN;
			socket.close(1000);
			if (!isOpen) socket.terminate();
			else setTimeout(() => socket.terminate(), 1_000).unref();
		}
	};
};

/** null: no socket can be made of such an address, which the platform may have sent. */
function madeOf(url: string): WebSocket | null {
	try {
		return new WebSocket(url, {
			followRedirects: false,
			handshakeTimeout: 10_000,
			maxPayload: MAX_FRAME_BYTES,
			perMessageDeflate: false
		});
	} catch {
		return null;
	}
}

export interface LineParts {
	protocol: SocketProtocol;
	url: string;
	channelId: string;
	clock: SourceClock;
	chance: () => number;
	open: SocketOpener;
	/** Whether there is anything to subscribe to. */
	isWanted(): boolean;
	/** All effects but those that are carried out here. */
	onEffect(effect: Reported): void;
}

export type Reported = Exclude<SocketEffect, { kind: 'connect' | 'close' | 'schedule' }>;

export class SocketLine {
	readonly #parts: LineParts;
	readonly #open = new Map<number, OpenSocket>();
	#session: SocketSession;
	#timer: (() => void) | null = null;
	#timerAt = Infinity;
	#wakeAt = Infinity;
	#again: (() => void) | null = null;
	#failures = 0;
	#begunAt = 0;
	#isOver = false;

	constructor(parts: LineParts) {
		this.#parts = parts;
		this.#session = parts.protocol.start(parts.url, parts.channelId);
	}

	/** Connects now, also when it waits for a better time. */
	connect(): void {
		this.#again?.();
		this.#again = null;
		this.#feed({ kind: 'connect' });
	}

	/** Closes everything; nothing is reported any more. */
	destroy(): void {
		this.#isOver = true;
		this.#timer?.();
		this.#again?.();
		for (const socket of this.#open.values()) socket.close();
		this.#open.clear();
	}

	#feed(input: SocketInput): void {
		if (this.#isOver) return;
		const { clock, onEffect } = this.#parts;
		const { session, effects } = this.#session.step(input, clock.now());
		this.#session = session;
		for (const effect of effects)
			switch (effect.kind) {
				case 'connect':
					this.#connect(effect.socket, effect.url);
					break;
				case 'close':
					this.#open.get(effect.socket)?.close();
					this.#open.delete(effect.socket);
					break;
				case 'schedule':
					this.#schedule(effect.at);
					break;
				case 'lost':
					this.#retry(effect.retry);
					onEffect(effect);
					break;
				case 'subscribe':
					this.#begunAt = clock.now();
					onEffect(effect);
					break;
				default:
					onEffect(effect);
			}
	}

	#connect(socket: number, url: string): void {
		const opened = this.#parts.open(url, {
			opened: () => this.#feed({ kind: 'opened', socket }),
			frame: (text) => this.#feed({ kind: 'frame', socket, text }),
			closed: (code) => {
				this.#open.delete(socket);
				this.#feed({ kind: 'closed', socket, code: code === 0 ? ABNORMAL : code });
			}
		});
		this.#open.set(socket, opened);
	}

	/** Each frame moves the deadline on; the timer is only set anew when it is too late. */
	#schedule(at: number): void {
		const { clock } = this.#parts;
		this.#wakeAt = at;
		if (this.#timerAt <= at) return;
		this.#timer?.();
		this.#timerAt = at;
		this.#timer = clock.after(at - clock.now(), () => {
			this.#timer = null;
			this.#timerAt = Infinity;
			if (clock.now() < this.#wakeAt) this.#schedule(this.#wakeAt);
			else this.#feed({ kind: 'tick' });
		});
	}

	#retry(retry: 'soon' | 'backoff' | 'when_wanted'): void {
		const { clock, chance, isWanted } = this.#parts;
		if (this.#begunAt > 0 && clock.now() - this.#begunAt >= GOOD_SESSION_MS) this.#failures = 0;
		this.#begunAt = 0;
		this.#failures += 1;
		// Somebody calls `connect` once there is something to subscribe to.
		if (retry === 'when_wanted' && !isWanted()) return;
		const isFirst = retry === 'soon' && this.#failures === 1;
		const delay = isFirst
			? chance() * RECONNECTS.first_ms
			: delayOf(RECONNECTS, this.#failures, chance());
		this.#again = clock.after(delay, () => {
			this.#again = null;
			this.#feed({ kind: 'connect' });
		});
	}
}

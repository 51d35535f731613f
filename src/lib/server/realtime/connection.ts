/**
 * One WebSocket. Its messages (but heartbeats) are handled strictly one after another, because joins
 * ask the database and a broadcast sent right after a join must not overtake it. What it owes its client
 * goes through the outbox, one write per tick; a client that does not read is closed, one that
 * sends too much is read more slowly and then closed, one that sends rubbish is told five times.
 *
 * Close codes: 1001 silent or idle · 1008 rubbish · 1009 frame too large · 1011 our fault · 1012 server restarts ·
 * 4408 reads too slowly · 4429 sends or joins too fast.
 */
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { admit, JoinRefused } from './admission.ts';
import type { Channel, Link } from './channel.ts';
import type { Core } from './core.ts';
import { frameOf } from './frame.ts';
import { TOPIC_PREFIX, wireTopic } from './hub.ts';
import { TokenBucket } from './limits.ts';
import type { Sink } from './outbox.ts';
import type { Identity } from './token.ts';
import { MalformedFrame, type Codec, type Outgoing, type Push } from './wire.ts';

/** Messages read but not handled yet, above which nothing more is read. */
const MAX_QUEUED = 64;
/** A client this far ahead of its rate is not throttled any longer but closed, ms. */
const MAX_DEBT_MS = 5_000;
/** A closing handshake may take this long, ms. */
const CLOSE_MS = 2_000;

export interface Standing {
	/** Who the connection's API key stands for. */
	identity: Identity;
	/** The key itself when it is a JWT. */
	token: string | null;
}

export class Connection implements Link, Sink {
	readonly codec: Codec;
	readonly channels = new Map<string, Channel>();
	#lastSeen: number;
	#emptySince: number;
	#strikes = 0;
	#queue: Push[] = [];
	#running = false;
	#owed: Buffer[] = [];
	#closed = false;
	#throttled = false;
	readonly #bucket: TokenBucket;
	readonly #ws: WebSocket;
	/** The raw socket under `ws`: ready frames are written to it directly. */
	readonly #socket: Duplex;
	readonly #core: Core;
	readonly #standing: Standing;

	constructor(
		core: Core,
		ws: WebSocket,
		socket: Duplex,
		codec: Codec,
		standing: Standing,
		onGone: () => void
	) {
		this.#core = core;
		this.#ws = ws;
		this.#socket = socket;
		this.codec = codec;
		this.#standing = standing;
		const now = core.clock.now();
		this.#lastSeen = this.#emptySince = now;
		this.#bucket = new TokenBucket(core.limits.framesPerSecond, core.limits.frameBurst, now);
		ws.on('message', (data, isBinary) => {
			if (this.#admitFrame() && Buffer.isBuffer(data)) this.#receive(data, isBinary);
		});
		ws.on('ping', () => void this.#admitFrame());
		ws.on('pong', () => void this.#admitFrame());
		ws.on('error', (error) => {
			core.log.debug('realtime: a socket failed', { error: error.message });
			this.#terminateSoon();
		});
		ws.on('close', () => {
			this.#forget();
			onGone();
		});
	}

	get open(): boolean {
		return !this.#closed && this.#ws.readyState === WebSocket.OPEN;
	}

	/** Closes a socket that has said nothing for long, or that joins nothing. */
	checkIdle(now: number): void {
		const { idleMs, noChannelMs } = this.#core.limits;
		if (now - this.#lastSeen > idleMs) this.close(1001, 'idle');
		else if (this.channels.size === 0 && now - this.#emptySince > noChannelMs)
			this.close(1001, 'no channel');
	}

	/** Counts a frame; false when the socket has been closed for its flood. */
	#admitFrame(): boolean {
		if (!this.open) return false;
		const { clock } = this.#core;
		this.#lastSeen = clock.now();
		const debt = this.#bucket.take(this.#lastSeen);
		if (debt > MAX_DEBT_MS) {
			this.close(4429, 'too many messages');
			return false;
		}
		if (debt > 0 && !this.#throttled) {
			this.#throttled = true;
			this.#ws.pause();
			clock.after(debt, () => {
				this.#throttled = false;
				this.#resume();
			});
		}
		return true;
	}

	#resume(): void {
		if (this.open && !this.#throttled && this.#queue.length < MAX_QUEUED) this.#ws.resume();
	}

	#receive(data: Buffer, isBinary: boolean): void {
		if (this.channels.size === 0 && data.length > this.#core.limits.frameBytesBeforeJoin)
			return this.close(1009, 'too large before a join');
		let push: Push;
		try {
			push = this.codec.decode(data, isBinary);
		} catch (error) {
			return this.#fault(error);
		}
		// A heartbeat waits for nobody: a slow database must not look like a dead server.
		if (push.topic === 'phoenix' && push.event === 'heartbeat')
			return this.#reply('phoenix', null, push.ref, 'ok');
		if (this.#queue.push(push) >= MAX_QUEUED) this.#ws.pause();
		if (!this.#running) void this.#drain();
	}

	async #drain(): Promise<void> {
		this.#running = true;
		for (let next = this.#queue.shift(); next && this.open; next = this.#queue.shift()) {
			try {
				await this.#handle(next);
			} catch (error) {
				this.#fault(error);
			}
			this.#resume();
		}
		this.#running = false;
	}

	#fault(error: unknown): void {
		if (error instanceof MalformedFrame) return this.#strike(error.ref, error.message);
		this.#core.log.error('realtime: a message could not be handled', { error });
		this.close(1011, 'internal error');
	}

	/** The client's frame made no sense. It is told so; the fifth time the socket is closed. */
	#strike(ref: string | null, reason: string): void {
		this.#reply('phoenix', null, ref, 'error', { reason: `MalformedFrame: ${reason}` });
		if (++this.#strikes >= this.#core.limits.strikes) this.close(1008, 'too many malformed frames');
	}

	#reply(
		topic: string,
		join_ref: string | null,
		ref: string | null,
		status: 'ok' | 'error',
		response: Record<string, string> = {}
	): void {
		this.send({ join_ref, ref, topic, event: 'phx_reply', payload: { status, response } });
	}

	async #handle(push: Push): Promise<void> {
		const { topic, event, ref, join_ref } = push;
		if (event === 'phx_join' && topic.startsWith(TOPIC_PREFIX)) return this.#join(push);
		const channel = this.channels.get(topic);
		if (channel === undefined) {
			if (event === 'phx_leave') this.#reply(topic, join_ref, ref, 'ok');
			else this.#reply(topic, null, ref, 'error', { reason: 'unmatched topic' });
			return;
		}
		// A push of an earlier join of this topic.
		if (join_ref !== null && join_ref !== channel.join_ref) return;
		if (event === 'phx_leave') {
			this.#reply(topic, channel.join_ref, ref, 'ok');
			channel.end('phx_close');
		} else if (!(await channel.handle(push)))
			throw new MalformedFrame(`Event ${event} is not known`, ref);
	}

	async #join(push: Push): Promise<void> {
		const { topic, ref, join_ref } = push;
		this.channels.get(topic)?.end('phx_close');
		try {
			const channel = await admit(this.#core, this, push, {
				...this.#standing,
				channels: this.channels.size
			});
			if (channel?.open) this.channels.set(topic, channel);
		} catch (error) {
			if (!(error instanceof JoinRefused)) throw error;
			this.#reply(topic, join_ref, ref, 'error', { reason: error.message });
			if (error.disconnect) this.close(4429, 'too many joins');
		}
	}

	ended(channel: Channel): void {
		const topic = wireTopic(channel.topic.name);
		if (this.channels.get(topic) === channel) this.channels.delete(topic);
		if (this.channels.size === 0) this.#emptySince = this.#core.clock.now();
	}

	send(message: Outgoing): void {
		this.sendFrame(frameOf(this.codec.encode(message)));
	}

	sendFrame(frame: Buffer): void {
		if (!this.open) return;
		if (this.#owed.push(frame) === 1) this.#core.outbox.add(this);
	}

	take(): Buffer[] {
		const owed = this.#owed;
		this.#owed = [];
		return owed;
	}

	/**
	 * Writes ready frames. `ws` writes its own frames (pong, close) whole and at once, as
	 * compression is off, so the two never mix; after a close frame nothing may follow.
	 */
	write(bytes: Buffer): void {
		if (!this.open || this.#socket.destroyed) return;
		if (this.#socket.writableLength > this.#core.limits.bufferedBytes)
			return this.close(4408, 'reads too slowly');
		this.#socket.write(bytes);
	}

	/** Sends what is owed, says goodbye, and does not wait long for the answer. */
	close(code: number, reason: string): void {
		if (this.#closed) return;
		const owed = this.take();
		if (code !== 4408 && owed.length > 0) this.write(Buffer.concat(owed));
		if (this.#closed) return;
		this.#forget();
		this.#ws.close(code, reason);
		// Paused sockets would never read the client's answer.
		this.#ws.resume();
		this.#terminateSoon();
	}

	/** `close`, and resolves once the socket is gone. */
	goodbye(code: number, reason: string): Promise<void> {
		return new Promise((resolve) => {
			this.#ws.once('close', () => resolve());
			this.close(code, reason);
		});
	}

	#terminateSoon(): void {
		const cancel = this.#core.clock.after(CLOSE_MS, () => this.#ws.terminate());
		this.#ws.once('close', cancel);
	}

	#forget(): void {
		this.#closed = true;
		this.#queue = [];
		this.#owed = [];
		for (const channel of [...this.channels.values()]) channel.end(null);
	}
}

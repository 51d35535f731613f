/**
 * EventSub over WebSocket. A session may have two sockets for a while: after `session_reconnect` the
 * old one goes on until the client closes it or the grace is over.
 * Source: dev.twitch.tv/docs/eventsub/handling-websocket-events.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Clock } from './clock.ts';
import type { Records } from './record.ts';
import type { Script } from './script.ts';
import { reasons, statuses, type Session, type SocketRules } from './session.ts';
import { stamp, type SessionOf, type Subscriptions } from './subscriptions.ts';
import { secretWord } from './tokens.ts';

export class Sockets {
	readonly sessions = new Set<Session>();
	readonly rules: SocketRules = {
		keepaliveS: null,
		subscribeWithinMs: 10_000,
		reconnectWithinMs: 30_000,
		tellsBoth: false,
		closeNext: { times: 0, code: 4000 }
	};
	readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
	readonly #unanswered = new Set<Duplex>();
	readonly #clock: Clock;
	readonly #records: Records;
	readonly #script: Script;
	readonly #subscriptions: Subscriptions;

	constructor(clock: Clock, records: Records, script: Script, subscriptions: Subscriptions) {
		this.#clock = clock;
		this.#records = records;
		this.#script = script;
		this.#subscriptions = subscriptions;
	}

	upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
		const url = new URL(request.url ?? '/', 'http://any');
		const fault = this.#script.faultFor({ path: url.pathname, method: 'GET' });
		stream.on('error', () => undefined);
		if (fault === 'timeout') {
			this.#unanswered.add(stream);
			return;
		}
		const isObject = typeof fault === 'object';
		if (url.pathname !== '/ws' || fault === 'reset' || (isObject && 'status' in fault)) {
			const status = isObject && 'status' in fault ? fault.status : 404;
			if (fault !== 'reset')
				stream.write(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
			stream.destroy();
			return;
		}
		const accept = () =>
			this.#server.handleUpgrade(request, stream, head, (socket) => {
				socket.on('error', () => undefined);
				// Done, and nobody hears of it: a session that its client never saw.
				if (fault === 'lost') socket.terminate();
				else if (url.searchParams.has('opaque'))
					this.#takeOver(socket, url.pathname + url.search, request.headers.host ?? '');
				else this.#begin(socket, url.searchParams.get('keepalive_timeout_seconds'));
			});
		if (isObject && 'delayMs' in fault) this.#clock.after(fault.delayMs, accept);
		else accept();
	}

	#begin(socket: WebSocket, asked: string | null): void {
		const wanted = Number(asked ?? 10);
		const clamped = Number.isFinite(wanted) ? Math.min(600, Math.max(10, wanted)) : 10;
		const session: Session = {
			id: `AgoQ${secretWord(12)}`,
			connectedAt: this.#clock.now(),
			clientId: null,
			userId: null,
			keepaliveS: this.rules.keepaliveS ?? clamped,
			current: socket,
			previous: null,
			offered: null,
			isSilent: false,
			stopKeepalive: () => undefined,
			stopGrace: () => undefined,
			stopDeadline: this.#clock.after(this.rules.subscribeWithinMs, () => {
				if (this.#subscriptions.onSession(session).length === 0) this.close(session, 4003);
			})
		};
		this.sessions.add(session);
		this.#listen(session, socket);
		this.#welcome(session, 'connected');
		const { closeNext } = this.rules;
		if (closeNext.times > 0) {
			closeNext.times -= 1;
			this.close(session, closeNext.code);
		}
	}

	/** A client comes by the address it was given. It must be that address to the letter. */
	#takeOver(socket: WebSocket, path: string, host: string): void {
		const session = [...this.sessions].find(({ offered }) => offered === path);
		if (session === undefined) {
			this.#records.note('socket refused', { code: 4007, path, host });
			socket.close(4007, reasons[4007]);
			return;
		}
		session.offered = null;
		session.previous = session.current;
		session.current = socket;
		session.isSilent = false;
		this.#listen(session, socket);
		this.#welcome(session, 'reconnected');
	}

	#listen(session: Session, socket: WebSocket): void {
		socket.on('message', () => this.#drop(session, socket, 4001));
		socket.on('close', (code) => {
			this.#records.note('socket closed', { session: session.id, code });
			if (socket === session.previous) session.previous = null;
			// Offered a new address, the client has until the grace ends, with or without the old socket.
			if (socket === session.current && session.offered === null)
				this.#end(session, 'websocket_disconnected');
		});
	}

	#drop(session: Session, socket: WebSocket, code: number): void {
		if (socket === session.current) this.close(session, code);
		else socket.close(code, reasons[code]);
	}

	#end(session: Session, status: string): void {
		if (!this.sessions.delete(session)) return;
		session.stopKeepalive();
		session.stopDeadline();
		session.stopGrace();
		session.offered = null;
		this.#subscriptions.sessionEnded(session, status);
	}

	#welcome(session: Session, what: string): void {
		this.#records.note(`socket ${what}`, { session: session.id });
		this.#send(session, 'session_welcome', {
			session: {
				id: session.id,
				status: 'connected',
				connected_at: session.connectedAt.toISOString(),
				keepalive_timeout_seconds: session.keepaliveS,
				reconnect_url: null,
				recovery_url: null
			}
		});
	}

	#send(session: Session, type: string, payload: object, metadata: object = {}): boolean {
		const message = JSON.stringify({
			metadata: {
				message_id: randomUUID(),
				message_type: type,
				message_timestamp: stamp(this.#clock.now()),
				...metadata
			},
			payload
		});
		if (session.isSilent || session.current.readyState !== session.current.OPEN) return false;
		session.current.send(message);
		if (this.rules.tellsBoth && session.previous?.readyState === session.current.OPEN)
			if (type === 'notification') session.previous.send(message);
		session.stopKeepalive();
		session.stopKeepalive = this.#clock.after(session.keepaliveS * 1_000, () => {
			// Answered by every WebSocket library by itself; a pong is no inbound traffic.
			if (!session.isSilent && session.current.readyState === session.current.OPEN)
				session.current.ping();
			this.#send(session, 'session_keepalive', {});
		});
		return true;
	}

	/** Puts a notification or a revocation on the wire; false when there is none any more. */
	tell(session: SessionOf, type: string, payload: object, metadata: object): boolean {
		const live = this.#live(session);
		return live !== undefined && this.#send(live, type, payload, metadata);
	}

	#live = (session: SessionOf) => [...this.sessions].find((one) => one === session);

	/** The session for a subscription to go by; undefined when it is over. */
	find = (id: string): Session | undefined =>
		[...this.sessions].find((one) => one.id === id && one.current.readyState === one.current.OPEN);

	/** Asks clients to move to a new address, within the grace. */
	reconnect(origin: string, sessions = [...this.sessions]): void {
		for (const session of sessions) {
			session.stopGrace();
			const path = `/ws?opaque=${secretWord()}`;
			session.offered = path;
			this.#send(session, 'session_reconnect', {
				session: {
					id: session.id,
					status: 'reconnecting',
					keepalive_timeout_seconds: null,
					reconnect_url: `${origin}${path}`,
					connected_at: session.connectedAt.toISOString()
				}
			});
			session.stopGrace = this.#clock.after(this.rules.reconnectWithinMs, () => {
				if (session.offered !== null) this.close(session, 4004);
				else session.previous?.close(4004, reasons[4004]);
			});
		}
	}

	/** Closes a session with one of Twitch's codes. */
	close(session: Session, code: number): void {
		this.#end(session, statuses[code] ?? 'websocket_disconnected');
		session.current.close(code, reasons[code]);
		session.previous?.close(code, reasons[code]);
	}

	/** Breaks all connections without a word. */
	cut(): void {
		for (const { current, previous } of [...this.sessions]) {
			current.terminate();
			previous?.terminate();
		}
	}

	/** From now on nothing comes over the sockets there are, though they stay open. */
	silence(isSilent: boolean): void {
		for (const session of this.sessions) {
			session.isSilent = isSilent;
			if (!isSilent) this.#send(session, 'session_keepalive', {});
		}
	}

	stop(): void {
		for (const socket of this.#server.clients) socket.terminate();
		for (const stream of this.#unanswered) stream.destroy();
		this.#server.close();
	}
}

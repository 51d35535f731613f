/**
 * A Realtime server on a real port with a clock that tests advance, and what drives it: tokens,
 * the unmodified supabase-js, and a raw socket that speaks in frames.
 */
import { createClient, type RealtimeChannel, type SupabaseClient } from '@supabase/supabase-js';
import { SignJWT, generateKeyPair, jwtVerify } from 'jose';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import type { Database, HintFeed } from '../../src/lib/server/backend/index.ts';
import type { FeedMessage, Revocation } from '../../src/lib/server/backend/index.ts';
import { createLog } from '../../src/lib/server/log.ts';
import {
	createRealtimeServer,
	type RealtimeClock,
	type RealtimeDeps,
	type RealtimeServer
} from '../../src/lib/server/realtime/index.ts';

export const PUBLISHABLE = 'sb_publishable_test';
export const SECRET = 'sb_secret_test';

/** Runs tasks when a test moves it; starts at the real time, which tokens are signed for. */
export class ManualClock implements RealtimeClock {
	#now = Date.now();
	#tasks = new Set<{ at: number; task: () => void }>();
	now = (): number => this.#now;
	after(ms: number, task: () => void): () => void {
		const entry = { at: this.#now + ms, task };
		this.#tasks.add(entry);
		return () => this.#tasks.delete(entry);
	}
	/** Moves on, running what falls due in its order. */
	advance(ms: number): void {
		const end = this.#now + ms;
		for (;;) {
			const due = [...this.#tasks].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
			if (!due) break;
			this.#tasks.delete(due);
			this.#now = Math.max(this.#now, due.at);
			due.task();
		}
		this.#now = end;
	}
}

/** A feed without a database, for what happens after a message was read. */
export class ManualFeed implements HintFeed {
	#readers = new Set<(messages: FeedMessage[]) => void>();
	#revocations = new Set<(revocation: Revocation) => void>();
	#resets = new Set<() => void>();
	subscribe = (listener: (messages: FeedMessage[]) => void) => add(this.#readers, listener);
	onRevoked = (listener: (revocation: Revocation) => void) => add(this.#revocations, listener);
	onReset = (listener: () => void) => add(this.#resets, listener);
	send(...messages: FeedMessage[]): void {
		for (const tell of this.#readers) tell(messages);
	}
	revoke(revocation: Revocation): void {
		for (const tell of this.#revocations) tell(revocation);
	}
	reset(): void {
		for (const tell of this.#resets) tell();
	}
}
function add<T>(set: Set<T>, item: T): () => void {
	set.add(item);
	return () => void set.delete(item);
}

/** A message as the feed brings it. */
export function feedMessage(
	topic: string,
	payload: Record<string, unknown>,
	isPrivate = false
): FeedMessage {
	const id = crypto.randomUUID();
	const inserted_at = new Date().toISOString();
	const payload_json = JSON.stringify(payload);
	return { id, topic, event: 'hint', private: isPrivate, payload, payload_json, inserted_at };
}

const keys = await generateKeyPair('ES256');

/** A signed token that ends `seconds` after `now` (milliseconds; the real time unless given). */
export const tokenFor = (
	claims: Record<string, unknown>,
	seconds = 3600,
	now = Date.now()
): Promise<string> =>
	new SignJWT({ role: 'authenticated', ...claims })
		.setProtectedHeader({ alg: 'ES256' })
		.setIssuedAt()
		.setExpirationTime(Math.floor(now / 1000) + seconds)
		.sign(keys.privateKey);

export const verifyToken = async (jwt: string, now?: Date) =>
	(await jwtVerify(jwt, keys.publicKey, { algorithms: ['ES256'], currentDate: now })).payload;

export interface Served {
	/** `127.0.0.1:port`. */
	host: string;
	server: RealtimeServer;
	clock: ManualClock;
	/** Cuts every socket without a word, as a network does. */
	cutSockets(): void;
	socket(options?: SocketOptions): Promise<RawSocket>;
	close(): Promise<void>;
}

export interface SocketOptions {
	vsn?: '1.0.0' | '2.0.0';
	key?: string;
	path?: string;
	headers?: Record<string, string>;
}

type Deps = Partial<RealtimeDeps> & { database: Database; feed: HintFeed };

/** Starts a server on a free port of this machine. */
export async function serve({ database, feed, ...deps }: Deps): Promise<Served> {
	const clock = new ManualClock();
	const server = createRealtimeServer({
		database,
		feed,
		clock,
		verifyToken: (jwt) => verifyToken(jwt, new Date(clock.now())),
		apiKeys: { [PUBLISHABLE]: 'anon', [SECRET]: 'service_role' },
		allowOrigin: (origin) => origin === undefined || origin === 'http://own.test',
		log: createLog({ level: process.env.REALTIME_LOG === 'debug' ? 'debug' : 'silent' }),
		...deps
	});
	const sockets = new Set<import('node:net').Socket>();
	const http = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const answer = await server.handleHttp(
			new Request(`http://${request.headers.host}${request.url}`, {
				method: request.method ?? 'GET',
				headers: Object.entries(request.headers).map(([name, value]): [string, string] => [
					name,
					String(value)
				]),
				...(request.method === 'POST' ? { body: Buffer.concat(chunks) } : {})
			})
		);
		response.writeHead(answer.status, Object.fromEntries(answer.headers));
		response.end(Buffer.from(await answer.arrayBuffer()));
	});
	http.on('connection', (socket) => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
	});
	http.on('upgrade', (request, socket, head) => {
		if (!server.handleUpgrade(request, socket, head)) socket.destroy();
	});
	http.listen(0, '127.0.0.1');
	await once(http, 'listening');
	const { port } = http.address() as AddressInfo;
	const host = `127.0.0.1:${port}`;
	const cutSockets = () => sockets.forEach((socket) => socket.destroy());
	return {
		host,
		server,
		clock,
		cutSockets,
		socket: (options) => RawSocket.open(host, options),
		async close() {
			const closed = server.close();
			clock.advance(10_000);
			await closed;
			cutSockets();
			http.close();
		}
	};
}

/** Resolves when the condition holds; it is looked at after every turn of the event loop. */
export async function until(condition: () => boolean, what: string, limitMs = 5_000) {
	const end = performance.now() + limitMs;
	while (!condition()) {
		if (performance.now() > end) throw new Error(`never came true: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

export interface Frame {
	join_ref: string | null;
	ref: string | null;
	topic: string;
	event: string;
	payload: Record<string, unknown>;
}

/** A WebSocket that sends and shows frames as they are. */
export class RawSocket {
	readonly texts: string[] = [];
	readonly binaries: Buffer[] = [];
	closed: { code: number; reason: string } | null = null;
	readonly ws: WebSocket;
	readonly #v1: boolean;

	private constructor(ws: WebSocket, v1: boolean) {
		this.ws = ws;
		this.#v1 = v1;
		ws.on('message', (data: Buffer, isBinary) => {
			if (isBinary) this.binaries.push(data);
			else this.texts.push(data.toString());
		});
		ws.on('error', () => {});
		ws.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }));
	}

	static async open(host: string, options: SocketOptions = {}): Promise<RawSocket> {
		const { vsn = '2.0.0', key = PUBLISHABLE, path = '/realtime/v1/websocket', headers } = options;
		const ws = new WebSocket(`ws://${host}${path}?apikey=${key}&vsn=${vsn}`, {
			perMessageDeflate: false,
			headers
		});
		const socket = new RawSocket(ws, vsn === '1.0.0');
		await once(ws, 'open');
		return socket;
	}

	get frames(): Frame[] {
		return this.texts.map((text) => {
			const parts = JSON.parse(text);
			if (this.#v1) return { join_ref: null, ...parts };
			const [join_ref, ref, topic, event, payload] = parts;
			return { join_ref, ref, topic, event, payload };
		});
	}

	send(data: string | Buffer): void {
		this.ws.send(data);
	}

	push(frame: Partial<Frame> & { topic: string; event: string }): void {
		const { join_ref = null, ref = null, topic, event, payload = {} } = frame;
		this.ws.send(
			JSON.stringify(
				this.#v1 ? { topic, event, payload, ref, join_ref } : [join_ref, ref, topic, event, payload]
			)
		);
	}

	/** Pushes and answers the reply. */
	async ask(frame: Partial<Frame> & { topic: string; event: string; ref: string }): Promise<Frame> {
		this.push(frame);
		return this.frame((f) => f.event === 'phx_reply' && f.ref === frame.ref, `reply ${frame.ref}`);
	}

	async join(topic: string, config: object = {}, ref = '1', token?: string): Promise<Frame> {
		const payload = { config, ...(token ? { access_token: token } : {}) };
		return this.ask({ join_ref: ref, ref, topic: `realtime:${topic}`, event: 'phx_join', payload });
	}

	async frame(match: (frame: Frame) => boolean, what: string): Promise<Frame> {
		await until(() => this.frames.some(match), what);
		const found = this.frames.find(match);
		if (!found) throw new Error(`vanished: ${what}`);
		return found;
	}

	async gone(): Promise<{ code: number; reason: string }> {
		await until(() => this.closed !== null, 'the socket closes');
		return this.closed ?? { code: 0, reason: '' };
	}

	close(): void {
		this.ws.terminate();
	}
}

export type Status = `${'SUBSCRIBED' | 'CHANNEL_ERROR' | 'CLOSED' | 'TIMED_OUT'}`;

export interface Subscription {
	channel: RealtimeChannel;
	statuses: Status[];
	errors: string[];
	/** Every broadcast, as listeners get it. */
	messages: { event: string; payload: unknown; meta?: unknown }[];
	system: { status: string; message: string }[];
	/** Resolves when the last status is this. */
	reaches(status: Status): Promise<void>;
	receives(count: number): Promise<void>;
}

/** The unmodified client, with what it needs under Node 20. */
export function client(
	{ host }: Served,
	vsn: '1.0.0' | '2.0.0',
	options: { token?: () => Promise<string>; key?: string; heartbeatMs?: number } = {}
): SupabaseClient {
	return createClient(`http://${host}`, options.key ?? PUBLISHABLE, {
		...(options.token ? { accessToken: options.token } : {}),
		realtime: {
			// The client's type wants a browser's WebSocket; ws is the documented stand-in.
			transport: WebSocket as never,
			vsn,
			...(options.heartbeatMs ? { heartbeatIntervalMs: options.heartbeatMs } : {})
		}
	});
}

/** Subscribes and records everything. */
export function subscribe(channel: RealtimeChannel): Subscription {
	const subscription: Subscription = {
		channel,
		statuses: [],
		errors: [],
		messages: [],
		system: [],
		reaches: (status) =>
			until(
				() => subscription.statuses.at(-1) === status,
				`${status}, instead of ${subscription.statuses} ${subscription.errors}`
			),
		receives: (count) =>
			until(() => subscription.messages.length >= count, `${count} messages received`)
	};
	channel
		.on('broadcast', { event: '*' }, (message) => {
			const { event, payload, meta } = message;
			subscription.messages.push({ event, payload, ...(meta ? { meta } : {}) });
		})
		.on('system', {}, (message) => subscription.system.push(message))
		.subscribe((status, error) => {
			subscription.statuses.push(status);
			if (error) subscription.errors.push(error.message);
		});
	return subscription;
}

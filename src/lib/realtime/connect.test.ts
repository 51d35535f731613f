/**
 * The whole of it, with the unmodified supabase-js over a real socket, against a small server that
 * speaks as much of the wire as is needed to be unkind: it refuses, drops, closes and expires.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { manualClock } from '$lib/player/clock.ts';
import { playing, told } from '$lib/player/sample.ts';

// The client looks for a window once, when it is loaded: this one can be hidden.
const page = vi.hoisted(() => {
	const window = new EventTarget();
	const document = { visibilityState: 'visible' };
	Object.assign(globalThis, { window, document });
	return {
		show(visibilityState: 'visible' | 'hidden') {
			if (document.visibilityState === visibilityState) return;
			document.visibilityState = visibilityState;
			window.dispatchEvent(new Event('visibilitychange'));
		}
	};
});
const { connectTopic } = await import('./supervisor.ts');

const TOPIC = 'overlay:dddddddd-0000-4000-8000-000000000001';
const Frame = z.tuple([
	z.string().nullable(),
	z.string().nullable(),
	z.string(),
	z.string(),
	z.looseObject({ access_token: z.string().optional() })
]);

class Wire {
	readonly #http: Server;
	readonly #sockets = new WebSocketServer({ noServer: true });
	readonly #streams = new Set<ServerResponse>();
	/** Tokens of joins, in order; null for a join without. */
	joins: (string | null)[] = [];
	/** References of beats. */
	beats: (string | null)[] = [];
	/** `Authorization` of the streams opened. */
	streams: (string | undefined)[] = [];
	refuseSockets = false;
	refuseStreams = false;

	constructor() {
		this.#http = createServer((request, response) => this.#stream(request, response));
		this.#http.on('upgrade', (request: IncomingMessage, socket, head) => {
			if (this.refuseSockets) return socket.destroy();
			this.#sockets.handleUpgrade(request, socket, head, (client) => this.#serve(client));
		});
	}
	async open(): Promise<string> {
		await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
		const { port } = this.#http.address() as AddressInfo;
		return `http://127.0.0.1:${port}`;
	}
	#stream(request: IncomingMessage, response: ServerResponse): void {
		if (this.refuseStreams) return void response.writeHead(503).end();
		this.streams.push(request.headers.authorization);
		response.writeHead(200, { 'content-type': 'text/event-stream' });
		response.write('event: ready\ndata: {}\n\n');
		this.#streams.add(response);
		response.on('close', () => this.#streams.delete(response));
	}
	#serve(client: WebSocket): void {
		client.on('message', (data) => {
			const [join, ref, topic, event, payload] = Frame.parse(JSON.parse(String(data)));
			if (event === 'phx_join') {
				this.joins.push(payload.access_token ?? null);
				Reflect.set(client, 'join', join);
			}
			if (event === 'heartbeat') this.beats.push(ref);
			if (event === 'access_token') return;
			const reply = { status: 'ok', response: {} };
			client.send(JSON.stringify([join, ref, topic, 'phx_reply', reply]));
		});
	}
	send(event: string, payload: object): void {
		for (const client of this.#sockets.clients) {
			const join: unknown = Reflect.get(client, 'join');
			client.send(JSON.stringify([join, join, `realtime:${TOPIC}`, event, payload]));
		}
	}
	broadcast(message: object): void {
		this.send('broadcast', { type: 'broadcast', event: 'x', payload: message });
		for (const stream of this.#streams) stream.write(`data: ${JSON.stringify(message)}\n\n`);
	}
	/** As the server does when a token has expired. */
	expire(): void {
		const message = 'Token has expired 1 seconds ago';
		this.send('system', { extension: 'system', status: 'error', message });
		this.send('phx_close', {});
	}
	drop(): void {
		for (const client of this.#sockets.clients) client.terminate();
	}
	get open_streams(): number {
		return this.#streams.size;
	}
	get open_sockets(): number {
		return this.#sockets.clients.size;
	}
	close(): void {
		this.drop();
		this.#http.closeAllConnections();
		this.#http.close();
	}
}

const undo: (() => void)[] = [];
afterEach(() => {
	page.show('visible');
	for (const one of undo.splice(0)) one();
});

/** What a browser does where a policy forbids sockets. */
class Forbidden {
	constructor() {
		throw new Error('forbidden');
	}
}

async function aLink({
	sockets = true,
	streams = true,
	firstTokenFails = false,
	forbidden = false
} = {}) {
	const wire = new Wire();
	wire.refuseSockets = !sockets;
	wire.refuseStreams = !streams;
	const origin = await wire.open();
	const clock = manualClock();
	const heard: string[] = [];
	const asked: boolean[] = [];
	const link = connectTopic({
		url: origin,
		key: 'sb_publishable_test',
		topic: TOPIC,
		sseUrl: `${origin}/stream`,
		clock,
		// Full jitter may be no delay at all.
		random: () => 0,
		transport: forbidden ? Forbidden : WebSocket,
		token: ({ fresh = false } = {}) => {
			asked.push(fresh);
			return firstTokenFails && asked.length === 1
				? Promise.reject(new Error('not yet'))
				: Promise.resolve(`token ${asked.length}`);
		},
		onMessage: (message) => heard.push(message.type),
		onNeedPull: (reason) => heard.push(reason),
		onState: (state) => heard.push(`→ ${state}`)
	});
	undo.push(
		() => link.close(),
		() => wire.close()
	);
	/** Waits for it while our clock runs on, as fast as it may. */
	const until = (what: () => void) =>
		vi.waitFor(
			() => {
				clock.advance(500);
				what();
			},
			{ timeout: 10_000, interval: 10 }
		);
	return { wire, clock, link, heard, asked, until };
}

describe('a topic', () => {
	test('is joined with a token, never before there is one, and its messages come through', async () => {
		const { wire, heard, link, until } = await aLink({ firstTokenFails: true });
		await until(() => expect(link.state).toBe('realtime'));
		expect(wire.joins).toEqual([expect.stringMatching(/^token/)]);
		expect(heard).toEqual(['→ realtime', 'subscribed']);
		wire.broadcast(told(1, playing(1)));
		await until(() => expect(heard.at(-1)).toBe('PLAY_CHANGED'));
	});

	test('is joined again after its socket is lost, and pulled', async () => {
		const { wire, heard, link, until } = await aLink();
		await until(() => expect(link.state).toBe('realtime'));
		wire.drop();
		await until(() => expect(heard.filter((line) => line === 'subscribed')).toHaveLength(2));
		expect(wire.joins).toHaveLength(2);
	});

	test('is joined anew, with a fresh token, after the server closed it for expiry', async () => {
		const { wire, heard, link, asked, until } = await aLink();
		await until(() => expect(link.state).toBe('realtime'));
		expect(asked).not.toContain(true);
		wire.expire();
		await until(() => expect(heard.filter((line) => line === 'subscribed')).toHaveLength(2));
		expect(asked).toContain(true);
		expect(wire.joins[1]).not.toBe(wire.joins[0]);
	});

	test('comes back while the page is hidden, though the client alone would not', async () => {
		const { wire, heard, link, until } = await aLink();
		await until(() => expect(link.state).toBe('realtime'));
		page.show('hidden');
		wire.drop();
		await until(() => expect(wire.joins).toHaveLength(2));
		await until(() => expect(link.state).toBe('realtime'));
		expect(heard.at(-1)).toBe('subscribed');
	});

	test('is kept alive by beats of its own, which the client does not mistake for its own', async () => {
		const { wire, link, until, clock } = await aLink();
		await until(() => expect(link.state).toBe('realtime'));
		clock.advance(60_000);
		await until(() => expect(wire.beats).toContain('cuelight'));
		expect(wire.open_sockets).toBe(1);
	});

	test('comes as a stream where sockets do not get through, and as a socket once they do', async () => {
		const { wire, heard, link, until } = await aLink({ sockets: false });
		await until(() => expect(link.state).toBe('stream'));
		expect(wire.streams[0]).toMatch(/^Bearer token/);
		wire.broadcast(told(1, playing(1)));
		await until(() => expect(heard).toContain('PLAY_CHANGED'));
		wire.refuseSockets = false;
		await until(() => expect(link.state).toBe('realtime'));
		await until(() => expect(wire.open_streams).toBe(0));
	});

	test('comes as a stream where making a socket throws', async () => {
		const { wire, heard, link, until } = await aLink({ forbidden: true });
		await until(() => expect(link.state).toBe('stream'));
		wire.broadcast(told(1, playing(1)));
		await until(() => expect(heard).toContain('PLAY_CHANGED'));
	});

	test('is polled where nothing gets through, and heard again once something does', async () => {
		const { wire, heard, link, until } = await aLink({ sockets: false, streams: false });
		await until(() => expect(link.state).toBe('polling'));
		await until(() => expect(heard.filter((line) => line === 'poll').length).toBeGreaterThan(2));
		wire.refuseStreams = false;
		await until(() => expect(link.state).toBe('stream'));
	});

	test('closed, it leaves nothing open', async () => {
		const { wire, link, clock, until } = await aLink();
		await until(() => expect(link.state).toBe('realtime'));
		link.close();
		await until(() => expect(wire.open_sockets).toBe(0));
		expect(clock.pending).toBe(0);
	});
});

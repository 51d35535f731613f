import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { aPlay, id, ME, OVERLAY, playing, told } from '../player/sample.ts';
import { matchesType, StreamingEventBus, type StreamingEventBusOptions } from './client.ts';
import { AppError } from './error.ts';
import type { BusMessage } from './message.ts';

interface Asked {
	method: string;
	path: string;
	authorization: string | undefined;
	headers: IncomingMessage['headers'];
	body: unknown;
}

const undo: (() => void)[] = [];
afterEach(() => {
	for (const one of undo.splice(0)) one();
});

/** A server that notes what it is asked and answers what it is told. */
async function aServer() {
	const asked: Asked[] = [];
	const answers = new Map<string, [status: number, body: unknown]>();
	const streams = new Set<ServerResponse>();
	const server = createServer((request, response) => void answer(request, response));
	async function answer(request: IncomingMessage, response: ServerResponse) {
		const path = request.url ?? '';
		const method = request.method ?? '';
		const body = await text(request);
		const { authorization } = request.headers;
		asked.push({
			method,
			path,
			authorization,
			headers: request.headers,
			body: body === '' ? null : JSON.parse(body)
		});
		const [status, told] = answers.get(`${method} ${path}`) ?? [200, null];
		if (status === 200 && /stream|overlay\/events/.test(path)) {
			response.writeHead(200, { 'content-type': 'text/event-stream' });
			response.write('id: one:4\nevent: ready\ndata: {}\n\n');
			streams.add(response);
			response.on('close', () => streams.delete(response));
			return;
		}
		response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told));
	}
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	undo.push(() => {
		server.closeAllConnections();
		server.close();
	});
	return {
		origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		asked,
		answers,
		streams,
		of: (path: string) => asked.filter((one) => one.path === path),
		send(message: BusMessage | string, lastId?: string) {
			const data = typeof message === 'string' ? message : JSON.stringify(message);
			const name = lastId === undefined ? '' : `id: ${lastId}\n`;
			for (const stream of streams) stream.write(`${name}data: ${data}\n\n`);
		},
		reset() {
			for (const stream of streams) stream.write('event: reset\ndata: {}\n\n');
		},
		drop() {
			for (const stream of streams) stream.destroy();
		}
	};
}
type TestServer = Awaited<ReturnType<typeof aServer>>;

function aBus(server: TestServer, options: Partial<StreamingEventBusOptions> = {}) {
	const faults: string[] = [];
	const bus = new StreamingEventBus({
		origin: server.origin,
		key: 'ck_api_test',
		random: () => 0,
		onFault: (fault) => faults.push(fault),
		...options
	});
	return { bus, faults };
}

const until = (what: () => void) => vi.waitFor(what, { timeout: 5_000, interval: 5 });
const published = { event_id: id('event'), seq: 7, status: 'pending', outcome: 'recorded' };

describe('commands', () => {
	test('publish sends the event with the key and answers where it stands', async () => {
		const server = await aServer();
		server.answers.set('POST /v1/events', [201, published]);
		const { bus } = aBus(server);
		const event = { event_type: 'custom:high_score', data: { player: 'Ada' } };
		expect(await bus.publishEvent(event, { idempotency_key: 'once' })).toEqual(published);
		expect(server.asked).toMatchObject([
			{ method: 'POST', path: '/v1/events', authorization: 'Bearer ck_api_test', body: event }
		]);
		expect(server.asked[0]?.headers['idempotency-key']).toBe('once');
	});

	test('cancel and replay name the event and answer what became of it', async () => {
		const server = await aServer();
		const event_id = id('event');
		const cancelled = { event_id, cancelled: [id('play')], already: false, status: 'cancelled' };
		const replayed = { event_id, plays: [aPlay(1)], status: 'pending' };
		server.answers.set(`PUT /v1/events/${event_id}/cancel`, [200, cancelled]);
		server.answers.set(`POST /v1/events/${event_id}/replay`, [200, replayed]);
		const { bus } = aBus(server);
		expect(await bus.cancelEvent(event_id)).toEqual(cancelled);
		expect(await bus.replayEvent(event_id, OVERLAY)).toEqual(replayed);
		expect(server.asked[1]?.body).toEqual({ overlay_id: OVERLAY });
	});

	test('a refusal is an AppError with its code', async () => {
		const server = await aServer();
		const problem = { code: 'conflict', status: 409, detail: 'This event cannot be cancelled' };
		server.answers.set('PUT /v1/events/x/cancel', [409, problem]);
		const { bus } = aBus(server);
		const error: unknown = await bus.cancelEvent('x').catch((thrown: unknown) => thrown);
		expect(error).toBeInstanceOf(AppError);
		expect(error).toMatchObject({ code: 'conflict', message: 'This event cannot be cancelled' });
	});

	test('an answer that is not of the server, and no answer, are "unavailable"', async () => {
		const server = await aServer();
		server.answers.set('PUT /v1/events/x/cancel', [404, '<html>']);
		await expect(aBus(server).bus.cancelEvent('x')).rejects.toMatchObject({ code: 'unavailable' });
		const gone = aBus(server, { origin: 'http://127.0.0.1:1' });
		await expect(gone.bus.cancelEvent('x')).rejects.toMatchObject({ code: 'unavailable' });
	});
});

describe('messages', () => {
	test('come through, and after a lost connection from where they stopped', async () => {
		const server = await aServer();
		const { bus } = aBus(server);
		const heard: BusMessage[] = [];
		const connection = bus.connect(null, (message) => heard.push(message));
		await connection.ready;
		expect(server.of('/v1/stream')[0]?.headers['last-event-id']).toBeUndefined();
		server.send(told(1, aPlay(1)), 'one:5');
		await until(() => expect(heard).toHaveLength(1));
		server.drop();
		await until(() => expect(server.of('/v1/stream')).toHaveLength(2));
		expect(server.of('/v1/stream')[1]?.headers['last-event-id']).toBe('one:5');
		await until(() => expect(server.streams.size).toBe(1));
		connection.close();
		await until(() => expect(server.streams.size).toBe(0));
	});

	test('one that cannot be read and a listener that throws end nothing', async () => {
		const server = await aServer();
		const { bus, faults } = aBus(server);
		const heard: string[] = [];
		const connection = bus.connect(null, (message) => {
			heard.push(message.type);
			if (heard.length === 1) throw new Error('my own fault');
		});
		await connection.ready;
		server.send('no json');
		server.send(told(1, playing(1)));
		server.send(told(2, aPlay(1, { status: 'cancelled' })));
		await until(() => expect(heard).toEqual(['PLAY_CHANGED', 'ANIMATION_CANCEL']));
		expect(faults).toHaveLength(2);
		bus.disconnect(null);
		await until(() => expect(server.streams.size).toBe(0));
	});

	test('are narrowed to an overlay and to the types subscribed', async () => {
		const server = await aServer();
		const { bus } = aBus(server);
		const here: number[] = [];
		const there: number[] = [];
		const connections = [
			bus.connect(OVERLAY, (message) => here.push(seqOf(message))),
			bus.connect(id('overlay', 2), (message) => there.push(seqOf(message)))
		];
		await Promise.all(connections.map(({ ready }) => ready));
		bus.subscribe(OVERLAY, ['custom:*', 'other:thing']);
		server.send(told(1, playing(1)));
		await until(() => expect(here).toEqual([1]));
		bus.unsubscribe(OVERLAY, ['custom:*']);
		server.send(told(2, playing(2)));
		bus.subscribe(OVERLAY, ['*:high_score']);
		server.send(told(3, playing(3)));
		await until(() => expect(here).toContain(3));
		expect(there).toEqual([]);
		for (const connection of connections) connection.close();
	});

	test('a log that does not reach back far enough is told', async () => {
		const server = await aServer();
		const { bus } = aBus(server);
		let resets = 0;
		const connection = bus.connect(
			null,
			() => {},
			() => (resets += 1)
		);
		await connection.ready;
		server.reset();
		await until(() => expect(resets).toBe(1));
		connection.close();
	});

	test('a refused key ends the connection instead of trying for ever', async () => {
		const server = await aServer();
		server.answers.set('GET /v1/stream', [401, { code: 'unauthenticated', detail: 'No such key' }]);
		const { bus } = aBus(server);
		await expect(bus.connect(null, () => {}).ready).rejects.toThrow('No such key');
		expect(server.asked).toHaveLength(1);
	});
});

describe('as an overlay', () => {
	const session = (token: string): [number, unknown] => [200, { token, overlay_id: OVERLAY }];

	test('it exchanges its key once, beats, hears its overlay and reports', async () => {
		const server = await aServer();
		server.answers.set('POST /v1/overlay/session', session('jwt'));
		server.answers.set('POST /v1/overlay/heartbeat', [200, { leads: true, next_in_ms: 60_000 }]);
		server.answers.set('POST /v1/overlay/report', [200, { accepted: true, reason: null }]);
		const { bus } = aBus(server, { key: 'ck_overlay_test', instance_id: ME });
		const heard: BusMessage[] = [];
		const connection = bus.connect(null, (message) => heard.push(message));
		await connection.ready;
		await until(() => expect(server.of('/v1/overlay/heartbeat')).toHaveLength(1));
		server.send(told(1, playing(1)));
		await until(() => expect(heard).toHaveLength(1));
		expect(await bus.reportStatus(playing(1), 'ended')).toMatchObject({ accepted: true });
		expect(server.of('/v1/overlay/report')[0]).toMatchObject({
			authorization: 'Bearer jwt',
			body: { instance_id: ME, play_id: id('play', 1), attempt: 1, report: 'ended', detail: {} }
		});
		expect(server.of('/v1/overlay/session')).toHaveLength(1);
		connection.close();
	});

	test('a session that has ended is opened anew', async () => {
		const server = await aServer();
		server.answers.set('POST /v1/overlay/session', session('old'));
		server.answers.set('POST /v1/overlay/report', [401, { code: 'unauthenticated' }]);
		const { bus } = aBus(server, { key: 'ck_overlay_test', instance_id: ME });
		await expect(bus.reportStatus(playing(1), 'started')).rejects.toThrow();
		server.answers.set('POST /v1/overlay/report', [200, { accepted: true, reason: null }]);
		await bus.reportStatus(playing(1), 'started');
		expect(server.of('/v1/overlay/session').length).toBeGreaterThanOrEqual(2);
	});

	test('without an id of its own it says what is missing', async () => {
		const server = await aServer();
		const { bus } = aBus(server, { key: 'ck_overlay_test' });
		await expect(bus.reportStatus(playing(1), 'ended')).rejects.toThrow('instance_id is missing');
	});
});

test.each([
	['custom:*', 'custom:high_score', true],
	['*:follower', 'custom:follower', true],
	['*', 'custom:follower', true],
	['custom:high', 'custom:high_score', false],
	['cust.m:*', 'custom:high_score', false]
])('the pattern %s fits %s: %s', (pattern, type, fits) => {
	expect(matchesType(pattern, type)).toBe(fits);
});

function seqOf(message: BusMessage): number {
	if (message.type === 'EVENT_BROADCAST') return message.event.seq;
	return message.type === 'STATUS_CHANGED' ? 0 : message.play.seq;
}

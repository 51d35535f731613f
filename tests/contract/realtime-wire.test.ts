/**
 * The Realtime server by raw frames: what the JavaScript client never sends, what hostile clients
 * do, and what happens to a reader that does not read.
 */
import { randomUUID } from 'node:crypto';
import { connect as dial } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import {
	feedMessage,
	ManualFeed,
	PUBLISHABLE,
	SECRET,
	serve,
	tokenFor,
	until,
	type RawSocket,
	type Served,
	type SocketOptions
} from './realtime-server.ts';
import { roomPolicies } from './realtime.ts';

let db: TestDatabase;
let feed: ManualFeed;
let served: Served;
const opened: RawSocket[] = [];

async function open(options?: SocketOptions): Promise<RawSocket> {
	const socket = await served.socket(options);
	opened.push(socket);
	return socket;
}
async function start(limits: Record<string, number> = {}): Promise<void> {
	await served?.close();
	feed = new ManualFeed();
	served = await serve({ database: db.database, feed, limits });
}
/** Signs a member in to a room of its own. */
async function member(mayWrite = false): Promise<{ topic: string; user: string; token: string }> {
	const [topic, user] = [`room:${randomUUID()}`, randomUUID()];
	await db.sql`insert into public.room_members (user_id, room, may_write) values (${user}, ${topic}, ${mayWrite})`;
	return { topic, user, token: await tokenFor({ sub: user }) };
}
const wire = (topic: string) => `realtime:${topic}`;
const alive = async () => {
	const socket = await open();
	const { payload } = await socket.ask({ topic: 'phoenix', event: 'heartbeat', ref: '1' });
	expect(payload).toEqual({ status: 'ok', response: {} });
};

beforeAll(async () => {
	db = await testDatabase();
	await db.sql.unsafe(roomPolicies);
});
afterEach(() => {
	for (const socket of opened.splice(0)) socket.close();
});
afterAll(async () => {
	await served.close();
	await db.close();
});

describe('frames, version 2', () => {
	beforeAll(() => start());

	test('a heartbeat is answered without join_ref', async () => {
		const socket = await open();
		socket.send('[null,"7","phoenix","heartbeat",{}]');
		await until(() => socket.texts.length > 0, 'an answer');
		expect(socket.texts).toEqual([
			'[null,"7","phoenix","phx_reply",{"status":"ok","response":{}}]'
		]);
	});

	test('join, leave and what follows, byte for byte', async () => {
		const socket = await open();
		socket.send('["8","8","realtime:room:a","phx_join",{"config":{"private":false}}]');
		socket.send('["8","13","realtime:room:a","phx_leave",{}]');
		socket.send('["8","14","realtime:room:a","phx_leave",{}]');
		socket.send('["8","15","realtime:room:a","broadcast",{"event":"x"}]');
		await until(() => socket.texts.length === 5, 'five answers');
		expect(socket.texts).toEqual([
			'["8","8","realtime:room:a","phx_reply",{"status":"ok","response":{"postgres_changes":[]}}]',
			'["8","13","realtime:room:a","phx_reply",{"status":"ok","response":{}}]',
			'["8","8","realtime:room:a","phx_close",{}]',
			'["8","14","realtime:room:a","phx_reply",{"status":"ok","response":{}}]',
			'[null,"15","realtime:room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]'
		]);
	});

	test('a binary broadcast goes in as kind 3 and comes back as kind 4', async () => {
		const socket = await open();
		await socket.join('room:a', { broadcast: { self: true, ack: true } }, '8');
		socket.send(
			Buffer.concat([
				Buffer.of(3, 1, 2, 15, 1, 0, 1),
				Buffer.from('8'),
				Buffer.from('10'),
				Buffer.from('realtime:room:a'),
				Buffer.from('x'),
				Buffer.from('{"a":1}')
			])
		);
		await until(() => socket.binaries.length > 0, 'the broadcast');
		expect(socket.binaries[0]).toEqual(
			Buffer.concat([Buffer.of(4, 15, 1, 0, 1), Buffer.from('realtime:room:ax{"a":1}')])
		);
		const reply = await socket.frame(({ ref }) => ref === '10', 'the acknowledgement');
		expect(reply.payload).toEqual({ status: 'ok', response: {} });
	});

	test('a text broadcast is taken too, its metadata is not', async () => {
		const socket = await open();
		await socket.join('room:a', { broadcast: { self: true } });
		const payload = { type: 'broadcast', event: 'x', payload: { a: 1 }, meta: { id: 'forged' } };
		socket.push({ join_ref: '1', ref: '2', topic: wire('room:a'), event: 'broadcast', payload });
		await until(() => socket.binaries.length > 0, 'the broadcast');
		expect(socket.binaries[0]?.toString()).toContain('realtime:room:ax{"a":1}');
		expect(socket.binaries[0]?.toString()).not.toContain('forged');
	});

	test('a second join of a topic closes the first, and old pushes are ignored', async () => {
		const socket = await open();
		await socket.join('room:a', {}, '1');
		await socket.join('room:a', { broadcast: { ack: true, self: true } }, '2');
		expect(socket.texts[1]).toBe('["1","1","realtime:room:a","phx_close",{}]');
		const payload = { event: 'x', payload: {} };
		socket.push({ join_ref: '1', ref: '3', topic: wire('room:a'), event: 'broadcast', payload });
		await socket.ask({
			join_ref: '2',
			ref: '4',
			topic: wire('room:a'),
			event: 'broadcast',
			payload
		});
		expect(socket.frames.some(({ ref }) => ref === '3')).toBe(false);
		expect(socket.binaries).toHaveLength(1);
		expect(served.server.stats()).toMatchObject({ channels: 1 });
	});

	test('a message sent right after a join does not overtake it', async () => {
		const { topic, token } = await member(true);
		const socket = await open();
		const config = { private: true, broadcast: { self: true, ack: true } };
		socket.push({
			join_ref: '1',
			ref: '1',
			topic: wire(topic),
			event: 'phx_join',
			payload: { config, access_token: token }
		});
		const payload = { event: 'x', payload: {} };
		await socket.ask({ join_ref: '1', ref: '2', topic: wire(topic), event: 'broadcast', payload });
		expect(socket.frames.map(({ ref, event }) => [ref, event])).toEqual([
			['1', 'phx_reply'],
			['2', 'phx_reply']
		]);
		expect(socket.binaries).toHaveLength(1);
	});

	test('what a replay brought is not brought again by the feed', async () => {
		const { topic, token } = await member();
		await db.sql`select realtime.send('{"n":1}', 'said', ${topic}, true)`;
		const [row] = await db.sql<{ id: string }[]>`
			select id from realtime.messages where topic = ${topic}`;
		const socket = await open();
		const since = Date.now() - 60_000;
		await socket.join(topic, { private: true, broadcast: { replay: { since } } }, '1', token);
		feed.send({ ...feedMessage(topic, { n: 1 }, true), id: row?.id ?? '' });
		feed.send(feedMessage(topic, { n: 2 }, true));
		await until(() => socket.binaries.length > 0, 'the live message');
		expect(socket.binaries).toHaveLength(1);
		expect(socket.binaries[0]?.toString()).toContain('{"n":2}');
		const replays = socket.frames.filter(({ event }) => event === 'broadcast');
		expect(replays).toMatchObject([
			{ join_ref: '1', ref: null, payload: { meta: { id: row?.id, replayed: true } } }
		]);
	});

	test('replay is refused where it cannot be had', async () => {
		const { topic, token } = await member();
		const socket = await open();
		const ask = async (config: object, ref: string) =>
			(await socket.join(topic, config, ref, token)).payload;
		for (const [index, [config, reason]] of (
			[
				[{ broadcast: { replay: { since: 1 } } }, 'Replay is not allowed for public channels'],
				[{ private: true, broadcast: { replay: { since: -1 } } }, 'Replay params are not valid'],
				[{ private: true, broadcast: { replay: { since: 2 ** 64 } } }, 'Replay params'],
				[{ private: true, broadcast: { replay: { since: 'text' } } }, 'Replay params'],
				[{ private: true, broadcast: { replay: { since: 1, limit: 26 } } }, 'Replay params']
			] as const
		).entries())
			expect(JSON.stringify(await ask(config, String(index)))).toContain(
				`UnableToReplayMessages: ${reason}`
			);
		const future = { private: true, broadcast: { replay: { since: 8e15 } } };
		expect(await ask(future, '9')).toMatchObject({ status: 'ok' });
	});

	test('booleans may be texts, and a config that makes no sense is the default', async () => {
		const socket = await open();
		await socket.join('room:a', { broadcast: { self: 'TRUE', ack: 'true' } });
		const payload = { event: 'x', payload: {} };
		await socket.ask({
			join_ref: '1',
			ref: '2',
			topic: wire('room:a'),
			event: 'broadcast',
			payload
		});
		expect(socket.binaries).toHaveLength(1);
		const odd = { broadcast: 7, presence: [], postgres_changes: 'x', private: { a: 1 } };
		expect((await socket.join('room:b', odd, '3')).payload).toMatchObject({ status: 'ok' });
	});

	test('version 1 hears JSON, and no raw bytes', async () => {
		const [one, two] = [await open({ vsn: '1.0.0' }), await open()];
		const late = await open({ vsn: '1.0.0', path: '/socket/websocket' });
		for (const socket of [one, two, late]) await socket.join('room:mixed');
		const frame = (encoding: number, body: string) =>
			Buffer.concat([
				Buffer.of(3, 1, 1, 19, 1, 0, encoding),
				Buffer.from('12realtime:room:mixedx'),
				Buffer.from(body)
			]);
		two.send(frame(0, 'raw'));
		two.send(frame(1, '{"a":"✨"}'));
		await until(() => one.texts.length > 1, 'the broadcast');
		expect(one.texts.slice(1)).toEqual([
			'{"topic":"realtime:room:mixed","event":"broadcast","payload":{"event":"x","payload":{"a":"✨"},"type":"broadcast"},"ref":null}'
		]);
	});
});

describe('the door', () => {
	beforeAll(() => start({ connections: 3 }));

	/** The HTTP answer to an upgrade. */
	function upgrade(path: string, headers: Record<string, string> = {}, method = 'GET') {
		return new Promise<{ status: number; body: string }>((resolve) => {
			const [host, port] = served.host.split(':');
			const socket = dial(Number(port), host);
			let text = '';
			socket.on('data', (data) => (text += data));
			socket.on('error', () => {});
			socket.on('close', () => {
				const [head = '', body = ''] = text.split('\r\n\r\n');
				resolve({ status: Number(head.split(' ')[1]), body });
			});
			const all = {
				Host: served.host,
				Connection: 'Upgrade',
				Upgrade: 'websocket',
				'Sec-WebSocket-Version': '13',
				'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
				...headers
			};
			const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
			socket.write([`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
		});
	}
	const address = (key: string) => `/realtime/v1/websocket?apikey=${key}&vsn=2.0.0`;

	test.each([
		['no key', '/realtime/v1/websocket?vsn=2.0.0', 401, 'API key is missing'],
		['an unknown key', address('sb_publishable_no'), 401, 'The token provided is not a valid JWT'],
		['rubbish', address('a.b.c'), 401, 'The token provided is not a valid JWT'],
		['a name of every object', address('__proto__'), 401, 'The token provided is not a valid JWT'],
		[
			'a version that is not spoken',
			`${address(PUBLISHABLE)}`.replace('2.0.0', '3.0.0'),
			400,
			'vsn'
		]
	])('%s is refused', async (_what, path, status, message) => {
		const answer = await upgrade(path);
		expect(answer.status).toBe(status);
		expect(JSON.parse(answer.body).error).toContain(message);
	});

	test('a JWT that has ended, or says no role, is refused', async () => {
		const ended = await upgrade(address(await tokenFor({}, -100)));
		expect([ended.status, ended.body]).toEqual([
			401,
			expect.stringMatching(/^\{"error":"Token has expired \d+ seconds ago"\}$/)
		]);
		const noRole = await upgrade(address(await tokenFor({ role: undefined })));
		expect(noRole.body).toContain('Fields `role` and `exp` are required in JWT');
		const server = await upgrade(address(await tokenFor({ role: 'postgres' })));
		expect(server.status).toBe(401);
	});

	test('a JWT opens it as well, and judges private channels', async () => {
		const { topic, token } = await member();
		const socket = await open({ key: token });
		expect((await socket.join(topic, { private: true })).payload).toMatchObject({ status: 'ok' });
	});

	test('service keys read everything', async () => {
		const socket = await open({ key: SECRET });
		const { payload } = await socket.join('room:any', { private: true });
		expect(payload).toMatchObject({ status: 'ok' });
	});

	test.each([
		'https://evil.test',
		'null',
		'http://own.test.evil.test',
		'http://own.test:8080',
		'http://own.test@evil.test'
	])('a page of %s is refused', async (Origin) => {
		expect((await upgrade(address(PUBLISHABLE), { Origin })).status).toBe(403);
	});

	test('odd upgrades get an answer and harm nobody', async () => {
		const headers = { 'Sec-WebSocket-Extensions': 'constructor; __proto__=1' };
		const socket = await open({ headers });
		expect(socket.ws.extensions).toBe('');
		expect((await upgrade(address(PUBLISHABLE), { 'Sec-WebSocket-Key': 'x' })).status).toBe(400);
		expect((await upgrade(address(PUBLISHABLE), { 'Sec-WebSocket-Version': '9' })).status).toBe(
			400
		);
		expect((await upgrade(address(PUBLISHABLE), {}, 'POST')).status).toBe(405);
		expect((await upgrade(`//[${address(PUBLISHABLE)}`)).status).not.toBe(101);
		await alive();
	});

	test('too many sockets are refused, and their places are given back', async () => {
		const three = [await open(), await open(), await open()];
		const answer = await upgrade(address(PUBLISHABLE));
		expect([answer.status, answer.body]).toEqual([429, '{"error":"Too many connected users"}']);
		three[0]?.close();
		await until(() => served.server.stats().connections === 2, 'one has gone');
		await alive();
	});
});

describe('hostile clients', () => {
	beforeAll(() => start({ channelsPerConnection: 3 }));

	test.each([
		['a number', '7'],
		['null', 'null'],
		['an empty array', '[]'],
		['an object', '{}'],
		['text', 'hello'],
		['a topic that is none', '[null,"1",{},"phx_join",{}]'],
		['a ref that is none', '[null,1,"realtime:a","phx_join",{}]'],
		['a payload that is none', '[null,"1","realtime:a","phx_join",[]]'],
		['65 levels', `[null,"1","realtime:a","x",{"a":${'['.repeat(64)}${']'.repeat(64)}}]`],
		['10,000 levels', '['.repeat(10_000)],
		['binary kind 0', Buffer.of(0, 0, 0, 0, 0, 0, 0)],
		['a binary frame cut short', Buffer.of(3, 255, 255, 255, 255, 255, 1)],
		['an empty binary frame', Buffer.alloc(0)],
		[
			'a payload that is not JSON',
			Buffer.concat([Buffer.of(3, 0, 0, 1, 1, 0, 1), Buffer.from('ax{')])
		],
		[
			'a header that is not UTF-8',
			Buffer.concat([Buffer.of(3, 0, 0, 1, 1, 0, 1), Buffer.of(0xc0, 0xaf), Buffer.from('{}')])
		]
	])('%s is answered, the fifth time with 1008', async (_what, data) => {
		const socket = await open();
		for (let n = 0; n < 5; n++) socket.send(data);
		expect(await socket.gone()).toEqual({ code: 1008, reason: 'too many malformed frames' });
		expect(socket.frames).toHaveLength(5);
		expect(socket.frames[0]).toMatchObject({
			topic: 'phoenix',
			event: 'phx_reply',
			payload: { status: 'error' }
		});
		await alive();
	});

	test('unknown events of a channel are counted, names of every object too', async () => {
		const socket = await open();
		await socket.join('room:a');
		for (const event of ['__proto__', 'constructor', 'toString', 'nothing', 'postgres_changes'])
			socket.push({ join_ref: '1', ref: '2', topic: wire('room:a'), event });
		expect((await socket.gone()).code).toBe(1008);
	});

	test.each([
		['no name', 'realtime:', 'TopicNameRequired'],
		['a long name', `realtime:${'x'.repeat(247)}`, 'TopicNameInvalid'],
		['a line break', 'realtime:room:a\nroom:b', 'TopicNameInvalid'],
		['U+0000', 'realtime:room:\u0000', 'TopicNameInvalid'],
		['a lone surrogate', 'realtime:room:\ud800', 'TopicNameInvalid'],
		['a topic of another kind', 'events:other', 'unmatched topic'],
		['everything', 'realtime:%', 'Unauthorized'],
		['overlays', 'realtime:overlay:*', 'Unauthorized']
	])('%s cannot be joined', async (_what, topic, reason) => {
		const { token } = await member();
		const socket = await open();
		const payload = { config: { private: true }, access_token: token };
		const reply = await socket.ask({ join_ref: '1', ref: '1', topic, event: 'phx_join', payload });
		expect(reply.payload.status).toBe('error');
		expect(JSON.stringify(reply.payload.response)).toContain(reason);
		expect(served.server.stats().channels).toBe(0);
	});

	test('what is not mine and what is not there look the same', async () => {
		const mine = await member();
		const theirs = await member();
		const socket = await open();
		const ask = async (topic: string, ref: string) =>
			JSON.stringify(
				(await socket.join(topic, { private: true }, ref, mine.token)).payload.response
			).replace(topic, '…');
		expect(await ask(theirs.topic, '1')).toBe(await ask(`room:${randomUUID()}`, '2'));
	});

	test('one socket has so many channels and no more', async () => {
		const socket = await open();
		for (const n of ['1', '2', '3']) await socket.join(n, {}, n);
		const { payload } = await socket.join('4', {}, '4');
		expect(payload).toEqual({
			status: 'error',
			response: { reason: 'ChannelRateLimitReached: Too many channels' }
		});
	});

	test('a token that is refused says why', async () => {
		const socket = await open();
		const ask = async (token: string, ref: string) =>
			JSON.stringify((await socket.join('room:a', {}, ref, token)).payload.response);
		expect(await ask('rubbish', '1')).toContain('MalformedJWT: The token provided');
		expect(await ask(await tokenFor({}, -5), '2')).toMatch(/InvalidJWTToken: Token has expired/);
		const [head, body] = (await tokenFor({})).split('.');
		expect(await ask(`${head}.${body}.${'A'.repeat(86)}`, '3')).toContain(
			'JwtSignatureError: Failed to validate JWT signature'
		);
		expect(await ask('sb_secret_is_not_looked_at', '4')).toContain('postgres_changes');
	});

	test('a large frame is refused before a join and possible after one', async () => {
		const early = await open();
		early.send(`[null,"1","phoenix","heartbeat",{"a":"${'x'.repeat(65_536)}"}]`);
		expect((await early.gone()).code).toBe(1009);
		const late = await open();
		await late.join('room:a', { broadcast: { ack: true } });
		const payload = { event: 'x', payload: 'x'.repeat(200_000) };
		const reply = await late.ask({
			join_ref: '1',
			ref: '2',
			topic: wire('room:a'),
			event: 'broadcast',
			payload
		});
		expect(reply.payload.status).toBe('ok');
		late.send('x'.repeat(1_048_577));
		expect((await late.gone()).code).toBe(1009);
	});

	test.each([
		['an unmasked frame', Buffer.of(0x81, 1, 0x61), 1002],
		['reserved bits', Buffer.of(0xc1, 0x81, 0, 0, 0, 0, 0x61), 1002],
		['a control frame of 126 bytes', Buffer.of(0x89, 0xfe, 0, 126), 1002],
		['a continuation of nothing', Buffer.of(0x80, 0x80, 0, 0, 0, 0), 1002],
		['text that is not UTF-8', Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0xc0, 0xaf), 1007],
		[
			'endless fragments',
			Buffer.concat([
				Buffer.of(0x01, 0x81, 0, 0, 0, 0, 0x61),
				...Array.from({ length: 200 }, () => Buffer.of(0x00, 0x81, 0, 0, 0, 0, 0x61))
			]),
			1008
		]
	])('%s closes the socket', async (_what, bytes, code) => {
		const socket = await open();
		// Past the client library, which would not send it.
		const raw = Reflect.get(socket.ws, '_socket') as import('node:net').Socket;
		raw.write(bytes);
		expect((await socket.gone()).code).toBe(code);
		await alive();
	});

	test('a flood is throttled, then closed', async () => {
		const socket = await open();
		for (let n = 0; n < 5_000 && !socket.closed; n++)
			socket.send(`[null,"${n}","phoenix","heartbeat",{}]`);
		// The server reads no more until its clock moves on; then it sees the rest.
		await until(() => {
			served.clock.advance(10);
			return socket.closed !== null;
		}, 'closed');
		expect(socket.closed?.code).toBe(4429);
		await alive();
	});

	test('a flood of pings is a flood', async () => {
		const socket = await open();
		for (let n = 0; n < 5_000 && !socket.closed; n++) socket.ws.ping();
		await until(() => {
			served.clock.advance(10);
			return socket.closed !== null;
		}, 'closed');
		await alive();
	});
});

describe('what a reader is owed', () => {
	beforeAll(() => start({ bufferedBytes: 262_144 }));

	test('one that does not read is closed, its memory given back; others hear everything', async () => {
		const [slow, quick] = [await open(), await open()];
		for (const socket of [slow, quick]) await socket.join('public:flood');
		slow.ws.pause();
		const text = 'x'.repeat(50_000);
		let sent = 0;
		while (served.server.stats().channels === 2 && sent < 2_000) {
			feed.send(feedMessage('public:flood', { n: sent++, text }));
			await until(() => quick.binaries.length === sent, `message ${sent}`);
		}
		expect(served.server.stats().channels).toBe(1);
		expect(sent).toBeLessThan(2_000);
		served.clock.advance(2_000);
		await until(() => served.server.stats().connections === 1, 'the slow one is gone');
		feed.send(feedMessage('public:flood', { n: 'last' }));
		await until(() => quick.binaries.length === sent + 1, 'the last message');
	});

	test('one that is only slow gets the close code', async () => {
		const slow = await open();
		await slow.join('public:late');
		slow.ws.pause();
		for (let n = 0; served.server.stats().channels > 0 && n < 2_000; n++) {
			feed.send(feedMessage('public:late', { text: 'x'.repeat(50_000) }));
			await new Promise((resolve) => setImmediate(resolve));
		}
		slow.ws.resume();
		expect(await slow.gone()).toEqual({ code: 4408, reason: 'reads too slowly' });
	});

	test('frames of one tick keep their order and arrive whole', async () => {
		const sockets = [await open(), await open({ vsn: '1.0.0' }), await open()];
		for (const socket of sockets) await socket.join('public:order');
		await sockets[2]?.join('public:other', {}, '9');
		for (let n = 0; n < 50; n++) {
			feed.send(feedMessage('public:order', { n, text: 'é'.repeat(n * 20) }));
			feed.send(feedMessage('public:other', { n }));
		}
		await until(() => sockets.every((s) => s.texts.length + s.binaries.length >= 51), 'all');
		const numbers = (frames: (string | Buffer)[]) =>
			frames.map((frame) => Number(/"n":(\d+)/.exec(String(frame))?.[1]));
		const upTo = Array.from({ length: 50 }, (_, n) => n);
		expect(numbers(sockets[0]?.binaries ?? [])).toEqual(upTo);
		expect(numbers(sockets[1]?.texts.slice(1) ?? [])).toEqual(upTo);
		expect(numbers(sockets[2]?.binaries ?? [])).toEqual(upTo.flatMap((n) => [n, n]));
	});

	test('a message that is too large is not sent, the next one is', async () => {
		const socket = await open();
		await socket.join('public:large');
		feed.send(
			feedMessage('public:large', { text: 'x'.repeat(256_501) }),
			feedMessage('public:large', { small: true })
		);
		await until(() => socket.binaries.length > 0, 'the small one');
		expect(socket.binaries[0]?.toString()).toContain('small');
	});
});

describe('time', () => {
	beforeAll(() => start({ joinsPerSecond: 1 }));

	test('a silent socket is closed after a minute', async () => {
		const socket = await open();
		await socket.join('public:a');
		served.clock.advance(59_000);
		await socket.ask({ topic: 'phoenix', event: 'heartbeat', ref: '2' });
		served.clock.advance(59_000);
		await socket.ask({ topic: 'phoenix', event: 'heartbeat', ref: '3' });
		served.clock.advance(66_000);
		expect(await socket.gone()).toEqual({ code: 1001, reason: 'idle' });
	});

	test('a socket that joins nothing is closed after ten', async () => {
		const socket = await open();
		for (let n = 0; n < 11 && !socket.closed; n++) {
			await socket.ask({ topic: 'phoenix', event: 'heartbeat', ref: String(n) });
			served.clock.advance(55_000);
		}
		expect(await socket.gone()).toEqual({ code: 1001, reason: 'no channel' });
	});

	test('too many joins in a minute: told, then closed', async () => {
		served.clock.advance(120_000);
		const socket = await open();
		for (let n = 1; n <= 60; n++) await socket.join('public:a', {}, String(n));
		const { payload } = await socket.join('public:a', {}, '61');
		expect(JSON.stringify(payload)).toContain('ClientJoinRateLimitReached: Too many joins');
		expect((await socket.gone()).code).toBe(4429);
		served.clock.advance(61_000);
		expect((await (await open()).join('public:a')).payload).toMatchObject({ status: 'ok' });
	});
});

describe('rights', () => {
	beforeAll(() => start());

	test('a revoked key loses its channels even when the database cannot say what is left', async () => {
		const { topic, user } = await member();
		const token = await tokenFor({ sub: user, key_id: user });
		const socket = await open();
		await socket.join(topic, { private: true }, '1', token);
		await db.sql.begin(async (sql) => {
			// Policies wait for this lock.
			await sql`lock table public.room_members in access exclusive mode`;
			feed.revoke({ key_id: user });
			served.clock.advance(799);
			expect(served.server.stats().channels).toBe(1);
			served.clock.advance(1);
			expect(served.server.stats().channels).toBe(0);
		});
		await socket.frame(({ event }) => event === 'phx_error', 'phx_error');
	});

	test('a revocation while a join is being judged makes it judged again', async () => {
		// A policy that says yes once, and can be made to wait.
		await db.sql.unsafe(`
			create sequence public.judgements;
			create table public.turnstile ();
			create function public.once() returns boolean language plpgsql security definer
				set search_path = '' as $$ begin
					perform from public.turnstile;
					return nextval('public.judgements') = 1; end $$;
			create policy "once" on realtime.messages for select to authenticated
				using (realtime.topic() like 'once:%' and (select public.once()))`);
		const user = randomUUID();
		const socket = await open();
		let joining: Promise<unknown> = Promise.resolve();
		await db.sql.begin(async (sql) => {
			await sql`lock table public.turnstile in access exclusive mode`;
			joining = socket.join('once:a', { private: true }, '1', await tokenFor({ sub: user }));
			const waiting = () =>
				sql`select from pg_locks where relation = 'public.turnstile'::regclass and not granted`;
			while ((await waiting()).length === 0);
			feed.revoke({ user_id: user, account_id: randomUUID() });
		});
		await joining;
		await socket.frame(({ event }) => event === 'phx_close', 'closed');
		expect(socket.frames.map(({ event }) => event)).toEqual(['phx_reply', 'system', 'phx_close']);
	});

	test('a policy that raises says no to its own topic and spoils nobody else', async () => {
		await db.sql.unsafe(`
			create function public.raises() returns boolean language plpgsql as $$ begin
				raise exception 'broken policy'; end $$;
			create policy "raises" on realtime.messages for select to authenticated
				using (case when realtime.topic() like 'broken:%' then public.raises() else false end)`);
		const { topic, token } = await member();
		const joins = Array.from({ length: 12 }, async (_, n) => {
			const socket = await open();
			const name = n % 3 === 0 ? `broken:${n}` : topic;
			const { payload } = await socket.join(name, { private: true }, '1', token);
			return payload.status;
		});
		expect(await Promise.all(joins)).toEqual(
			Array.from({ length: 12 }, (_, n) => (n % 3 === 0 ? 'error' : 'ok'))
		);
	});

	test('nothing of a probe is left behind', async () => {
		const { topic, token } = await member(true);
		const socket = await open();
		await socket.join(topic, { private: true, broadcast: { ack: true } }, '1', token);
		const payload = { event: 'x', payload: {} };
		await socket.ask({ join_ref: '1', ref: '2', topic: wire(topic), event: 'broadcast', payload });
		expect(await db.sql`select from realtime.messages where topic = ${topic}`).toHaveLength(0);
	});

	test('every channel is told to rejoin after the feed was lost, one after another', async () => {
		const socket = await open();
		for (const n of ['1', '2', '3']) await socket.join(`public:${n}`, {}, n);
		feed.reset();
		served.clock.advance(0);
		expect(served.server.stats().channels).toBe(2);
		served.clock.advance(2_000);
		await until(
			() => socket.frames.filter(({ event }) => event === 'phx_error').length === 3,
			'all'
		);
	});
});

describe('REST', () => {
	beforeAll(() => start({ requestsPerSecond: 1 }));

	const post = (path: string, init: RequestInit = {}) =>
		fetch(`http://${served.host}/realtime/v1/api/broadcast${path}`, {
			method: 'POST',
			body: '{}',
			...init,
			headers: { apikey: PUBLISHABLE, 'content-type': 'application/json', ...init.headers }
		});

	test.each<[string, string, RequestInit, number]>([
		['no key', '', { headers: { apikey: '' } }, 401],
		['a wrong bearer beside a good key', '', { headers: { authorization: 'Bearer sb_x' } }, 401],
		[
			'a key as bearer',
			'',
			{ headers: { apikey: '', authorization: `Bearer ${PUBLISHABLE}` }, body: '{"messages":[]}' },
			202
		],
		['a body that is no JSON', '', { body: '{' }, 400],
		['no messages', '', { body: '{}' }, 422],
		[
			'a payload that is no object',
			'',
			{ body: '{"messages":[{"topic":"a","event":"x","payload":1}]}' },
			422
		],
		[
			'a batch with a topic that is none',
			'',
			{ body: '{"messages":[{"topic":"\\u0000","event":"x","payload":{}}]}' },
			422
		],
		[
			'private messages nobody may write',
			'',
			{ body: '{"messages":[{"topic":"a","event":"x","payload":{},"private":true}]}' },
			202
		],
		['one private message nobody may write', '/a/events/x?private=true', {}, 403],
		['another media type', '/a/events/x', { headers: { 'content-type': 'text/plain' } }, 415],
		[
			'bytes',
			'/a/events/x',
			{ headers: { 'content-type': 'application/octet-stream' }, body: Buffer.of(0, 255) },
			202
		],
		['too large a payload', '/a/events/x', { body: `"${'x'.repeat(256_600)}"` }, 422],
		['too large a body', '/a/events/x', { body: `"${'x'.repeat(1_048_577)}"` }, 413],
		['an address that cannot be read', '/%ff/events/x', {}, 400],
		['another address', '/a/x', {}, 404],
		['another method', '', { method: 'PUT' }, 405]
	])('%s', async (_what, path, init, status) => {
		expect((await post(path, init)).status).toBe(status);
	});

	test('a foreign page is refused, an own page may ask first', async () => {
		const preflight = (origin: string) =>
			post('', { method: 'OPTIONS', body: null, headers: { origin } });
		expect((await preflight('https://evil.test')).status).toBe(403);
		const own = await preflight('http://own.test');
		expect(own.status).toBe(204);
		expect(own.headers.get('access-control-allow-origin')).toBe('http://own.test');
		expect(own.headers.get('access-control-allow-headers')).toBe(
			'apikey, authorization, content-type, x-client-info'
		);
	});

	test('too many requests', async () => {
		served.clock.advance(120_000);
		let answer = await post('/a/events/x');
		for (let n = 0; n < 60; n++) answer = await post('/a/events/x');
		expect(answer.status).toBe(429);
		expect(answer.headers.get('x-rate-limit')).toBe('1');
		expect(await answer.json()).toEqual({ message: 'Too many requests' });
	});
});

describe('the end', () => {
	test('says 1012 to everybody and cuts who does not answer', async () => {
		await start();
		const [polite, stuck] = [await open(), await open()];
		await polite.join('public:a');
		stuck.ws.pause();
		const closed = served.server.close();
		expect(await polite.gone()).toEqual({ code: 1012, reason: 'restarting' });
		served.clock.advance(2_000);
		await closed;
		expect(served.server.stats()).toMatchObject({ connections: 0, channels: 0 });
		await expect(served.socket()).rejects.toThrow('503');
	});
});

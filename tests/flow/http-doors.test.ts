/** Malformed, oversized, unknown and hostile requests, byte by byte over real sockets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import { startProduct, type Product } from '../harness/server.ts';

let dataDir = '';
let db: TestDatabase;
let product: Product;
let key = '';

beforeAll(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-doors-'));
	db = await testDatabase();
	product = await startProduct({ dataDir, env: { DATABASE_URL: db.url } });
	const form = { email: 'o@example.com', password: 'correct horse', account: 'Doors' };
	key = (await product.setup(form)).api_key;
}, 400_000);
afterAll(async () => {
	await product?.stop();
	await db?.close();
	await rm(dataDir, { recursive: true, force: true });
});

interface Raw {
	status: number;
	head: string;
	body: string;
}

/** Sends bytes as they are and reads until the server closes. */
function send(...pieces: (string | Buffer)[]): Promise<Raw> {
	return new Promise((resolve) => {
		const socket = connect(product.port, '127.0.0.1');
		let text = '';
		socket.on('data', (data) => (text += data));
		socket.on('error', () => {});
		socket.on('close', () => {
			const [head = '', ...rest] = text.split('\r\n\r\n');
			const body = rest.join('\r\n\r\n');
			const json = /\{.*\}/s.exec(body)?.[0] ?? '';
			resolve({ status: Number(head.split(' ')[1]), head, body: json });
		});
		for (const piece of pieces) socket.write(piece);
	});
}

const get = (path: string, ...headers: string[]) =>
	send(request('GET', path, [`Authorization: Bearer ${key}`, ...headers]));
const post = (body: string | Buffer, headers = ['Content-Type: application/json']) =>
	send(
		request('POST', '/v1/events/emit', [
			`Authorization: Bearer ${key}`,
			`Content-Length: ${Buffer.byteLength(body)}`,
			...headers
		]),
		body
	);
const request = (method: string, path: string, headers: string[], host = 'Host: 127.0.0.1') =>
	[`${method} ${path} HTTP/1.1`, host, 'Connection: close', ...headers, '', ''].join('\r\n');

const Problem = z.object({
	type: z.literal('about:blank'),
	title: z.string(),
	status: z.int(),
	code: z.string(),
	detail: z.string(),
	instance: z.string()
});

/** A problem document of this code, that gives away nothing of what is inside. */
function expectProblem({ status, head, body }: Raw, expected: number): void {
	expect(status).toBe(expected);
	expect(head.toLowerCase()).toContain('content-type: application/problem+json');
	expect(head.toLowerCase()).toContain('x-content-type-options: nosniff');
	expect(Problem.parse(JSON.parse(body)).status).toBe(expected);
	expect(body).not.toMatch(/node_modules|\.ts:|at Object|select |postgres/i);
}

describe('a query', () => {
	const refused = [
		...['limit=0', 'limit=-1', 'limit=101', 'limit=1e9', 'limit=10abc', 'limit=1&limit=99'],
		...['page=0', 'page=4294967296', 'page=9223372036854775808', 'cursor=-1', 'cursor=abc'],
		...[
			'from=2026-13-01T00:00:00Z',
			'from=2026-02-30T00:00:00Z',
			'from=infinity',
			'from=2026-01-01'
		],
		...['from=%2B275760-09-13T00:00:00Z', 'from=2026-01-01T00:00:00'],
		'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z',
		"types=%5B%22twitch:follower'%20OR%20'1'='1%22%5D",
		...['types=', 'platform=twitch,;DROP', 'status=done', 'origin=nowhere'],
		...['search=', `search=${'a'.repeat(10_000)}`, 'search=%00', 'search=%C0%AF', 'search=%zz'],
		...['account_id=x', '__proto__=1', 'constructor=1', `x${'y'.repeat(200)}=1`]
	];
	for (const query of refused)
		it(`${query.slice(0, 60)} is refused`, async () => {
			expectProblem(await get(`/v1/events?${query}`), 400);
		});
	for (const search of [
		'%25',
		'_',
		'%5C',
		'(a%2B)%2B%24',
		'%F0%9F%91%A8%E2%80%8D%F0%9F%92%BB',
		"'"
	])
		it(`search=${search} is looked for as it is`, async () => {
			const { status, body } = await get(`/v1/events?search=${search}`);
			expect(status).toBe(200);
			expect(JSON.parse(body)).toMatchObject({ items: [] });
		});
});

describe('an address', () => {
	const nowhere = [
		...['/v1', '/v1/nothing', '/v1/events/7', '/v1/events/%00', '/v1/events/%zz', '/v1//me'],
		'/v1/events/%7B0198a6c5-7d1e-4a7b-9c3d-2f4e6a8b0c1d%7D',
		...['/api/nothing', '/auth/nothing', '/webhooks/nothing', '/healthz/x', '/.well-known/x']
	];
	for (const path of nowhere)
		it(`${path} is nowhere`, async () => {
			expectProblem(await get(path), 404);
		});

	for (const method of ['PROPFIND', 'OPTIONS', 'DELETE', 'PATCH', 'PUT'])
		it(`takes no ${method}`, async () => {
			const answer = await send(request(method, '/v1/events', [`Authorization: Bearer ${key}`]));
			expectProblem(answer, 405);
			expect(answer.head).toMatch(/^allow: GET, POST, HEAD/im);
		});
	for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT'])
		it(`of a platform takes no ${method}`, async () => {
			expect((await send(request(method, '/webhooks/twitch', []))).status).toBe(405);
		});
	it('takes no TRACE and no foreign address', async () => {
		expectProblem(await send(request('TRACE', '/v1/events', [])), 405);
		expectProblem(await send(request('GET', 'http://evil.test/v1/me', [])), 400);
	});
	it('is not changed by a header', async () => {
		expect((await get('/v1/events?limit=1', 'X-HTTP-Method-Override: DELETE')).status).toBe(200);
	});
});

describe('a host', () => {
	for (const host of ['evil.test', '127.0.0.1.evil.test', 'localhost.evil.test:80', '8.8.8.8'])
		for (const path of ['/', '/v1/me', '/healthz', '/webhooks/twitch'])
			it(`${host}${path} is not answered for`, async () => {
				expectProblem(await send(request('GET', path, [], `Host: ${host}`)), 421);
			});
	it('is named once', async () => {
		expect((await send(request('GET', '/v1/me', ['Host: evil.test']))).status).toBe(400);
		expect((await send('GET /v1/me HTTP/1.1\r\nConnection: close\r\n\r\n')).status).toBe(400);
	});
});

describe('a body', () => {
	const event = (rest: string) => `{"event_type":"custom:x"${rest}}`;
	const data = (value: string) => event(`,"data":{"a":${value}}`);
	const refused: Record<string, string | Buffer> = {
		'of nothing': '',
		'that is an array': '[]',
		'that is null': 'null',
		'with something after it': event('') + 'x',
		'without end': '{"a":"b',
		'with a byte order mark': '\ufeff' + event(''),
		'in UTF-16': Buffer.from(event(''), 'utf16le'),
		'with overlong UTF-8': Buffer.concat([
			Buffer.from('{"event_type":"'),
			Buffer.from([0xc0, 0xaf]),
			Buffer.from('"}')
		]),
		'with a key twice': event(',"event_type":"custom:y"'),
		'with a prototype': event(',"data":{"__proto__":{"admin":true}}'),
		'with U+0000': data('"\\u0000"'),
		'with half a pair': data('"\\ud800"'),
		'with 1e400': data('1e400'),
		'with 2^53+1': data('9007199254740993'),
		'with NaN': data('NaN'),
		'that nests 33 deep': data('['.repeat(32) + ']'.repeat(32)),
		'that nests 10,000 deep': '['.repeat(10_000) + ']'.repeat(10_000),
		'with 65 kB of data': data(`"${'x'.repeat(66_000)}"`),
		'with an array of 100,000': data(`[${'1,'.repeat(99_999)}1]`),
		'that assigns an account': event(',"account_id":"0198a6c5-7d1e-4a7b-9c3d-2f4e6a8b0c1d"'),
		'that assigns seq': event(',"seq":1'),
		'that assigns a status': event(',"status":"completed"'),
		'that assigns an origin': event(',"origin":"live"'),
		'that assigns a time': event(',"created_at":"2020-01-01T00:00:00Z"'),
		'with an unheard-of priority': event(',"priority":"godlike"'),
		'with an endless duration': event(',"duration_ms":1000000000000'),
		'with markup for a type': '{"event_type":"evil:<script>"}',
		'with a number for a type': '{"event_type":7}'
	};
	for (const [name, body] of Object.entries(refused))
		it(`${name} is refused`, async () => {
			expectProblem(await post(body), 400);
		});

	it('of a megabyte is refused', async () => {
		expectProblem(await post(data(`"${'x'.repeat(1_000_000)}"`)), 413);
	});
	it('that announces 10 GB is refused before it comes', async () => {
		const headers = ['Content-Type: application/json', 'Content-Length: 10000000000'];
		for (const path of ['/v1/events/emit', '/webhooks/twitch', '/auth/sign-in/email']) {
			const bearer = path.startsWith('/v1') ? [`Authorization: Bearer ${key}`] : [];
			expectProblem(await send(request('POST', path, [...headers, ...bearer])), 413);
		}
	});
	it('without end is refused as soon as it is too long', async () => {
		const headers = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
		const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
		for (const path of ['/webhooks/twitch', '/auth/sign-in/email'])
			expectProblem(
				await send(request('POST', path, headers), ...Array.from({ length: 20 }, () => chunk)),
				413
			);
	});

	const types: Record<string, string[]> = {
		none: [],
		text: ['Content-Type: text/plain'],
		'a form': ['Content-Type: application/x-www-form-urlencoded'],
		'another charset': ['Content-Type: application/json; charset=utf-7'],
		gzip: ['Content-Type: application/json', 'Content-Encoding: gzip']
	};
	for (const [name, headers] of Object.entries(types))
		it(`of type ${name} is refused`, async () => {
			expectProblem(await post(event(''), headers), 415);
		});
	it('of two types, two lengths or two kinds of length is refused', async () => {
		const json = 'Content-Type: application/json';
		expect((await post(event(''), [json, 'Content-Type: text/html'])).status).toBe(400);
		expect((await post(event(''), [json, 'Content-Length: 3'])).status).toBe(400);
		expect((await post(event(''), [json, 'Transfer-Encoding: chunked'])).status).toBe(400);
	});
	it('of hostile text is stored as it is', async () => {
		const text = '<img src=x onerror=alert(1)>{{7*7}} \u202e\u2028 Z̷̡a 👨‍👩‍👧 constructor';
		const { status, body } = await post(
			JSON.stringify({ event_type: 'custom:text', data: { constructor: text } })
		);
		expect(status).toBe(201);
		const { event_id } = z.object({ event_id: z.string() }).parse(JSON.parse(body));
		const [row] = await db.sql`select data from app.platform_events where id = ${event_id}`;
		expect(row?.data).toEqual({ constructor: text });
	});
});

describe('headers', () => {
	it('of 64 kB are too large', async () => {
		expect((await get('/v1/me', `X-Large: ${'a'.repeat(65_536)}`)).status).toBe(431);
	});
	it('an Idempotency-Key is 1 to 255 visible characters', async () => {
		const json = 'Content-Type: application/json';
		for (const value of ['k'.repeat(256), 'a b', ''])
			expectProblem(
				await post('{"event_type":"custom:x"}', [json, `Idempotency-Key: ${value}`]),
				400
			);
	});
	it('Authorization takes a key as Bearer and nothing else', async () => {
		for (const value of [
			'Basic abc',
			'Bearer',
			`Bearer ${key}x`,
			`Bearer ${key}, Bearer ${key}`,
			'Bearer a.b.c'
		]) {
			const answer = await send(request('GET', '/v1/me', [`Authorization: ${value}`]));
			expectProblem(answer, 401);
			expect(answer.head).toMatch(/^www-authenticate: Bearer/im);
		}
	});
	it('of a proxy do not change what is answered', async () => {
		const { status } = await get(
			'/v1/me',
			...['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Host: evil.test', 'Forwarded: host=evil.test'],
			...['X-Forwarded-Proto: evil:', 'X-Real-IP: 1.2.3.4']
		);
		expect(status).toBe(200);
	});
	it('of an answer keep browsers careful', async () => {
		const { head } = await get('/v1/me');
		for (const line of ['cache-control: no-store', 'referrer-policy: no-referrer', 'x-request-id:'])
			expect(head.toLowerCase()).toContain(line);
	});
});

it('after all that nothing but the one text was stored, and the server is well', async () => {
	const { body } = await get('/v1/events');
	expect(JSON.parse(body)).toMatchObject({ total: 1 });
	expect(product.output()).not.toMatch(/"level":"error"/);
	expect((await get('/readyz')).status).toBe(200);
});

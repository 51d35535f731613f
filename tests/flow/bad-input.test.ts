/**
 * Bad input that is told by what it does to the faces, not to the bytes of HTTP (`http-doors.test.ts`)
 * nor to a signature (`tests/contract/platform.ts`): on every address and field it is refused by
 * code, nothing is stored, and the server goes on.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { receive } from '../../src/lib/server/http/webhook.ts';
import { problemResponse } from '../../src/lib/server/http/problem.ts';
import { startFaces, type Faces } from './faces.ts';

let faces: Faces;
beforeAll(async () => {
	faces = await startFaces();
}, 120_000);
afterAll(() => faces?.close());

const countEvents = async () => {
	const [row] = await faces.db.sql<
		{ n: number }[]
	>`select count(*)::int as n from app.platform_events`;
	return row?.n ?? -1;
};

const Problem = z.object({ type: z.literal('about:blank'), status: z.int(), code: z.string() });

describe('REST', () => {
	const id = '0198a6c5-7d1e-4a7b-9c3d-2f4e6a8b0c1d';
	it('a foreign, a missing and a mistyped id are refused with one body', async () => {
		const stranger = await faces.rest(faces.who.stranger, 'POST', '/events/emit', {
			event_type: 'custom:theirs'
		});
		const { event_id } = z.object({ event_id: z.string() }).parse(await stranger.json());
		const bodies = await Promise.all(
			[event_id, event_id.toUpperCase(), randomUUID(), id].map(async (one) => {
				const response = await faces.rest(faces.who.owner, 'GET', `/events/${one}`);
				return [response.status, await response.text()];
			})
		);
		expect(new Set(bodies.map((one) => JSON.stringify(one))).size).toBe(1);
		expect(bodies[0]?.[0]).toBe(404);
	});

	const assigned = {
		account_id: id,
		seq: 1,
		created_at: '2020-01-01T00:00:00Z',
		status: 'completed',
		role: 'owner',
		is_admin: true,
		kind: 'overlay',
		created_by: id,
		token_hash: 'x'
	};
	const writes: [string, string, Record<string, unknown>][] = [
		['POST', '/events/emit', { event_type: 'custom:word' }],
		['POST', '/events/test', { event_type: 'twitch:follower' }],
		['POST', '/queue/pause', {}],
		['POST', '/keys/pairings', { permissions: ['events:read'] }],
		['POST', '/connections/authorize', { platform: 'twitch', flow: 'code' }],
		['PUT', '/accounts/current', { account_id: id }]
	];
	it.each(writes)('%s %s takes no field that is not its own', async (method, path, body) => {
		for (const [name, value] of Object.entries(assigned)) {
			if (name in body) continue;
			const response = await faces.rest(faces.who.owner, method, path, { ...body, [name]: value });
			expect(response.status, name).toBe(400);
			expect(Problem.parse(await response.json()).code).toBe('invalid_input');
		}
	});

	it.each([
		...[
			'amount: ["-5"]',
			'type with a space',
			'Twitch:follower',
			'twitch:',
			':x',
			'a:b:c',
			'ｔwitch:follower'
		],
		...['twitch:follower\n', 'twitch:İ', 'custom:' + 'x'.repeat(200)]
	])('the event type %j is none', async (event_type) => {
		const before = await countEvents();
		const response = await faces.rest(faces.who.owner, 'POST', '/events/emit', { event_type });
		expect(response.status).toBe(400);
		expect(await countEvents()).toBe(before);
	});

	it('fifty at once under one Idempotency-Key have one effect; another body is told so', async () => {
		const before = await countEvents();
		const key = { 'idempotency-key': 'fifty-at-once' };
		const send = (event_type: string) =>
			faces.rest(faces.who.owner, 'POST', '/events/emit', { event_type }, key);
		const answers = await Promise.all(Array.from({ length: 50 }, () => send('custom:once')));
		expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
		expect(await countEvents()).toBe(before + 1);
		expect((await send('custom:other')).status).toBe(422);
	});

	it.each([
		'//evil.test',
		'/\\evil.test',
		'https:evil.test',
		'javascript:alert(1)',
		'%2f%2fevil.test'
	])('an address that goes on to %s is nowhere', async (next) => {
		const response = await faces.rest(
			faces.who.owner,
			'GET',
			`/me?next=${encodeURIComponent(next)}`
		);
		expect(response.status).toBe(400);
		expect(response.headers.get('location')).toBeNull();
	});
});

describe('GraphQL', () => {
	const repeat = (count: number, one: (index: number) => string) =>
		Array.from({ length: count }, (_, index) => one(index)).join(' ');
	const queries: Record<string, string> = {
		'a circle of fragments': '{ me { ...A } } fragment A on Me { ...B } fragment B on Me { ...A }',
		'two fragments of one name':
			'{ me { ...A } } fragment A on Me { locale } fragment A on Me { locale }',
		'ten thousand times __typename': `{ ${'__typename '.repeat(10_000)} }`,
		'a thousand fields that do not go together': `{ ${repeat(1_000, (i) => `event(id: "${i}") { id }`)} }`,
		'sixteen mutations by alias': `mutation { ${repeat(16, (i) => `a${i}: emitEvent(input: { eventType: "custom:many" }) { seq }`)} }`,
		'four hundred directives': `{ me { locale ${'@include(if: true) '.repeat(400)} } }`,
		'a limit of 100,000': '{ events(filter: { limit: 100000 }) { page } }',
		'a field that is none': '{ events(filter: { accountId: "x" }) { page } }',
		'a type that is none': '{ node(id: "x") { id } }',
		'a variable that is not declared': '{ event(id: $id) { id } }',
		'a string without end': '{ event(id: "',
		'brackets ten thousand deep': `{ events(filter: ${'['.repeat(10_000)}) }`
	};
	it.each(Object.entries(queries))('%s is wrong input', async (_name, query) => {
		const before = await countEvents();
		const { errors = [] } = await faces.graphql(faces.who.owner, query);
		expect(errors.length).toBeGreaterThan(0);
		for (const { extensions } of errors) expect(extensions.status).toBeLessThan(500);
		expect(await countEvents()).toBe(before);
	});

	const variables: [string, unknown][] = [
		...([
			['a number', 7],
			['a list', [[]]],
			['an object', { a: 1 }],
			['nothing', null]
		] as const),
		...([
			['half a pair', '\ud800'],
			['U+0000', '\u0000'],
			['long', 'x'.repeat(100_000)]
		] as const),
		['its prototype', JSON.parse('{"__proto__": 1}')]
	].map(([name, value]) => [String(name), value]);
	it.each(variables)('a variable that is %s is wrong input', async (_name, id) => {
		const { errors = [] } = await faces.graphql(
			faces.who.owner,
			'query ($id: UUID!) { event(id: $id) { id } }',
			{ id }
		);
		expect(errors[0]?.extensions.status).toBeGreaterThanOrEqual(400);
		expect(errors[0]?.extensions.status).toBeLessThan(500);
	});

	it.each([
		'application/x-www-form-urlencoded',
		'multipart/form-data; boundary=x',
		'text/plain',
		''
	])('a body of type %j, as a page elsewhere could send it, is refused', async (type) => {
		const response = await faces.send(faces.who.owner, {
			method: 'POST',
			headers: type === '' ? {} : { 'content-type': type },
			body: new TextEncoder().encode('query={me{locale}}')
		});
		expect(response.status).toBe(415);
	});

	it('a field that is hidden is refused by itself, and what is beside it answered', async () => {
		const { data, errors } = await faces.graphql(
			faces.who.reader,
			'{ eventTypes { type } connections { id } }'
		);
		expect(data?.connections).toBeNull();
		expect(data?.eventTypes).not.toBeNull();
		expect(errors).toHaveLength(1);
	});
});

describe('a webhook', () => {
	const deliver = async (platform: string, init: RequestInit) => {
		const request = new Request(
			`http://127.0.0.1:4517/webhooks/${encodeURIComponent(platform)}`,
			init
		);
		return receive({ request, params: { platform }, locals: { requestId: 'a-request' } }).catch(
			(error: unknown) => problemResponse(error, 'a-request')
		);
	};
	it.each(['nothing', '', '..', '__proto__', 'constructor', 'TWITCH', 'twitch ', 'twitch\u0000'])(
		'for the platform %j goes nowhere',
		async (platform) => {
			expect((await deliver(platform, { method: 'POST', body: '{}' })).status).toBe(404);
		}
	);

	const odd = [
		...['', 'x', '\n', 'a'.repeat(10_000), 'sha256=', 'sha1=00', '[]', 'é'],
		...[
			'sha256=' + '0'.repeat(64),
			'SHA256=' + '0'.repeat(64),
			Array(50).fill('sha256=00').join(' ')
		]
	].filter((value) => !value.includes('\n'));
	it.each(odd)('with %j in each of its headers is refused, and nothing stored', async (value) => {
		const before = await countEvents();
		const names = ['id', 'timestamp', 'signature', 'type'] as const;
		const bodies = ['', 'null', '[]', '{', '\ufeff{}', '{"subscription":{"type":"x"}}'];
		for (const name of names)
			for (const body of bodies) {
				const headers = new Headers({
					'twitch-eventsub-message-id': 'an-id',
					'twitch-eventsub-message-timestamp': new Date().toISOString(),
					'twitch-eventsub-message-signature': `sha256=${'0'.repeat(64)}`,
					'twitch-eventsub-message-type': 'notification'
				});
				headers.set(`twitch-eventsub-message-${name}`, value);
				const response = await deliver('twitch', { method: 'POST', headers, body });
				expect(response.status, `${name} ${body}`).toBeGreaterThanOrEqual(400);
				expect(response.status, `${name} ${body}`).toBeLessThan(500);
				await response.body?.cancel();
			}
		expect(await countEvents()).toBe(before);
	});
});

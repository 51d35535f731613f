/** GraphQL on the built product, over real HTTP: subscriptions by SSE, and what strangers see. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createClient, Refused, told, type Cuelight } from '../../src/lib/client/index.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import { startProduct, type Product, type SetupAnswer } from '../harness/server.ts';

const KEY_QUOTA = 200;

let dataDir = '';
let db: TestDatabase;
let product: Product;
let account: SetupAnswer;
let client: Cuelight;

beforeAll(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-graphql-'));
	db = await testDatabase();
	const env = {
		DATABASE_URL: db.url,
		CUELIGHT_RATE_LIMITS: JSON.stringify({ key: KEY_QUOTA })
	};
	product = await startProduct({ dataDir, env });
	account = await product.setup({
		...{ email: 'owner@example.com', password: 'correct horse battery', account: 'Mine' }
	});
	client = createClient({ origin: product.origin, key: account.api_key });
}, 400_000);
afterAll(async () => {
	await product?.stop();
	await db?.close();
	await rm(dataDir, { recursive: true, force: true });
});

const post = (query: string, headers: Record<string, string> = {}) =>
	fetch(`${product.origin}/graphql`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body: JSON.stringify({ query })
	});
const withKey = () => ({ authorization: `Bearer ${account.api_key}` });

/** Subscribes; answers the next payloads one by one. */
async function subscribe(query: string) {
	const leaving = new AbortController();
	const response = await fetch(`${product.origin}/graphql`, {
		method: 'POST',
		headers: {
			...withKey(),
			'content-type': 'application/json',
			accept: 'text/event-stream'
		},
		body: JSON.stringify({ query }),
		signal: leaving.signal
	});
	expect(response.headers.get('content-type')).toContain('text/event-stream');
	const reader = (response.body ?? new ReadableStream())
		.pipeThrough(new TextDecoderStream())
		.getReader();
	let text = '';
	return {
		async next(): Promise<unknown> {
			for (;;) {
				const found = /event: next\r?\ndata: (.*)\r?\n\r?\n/.exec(text);
				if (found?.[1] !== undefined) {
					text = text.slice(found.index + found[0].length);
					return JSON.parse(found[1]);
				}
				const { done, value } = await reader.read();
				if (done) throw new Error(`the subscription ended: ${text}`);
				text += value;
			}
		},
		leave: () => leaving.abort()
	};
}

const emit = (event_type: string) => told(client.POST('/v1/events/emit', { body: { event_type } }));

describe('a subscription', () => {
	it('hears events as they are recorded, and goes on after its cursor', async () => {
		const EVENTS = 'cursor event { id eventType seq } plays { overlayId status }';
		const first = await subscribe(`subscription { events(types: ["custom:heard"]) { ${EVENTS} } }`);
		// Taken once the stream stands: what is sent before is not heard.
		await emit('custom:not_heard');
		const one = await emit('custom:heard');
		const heard = z
			.object({ data: z.object({ events: z.object({ cursor: z.string(), event: z.unknown() }) }) })
			.parse(await first.next()).data.events;
		expect(heard.event).toEqual({ id: one.event_id, eventType: 'custom:heard', seq: one.seq });
		first.leave();

		const two = await emit('custom:heard');
		const again = await subscribe(
			`subscription { events(after: "${heard.cursor}") { ${EVENTS} } }`
		);
		expect(await again.next()).toMatchObject({ data: { events: { event: { id: two.event_id } } } });
		again.leave();
	});

	it('hears plays and pauses', async () => {
		const plays = await subscribe(
			'subscription { playChanges { type overlayId play { id eventId status } } }'
		);
		const states = await subscribe(
			'subscription { statusChanged(subject: "queue") { subject state } }'
		);
		const { event_id } = await emit('custom:cancelled');
		await told(client.PUT('/v1/events/{id}/cancel', { params: { path: { id: event_id } } }));
		await told(client.POST('/v1/queue/pause', { body: {} }));
		expect(await plays.next()).toMatchObject({
			data: { playChanges: { play: { eventId: event_id, status: 'cancelled' } } }
		});
		expect(await states.next()).toMatchObject({ data: { statusChanged: { subject: 'queue' } } });
		plays.leave();
		states.leave();
	});

	it('after a cursor that is none says to read afresh', async () => {
		const stale = await subscribe('subscription { events(after: "other:5") { cursor } }');
		expect(await stale.next()).toMatchObject({ errors: [{ extensions: { code: 'gone' } }] });
		stale.leave();
	});

	it('is refused to strangers', async () => {
		const response = await post('subscription { events { cursor } }', {
			accept: 'text/event-stream'
		});
		expect(await response.text()).toContain('"unauthenticated"');
	});
});

describe('strangers', () => {
	it('do not read the schema', async () => {
		const text = await (await post(getIntrospectionQuery())).text();
		expect(text).toContain('"invalid_input"');
		expect(text).not.toContain('"__schema":');
		const known = await (await post(getIntrospectionQuery(), withKey())).text();
		expect(known).toContain('"__schema"');
	});

	it('with a wrong key get a problem document, as on REST', async () => {
		const response = await post('{ me { locale } }', { authorization: 'Bearer ck_api_wrong' });
		expect([response.status, response.headers.get('content-type')]).toEqual([
			401,
			'application/problem+json'
		]);
	});

	it('from another page may change nothing', async () => {
		const response = await post('mutation { pause { paused } }', { origin: 'https://evil.test' });
		expect(response.status).toBe(403);
	});
});

describe('the document', () => {
	it.each(['/v1/openapi.json', '/api/openapi.json'])(
		'is public at %s, with an ETag',
		async (path) => {
			const response = await fetch(product.origin + path);
			expect(
				z.object({ openapi: z.literal('3.1.1') }).safeParse(await response.json()).success
			).toBe(true);
			const etag = response.headers.get('etag') ?? '';
			const again = await fetch(product.origin + path, { headers: { 'if-none-match': etag } });
			expect([again.status, await again.text()]).toEqual([304, '']);
		}
	);
});

it('429 tells when to come again, on both faces', async () => {
	const statuses = new Set<number>();
	let last: Response | undefined;
	for (let asked = 0; asked <= KEY_QUOTA * 2 && !statuses.has(429); asked++) {
		last = await fetch(`${product.origin}/v1/me`, { headers: withKey() });
		statuses.add(last.status);
		if (last.status !== 429) await last.arrayBuffer();
	}
	expect([...statuses]).toEqual([200, 429]);
	expect(last?.headers.get('retry-after')).toBe('1');
	expect(last?.headers.get('ratelimit')).toMatch(/^"key";r=0;t=\d+, "account";r=\d+;t=\d+$/);
	const graphql = await post('{ a: me { locale } b: me { locale } c: me { locale } }', withKey());
	const text = await graphql.text();
	expect(text).toContain('"too_many_requests"');
	await expect(told(client.GET('/v1/queue'))).rejects.toThrow(Refused);
});

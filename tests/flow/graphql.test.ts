/** GraphQL beside REST over the same database: the same answers and the same refusals, for everybody. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { getIntrospectionQuery } from 'graphql';
import { until } from '../database/embedded-folder.ts';
import { startFaces, type Faces, type Who } from './faces.ts';

let faces: Faces;
let event_id = '';

beforeAll(async () => {
	faces = await startFaces();
	const made = await faces.rest(faces.who.owner, 'POST', '/events/test', {
		event_type: 'twitch:follower'
	});
	event_id = z.object({ event_id: z.string() }).parse(await made.json()).event_id;
}, 60_000);
afterAll(() => faces?.close());

const Json = z.json();
type Json = z.core.util.JSONType;

/** Names as GraphQL writes them, in everything but the documents that it leaves alone. */
function camelised(value: Json, name = ''): Json {
	if (Array.isArray(value)) return value.map((one) => camelised(one, name));
	if (typeof value !== 'object' || value === null || OPAQUE.has(name)) return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, one]) => [
			key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
			camelised(one, key)
		])
	);
}
const OPAQUE = new Set(['data', 'metadata', 'document', 'sample', 'detail']);

const EVENT =
	'id accountId seq eventType class platform origin externalId data metadata priority status durationMs cancelable replayable scheduledAt occurredAt createdAt startedAt completedAt';
const PLAY =
	'id eventId accountId overlayId seq priority lane status reason playNo attempt durationMs instanceId outcome createdAt startedAt endedAt';

/** For each query: what it asks, and the address that answers the same. */
const same: Record<string, { query: string; path: () => string; pick?: string }> = {
	events: {
		query: `{ it: events { items { ${EVENT} } page limit total totalIsExact nextCursor } }`,
		path: () => '/events'
	},
	'events with a filter': {
		query: `{ it: events(filter: { types: ["twitch:follower"], platform: "twitch,custom", search: "a", limit: 1, from: "2020-01-01T00:00:00Z" })
			{ items { ${EVENT} } page limit total totalIsExact nextCursor } }`,
		path: () =>
			'/events?types=twitch:follower&platform=twitch,custom&search=a&limit=1&from=2020-01-01T00:00:00Z'
	},
	'a filter that is wrong': {
		query: '{ it: events(filter: { limit: 101 }) { page } }',
		path: () => '/events?limit=101'
	},
	'a type that is none': {
		query: '{ it: events(filter: { types: ["follower"] }) { page } }',
		path: () => '/events?types=follower'
	},
	event: {
		query: `query ($id: UUID!) { it: event(id: $id) { ${EVENT} } }`,
		path: () => `/events/${event_id}`
	},
	'the event types': {
		query: `{ it: eventTypes { type platform class title description durationMs priority sample } }`,
		path: () => '/event-types',
		pick: 'items'
	},
	queue: {
		query: `{ it: queue { epoch topSeq paused overlays { overlayId name rev paused leaderId waitingCount
			waiting { ${PLAY} event { ${EVENT} } } } } }`,
		path: () => '/queue'
	},
	overlays: {
		query: '{ it: overlays { id name revision } }',
		path: () => '/overlays',
		pick: 'items'
	},
	connections: {
		query: '{ it: connections { id platform channelId channelName } }',
		path: () => '/connections',
		pick: 'items'
	},
	'the status of the channels': {
		query:
			'{ it: channelStatus { platform isOnline streamTitle category viewerCount startedAt updatedAt } }',
		path: () => '/channel-status',
		pick: 'items'
	},
	'listening by hand': {
		query: '{ it: spotifyManualStatus { active remainingSeconds } }',
		path: () => '/spotify/manual-connect'
	}
};
const people: Who[] = ['owner', 'moderator', 'stranger', 'reader', 'anonymous'];

describe.each(Object.entries(same))('%s', (_name, { query, path, pick }) => {
	it.each(people)('is the same for the %s', async (who) => {
		const principal = faces.who[who];
		const rest = await faces.rest(principal, 'GET', path());
		const body = z.record(z.string(), Json).parse(await rest.json());
		const { data, errors } = await faces.graphql(principal, query, { id: event_id });
		if (!rest.ok) {
			expect(data).toEqual({ it: null });
			expect(errors).toHaveLength(1);
			expect(errors?.[0]).toMatchObject({
				message: body.detail,
				path: ['it'],
				extensions: { code: body.code, status: rest.status }
			});
			expect(errors?.[0]?.extensions.issues).toEqual(body.issues);
			return;
		}
		expect(errors).toBeUndefined();
		const expected = camelised(pick === undefined ? body : (body[pick] ?? null));
		// GraphQL answers what was asked for, REST everything.
		expect(expected).toMatchObject(Json.parse(data?.it) as object);
		expect(data?.it).not.toBeNull();
	});
});

describe('what one may do', () => {
	/** What each says when each asks: the code of the refusal, or `ok`. */
	const mutations: Record<string, { query: string; says: Record<Who, string> }> = {
		'emit an event': {
			query:
				'mutation { it: emitEvent(input: { eventType: "custom:word" }) { eventId seq status outcome } }',
			says: {
				...{ owner: 'ok', moderator: 'ok', stranger: 'ok' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		},
		'emit nonsense': {
			query: 'mutation { it: emitEvent(input: { eventType: "nonsense" }) { eventId } }',
			says: {
				...{ owner: 'invalid_input', moderator: 'invalid_input', stranger: 'invalid_input' },
				...{ reader: 'invalid_input', anonymous: 'unauthenticated' }
			}
		},
		'cancel an event': {
			query: 'mutation ($id: UUID!) { it: cancelEvent(id: $id) { eventId already status } }',
			says: {
				...{ owner: 'ok', moderator: 'ok', stranger: 'not_found' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		},
		'pause one overlay': {
			query: 'mutation ($overlay: UUID!) { it: pause(overlayId: $overlay) { overlayId paused } }',
			says: {
				...{ owner: 'ok', moderator: 'ok', stranger: 'not_found' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		},
		'listen by hand': {
			query: 'mutation { it: startSpotifyManual { active } }',
			says: {
				...{ owner: 'ok', moderator: 'forbidden', stranger: 'ok' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		},
		'listen no more': {
			query: 'mutation { it: stopSpotifyManual }',
			says: {
				...{ owner: 'ok', moderator: 'forbidden', stranger: 'ok' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		},
		'resume it': {
			query: 'mutation ($overlay: UUID!) { it: resume(overlayId: $overlay) { overlayId paused } }',
			says: {
				...{ owner: 'ok', moderator: 'ok', stranger: 'not_found' },
				...{ reader: 'forbidden', anonymous: 'unauthenticated' }
			}
		}
	};
	for (const [name, { query, says }] of Object.entries(mutations))
		it.each(people)(`${name}: %s`, async (who) => {
			const variables: Record<string, unknown> = {};
			if (query.includes('$id')) variables.id = event_id;
			if (query.includes('$overlay')) variables.overlay = faces.overlay_id;
			const { data, errors } = await faces.graphql(faces.who[who], query, variables);
			expect(errors?.[0]?.extensions.code ?? 'ok').toBe(says[who]);
			expect(data?.it === null).toBe(says[who] !== 'ok');
		});
});

describe('Idempotency-Key', () => {
	const MUTATION =
		'mutation { a: emitEvent(input: { eventType: "custom:once" }) { eventId } b: emitEvent(input: { eventType: "custom:once" }) { eventId } }';
	const once = (query: string, key: string) =>
		faces.graphql(faces.who.owner, query, {}, { 'idempotency-key': key });

	it('does each field of a request once', async () => {
		const key = randomUUID();
		const [first, again] = [await once(MUTATION, key), await once(MUTATION, key)];
		expect(first.errors).toBeUndefined();
		expect(again.data).toEqual(first.data);
		expect(first.data?.a).not.toEqual(first.data?.b);
	});

	it('refuses another request under the same key', async () => {
		const key = randomUUID();
		await once(MUTATION, key);
		const { errors } = await once(MUTATION.replaceAll('once', 'twice'), key);
		expect(errors?.map(({ extensions }) => extensions.code)).toEqual([
			'idempotency_mismatch',
			'idempotency_mismatch'
		]);
	});

	it('must be one', async () => {
		const { status, errors } = await once(MUTATION, 'x'.repeat(256));
		expect(status).toBe(400);
		expect(errors?.[0]?.extensions.code).toBe('invalid_input');
	});
});

describe('a request', () => {
	const JSON_TYPE = { 'content-type': 'application/json' };
	const refused: [string, RequestInit & { search?: string }, number, string][] = [
		['by another method', { method: 'PUT' }, 405, 'method_not_allowed'],
		[
			'of another type',
			{
				method: 'POST',
				body: 'query={me{locale}}',
				headers: { 'content-type': 'application/x-www-form-urlencoded' }
			},
			415,
			'unsupported_media_type'
		],
		[
			'as text',
			{
				method: 'POST',
				body: '{"query":"{me{locale}}"}',
				headers: { 'content-type': 'text/plain' }
			},
			415,
			'unsupported_media_type'
		],
		['that is no JSON', { method: 'POST', body: '{', headers: JSON_TYPE }, 400, 'invalid_input'],
		[
			'that is a batch',
			{ method: 'POST', body: '[{"query":"{me{locale}}"}]', headers: JSON_TYPE },
			400,
			'invalid_input'
		],
		[
			'that says a thing twice',
			{ method: 'POST', body: '{"query":"{a}","query":"{b}"}', headers: JSON_TYPE },
			400,
			'invalid_input'
		],
		['without a query', { method: 'POST', body: '{}', headers: JSON_TYPE }, 400, 'invalid_input'],
		[
			'that is too large',
			{ method: 'POST', body: JSON.stringify({ query: ' '.repeat(300_000) }), headers: JSON_TYPE },
			413,
			'payload_too_large'
		],
		[
			'that changes something by GET',
			{ search: `?query=${encodeURIComponent('mutation{pause{paused}}')}` },
			405,
			'method_not_allowed'
		],
		[
			'with its query in both places',
			{ method: 'POST', search: '?query={me{locale}}', body: '{}', headers: JSON_TYPE },
			400,
			'invalid_input'
		]
	];
	it.each(refused)('%s is refused', async (_name, init, status, code) => {
		const response = await faces.send(faces.who.owner, init);
		expect(response.status).toBe(status);
		const { errors } = z
			.object({ errors: z.array(z.object({ extensions: z.object({ code: z.string() }) })) })
			.parse(await response.json());
		expect(errors[0]?.extensions.code).toBe(code);
		expect(response.headers.get('ratelimit')).toContain('"member";r=');
	});

	it('may ask by GET', async () => {
		const response = await faces.send(faces.who.owner, { search: '?query={me{locale}}' });
		expect(await response.json()).toEqual({ data: { me: { locale: 'en' } } });
	});

	it('may read the schema with a key', async () => {
		const { data } = await faces.graphql(faces.who.reader, getIntrospectionQuery());
		expect(data?.__schema).toBeDefined();
	});
});

describe('limits', () => {
	it('count every action of a request, on both faces alike', async () => {
		const { stranger } = faces.who;
		const left = (headers: Headers) =>
			Number(/"member";r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
		const before = left((await faces.rest(stranger, 'GET', '/me')).headers);
		const { headers } = await faces.graphql(
			stranger,
			'{ a: me { locale } b: me { locale } c: me { locale } }'
		);
		// Some of it may have come back meanwhile.
		expect(left(headers)).toBeGreaterThanOrEqual(before - 3);
		expect(left(headers)).toBeLessThan(before);
		expect(headers.get('ratelimit-policy')).toBe('"member";q=6000;w=60, "account";q=30000;w=60');
	});
});

describe('what is polled', () => {
	const polled = ['/queue', '/overlays', '/connections', '/channel-status', '/event-types'];
	it.each(polled)('%s has an ETag, and 304 while nothing changes', async (path) => {
		const first = await faces.rest(faces.who.owner, 'GET', path);
		const etag = first.headers.get('etag') ?? '';
		expect(etag).toMatch(/^"[\w-]{27}"$/);
		expect(first.headers.get('cache-control')).toBe('private, no-cache');
		const again = await faces.rest(faces.who.owner, 'GET', path, undefined, {
			'if-none-match': `"other", W/${etag}`
		});
		expect([again.status, await again.text()]).toEqual([304, '']);
		expect(again.headers.get('etag')).toBe(etag);
		const other = await faces.rest(faces.who.owner, 'GET', path, undefined, {
			'if-none-match': '"other"'
		});
		expect(other.status).toBe(200);
		// A refusal is never a 304.
		const refused = await faces.rest(faces.who.anonymous, 'GET', path, undefined, {
			'if-none-match': '*'
		});
		expect(refused.status).toBe(401);
	});

	it('changes its ETag with the state', async () => {
		const etag = async () =>
			(await faces.rest(faces.who.owner, 'GET', '/queue')).headers.get('etag');
		const before = await etag();
		await faces.rest(faces.who.owner, 'POST', '/queue/pause', {});
		expect(await etag()).not.toBe(before);
		await faces.rest(faces.who.owner, 'POST', '/queue/resume', {});
	});

	it('and nothing else', async () => {
		const response = await faces.rest(faces.who.owner, 'GET', '/events');
		expect(response.headers.get('etag')).toBeNull();
		expect(response.headers.get('cache-control')).toBe('no-store');
	});
});

describe('a subscription', () => {
	const subscribe = async (who: Who) => {
		const response = await faces.send(faces.who[who], {
			method: 'POST',
			headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
			body: JSON.stringify({ query: 'subscription { events { cursor event { eventType } } }' })
		});
		return (response.body ?? new ReadableStream()).getReader();
	};

	it.each(['owner', 'moderator'] as const)(
		'of the %s is one of the streams that are counted, until they leave',
		async (who) => {
			const reader = await subscribe(who);
			await until(() => faces.services.streams.count === 1);
			await faces.rest(faces.who[who], 'POST', '/events/test', { event_type: 'twitch:raid' });
			let text = '';
			while (!text.includes('twitch:raid')) {
				const { value, done } = await reader.read();
				if (done) break;
				text += Buffer.from(value).toString();
			}
			expect(text).toContain('"eventType":"twitch:raid"');
			await reader.cancel();
			await until(() => faces.services.streams.count === 0);
			expect(faces.services.streams.count).toBe(0);
		}
	);

	it.each(['reader', 'anonymous'] as const)('of the %s is refused', async (who) => {
		const reader = await subscribe(who);
		let text = '';
		for (let one = await reader.read(); !one.done; one = await reader.read())
			text += Buffer.from(one.value).toString();
		expect(text).toMatch(/"(forbidden|unauthenticated)"/);
		expect(faces.services.streams.count).toBe(0);
	});
});

/** The schema itself, and what a query may ask before anything runs. */
import { buildSchema, getIntrospectionQuery, printSchema, validateSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actions } from '$lib/server/actions/index.ts';
import { ANONYMOUS, type Principal } from '$lib/server/actions/principal.ts';
import { createLog } from '$lib/server/log.ts';
import { mutations, queries } from './fields.ts';
import { createGraphql } from './index.ts';
import { limits } from './limits.ts';
import { createSchema } from './schema.ts';
import { readFrame } from './stream.ts';

const schema = createSchema(actions);
const sdl = printSchema(schema);
const yoga = createGraphql(createLog({ level: 'silent' }), true);
const key: Principal = { kind: 'api', key_id: 'k', account_id: 'a' };

const Answer = z.object({
	data: z.unknown().optional(),
	errors: z
		.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) }))
		.optional()
});

/** Asks with a context whose services must not be reached. */
async function ask(query: string, principal: Principal = key, method: 'GET' | 'POST' = 'POST') {
	const address = new URL('http://127.0.0.1/graphql');
	if (method === 'GET') address.searchParams.set('query', query);
	const request = new Request(address, {
		method,
		headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
		...(method === 'GET' ? {} : { body: JSON.stringify({ query }) })
	});
	const caller = { principal };
	const response = await yoga.handleRequest(request, { caller, requestId: 'r' } as never);
	const text = await response.text();
	return { status: response.status, ...Answer.parse(JSON.parse(text)) };
}

describe('the schema', () => {
	it('is valid', () => {
		expect(validateSchema(schema)).toEqual([]);
		expect(() => buildSchema(sdl)).not.toThrow();
	});

	it('has each field over an action that is there', () => {
		const ids = actions.map(({ id }) => id);
		for (const { action } of [...Object.values(queries), ...Object.values(mutations)])
			expect(ids).toContain(action);
		// Reads are queries and writes are mutations.
		const methodOf = (id: string) => actions.find((action) => action.id === id)?.method;
		for (const { action } of Object.values(queries)) expect(methodOf(action)).toBe('GET');
		for (const { action } of Object.values(mutations)) expect(methodOf(action)).not.toBe('GET');
	});

	it('has the names that are promised', () => {
		for (const line of [
			'events(filter: EventFilterInput): EventPage',
			'event(id: UUID!): EventDetail',
			'emitEvent(input: EmitEventInput!): Emitted',
			'types: [String!]',
			'platform: String',
			'search: String',
			'from: DateTime',
			'to: DateTime',
			'page: Int',
			'limit: Int',
			'eventType: String!',
			'createdAt: DateTime!',
			'data: JSON!',
			'seq: SafeInt!',
			'channelStatus: [ChannelStatus!]',
			'spotifyManualStatus: SpotifyManualStatus',
			'startSpotifyManual: SpotifyManualStatus',
			'stopSpotifyManual: Boolean',
			'viewerCount: Int',
			'startedAt: DateTime',
			'updatedAt: DateTime!',
			'remainingSeconds: Int'
		])
			expect(sdl).toContain(line);
		expect(sdl).not.toMatch(/^\s+\w*_\w*[(:]/m);
	});
});

describe('what may be asked at once', () => {
	const deep = (levels: number) => {
		const inner = '{ __typename } '.repeat(1);
		let query = inner;
		for (let level = 0; level < levels; level++) query = `{ queue ${query} }`;
		return query;
	};
	const PLAY = Array.from({ length: 60 }, () => 'id lane status').join(' ');
	const EVENT = Array.from({ length: 60 }, () => 'id seq').join(' ');
	const refused: [string, string, RegExp][] = [
		['too deep', deep(limits.depth + 2), /depth/i],
		[
			'too many aliases',
			`{ ${Array.from({ length: limits.aliases + 1 }, (_, i) => `a${i}: me { locale }`).join(' ')} }`,
			/alias/i
		],
		['too many tokens', `{ ${'me '.repeat(limits.tokens)} }`, /token/i],
		[
			'too dear',
			`{ queue { overlays { ${['playing', 'waiting', 'recent']
				.map((list) => `${list} { ${PLAY} event { ${EVENT} } }`)
				.join(' ')} } } }`,
			/cost/i
		],
		['no such field', '{ nothing }', /Cannot query field/],
		['not GraphQL', '{', /Syntax Error/],
		[
			'two operations, none named',
			'query A { me { locale } } query B { me { locale } }',
			/operation/i
		]
	];
	for (const [name, query, message] of refused)
		it(`${name} is wrong input`, async () => {
			const { errors = [], data } = await ask(query);
			expect(data).toBeUndefined();
			expect(errors[0]?.message).toMatch(message);
			expect(errors[0]?.extensions.code).toBe('invalid_input');
		});

	it('takes no mutation by GET', async () => {
		const { status, errors = [] } = await ask('mutation { pause { paused } }', key, 'GET');
		expect(status).toBe(405);
		expect(errors[0]?.extensions.code).toBe('method_not_allowed');
	});

	it('takes no batch', async () => {
		const request = new Request('http://127.0.0.1/graphql', {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify([{ query: '{ __typename }' }])
		});
		const response = await yoga.handleRequest(request, { caller: { principal: key } } as never);
		expect(response.status).toBe(400);
	});
});

describe('what strangers learn of the schema', () => {
	const question = getIntrospectionQuery();

	it('nothing by asking; those who have a key, all of it', async () => {
		const { errors = [], data } = await ask(question, ANONYMOUS);
		expect(data).toBeUndefined();
		expect(errors[0]?.extensions.code).toBe('invalid_input');
		expect((await ask(question)).errors).toBeUndefined();
		expect((await ask('{ __typename }', ANONYMOUS)).data).toEqual({ __typename: 'Query' });
	});

	it('nothing by mistakes', async () => {
		const [one] = (await ask('{ even }')).errors ?? [];
		expect(one?.message).toMatch(/Did you mean/);
		const [other] = (await ask('{ even }', ANONYMOUS)).errors ?? [];
		expect(other?.message).toBe('Cannot query field "even" on type "Query".');
	});
});

it('reads the frames of the stream', () => {
	expect(readFrame('retry: 2000')).toEqual({ id: null, event: null, data: '' });
	expect(readFrame(':')).toEqual({ id: null, event: null, data: '' });
	expect(readFrame('id: e:1\ndata: {"a": "b: c"}')).toEqual({
		id: 'e:1',
		event: null,
		data: '{"a": "b: c"}'
	});
	expect(readFrame('id: e:1\nevent: reset\ndata: {}')).toMatchObject({ event: 'reset' });
});

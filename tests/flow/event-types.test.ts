/** Own event types, templates, subscriptions and scheduled events, through the doors. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Condition, meets, type Asked } from '../../src/lib/bus/condition.ts';
import { settlePlays } from '../../src/lib/server/backend/statements/queue.ts';
import { startFaces, type Faces, type Who } from './faces.ts';

let faces: Faces;
beforeAll(async () => {
	faces = await startFaces();
}, 120_000);
afterAll(() => faces?.close());

const Body = z.record(z.string(), z.json());
const Problem = z.object({
	code: z.string(),
	issues: z.array(z.object({ path: z.string(), message: z.string() })).default([])
});

async function ask(who: Who, method: string, path: string, body?: z.core.util.JSONType) {
	const response = await faces.rest(faces.who[who], method, path, body);
	return { status: response.status, body: Body.parse(await response.json()) };
}
const issuesOf = async (method: string, path: string, body: z.core.util.JSONType) => {
	const { status, body: problem } = await ask('owner', method, path, body);
	expect(status).toBe(400);
	return Problem.parse(problem).issues.map((issue) => `${issue.path} ${issue.message}`);
};
const event = async (id: unknown) => (await ask('owner', 'GET', `/events/${String(id)}`)).body;

const score = {
	type: 'custom:high_score',
	title: 'High score',
	priority: 'high',
	duration_ms: 4000,
	schema: {
		type: 'object',
		required: ['score'],
		additionalProperties: false,
		properties: {
			score: { type: 'integer', minimum: 0 },
			player: { type: 'object', properties: { name: { type: 'string', maxLength: 20 } } },
			mode: { enum: ['solo', 'team'] },
			text: { type: 'string' }
		}
	},
	sample: { score: 9000 }
};

describe('a type of one’s own', () => {
	it('judges data by its schema and gives events what they lack', async () => {
		expect((await ask('owner', 'POST', '/event-types', score)).status).toBe(201);
		expect((await ask('owner', 'POST', '/event-types', score)).status).toBe(409);
		const sent = await ask('moderator', 'POST', '/events/emit', {
			event_type: score.type,
			data: { score: 12 }
		});
		expect(sent.status).toBe(201);
		expect(await event(sent.body.event_id)).toMatchObject({
			...{ platform: 'custom', class: 'animated', priority: 'high', duration_ms: 4000 },
			...{ origin: 'manual', data: { score: 12 } }
		});
		const wrong = { score: -1, player: { name: 7 }, mode: 'duel', more: 1 };
		expect(await issuesOf('POST', '/events/emit', { event_type: score.type, data: wrong })).toEqual(
			expect.arrayContaining([
				'data.score must be >= 0',
				'data.player.name must be string',
				'data.mode must be one of "solo","team"',
				'data.more is not a known field'
			])
		);
		expect(await issuesOf('POST', '/events/emit', { event_type: score.type })).toEqual([
			'data.score is missing'
		]);
		const test = await ask('owner', 'POST', '/events/test', {
			event_type: score.type,
			data: { mode: 'team' }
		});
		expect(await event(test.body.event_id)).toMatchObject({
			...{ origin: 'test', data: { score: 9000, mode: 'team' } }
		});
	});

	it('is listed beside the built-in ones, changed and deleted', async () => {
		const Listed = z.object({
			items: z.array(z.object({ type: z.string(), is_custom: z.boolean(), title: z.string() }))
		});
		const types = async (who: Who) =>
			Listed.parse((await ask(who, 'GET', '/event-types')).body).items;
		const other = { ...score, type: 'custom:other', schema: null };
		await ask('owner', 'POST', '/event-types', other);
		expect((await types('reader')).filter(({ is_custom }) => is_custom)).toHaveLength(2);
		expect((await types('stranger')).filter(({ is_custom }) => is_custom)).toHaveLength(0);
		expect((await types('reader')).some(({ type }) => type === 'twitch:follower')).toBe(true);
		const changed = await ask('owner', 'PUT', '/event-types/other', { title: 'Another' });
		expect(changed.body).toMatchObject({ title: 'Another', schema: null, priority: 'normal' });
		for (const who of ['moderator', 'reader'] as const)
			expect((await ask(who, 'DELETE', '/event-types/other')).status).toBe(403);
		expect((await ask('stranger', 'DELETE', '/event-types/other')).status).toBe(404);
		expect((await ask('owner', 'DELETE', '/event-types/other')).body).toEqual({ deleted: true });
		expect((await ask('owner', 'DELETE', '/event-types/other')).status).toBe(404);
	});

	it('has a schema that is bounded, and a sample that fits', async () => {
		const make = (schema: z.core.util.JSONType, sample: z.core.util.JSONType = {}) =>
			issuesOf('POST', '/event-types', { type: 'custom:x', title: 'X', schema, sample });
		let deep: z.core.util.JSONType = {};
		for (let level = 0; level < 12; level++) deep = { items: deep };
		const wide = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, {}]));
		const [pattern] = await make({ properties: { a: { pattern: '(a+)+$' } } });
		expect(pattern).toMatch(/^schema\.properties\.a\.pattern is not allowed here/);
		expect((await make({ $ref: '#' }))[0]).toMatch(/^schema\.\$ref is not allowed/);
		expect((await make({ uniqueItems: true }))[0]).toMatch(/^schema\.uniqueItems is not allowed/);
		expect((await make(deep))[0]).toContain('nests deeper than 10');
		expect((await make({ properties: wide }))[0]).toContain('at most 200');
		expect(
			(await make({ description: 'x'.repeat(900), enum: Array(40).fill('y'.repeat(450)) }))[0]
		).toContain('is longer than');
		expect((await make({ properties: { a: { minimum: 'low' } } }))[0]).toContain(
			'schema.properties.a.minimum'
		);
		expect((await make({ properties: [] }))[0]).toContain('must be an object of schemas');
		expect((await make({ type: 'array' }))[0]).toContain('must be object');
		expect((await make({ required: ['constructor'] }))[0]).toBe('sample.constructor is missing');
	});
});

describe('a template', () => {
	it('makes events of its text and data, and names each variable that is missing', async () => {
		const made = await ask('owner', 'POST', '/event-templates', {
			name: 'Record',
			event_type: score.type,
			text: '{user} has {points} points {{so}',
			data: { score: '{points}', player: { name: '{user}' } },
			priority: 'critical'
		});
		expect(made.status).toBe(201);
		expect(made.body.variables).toEqual(['user', 'points']);
		const template_id = made.body.id ?? null;
		const variables = { user: 'Ann', points: 7 };
		const sent = await ask('moderator', 'POST', '/events/emit', { template_id, variables });
		expect(await event(sent.body.event_id)).toMatchObject({
			...{ event_type: score.type, priority: 'critical', duration_ms: 4000 },
			data: { score: 7, player: { name: 'Ann' }, text: 'Ann has 7 points {so}' }
		});
		expect(await issuesOf('POST', '/events/emit', { template_id, variables: { who: 1 } })).toEqual([
			...['variables.user is missing', 'variables.points is missing'],
			'variables.who is not a variable of this template'
		]);
		// What comes out is judged like any other data.
		expect(
			await issuesOf('POST', '/events/emit', { template_id, variables: { user: 'A', points: 'x' } })
		).toEqual(['data.score must be integer']);
		expect(await issuesOf('POST', '/events/emit', { variables: {} })).toHaveLength(2);
		expect(await issuesOf('POST', '/events/emit', { template_id, event_type: 'a:b' })).toHaveLength(
			1
		);

		const path = `/event-templates/${String(template_id)}`;
		const form = { name: 'Record', event_type: score.type };
		expect((await ask('moderator', 'PUT', path, form)).status).toBe(403);
		expect((await ask('stranger', 'PUT', path, form)).status).toBe(404);
		expect((await ask('stranger', 'POST', '/events/emit', { template_id })).status).toBe(404);
		expect((await ask('reader', 'POST', '/events/emit', { template_id })).status).toBe(403);
		expect((await ask('owner', 'PUT', path, form)).body).toMatchObject({
			variables: [],
			text: null
		});
		expect((await ask('reader', 'GET', '/event-templates')).body.items).toHaveLength(1);
		expect((await ask('owner', 'DELETE', path)).body).toEqual({ deleted: true });
		expect((await ask('owner', 'POST', '/events/emit', { template_id })).status).toBe(404);
	});
});

describe('subscriptions', () => {
	const at = () => `/subscriptions/${faces.overlay_id}`;

	it('say by pattern, class and condition what an overlay shows', async () => {
		const items = [
			{ pattern: 'test:*', lane: 'side', condition: { field: 'data.n', op: 'gte', value: 5 } }
		];
		const set = await ask('owner', 'PUT', at(), { items });
		expect(set.body).toMatchObject({
			items: [{ ...items[0], classes: ['animated', 'alert', 'data'] }]
		});
		const lanes = async (n: number) => {
			const { body } = await ask('owner', 'POST', '/events/emit', {
				event_type: 'test:n',
				data: { n }
			});
			const plays = z
				.array(z.object({ lane: z.string() }))
				.parse((await event(body.event_id)).plays);
			return plays.map(({ lane }) => lane);
		};
		expect(await lanes(5)).toEqual(['side']);
		expect(await lanes(4)).toEqual([]);
		expect((await ask('moderator', 'GET', at())).body).toEqual(set.body);
		expect((await ask('moderator', 'PUT', at(), { items: [] })).status).toBe(403);
		expect((await ask('reader', 'GET', at())).status).toBe(403);
		expect((await ask('stranger', 'GET', at())).status).toBe(404);
		expect((await ask('stranger', 'PUT', at(), { items: [] })).status).toBe(404);
		let deep: z.core.util.JSONType = { field: 'class', op: 'exists' };
		for (let level = 0; level < 10; level++) deep = { not: deep };
		expect(
			(await issuesOf('PUT', at(), { items: [{ pattern: '*', condition: deep }] }))[0]
		).toMatch(/^items\.0\.condition nests deeper/);
		expect(await issuesOf('PUT', at(), { items: [{ pattern: 'tw*' }] })).toHaveLength(1);
		await ask('owner', 'PUT', at(), { items: [{ pattern: '*' }] });
	});

	it('mean the same in SQL and in TypeScript, for every condition and event', async () => {
		const scalar = fc.constantFrom(
			0,
			1,
			-1,
			1.5,
			1e21,
			5e-7,
			true,
			false,
			'',
			'a',
			'ab',
			'B',
			'é',
			'\uffee',
			'😀',
			'10'
		);
		const field = fc.constantFrom(
			'event_type',
			'class',
			'priority',
			'data.a',
			'data.b',
			'data.a.b',
			'data.constructor',
			'metadata.tags'
		);
		const test = fc.oneof(
			fc.record({
				field,
				op: fc.constantFrom('eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'contains'),
				value: scalar
			}),
			fc.record({
				field,
				op: fc.constant('in'),
				value: fc.array(scalar, { minLength: 1, maxLength: 4 })
			}),
			fc.record({ field, op: fc.constant('exists') }),
			fc.record({ field, op: fc.constant('exists'), value: fc.boolean() })
		);
		const { condition } = fc.letrec((tie) => ({
			condition: fc.oneof(
				{ maxDepth: 3, depthIdentifier: 'c' },
				test,
				fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }, {}),
				fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
				fc.record({ not: tie('condition') })
			)
		}));
		const leaf = fc.oneof(
			scalar,
			fc.constant(null),
			fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxLength: 3 })
		);
		const value = fc.oneof(leaf, fc.record({ b: leaf, a: leaf }, { requiredKeys: [] }));
		const asked: fc.Arbitrary<Asked> = fc.record({
			event_type: fc.constantFrom('twitch:cheer', 'a', 'a:b'),
			class: fc.constantFrom('animated' as const, 'data' as const),
			platform: fc.constant('twitch'),
			origin: fc.constant('live' as const),
			priority: fc.constantFrom('low' as const, 'high' as const),
			data: fc.record({ a: value, b: value }, { requiredKeys: [] }),
			metadata: fc.record({ tags: fc.array(fc.constantFrom('a', 'b', 'ab')) }, { requiredKeys: [] })
		});
		// Many at a time: a round trip for each would be most of the work.
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.record({ condition, event: asked }), { minLength: 60, maxLength: 60 }),
				async (pairs) => {
					const parsed = pairs.map((pair) => ({
						...pair,
						condition: Condition.parse(pair.condition)
					}));
					const rows = await faces.db.sql<{ met: boolean; size: number | null }[]>`
						select app.meets(p -> 'condition', p -> 'event') as met, app.check_condition(p -> 'condition', 5) as size
						from jsonb_array_elements(${faces.db.sql.json(z.json().parse(parsed))}) with ordinality as x (p, n) order by n`;
					expect(rows.map(({ met }) => met)).toEqual(
						parsed.map(({ condition: one, event: about }) => meets(one, about))
					);
					expect(rows.every(({ size }) => size !== null)).toBe(true);
				}
			),
			{ numRuns: 15 }
		);
	});
});

describe('an event for later', () => {
	const upcoming = async (who: Who = 'owner') => {
		const { body } = await ask(who, 'GET', '/events?scheduled=upcoming');
		return z
			.array(z.object({ id: z.uuid() }))
			.parse(body.items)
			.map(({ id }) => id);
	};
	const schedule = async (minutes: number) => {
		const { body } = await ask('moderator', 'POST', '/events/emit', {
			event_type: 'test:later',
			scheduled_at: new Date(Date.now() + minutes * 60_000).toISOString()
		});
		return z.uuid().parse(body.event_id);
	};
	const statusOf = async (id: string) => (await event(id)).status;

	it('is recorded now, listed as upcoming, and played when its time comes', async () => {
		// Nothing of what others sent waits before it.
		await faces.db.sql`update app.plays set status = 'cancelled', ended_at = now()
			where overlay_id = ${faces.overlay_id} and status = 'queued'`;
		const [late, early] = [await schedule(30), await schedule(20)];
		expect(await upcoming('reader')).toEqual([early, late]);
		expect(await upcoming('stranger')).toEqual([]);
		// A page that leads, whose lease reaches into the future that the clock is told.
		const [instance] = await faces.db.sql<{ id: string }[]>`
			update app.overlay_queues set leader_id = gen_random_uuid(), lease_until = now() + interval '1 day', led_since = now()
			where overlay_id = ${faces.overlay_id} returning leader_id as id`;
		expect(instance).toBeDefined();
		await settlePlays(faces.db.sql, new Date(Date.now() + 19 * 60_000));
		expect(await statusOf(early)).toBe('pending');
		await settlePlays(faces.db.sql, new Date(Date.now() + 21 * 60_000));
		expect([await statusOf(early), await statusOf(late)]).toEqual(['active', 'pending']);
		expect(await upcoming()).toEqual([late]);

		expect((await ask('moderator', 'PUT', `/events/${late}/cancel`)).body).toMatchObject({
			status: 'cancelled'
		});
		expect(await upcoming()).toEqual([]);
		await settlePlays(faces.db.sql, new Date(Date.now() + 31 * 60_000));
		expect(await statusOf(late)).toBe('cancelled');
	});

	it('is one that is shown, and no filter of the past goes with it', async () => {
		const scheduled_at = '2199-01-01T00:00:00Z';
		expect(
			await issuesOf('POST', '/events/emit', { event_type: 'test:n', class: 'data', scheduled_at })
		).toEqual([
			'scheduled_at is for animated events and alerts: data events are passed on at once'
		]);
		expect((await ask('owner', 'GET', '/events?scheduled=upcoming&search=x')).status).toBe(400);
	});
});

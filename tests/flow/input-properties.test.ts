/**
 * Whatever is sent to an action, near its schema or far from it: an answer comes, it is no 5xx, and
 * a refusal is a problem document. What would be written is undone, so nothing waits for a clean-up.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actions } from '../../src/lib/server/actions/index.ts';
import type { Action } from '../../src/lib/server/actions/define.ts';
import { answer } from '../../src/lib/server/http.ts';
import { makeWorld, type World } from '../authz/world.ts';
import { startFaces, type Faces } from './faces.ts';

const ORIGIN = 'http://127.0.0.1:4517';
const RUNS = 12;

let faces: Faces;
let world: World;
beforeAll(async () => {
	faces = await startFaces({
		CUELIGHT_RATE_LIMITS: JSON.stringify({ member: 1e6, account: 1e6, page: 1e6, address: 1e6 })
	});
	world = await makeWorld(faces.services);
}, 120_000);
afterAll(() => faces?.close());

/** What has broken parsers before, of every type. */
const odd = fc.constantFrom<unknown>(
	...[null, true, 0, -0, -1, 0.5, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, [], {}, [[]], [null], ''],
	...[
		'\u0000',
		'\ud800',
		'\u202e',
		'\ufeff',
		'Ⅷ',
		'İi',
		'\u2028',
		'👨‍👩‍👧',
		'a'.repeat(9_000),
		'%',
		'_',
		'\\'
	],
	...["' or 1=1 --", '{{7*7}}', '../me', 'infinity', '+275760-09-13T00:00:00Z', '0000-00-00'],
	...['__proto__', 'constructor', { __proto__: null, constructor: { prototype: 1 } }, ['a', 'a']],
	...[JSON.parse('{"__proto__": {"admin": true}}'), '1e400', 'NaN', '10abc', '-1', '1.5']
);
const anything = fc.oneof({ weight: 3, arbitrary: odd }, fc.jsonValue({ maxDepth: 3 }));

const Schema = z.looseObject({
	type: z.union([z.string(), z.array(z.string())]).optional(),
	enum: z.array(z.json()).optional(),
	const: z.json().optional(),
	format: z.string().optional(),
	pattern: z.string().optional(),
	minLength: z.number().optional(),
	maxLength: z.number().optional(),
	minimum: z.number().optional(),
	maximum: z.number().optional(),
	required: z.array(z.string()).optional(),
	get properties() {
		return z.record(z.string(), Schema).optional();
	},
	get items() {
		return Schema.optional();
	},
	get anyOf() {
		return z.array(Schema).optional();
	}
});
type Schema = z.infer<typeof Schema>;

/** Values that a schema takes, more or less: what it says in words of its own is left to chance. */
function near(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
	if (depth > 4) return anything;
	if (schema.const !== undefined) return fc.constant(schema.const);
	if (schema.enum) return fc.constantFrom(...schema.enum);
	if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => near(one, depth + 1)));
	const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
	switch (type) {
		case 'string':
			if (schema.format === 'uuid') return fc.uuid();
			if (schema.format === 'date-time')
				return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
			if (schema.format === 'email') return fc.emailAddress();
			return fc.oneof(
				fc.string({ maxLength: Math.min(schema.maxLength ?? 50, 200), unit: 'binary' }),
				fc.constantFrom('custom:word', 'twitch', 'main', 'word', 'UTC', 'custom:*')
			);
		case 'integer':
			return fc.integer({
				min: Math.max(schema.minimum ?? -(2 ** 31), -(2 ** 31)),
				max: Math.min(schema.maximum ?? 2 ** 31, 2 ** 31)
			});
		case 'number':
			return fc.double({ noNaN: true, noDefaultInfinity: true });
		case 'boolean':
			return fc.boolean();
		case 'null':
			return fc.constant(null);
		case 'array':
			return fc.array(near(schema.items ?? {}, depth + 1), { maxLength: 4 });
		case 'object': {
			const fields = Object.entries(schema.properties ?? {}).map(
				([name, one]) => [name, near(one, depth + 1)] as const
			);
			if (fields.length === 0)
				return fc.dictionary(fc.string({ maxLength: 10 }), anything, { maxKeys: 4 });
			return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
		}
		default:
			return anything;
	}
}

/** An input near the schema, of which some fields are spoilt, missing or too many. */
const inputOf = (action: Action) => {
	const schema = Schema.parse(
		z.toJSONSchema(action.input, { io: 'input', unrepresentable: 'any' })
	);
	const names = Object.keys(schema.properties ?? {});
	const spoilt = fc.dictionary(
		fc.oneof(
			...(names.length > 0 ? [{ weight: 5, arbitrary: fc.constantFrom(...names) }] : []),
			fc.constantFrom('account_id', 'is_admin', 'constructor', 'x')
		),
		anything,
		{ maxKeys: 2 }
	);
	return fc
		.tuple(near(schema), fc.oneof({ weight: 2, arbitrary: spoilt }, fc.constant({})))
		.map(([good, bad]) => ({ ...z.record(z.string(), z.unknown()).parse(good), ...bad }));
};

const Problem = z.object({
	type: z.literal('about:blank'),
	title: z.string(),
	status: z.int().min(400).max(499),
	code: z.string(),
	detail: z.string()
});

describe('an action takes or refuses whatever it is sent', { retry: 0 }, () => {
	// A session of one's own that is ended ends the one who asks; its input is an id or a yes.
	const tried = actions.filter(({ id }) => !id.startsWith('sessions.') && id !== 'setup.run');
	it.each(tried.map((action) => [action.id, action] as const))('%s', async (_, action) => {
		const subject = world.subjects.find(({ name }) =>
			action.permission === 'overlay' ? name === 'page' : name === 'owner'
		);
		if (subject === undefined) throw new Error('the world has no owner');
		await fc.assert(
			fc.asyncProperty(inputOf(action), async (input) => {
				const path = action.path.replace(/\{(\w+)\}/g, (_, name: string) =>
					encodeURIComponent(typeof input[name] === 'string' ? input[name].toWellFormed() : 'x')
				);
				const beside = Object.entries(input).filter(([name]) => !action.path.includes(`{${name}}`));
				const url = new URL(`/v1${path}`, ORIGIN);
				const asText = (value: unknown) =>
					typeof value === 'string' ? value.toWellFormed() : (JSON.stringify(value) ?? '');
				if (action.method === 'GET')
					url.search = new URLSearchParams(
						beside.map(([name, value]) => [name, asText(value)])
					).toString();
				const response = await answer({
					...{
						principal: subject.principal,
						services: world.services,
						origin: ORIGIN,
						locale: 'en'
					},
					...{ address: 'properties', requestId: 'a-request', search: url.search },
					request: new Request(url, {
						method: action.method,
						headers: { 'content-type': 'application/json' },
						// What waits for another process does not wait when nobody listens.
						signal: action.id === 'connections.reconcile' ? AbortSignal.abort() : null,
						...(action.method === 'GET' ? {} : { body: JSON.stringify(Object.fromEntries(beside)) })
					}),
					path: url.pathname.replace(/^\/v1/, '')
				});
				if (response.headers.get('content-type')?.includes('event-stream'))
					return void (await response.body?.cancel());
				const text = await response.text();
				expect(response.status, text).toBeLessThan(500);
				if (response.status < 400) return;
				expect(response.headers.get('content-type')).toBe('application/problem+json');
				expect(Problem.parse(JSON.parse(text)).status).toBe(response.status);
				expect(text).not.toMatch(/node_modules|\.ts:|at Object|postgres/i);
			}),
			{ numRuns: RUNS }
		);
	});
});

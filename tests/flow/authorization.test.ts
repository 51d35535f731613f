/**
 * Everything that can be asked of the running system, asked by everybody, of what is theirs, of
 * what is somebody else's, of what never was and of what is gone. What there is to ask is found in
 * the system itself; who may is in `tests/authz/policy.ts`; what was written is read from the rows.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	GraphQLEnumType,
	getNamedType,
	isInputObjectType,
	isNonNullType,
	isLeafType
} from 'graphql';
import type { GraphQLField, GraphQLInputType } from 'graphql';
import { z } from 'zod';
import { actions } from '../../src/lib/server/actions/index.ts';
import { AppError } from '../../src/lib/bus/error.ts';
import { makeKey } from '../../src/lib/server/secrets.ts';
import { claimsOf } from '../../src/lib/server/actions/principal.ts';
import { answerGraphql } from '../../src/lib/server/graphql/index.ts';
import { createSchema } from '../../src/lib/server/graphql/schema.ts';
import { answer } from '../../src/lib/server/http.ts';
import { openApi } from '../../src/lib/server/openapi/index.ts';
import { createAuthorizer } from '../../src/lib/server/realtime/authorizer.ts';
import { systemClock } from '../../src/lib/server/realtime/clock.ts';
import {
	functions,
	graphql,
	rest,
	routes,
	tables,
	topics,
	type RestRule,
	type Rule
} from '../authz/policy.ts';
import { rolePermissions, type Permission } from '../../src/lib/bus/permission.ts';
import { sqlstateFor, statusFor, trespasses, type Aim } from '../authz/oracle.ts';
import type { Side, Subject } from '../authz/subjects.ts';
import { makeWorld, states, type State, type World } from '../authz/world.ts';
import { startFaces, type Faces } from './faces.ts';

const ORIGIN = 'http://127.0.0.1:4517';
const NOWHERE = 'http://127.0.0.1:9';

let faces: Faces;
let world: World;
let cells = 0;

beforeAll(async () => {
	faces = await startFaces({
		...{ TWITCH_CLIENT_ID: 'abcdefghij0123456789abcdefghij', TWITCH_CLIENT_SECRET: 'a'.repeat(30) },
		...{ TWITCH_API_URL: `${NOWHERE}/helix`, TWITCH_ID_URL: `${NOWHERE}/oauth2` },
		CUELIGHT_RATE_LIMITS: JSON.stringify(
			Object.fromEntries(['key', 'member', 'account', 'address', 'page'].map((n) => [n, 1e6]))
		)
	});
	world = await makeWorld(faces.services);
}, 120_000);
afterAll(async () => {
	console.log(`authorization: ${cells} cells`);
	await faces?.close();
});

/** What one cell said that the policy does not: none when it is right. */
interface Verdict {
	said: string;
	expected: string;
	trespass: string[];
}
const judge = (where: string, { said, expected, trespass }: Verdict): string[] => [
	...(said === expected ? [] : [`${where}: ${said}, the policy says ${expected}`]),
	...trespass.map((one) => `${where}: ${one}`)
];

/** A key with one permission that has nothing to do with it is tried on what is its own. */
function statesOf(rule: Rule, { name }: Subject): readonly State[] {
	if (rule.object === undefined) return ['own'];
	const { who, also, or, finds } = rule;
	const matters = [who, also, or, finds].some((one) => one !== undefined && name.includes(one));
	return !name.endsWith(' alone') || matters ? states : ['own'];
}

/** To whom the other account is not foreign: SQL goes by who they are, not by where they say they work. */
const isAtHomeThere = ({ name }: Subject) =>
	name === 'moderator here, at work elsewhere' || name === 'stranger who claims this account';

const isTheirsToo = ({ object }: { object?: unknown }, subject: Subject, state: State) =>
	(object === 'account' || object === 'session' || object === 'authorization') &&
	state === 'foreign' &&
	isAtHomeThere(subject);

async function request(
	name: string,
	rule: RestRule,
	subject: Subject,
	state: State
): Promise<{ method: string; url: URL; body: string | null }> {
	const [method = '', template = ''] = name.split(' ');
	const id = rule.object === undefined ? '' : await world.idOf(rule.object, subject, state);
	const names = { mine: 'Mine', theirs: 'Theirs' };
	const input = { ...rule.input?.(id, names[subject.home]) };
	const path = template.replace(/\{(\w+)\}/g, (_, key: string) => rule.path?.[key] ?? id);
	const url = new URL(`/v1${path}`, ORIGIN);
	if (method !== 'GET') return { method, url, body: JSON.stringify(input) };
	url.search = new URLSearchParams(
		Object.entries(input).map(([key, value]) => [key, String(value)])
	).toString();
	return { method, url, body: null };
}

const WRITERS = new Set([
	'anonymous',
	'owner',
	'owner of another account',
	'key with everything',
	'page'
]);

const commonOf = ({ principal, name }: Subject) => ({
	...{ principal, services: world.services, origin: ORIGIN, locale: 'en' as const },
	...{ address: name, requestId: 'a-request' }
});

/** The body to its end; of a stream the beginning. */
async function finish(response: Response): Promise<string> {
	if (!response.headers.get('content-type')?.includes('event-stream')) return response.text();
	await response.body?.cancel();
	return '';
}

async function askRest(name: string, rule: RestRule, subject: Subject, state: State) {
	const { method, url, body } = await request(name, rule, subject, state);
	// What waits for another process does not wait when nobody listens.
	const signal = name.endsWith('/reconcile') ? AbortSignal.abort() : null;
	world.touched.length = 0;
	const response = await answer({
		...commonOf(subject),
		request: new Request(url, {
			...{ method, body, signal, headers: { 'content-type': 'application/json' } }
		}),
		path: url.pathname.replace('/v1', ''),
		search: url.search
	});
	const text = await finish(response);
	return { status: response.status, text };
}

describe('the policy', { retry: 0 }, () => {
	it('names every address of the OpenAPI document, and no other', () => {
		const { paths } = openApi().document;
		const found = Object.entries(paths).flatMap(([path, operations]) =>
			Object.keys(operations)
				.filter((method) => /^(get|put|post|delete|patch)$/.test(method))
				.map((method) => `${method.toUpperCase()} ${path.replace(/^\/v1/, '')}`)
		);
		expect(found.toSorted()).toEqual(Object.keys(rest).toSorted());
		expect(actions.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
			found.toSorted()
		);
	});
	it('says of each address what the document says', () => {
		const said = (who: string) =>
			({ anyone: 'public', page: 'overlay', member: 'signed-in' })[who] ?? who;
		expect(
			Object.fromEntries(
				Object.entries(rest).map(([name, { who, documented }]) => [name, documented ?? said(who)])
			)
		).toEqual(
			Object.fromEntries(
				actions.map(({ method, path, permission }) => [`${method} ${path}`, permission])
			)
		);
	});
	it('names every root field of GraphQL, and no other', () => {
		expect(
			rootFields()
				.map(({ name }) => name)
				.toSorted()
		).toEqual(Object.keys(graphql).toSorted());
	});
	it('names every function that a token may execute, and no other', async () => {
		const rows = await faces.db.sql<{ name: string }[]>`
			select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
			where n.nspname in ('app', 'public', 'identity')
				and (has_function_privilege('authenticated', p.oid, 'execute')
					or has_function_privilege('anon', p.oid, 'execute'))
				and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`;
		expect(rows.map(({ name }) => name).toSorted()).toEqual(Object.keys(functions).toSorted());
	});
	it('names every table that a token may read, and no other may be written', async () => {
		const rows = await faces.db.sql<{ name: string; verb: string; role: string }[]>`
			select c.oid::regclass::text as name, verb, role
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			cross join unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) verb
			cross join unnest('{anon,authenticated}'::text[]) role
			where n.nspname in ('app', 'public', 'identity') and c.relkind in ('r', 'p', 'v', 'm', 'f')
				and has_table_privilege(role, c.oid, verb)`;
		expect(rows.map(({ name, verb, role }) => `${role} ${verb} ${name}`).toSorted()).toEqual(
			Object.keys(tables)
				.map((name) => `authenticated select ${name}`)
				.toSorted()
		);
	});
	it('names every route with a server side, and no other', () => {
		const found = readdirSync(new URL('../../src/routes', import.meta.url), { recursive: true })
			.map((name) => String(name).replaceAll('\\', '/'))
			.filter((name) => /\+(server|page|layout)(\.server)?\.ts$/.test(name));
		expect(found.toSorted()).toEqual(Object.keys(routes).toSorted());
	});
});

describe('REST', { retry: 0 }, () => {
	it.each(Object.entries(rest))('%s', async (name, rule) => {
		const wrong: string[] = [];
		for (const subject of world.subjects)
			for (const state of statesOf(rule, subject)) {
				if (isTheirsToo(rule, subject, state)) continue;
				const expected = statusFor(rule, subject, state);
				const isAllowed = expected < 300;
				if (rule.onlyRefusals && isAllowed) continue;
				const { status, text } = await askRest(name, rule, subject, state);
				cells++;
				const trespass = trespasses(rule, subject, world, world.touched, isAllowed);
				if (isAllowed && rule.writes && rule.writes.length > 0 && world.touched.length === 0)
					trespass.push('was allowed and did nothing');
				const verdict = { said: String(status), expected: String(expected), trespass };
				const found = judge(`${subject.name}, ${state}`, verdict);
				wrong.push(
					...found.map((one) => (status === expected ? one : `${one}: ${text.slice(0, 160)}`))
				);
			}
		expect(wrong).toEqual([]);
		const escaped = await world.escaped();
		expect(escaped.filter((one) => !rule.commits?.some((table) => one.startsWith(table)))).toEqual(
			[]
		);
	});
});

function rootFields(): { name: string; kind: string; field: GraphQLField<unknown, unknown> }[] {
	const schema = createSchema(actions);
	const roots = {
		Query: schema.getQueryType(),
		Mutation: schema.getMutationType(),
		Subscription: schema.getSubscriptionType()
	};
	return Object.entries(roots).flatMap(([kind, type]) =>
		Object.values(type?.getFields() ?? {}).map((field) => ({
			...{ name: `${kind}.${field.name}`, kind: kind.toLowerCase(), field }
		}))
	);
}

const camel = (name: string) =>
	name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A value as GraphQL writes it: enums without quotes. */
function literal(value: unknown, type: GraphQLInputType): string {
	if (Array.isArray(value)) return `[${value.map((one) => literal(one, type)).join(', ')}]`;
	const named = getNamedType(type);
	if (isInputObjectType(named) && typeof value === 'object' && value !== null) {
		const fields = named.getFields();
		return `{${Object.entries(value)
			.flatMap(([key, one]) => {
				const field = fields[camel(key)];
				return field ? [`${camel(key)}: ${literal(one, field.type)}`] : [];
			})
			.join(', ')}}`;
	}
	return named instanceof GraphQLEnumType ? String(value) : JSON.stringify(value);
}

describe('GraphQL', { retry: 0 }, () => {
	it.each(Object.entries(graphql))('%s', async (name, address) => {
		const rule = rest[address] ?? { who: 'anyone' };
		const root = rootFields().find((one) => one.name === name);
		if (root === undefined) throw new Error(`${name} is not in the schema`);
		const { field, kind } = root;
		const wrong: string[] = [];
		for (const subject of world.subjects)
			for (const state of statesOf(rule, subject)) {
				const id = rule.object === undefined ? '' : await world.idOf(rule.object, subject, state);
				const inPath = address.includes('{overlay_id}') ? { overlay_id: id } : { id };
				const input = { ...inPath, ...rule.input?.(id, '') };
				const args = field.args.flatMap((arg) => {
					const value = Object.entries(input).find(([key]) => camel(key) === arg.name)?.[1];
					if (value !== undefined && value !== '')
						return [`${arg.name}: ${literal(value, arg.type)}`];
					const isWhole = isInputObjectType(getNamedType(arg.type)) && isNonNullType(arg.type);
					return isWhole ? [`${arg.name}: ${literal(input, arg.type)}`] : [];
				});
				const given = args.length > 0 ? `(${args.join(', ')})` : '';
				const selection = isLeafType(getNamedType(field.type)) ? '' : ' { __typename }';
				world.touched.length = 0;
				const response = await answerGraphql({
					...commonOf(subject),
					request: new Request(`${ORIGIN}/graphql`, {
						method: 'POST',
						headers: {
							'content-type': 'application/json',
							accept: kind === 'subscription' ? 'text/event-stream' : 'application/json'
						},
						body: JSON.stringify({ query: `${kind} { it: ${field.name}${given}${selection} }` })
					}),
					search: ''
				});
				// Not 201: a field has no status of its own when it is done.
				const wanted = statusFor(rule, subject, state);
				const isAllowed = wanted < 300;
				const said = await saidBy(response, isAllowed ? 30 : 10_000);
				cells++;
				wrong.push(
					...judge(`${subject.name}, ${state}`, {
						said,
						expected: isAllowed ? 'done' : String(wanted),
						trespass: trespasses(rule, subject, world, world.touched, isAllowed)
					})
				);
			}
		expect(wrong).toEqual([]);
		expect(await world.escaped()).toEqual([]);
	});
});

const Errors = z.object({
	errors: z
		.array(z.object({ message: z.string(), extensions: z.object({ status: z.int() }) }))
		.optional()
});
/** The status of the first refusal, or `done`: of a stream, when none comes in that time. */
async function saidBy(response: Response, patience_ms: number): Promise<string> {
	const isStream = response.headers.get('content-type')?.includes('event-stream');
	const text = isStream ? await firstData(response, patience_ms) : await response.text();
	const { errors } = Errors.parse(JSON.parse(text));
	return errors === undefined ? 'done' : String(errors[0]?.extensions.status);
}

async function firstData(response: Response, patience_ms: number): Promise<string> {
	const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	const over = new Promise<null>((resolve) => setTimeout(resolve, patience_ms, null));
	for (;;) {
		const next = await Promise.race([reader?.read(), over]);
		text += next?.value ?? '';
		const data = /data: (\{.*)/.exec(text)?.[1];
		if (data === undefined && next && !next.done) continue;
		await reader?.cancel();
		return data ?? '{}';
	}
}

describe('SQL', { retry: 0 }, () => {
	it.each(Object.entries(functions))('app.%s', async (name, rule) => {
		const [signature] = await faces.db.sql<{ names: string[]; defaults: number }[]>`
			select proargnames as names, pronargdefaults as defaults from pg_proc
			where proname = ${name} and pronamespace = 'app'::regnamespace`;
		const parameters = signature?.names ?? [];
		const wrong: string[] = [];
		for (const subject of world.subjects) {
			const aims: Aim[] = [...statesOf(rule, subject)];
			if (parameters.includes('p_account')) aims.push('elsewhere');
			if (rule.who === 'page' || rule.orPage) aims.push('foreign');
			for (const aim of new Set(aims)) {
				const isHomeToo = aim === 'elsewhere' || (aim === 'foreign' && rule.orPage);
				if (isHomeToo && isAtHomeThere(subject)) continue;
				if (aim !== 'elsewhere' && isTheirsToo(rule, subject, aim)) continue;
				if (subject.name === 'page of another overlay' && (rule.who === 'page' || rule.orPage))
					continue;
				const state = aim === 'elsewhere' ? 'foreign' : aim;
				const there = subject.home === 'mine' ? 'theirs' : 'mine';
				const place =
					world.places[
						aim === 'elsewhere' || (rule.who === 'page' && aim === 'foreign' && !rule.object)
							? there
							: subject.home
					];
				const id =
					rule.object === undefined
						? place.overlay_id
						: await world.idOf(rule.object, subject, state);
				const own =
					subject.standing === 'page' && rule.orPage && aim === 'own' ? place.overlay_id : id;
				const given = parameters.flatMap((parameter) => {
					const text = rule.args?.[parameter]?.replaceAll('p_account', `'${place.account_id}'`);
					if (text !== undefined) return [`${parameter} => ${text}`];
					if (parameter === 'p_account') return [`p_account => '${place.account_id}'`];
					if (parameter === 'p_now' || parameter === 'p_kind') return [];
					if (parameter === 'p_token_hash') return [`p_token_hash => sha256('a guess')`];
					if (rule.who === 'page' && parameter === 'p_overlay')
						return [`p_overlay => '${place.overlay_id}'`];
					return name === 'list_keys' ? [] : [`${parameter} => '${own}'`];
				});
				const {
					state: said,
					value,
					touched
				} = await world.attempt(subject, `select app.${name}(${given.join(', ')})`);
				cells++;
				const expected = sqlstateFor(rule, subject, aim);
				const trespass = trespasses(rule, subject, world, touched, expected === '00000');
				const found = judge(`${subject.name}, ${aim}`, { said, expected, trespass });
				wrong.push(
					...found.map((one) => (said === expected ? one : `${one}: ${value?.slice(0, 120)}`))
				);
			}
		}
		expect(wrong).toEqual([]);
		expect(await world.escaped()).toEqual([]);
	});

	it('tables show the rows of those accounts where one holds the permission, and take nothing', async () => {
		const found = await faces.db.sql<{ name: string; column: string; owned: boolean }[]>`
			select c.oid::regclass::text as name, a.attname as column,
				c.relname = 'accounts' or exists (select from pg_attribute o
					where o.attrelid = c.oid and o.attname = 'account_id') as owned
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			join lateral (select attname from pg_attribute a
				where a.attrelid = c.oid and a.attnum > 0 and a.attidentity = '' and a.attgenerated = ''
				limit 1) a on true
			where n.nspname in ('app', 'identity', 'realtime') and c.relkind in ('r', 'p') and not c.relispartition`;
		const wrong: string[] = [];
		for (const { name, column, owned } of found) {
			const permission = tables[name];
			for (const subject of world.subjects) {
				const writes = [
					`insert into ${name} default values`,
					`update ${name} set "${column}" = "${column}"`,
					`delete from ${name}`,
					`truncate ${name} cascade`
				];
				// What may be written is said of roles, not of people: one of each kind tries.
				const tries = name !== 'realtime.messages' && WRITERS.has(subject.name);
				for (const statement of tries ? writes : []) {
					const { state, touched } = await world.attempt(subject, statement);
					cells++;
					if (state !== '42501' || touched.length > 0)
						wrong.push(`${subject.name}: ${statement}: ${state}`);
				}
				if (name === 'realtime.messages') continue;
				const owner = name === 'app.accounts' ? 'id' : 'account_id';
				const shown = owned
					? `string_agg(distinct ${owner}::text, ' ' order by ${owner}::text)`
					: `count(*)::text`;
				const { state, value } = await world.attempt(subject, `select ${shown} from ${name}`);
				cells++;
				if (permission === undefined || subject.standing === 'anonymous') {
					if (state !== '42501') wrong.push(`${subject.name}: select from ${name}: ${state}`);
					continue;
				}
				if (permission === 'signed-in') {
					if (state !== '00000' || value === '0') wrong.push(`${subject.name}: ${name}: ${state}`);
					continue;
				}
				const seen = (value ?? '').split(' ').filter(Boolean);
				const mayIn = heldIn(subject, permission).map((side) => world.places[side].account_id);
				// Of their own they see what there is; a table may be empty.
				const [there] = await faces.db.sql.unsafe<{ owners: string[] | null }[]>(
					`select array_agg(distinct ${owner}::text) as owners from ${name}`
				);
				const expected = (there?.owners ?? []).filter((id) => mayIn.includes(id)).toSorted();
				if (seen.join() !== expected.join())
					wrong.push(
						`${subject.name}: ${name}: sees ${seen.join()}, should see ${expected.join()}`
					);
			}
		}
		expect(wrong).toEqual([]);
		expect(await world.escaped()).toEqual([]);
	});
});

/** In which accounts somebody holds a permission, wherever they are at work. */
function heldIn({ name, home, holds }: Subject, permission: Permission): Side[] {
	if (name === 'stranger who claims this account') return ['theirs'];
	const sides: Side[] = holds.has(permission) ? [home] : [];
	const moderates = name === 'moderator here, at work elsewhere';
	if (moderates && rolePermissions.moderator.includes(permission)) sides.push('mine');
	return sides;
}

describe('Realtime', { retry: 0 }, () => {
	it.each(Object.keys(topics))(
		'topics of an %s are heard by who may, and take nothing',
		async (kind) => {
			const authorizer = createAuthorizer(faces.services.database, {
				clock: systemClock,
				timeoutMs: 20_000
			});
			const wrong: string[] = [];
			for (const subject of world.subjects) {
				const claims = claimsOf(subject.principal);
				const identity = {
					role: claims === null ? ('anon' as const) : ('authenticated' as const),
					claims: { ...(claims ?? { role: 'anon' }) },
					expiresAt: null
				};
				for (const state of states) {
					if (state === 'foreign' && isAtHomeThere(subject)) continue;
					const object = kind === 'account' ? 'account' : 'overlay';
					const isPagesOwn = subject.standing === 'page' && kind === 'overlay' && state === 'own';
					const id =
						isPagesOwn && subject.principal.kind === 'overlay'
							? subject.principal.overlay_id
							: await world.idOf(object, subject, state);
					const holds = topics[kind]?.every((permission) => subject.holds.has(permission)) ?? false;
					const may = state === 'own' && (isPagesOwn ? subject.page === 'live' : holds);
					const heard = await authorizer.read(identity, `${kind}:${id}`, ['broadcast', 'presence']);
					if (heard.join() !== (may ? 'broadcast' : ''))
						wrong.push(`${subject.name}, ${state}: hears ${heard.join() || 'nothing'}`);
					for (const extension of ['broadcast', 'presence'] as const)
						if (await authorizer.write(identity, `${kind}:${id}`, extension))
							wrong.push(`${subject.name}, ${state}: sends ${extension}`);
					cells += 4;
				}
			}
			expect(wrong).toEqual([]);
		}
	);
});

describe('a credential', { retry: 0 }, () => {
	it('that is forged, cut, foreign to its place or ended opens no address', async () => {
		const { doorkeeper, tokens } = faces.services;
		const key = makeKey('api');
		const place = world.places.mine;
		await faces.db.sql`
			insert into app.keys (account_id, kind, name, hint, token_hash, created_at, revoked_at)
			values (${place.account_id}, 'api', 'Revoked', ${key.hint}, ${key.hash}, now(), now())`;
		const page = world.subjects.find(({ name }) => name === 'page')?.principal;
		const member = world.subjects.find(({ name }) => name === 'owner')?.principal;
		const minted = async (principal: typeof page, seconds: number) => {
			const claims = principal && claimsOf(principal);
			return claims ? tokens.mint(claims, seconds) : '';
		};
		const session = await minted(page, 600);
		const [head = '', body = '', signature = ''] = session.split('.');
		const unsigned = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
		const bad: Record<string, string> = {
			'a revoked key': key.secret,
			'a key that never was': makeKey('api').secret,
			'a key cut short': key.secret.slice(0, -1),
			'a session without signature': `${head}.${body}.`,
			'a session of algorithm none': `${unsigned}.${body}.`,
			'a session with the signature of another': `${head}.${body}.${[...signature].toReversed().join('')}`,
			'a session that expired': await minted(page, -60),
			'a token for Realtime': await minted(member, 600),
			'a key of an overlay': makeKey('overlay').secret
		};
		const wrong: string[] = [];
		for (const [name, rule] of Object.entries(rest)) {
			if (rule.who === 'anyone') continue;
			for (const [what, credential] of Object.entries(bad)) {
				cells++;
				const headers = new Headers({ authorization: `Bearer ${credential}` });
				const said = await doorkeeper.identify(headers, `${name} ${what}`).then(
					(principal) => principal.kind,
					(error: unknown) => (error instanceof AppError ? error.code : String(error))
				);
				if (said !== 'unauthenticated') wrong.push(`${what} at ${name}: ${said}`);
			}
		}
		expect(wrong).toEqual([]);
	});
});

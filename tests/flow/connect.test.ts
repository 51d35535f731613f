/** Connecting a channel through the server's own doors, against a platform over real HTTP. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '../../src/lib/server/actions/principal.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { createKey } from '../../src/lib/server/backend/statements/keys.ts';
import { answer } from '../../src/lib/server/http.ts';
import { callback } from '../../src/lib/server/http/callback.ts';
import { makeKey } from '../../src/lib/server/secrets.ts';
import { startServices, stopServices, type Services } from '../../src/lib/server/services.ts';
import { until } from '../database/embedded-folder.ts';
import { startConsentPlatform, type ConsentPlatform } from '../harness/consents.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

const ORIGIN = 'http://localhost:4517';
let db: TestDatabase;
let platform: ConsentPlatform;
let services: Services;
let dataDir = '';
const before = { ...process.env };

beforeAll(async () => {
	db = await testDatabase();
	platform = await startConsentPlatform({ interval_s: 1 });
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-connect-'));
	Object.assign(process.env, platform.env, {
		DATABASE_URL: db.url,
		CUELIGHT_DATA: dataDir,
		CUELIGHT_LOG: 'error',
		PORT: '4517'
	});
	services = await startServices();
});
afterAll(async () => {
	await stopServices();
	process.env = before;
	await platform?.stop();
	await db?.close();
	await rm(dataDir, { recursive: true, force: true });
});

// The server asks about waiting codes by itself, and would meet what the next test has planned.
afterEach(async () => {
	await db.sql`update app.pending_authorizations set status = 'expired', device_ciphertext = null
		where status = 'pending'`;
});

interface Person {
	account: string;
	principal: Principal;
}

/** The owner of an account of their own. */
async function owner(): Promise<Person> {
	const user_id = randomUUID();
	const { account_id } = await createAccount(db.sql, 'Connects', user_id, {});
	return { account: account_id, principal: member(user_id, account_id) };
}

const member = (user_id: string, account_id: string): Principal => ({
	...{ kind: 'member', user_id, session_id: null, account_id, name: 'Ann', email: 'a@example.com' }
});

/** Another member of the account. */
async function joins({ account }: Person, role: string): Promise<Person> {
	const user_id = randomUUID();
	await db.sql`insert into app.members (account_id, user_id, role) values (${account}, ${user_id}, ${role})`;
	return { account, principal: member(user_id, account) };
}

type Json = z.core.util.JSONType;
const Body = z.record(z.string(), z.json());

async function ask(
	{ principal }: { principal: Principal },
	method: string,
	path: string,
	body?: Json
) {
	const response = await answer({
		request: new Request(`${ORIGIN}/v1${path}`, {
			method,
			headers: body === undefined ? {} : { 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) })
		}),
		...{ path, search: '', principal, services, origin: ORIGIN },
		...{ locale: 'en', address: '127.0.0.1', requestId: 'r' }
	});
	return { status: response.status, body: Body.parse(await response.json()) };
}

/** The browser comes back from the platform; answers where it is led. */
async function comeBack(
	{ principal }: { principal: Principal },
	query: Record<string, string>,
	{ method = 'GET', name = 'twitch', origin = 'http://127.0.0.1:4517' } = {}
): Promise<string> {
	const url = new URL(`${origin}/connect/${name}/callback?${new URLSearchParams(query)}`);
	const response = await callback({
		request: new Request(url, { method }),
		params: { platform: name },
		url,
		locals: { principal, requestId: 'r', locale: 'en' }
	});
	expect(response.status).toBe(303);
	return response.headers.get('location')?.replace('/studio/connections?', '') ?? '';
}

let users = 5_000;
const channel = () => platform.meet({ id: String(users++), login: `channel${users}` });

async function begin(person: { principal: Principal }, more: Record<string, Json> = {}) {
	const { status, body } = await ask(person, 'POST', '/connections/authorize', {
		...{ platform: 'twitch', flow: 'code', groups: ['follows', 'bits'] },
		...more
	});
	expect([status, body.detail]).toEqual([201, undefined]);
	return { ...body, id: String(body.id), url: String(body.url), code: String(body.user_code) };
}

const Rows = z.array(z.looseObject({ id: z.string(), channel_id: z.string() }));
const rowsOf = async (person: Person) =>
	Rows.parse((await ask(person, 'GET', '/connections')).body.items);

describe('the platforms', () => {
	it('say how they can be connected here', async () => {
		const { body } = await ask(await owner(), 'GET', '/platforms');
		expect(body.items).toEqual([
			expect.objectContaining({
				name: 'twitch',
				title: 'Twitch',
				flows: ['code', 'device'],
				is_configured: true,
				client_id: platform.client.id,
				client_of: 'server',
				redirect_uri: `${ORIGIN}/connect/twitch/callback`,
				takes_webhooks: true,
				webhook_url: `${ORIGIN}/webhooks/twitch`,
				modes: ['websocket', 'webhook', 'poll'],
				groups: expect.arrayContaining([
					expect.objectContaining({
						id: 'follows',
						scopes: ['moderator:read:followers'],
						is_default: true,
						event_types: expect.arrayContaining(['twitch:follower'])
					})
				])
			})
		]);
		expect(JSON.stringify(body)).not.toContain(String(platform.client.secret));
	});

	it('take an account’s own client, whose secret is never told', async () => {
		const one = await owner();
		const path = '/platforms/twitch/client';
		const own = { client_id: 'my-own-client', client_secret: 'my-own-secret' };
		const saved = await ask(one, 'PUT', path, own);
		expect(saved.body).toEqual({
			platform: 'twitch',
			client_id: 'my-own-client',
			has_secret: true
		});
		const entry = async () => {
			const { body } = await ask(one, 'GET', '/platforms');
			expect(JSON.stringify(body)).not.toContain(own.client_secret);
			return z.array(Body).parse(body.items)[0];
		};
		expect(await entry()).toMatchObject({ client_id: 'my-own-client', client_of: 'account' });
		expect(new URL((await begin(one)).url).searchParams.get('client_id')).toBe('my-own-client');
		// Without a secret there is no code flow.
		await ask(one, 'PUT', path, { client_id: 'public-client', client_secret: null });
		expect(await entry()).toMatchObject({ flows: ['device'], has_secret: false });
		const refused = await ask(one, 'POST', '/connections/authorize', {
			...{ platform: 'twitch', flow: 'code', groups: [] }
		});
		expect(refused.status).toBe(400);
		expect((await ask(one, 'PUT', path, { ...own, client_id: 'no id' })).status).toBe(400);
		expect((await ask(one, 'PUT', '/platforms/nobody/client', own)).status).toBe(404);
		expect((await ask(one, 'DELETE', path)).body).toEqual({ removed: true });
		expect(await entry()).toMatchObject({ client_id: platform.client.id, client_of: 'server' });
		expect((await ask(await joins(one, 'moderator'), 'PUT', path, own)).status).toBe(403);
	});
});

describe('the code flow', () => {
	it('connects the channel of whoever consents, with what they consented to', async () => {
		const one = await owner();
		const user = channel();
		const begun = await begin(one);
		expect((await ask(one, 'GET', `/connections/authorize/${begun.id}`)).body).toMatchObject({
			status: 'pending',
			connection: null
		});
		const led = await comeBack(one, await platform.approve(begun.url, user));
		const [row] = await rowsOf(one);
		expect(led).toBe(`connected=${row?.id}`);
		expect(row).toMatchObject({
			platform: 'twitch',
			channel_id: user.id,
			channel_name: user.login.toUpperCase(),
			login: user.login,
			picture: expect.stringMatching(/^https:/),
			mode: 'websocket',
			groups: ['follows', 'bits'],
			scopes: ['moderator:read:followers', 'bits:read'],
			status: 'connected',
			status_reason: null
		});
		expect((await ask(one, 'GET', `/connections/authorize/${begun.id}`)).body).toMatchObject({
			status: 'connected',
			declined_groups: [],
			connection: { id: row?.id }
		});
	});

	it('shows what was declined', async () => {
		const one = await owner();
		const begun = await begin(one);
		await comeBack(one, await platform.approve(begun.url, channel(), ['bits:read']));
		expect((await ask(one, 'GET', `/connections/authorize/${begun.id}`)).body).toMatchObject({
			declined_groups: ['follows'],
			connection: { groups: ['bits'], scopes: ['bits:read'] }
		});
	});

	it('serves once, and only in the session that began', async () => {
		const one = await owner();
		const other = await owner();
		const begun = await begin(one);
		const back = await platform.approve(begun.url, channel());
		expect(await comeBack({ principal: { kind: 'anonymous' } }, back)).toBe(
			'failed=unauthenticated'
		);
		// Under the name that platforms want there is no session: on to the address that has one.
		expect(await comeBack({ principal: { kind: 'anonymous' } }, back, { origin: ORIGIN })).toBe(
			`http://127.0.0.1:4517/connect/twitch/callback?${new URLSearchParams(back)}`
		);
		// An attacker's state in a victim's browser, be it in the same account.
		expect(await comeBack(other, back)).toBe('failed=not_found');
		expect(await comeBack(await joins(one, 'administrator'), back)).toBe('failed=not_found');
		expect(await rowsOf(other)).toEqual([]);
		expect(await comeBack(one, back)).toMatch(/^connected=/);
		expect(await comeBack(one, back)).toBe('failed=gone');
		expect(await rowsOf(one)).toHaveLength(1);
	});

	it('that cannot be finished says why, in one word', async () => {
		const one = await owner();
		expect(await comeBack(one, { code: 'c' })).toBe('failed=not_found');
		expect(await comeBack(one, { code: 'c', state: 'made up' })).toBe('failed=not_found');
		const { url } = await begin(one);
		const state = new URL(url).searchParams.get('state') ?? '';
		expect(await comeBack(one, { code: 'c', state }, { name: 'nobody' })).toBe('failed=not_found');
		expect(await comeBack(one, { error: 'access_denied', state })).toBe('failed=forbidden');
		expect(await comeBack(one, { error: 'access_denied', state })).toBe('failed=gone');
		const next = await begin(one);
		const { state: stale } = await platform.approve(next.url, channel());
		expect(await comeBack(one, { code: 'not-the-code', state: stale })).toBe('failed=conflict');
		expect((await ask(one, 'GET', `/connections/authorize/${next.id}`)).body).toMatchObject({
			status: 'failed',
			reason: 'Invalid authorization code'
		});
		const last = await begin(one);
		platform.fault('/oauth2/token', 'reset');
		expect(await comeBack(one, await platform.approve(last.url, channel()))).toBe(
			'failed=unavailable'
		);
		expect(await rowsOf(one)).toEqual([]);
	});

	it('keeps a connection’s id when the channel is connected again, and other accounts’ apart', async () => {
		const one = await owner();
		const other = await owner();
		const user = channel();
		const connect = async (person: Person, groups: string[], mode: string | null = null) => {
			const { url } = await begin(person, { groups, mode });
			return comeBack(person, await platform.approve(url, user));
		};
		const first = await connect(one, ['follows'], 'webhook');
		expect(await connect(one, ['bits'])).toBe(first);
		expect(await connect(other, ['chat'])).not.toBe(first);
		expect(await rowsOf(one)).toMatchObject([{ groups: ['bits'], mode: 'webhook' }]);
		expect(await rowsOf(other)).toMatchObject([{ groups: ['chat'], mode: 'websocket' }]);
		// Its webhooks have a secret that we made.
		const found = await services.connections.find('twitch', user.id);
		expect(found).toMatchObject([{ account_id: one.account }]);
		expect(found[0]?.secrets[0]).toMatch(/^[\w-]{43}$/);
	});
});

describe('the device flow', () => {
	it('connects once the code was typed, and asks no more often than it may', async () => {
		const one = await owner();
		const user = channel();
		const begun = await begin(one, { flow: 'device' });
		expect(begun).toMatchObject({ url: 'null', interval_s: 1 });
		const status = async () =>
			String((await ask(one, 'GET', `/connections/authorize/${begun.id}`)).body.status);
		const polls = platform.count('/oauth2/token');
		expect(await Promise.all(Array.from({ length: 10 }, status))).toEqual(
			Array.from({ length: 10 }, () => 'pending')
		);
		expect(platform.count('/oauth2/token') - polls).toBeLessThan(2);
		platform.answerDevice(begun.code, user);
		await until(async () => (await status()) === 'connected');
		expect(await rowsOf(one)).toMatchObject([{ channel_id: user.id, groups: ['follows', 'bits'] }]);
	});

	it.each([
		['access_denied', 'denied'],
		['expired_token', 'expired'],
		['invalid client', 'failed']
	])('that the platform ends with %s is %s', async (message, expected) => {
		const one = await owner();
		const begun = await begin(one, { flow: 'device' });
		platform.fault('/oauth2/token', { status: 400, body: { status: 400, message } });
		const status = async () =>
			String((await ask(one, 'GET', `/connections/authorize/${begun.id}`)).body.status);
		await until(async () => (await status()) !== 'pending');
		expect(await status()).toBe(expected);
	});

	it('slows down when it is asked to', async () => {
		const one = await owner();
		const begun = await begin(one, { flow: 'device' });
		platform.simulator.oauth.device.slowDowns = 1;
		const interval = async () => {
			await ask(one, 'GET', `/connections/authorize/${begun.id}`);
			const [row] = await db.sql<{ interval_s: number }[]>`
				select interval_s from app.pending_authorizations where id = ${begun.id}`;
			return row?.interval_s;
		};
		await until(async () => (await interval()) === 6);
		expect(await interval()).toBe(6);
	});

	it('is nobody else’s to watch, and a program’s to use', async () => {
		const one = await owner();
		const begun = await begin(one, { flow: 'device' });
		const path = `/connections/authorize/${begun.id}`;
		expect((await ask(await joins(one, 'administrator'), 'GET', path)).status).toBe(404);
		expect((await ask(await joins(one, 'moderator'), 'GET', path)).status).toBe(403);
		expect((await ask(await owner(), 'GET', path)).status).toBe(404);
		const key = await program(one);
		const other = await begin(key, { flow: 'device' });
		expect((await ask(key, 'GET', `/connections/authorize/${other.id}`)).status).toBe(200);
		const refused = await ask(key, 'POST', '/connections/authorize', {
			...{ platform: 'twitch', flow: 'code', groups: [] }
		});
		expect(refused.status).toBe(403);
	});
});

/** A key of the account that may connect. */
async function program({ account, principal }: Person): Promise<Person> {
	if (principal.kind !== 'member') throw new Error('Only members make keys.');
	const { hash, hint } = makeKey('api');
	const { id } = await db.database.as(
		{ sub: principal.user_id, role: 'authenticated', aud: 'authenticated', kind: 'member' },
		(sql) =>
			createKey(sql, account, {
				...{ kind: 'api', name: 'Connects', overlay_id: null, token_hash: hash, hint },
				permissions: ['connections:read', 'connections:edit']
			})
	);
	return { account, principal: { kind: 'api', key_id: id, account_id: account } };
}

describe('a connection', () => {
	async function connected(scopes?: string[]) {
		const one = await owner();
		const user = channel();
		const { url } = await begin(one);
		const led = await comeBack(one, await platform.approve(url, user, scopes));
		return {
			one,
			user,
			id: led.replace('connected=', ''),
			path: led.replace('connected=', '/connections/')
		};
	}

	it('changes its ways and its groups, as far as the consent goes', async () => {
		const { one, path } = await connected();
		expect(
			(await ask(one, 'PUT', path, { mode: 'poll', groups: ['bits', 'raids'] })).body
		).toMatchObject({ mode: 'poll', groups: ['bits', 'raids'] });
		expect((await ask(one, 'PUT', path, { groups: ['follows'] })).body).toMatchObject({
			mode: 'poll'
		});
		const refused = await ask(one, 'PUT', path, { groups: ['follows', 'chat'] });
		expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('chat')]);
		expect((await ask(one, 'PUT', path, { groups: ['nothing'] })).status).toBe(400);
		expect((await ask(one, 'PUT', path, { mode: 'relay' })).status).toBe(400);
	});

	it('is given back at the platform when it ends, and keeps its history', async () => {
		const { one, user, path } = await connected();
		const revoked = platform.count('/oauth2/revoke');
		expect((await ask(one, 'DELETE', path)).body).toMatchObject({
			status: 'disconnected',
			scopes: []
		});
		expect(platform.count('/oauth2/revoke') - revoked).toBe(2);
		expect((await ask(one, 'DELETE', path)).body).toMatchObject({ status: 'disconnected' });
		expect(platform.count('/oauth2/revoke') - revoked).toBe(2);
		expect(await rowsOf(one)).toMatchObject([{ channel_id: user.id, status: 'disconnected' }]);
		const [left] = await db.sql`
			select count(*)::int as n from app.connection_tokens t
			join app.platform_connections c on c.id = t.connection_id where c.account_id = ${one.account}`;
		expect(left?.n).toBe(0);
	});

	it('ends here even when the platform is away', async () => {
		const { one, path } = await connected();
		platform.fault('/oauth2/revoke', 'reset', 'reset');
		expect((await ask(one, 'DELETE', path)).status).toBe(200);
	});

	it('is not there for strangers and not to be changed by moderators', async () => {
		const { one, path } = await connected();
		const moderator = await joins(one, 'moderator');
		const stranger = await owner();
		for (const [method, body] of [
			['PUT', { mode: 'poll' }],
			['DELETE', undefined]
		] as const) {
			expect((await ask(moderator, method, path, body)).status).toBe(403);
			expect((await ask(stranger, method, path, body)).status).toBe(404);
		}
		expect(await rowsOf(moderator)).toMatchObject([{ status: 'connected', mode: 'websocket' }]);
	});

	it('made by hand takes webhooks only', async () => {
		const one = await owner();
		const saved = await ask(one, 'POST', '/connections', {
			...{ platform: 'twitch', channel_id: channel().id, secret: 'a-webhook-secret-of-length' }
		});
		expect(saved).toMatchObject({ status: 201, body: { mode: 'webhook', status: 'connected' } });
		const [row] = await rowsOf(one);
		const result = await services.access.call(row?.id ?? '', () => {
			throw new Error('There is no token to call with.');
		});
		expect(result).toMatchObject({ ok: false, failure: 'unauthorized' });
	});
});

/** The fake Twitch's OAuth and Helix are as strict as the real ones. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask } from './simulators/asking.ts';
import { control } from './simulators/twitch/control.ts';
import { startTwitch, type TwitchSimulator } from './simulators/twitch/index.ts';
import { allTypes, giftBomb } from './simulators/twitch/index.ts';
import { eventSubTypes } from './simulators/twitch/types.ts';

const channel = '1001';
const callback = 'http://127.0.0.1:4517/connect/twitch/callback';
const allScopes = [...new Set(Object.values(eventSubTypes).flatMap(({ scopes }) => scopes))];
let twitch: TwitchSimulator;
let token = '';

beforeAll(async () => {
	twitch = await startTwitch();
});
afterAll(() => twitch.stop());
beforeEach(() => {
	twitch.script.heal();
	twitch.helix.rate.leave(800);
	token = twitch.tokenFor(channel, allScopes).access_token;
});

const helix = (
	path: string,
	{ as = token, method = 'GET', body }: { as?: string; method?: string; body?: object } = {}
) =>
	ask(`${twitch.addresses.api}${path}`, {
		method,
		headers: { authorization: `Bearer ${as}`, 'client-id': twitch.client.id },
		body: body === undefined ? null : JSON.stringify(body)
	});
const post = (path: string, fields: Record<string, string>) =>
	ask(`${twitch.addresses.id}${path}`, { method: 'POST', body: new URLSearchParams(fields) });
const secretClient = () => ({ client_id: twitch.client.id, client_secret: twitch.client.secret });

async function codeFor(query: Record<string, string> = {}): Promise<URL> {
	const url = new URL(`${twitch.addresses.id}/authorize`);
	const asked = {
		response_type: 'code',
		client_id: twitch.client.id,
		redirect_uri: callback,
		scope: 'bits:read channel:read:vips',
		state: 'a state',
		auto_allow: 'lumen',
		...query
	};
	for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
	const { headers } = await ask(url.href);
	return new URL(headers.get('location') ?? 'about:blank');
}

describe('consent by code', () => {
	const exchange = (code: string, changed: Record<string, string> = {}) =>
		post('/token', {
			...secretClient(),
			grant_type: 'authorization_code',
			code,
			redirect_uri: callback,
			...changed
		});

	test('leads back with a code that serves once, for tokens that say what was allowed', async () => {
		const back = await codeFor();
		expect(back.href.startsWith(callback)).toBe(true);
		expect(back.searchParams.get('state')).toBe('a state');
		const code = back.searchParams.get('code') ?? '';
		const granted = await exchange(code);
		expect(granted).toMatchObject({
			status: 200,
			body: { scope: ['bits:read', 'channel:read:vips'], token_type: 'bearer', expires_in: 14_400 }
		});
		const validated = await ask(`${twitch.addresses.id}/validate`, {
			headers: { authorization: `OAuth ${granted.body['access_token']}` }
		});
		expect(validated).toMatchObject({ status: 200, body: { user_id: channel, login: 'lumen' } });
		expect(await exchange(code)).toMatchObject({ status: 400 });
	});
	test.each([
		['another address to return to', { redirect_uri: `${callback}/` }, 400],
		['a wrong secret', { client_secret: 'wrong' }, 403],
		['no secret', { client_secret: '' }, 400],
		['no such client', { client_id: 'nobody' }, 400],
		['no client', { client_id: '' }, 400],
		['a grant that does not exist', { grant_type: 'password' }, 400]
	])('is refused for %s', async (_, changed, status) => {
		const code = (await codeFor()).searchParams.get('code') ?? '';
		expect((await exchange(code, changed)).status).toBe(status);
	});
	test('is refused when the code is old', async () => {
		const code = (await codeFor()).searchParams.get('code') ?? '';
		twitch.clock.advance(601_000);
		expect((await exchange(code)).status).toBe(400);
	});
	test('denied, and scopes that do not exist, lead back with an error', async () => {
		const denied = await codeFor({ auto_deny: '1' });
		expect(denied.searchParams.get('error')).toBe('access_denied');
		const unknown = await codeFor({ scope: 'everything' });
		expect(unknown.searchParams.get('error')).toBe('invalid_scope');
	});
	test('never leads to an address that is not registered', async () => {
		expect((await codeFor({ redirect_uri: 'https://evil.example/' })).href).toBe('about:blank');
	});
	test('is asked on a page when nobody answers for the person', async () => {
		const said = await ask(
			`${twitch.addresses.id}/authorize?response_type=code&client_id=${twitch.client.id}&redirect_uri=${callback}&scope=bits:read`
		);
		expect(String(said.body['text'])).toMatch(/Allow[\s\S]*Deny[\s\S]*bits:read/);
	});
});

describe('tokens', () => {
	const refresh = (refresh_token: string, client: Record<string, string> = secretClient()) =>
		post('/token', { ...client, grant_type: 'refresh_token', refresh_token });

	test('of a public client are refreshed once only', async () => {
		const { refresh_token } = twitch.tokenFor(channel, [], twitch.publicClient);
		const client = { client_id: twitch.publicClient.id };
		expect((await refresh(refresh_token, client)).status).toBe(200);
		expect(await refresh(refresh_token, client)).toMatchObject({
			status: 400,
			body: { message: 'Invalid refresh token' }
		});
	});
	test('of a confidential client may be refreshed again, until rotation is on', async () => {
		const { refresh_token } = twitch.tokenFor(channel, []);
		expect((await refresh(refresh_token)).body['refresh_token']).toBe(refresh_token);
		twitch.tokens.rotate = true;
		twitch.script.fail('/oauth2/token', 'lost');
		await expect(refresh(refresh_token)).rejects.toThrow();
		expect((await refresh(refresh_token)).status).toBe(400);
		twitch.tokens.rotate = false;
	});
	test('end with time, early, or with the consent', async () => {
		const valid = async () => (await helix('/users')).status;
		expect(await valid()).toBe(200);
		twitch.clock.advance(14_401_000);
		expect(await valid()).toBe(401);
		token = twitch.tokenFor(channel, []).access_token;
		twitch.tokens.endEarly(channel);
		expect(await valid()).toBe(401);
		const granted = twitch.tokenFor('1002', ['bits:read']);
		twitch.disconnect('1002');
		expect((await helix('/users', { as: granted.access_token })).status).toBe(401);
		expect((await refresh(granted.refresh_token)).status).toBe(400);
	});
	test('are revoked by their own client only', async () => {
		const client_id = twitch.client.id;
		expect((await post('/revoke', { client_id, token: 'none' })).status).toBe(400);
		expect((await post('/revoke', { client_id: 'nobody', token })).status).toBe(404);
		expect((await post('/revoke', { client_id, token })).status).toBe(200);
		expect((await helix('/users')).status).toBe(401);
	});
	test('of the program name nobody', async () => {
		const said = await post('/token', { ...secretClient(), grant_type: 'client_credentials' });
		expect(said.body).toMatchObject({ token_type: 'bearer' });
		expect(said.body).not.toHaveProperty('refresh_token');
	});
});

describe('consent by device', () => {
	const scopes = 'bits:read channel:read:vips';
	const begin = async () =>
		(await post('/device', { client_id: twitch.publicClient.id, scopes })).body;
	const poll = (device_code: unknown, changed: Record<string, string> = {}) =>
		post('/token', {
			client_id: twitch.publicClient.id,
			scopes,
			device_code: String(device_code),
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			...changed
		});

	test('waits for the person, and then serves once', async () => {
		const { device_code, user_code, verification_uri } = await begin();
		expect((await poll(device_code)).body['message']).toBe('authorization_pending');
		const page = await ask(String(verification_uri), {
			method: 'POST',
			body: new URLSearchParams({ user: channel, decision: 'allow' })
		});
		expect(String(page.body['text'])).toContain('Connected');
		expect(twitch.oauth.device.decide(String(user_code), channel)).toBe(false);
		expect(await poll(device_code)).toMatchObject({
			status: 200,
			body: { scope: scopes.split(' ') }
		});
		expect((await poll(device_code)).body['message']).toBe('invalid device code');
	});
	test('may be denied, may be too slow or too fast, may end', async () => {
		const denied = await begin();
		twitch.oauth.device.decide(String(denied['user_code']), null);
		expect((await poll(denied['device_code'])).body['message']).toBe('access_denied');
		const { device_code } = await begin();
		twitch.oauth.device.slowDowns = 1;
		expect((await poll(device_code)).body['message']).toBe('slow_down');
		expect((await poll(device_code, { scopes: '' })).status).toBe(400);
		twitch.clock.advance(1_801_000);
		expect((await poll(device_code)).body['message']).toBe('invalid device code');
	});
});

describe('Helix', () => {
	test.each([
		['no token', { 'client-id': 'x' }, 401],
		['no client', { authorization: 'Bearer x' }, 401],
		['a wrong token', { 'client-id': 'x', authorization: 'Bearer x' }, 401]
	])('refuses %s', async (_, headers, status) => {
		expect((await ask(`${twitch.addresses.api}/users`, { headers })).status).toBe(status);
	});
	test('refuses the token of another client, and the prefix of another door', async () => {
		const url = `${twitch.addresses.api}/users`;
		const other = { authorization: `Bearer ${token}`, 'client-id': twitch.publicClient.id };
		expect((await ask(url, { headers: other })).status).toBe(401);
		const prefix = { authorization: `OAuth ${token}`, 'client-id': twitch.client.id };
		expect((await ask(url, { headers: prefix })).status).toBe(401);
	});
	test.each([
		['/subscriptions', 'channel:read:subscriptions'],
		['/moderation/moderators', 'moderation:read'],
		['/channels/vips', 'channel:manage:vips'],
		['/moderation/banned', 'moderation:read'],
		['/goals', 'channel:read:goals']
	])('%s takes %s, of the owner', async (path, scope) => {
		const address = `${path}?broadcaster_id=${channel}`;
		const as = (user: string, scopes: string[]) => twitch.tokenFor(user, scopes).access_token;
		expect((await helix(address, { as: as(channel, [scope]) })).status).toBe(200);
		expect((await helix(address, { as: as(channel, []) })).status).toBe(401);
		expect((await helix(address, { as: as('1002', [scope]) })).status).toBe(401);
		expect((await helix(path)).status).toBe(400);
	});
	test('followers come in pages, newest first, to whom they may', async () => {
		const { followers } = twitch.channel(channel);
		followers.clear();
		for (let n = 0; n < 25; n += 1) followers.add(`55${n}`);
		const path = `/channels/followers?broadcaster_id=${channel}&first=20`;
		const first = await helix(path);
		expect(first.body).toMatchObject({ total: 25, data: { length: 20 } });
		expect(first.body.data?.[0]).toMatchObject({ user_id: '5524' });
		const { cursor } = first.body['pagination'] as { cursor: string };
		const last = await helix(`${path}&after=${cursor}`);
		expect(last.body).toMatchObject({ data: { length: 5 }, pagination: {} });
		expect((await helix(`${path}&after=nonsense`)).status).toBe(400);
		expect((await helix(`/channels/followers?broadcaster_id=1002&after=${cursor}`)).body).toEqual({
			total: 0,
			data: [],
			pagination: {}
		});
		expect((await helix(path.replace('=20', '=101'))).status).toBe(400);
	});
	test('tells how much may be asked, and when it was too much', async () => {
		const { headers } = await helix('/users');
		expect(headers.get('ratelimit-limit')).toBe('800');
		twitch.helix.rate.leave(0);
		const refused = await helix('/users');
		expect(refused).toMatchObject({ status: 429, body: { error: 'Too Many Requests' } });
		expect(Number(refused.headers.get('ratelimit-reset'))).toBeGreaterThan(0);
		twitch.clock.advance(1_000);
		expect((await helix('/users')).status).toBe(200);
	});
	test('a stream is there when it is on, unless the list lags behind', async () => {
		const streams = async () => (await helix(`/streams?user_id=${channel}`)).body.data?.length;
		twitch.fire('stream.online', channel);
		twitch.channel(channel).hiddenFor = 1;
		expect(await streams()).toBe(0);
		expect(await streams()).toBe(1);
		twitch.fire('stream.offline', channel);
		expect(await streams()).toBe(0);
	});
});

describe('faults', () => {
	test.each([401, 429, 500, 503])('%i for the next so many calls', async (status) => {
		twitch.script.fail('/helix/users', { status }, 2);
		const seen = [await helix('/users'), await helix('/users'), await helix('/users')];
		expect(seen.map((one) => one.status)).toEqual([status, status, 200]);
	});
	test('no answer at all', async () => {
		twitch.script.fail('/helix/users', 'timeout');
		const hung = fetch(`${twitch.addresses.api}/users`, { signal: AbortSignal.timeout(60) });
		await expect(hung).rejects.toThrow();
		twitch.script.fail('/helix/users', 'reset');
		await expect(helix('/users')).rejects.toThrow();
	});
});

describe('the page with the buttons', () => {
	const asked = (path: string, body: object | null = null) => ({
		method: body === null ? 'GET' : 'POST',
		path,
		query: new URLSearchParams(),
		headers: {},
		body: JSON.stringify(body),
		origin: twitch.origin
	});
	test('has one for each type, and they work', () => {
		const page = String(control(twitch, asked('/'))?.body);
		for (const type of allTypes) {
			expect(page).toContain(`data-type="${type}"`);
			expect(control(twitch, asked('/sim/fire', { type }))).toMatchObject({ status: 200 });
		}
		const named = [...page.matchAll(/data-verb="([\w-]+)"/g)].map(([, verb]) => verb);
		for (const verb of new Set(named)) {
			if (verb === 'fire' || verb === 'notice') continue;
			expect(control(twitch, asked(`/sim/${verb}`, { path: '/nowhere' }))).toMatchObject({
				status: 200
			});
		}
		expect(control(twitch, asked('/sim/fire', { type: 'odd' }))).toMatchObject({ status: 400 });
		expect(control(twitch, asked('/sim/odd', {}))).toMatchObject({ status: 404 });
		expect(control(twitch, asked('/helix/users'))).toBeUndefined();
	});
});

test('a gift bomb is told three ways, joined by chat alone', () => {
	const told = giftBomb(() => twitch.scene(channel), { count: 3, isAnonymous: true });
	expect(told.map(({ type }) => type).toSorted()).toEqual([
		...Array<string>(4).fill('channel.chat.notification'),
		...Array<string>(3).fill('channel.subscribe'),
		'channel.subscription.gift'
	]);
	expect(told[0]?.event).toMatchObject({ total: 3, user_id: null, is_anonymous: true });
	const before = twitch.channel(channel).subscribers.size;
	expect(twitch.giftBomb(channel, { count: 5, parts: ['children'] })).toHaveLength(5);
	expect(twitch.channel(channel).subscribers.size).toBe(before + 5);
});

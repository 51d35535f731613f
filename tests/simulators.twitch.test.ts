/** The fake Twitch is as strict as the real one: what would fail there fails here. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { startTwitch, type TwitchSimulator } from './simulators/twitch/index.ts';
import { allTypes, giftBomb, type TwitchType } from './simulators/twitch/index.ts';
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

interface Said {
	status: number;
	headers: Headers;
	// What an endpoint answers is looked at by the test that asks.
	body: Record<string, unknown> & { data?: Record<string, unknown>[] };
}
async function ask(url: string, init: RequestInit = {}): Promise<Said> {
	const response = await fetch(url, { redirect: 'manual', ...init });
	const text = await response.text();
	const isJson = response.headers.get('content-type')?.startsWith('application/json');
	return {
		status: response.status,
		headers: response.headers,
		body: isJson ? JSON.parse(text) : { text }
	};
}
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

/** A client that only listens. */
class Listener {
	readonly frames: { metadata: Record<string, string>; payload: Record<string, never> }[] = [];
	readonly socket: WebSocket;
	readonly closed: Promise<number>;
	#wake = () => undefined as void;
	constructor(url: string) {
		this.socket = new WebSocket(url);
		this.socket.on('message', (data) => {
			this.frames.push(JSON.parse(String(data)));
			this.#wake();
		});
		this.socket.on('error', () => undefined);
		this.closed = new Promise((resolve) => this.socket.on('close', resolve));
	}
	kinds = () => this.frames.map(({ metadata }) => metadata['message_type']);
	/** The first frame of that kind, now or later. */
	async first(kind: string, skip = 0) {
		for (;;) {
			const found = this.frames.filter(({ metadata }) => metadata['message_type'] === kind)[skip];
			if (found !== undefined) return found;
			await new Promise<void>((resolve) => (this.#wake = resolve));
		}
	}
	async sessionId(): Promise<string> {
		const { payload } = await this.first('session_welcome');
		return (payload as unknown as { session: { id: string } }).session.id;
	}
}
const conditionFor = (type: string): Record<string, string> =>
	type === 'channel.raid'
		? { to_broadcaster_user_id: channel }
		: Object.fromEntries((eventSubTypes[type]?.required ?? []).map((key) => [key, channel]));
const wish = (type: string, session_id: string, changed: object = {}) => ({
	type,
	version: eventSubTypes[type]?.version,
	condition: conditionFor(type),
	transport: { method: 'websocket', session_id },
	...changed
});
const subscribe = (body: object, as = token) =>
	helix('/eventsub/subscriptions', { method: 'POST', body, as });
const open = () => new Listener(twitch.addresses.eventsub);

describe('EventSub over WebSocket', () => {
	beforeEach(() => {
		twitch.cut();
		twitch.subscriptions.all.clear();
	});
	const byWebSocket = allTypes.filter((type) => !eventSubTypes[type]?.webhookOnly);

	test('every type is subscribed to and told', async () => {
		const listener = open();
		const id = await listener.sessionId();
		for (const type of byWebSocket)
			expect((await subscribe(wish(type, id))).status, type).toBe(202);
		for (const type of byWebSocket) twitch.fire(type, channel);
		await listener.first('notification', byWebSocket.length - 1);
		const told = listener.frames.slice(1).map(({ metadata }) => metadata['subscription_type']);
		expect(told).toEqual(byWebSocket);
		const list = await helix('/eventsub/subscriptions');
		expect(list.body).toMatchObject({
			total: byWebSocket.length,
			total_cost: 0,
			max_total_cost: 10
		});
	});
	test('a session that nobody uses is closed after ten seconds, a used one is not', async () => {
		const [unused, used] = [open(), open()];
		await unused.sessionId();
		await subscribe(wish('channel.cheer', await used.sessionId()));
		twitch.clock.advance(9_999);
		expect(unused.kinds()).toEqual(['session_welcome']);
		twitch.clock.advance(1);
		expect(await unused.closed).toBe(4003);
		await used.first('session_keepalive');
	});
	test('whoever talks is closed with 4001, and the subscriptions stop', async () => {
		const listener = open();
		await subscribe(wish('channel.cheer', await listener.sessionId()));
		listener.socket.send('hello');
		expect(await listener.closed).toBe(4001);
		const { body } = await helix('/eventsub/subscriptions');
		expect(body.data).toMatchObject([{ status: 'websocket_received_inbound_traffic' }]);
		expect(twitch.fire('channel.cheer', channel).deliveries).toEqual([]);
	});
	test('moving: both sockets live, subscriptions come along', async () => {
		const old = open();
		await subscribe(wish('channel.cheer', await old.sessionId()));
		twitch.reconnect();
		const { payload } = await old.first('session_reconnect');
		const { reconnect_url } = (payload as unknown as { session: { reconnect_url: string } })
			.session;
		twitch.fire('channel.cheer', channel);
		await old.first('notification');
		const odd = new Listener(`${reconnect_url}&extra=1`);
		expect(await odd.closed).toBe(4007);
		const next = new Listener(reconnect_url);
		await next.sessionId();
		twitch.fire('channel.cheer', channel);
		await next.first('notification');
		expect(old.kinds().filter((kind) => kind === 'notification')).toHaveLength(1);
		expect(await new Listener(reconnect_url).closed).toBe(4007);
		twitch.clock.advance(30_000);
		expect(await old.closed).toBe(4004);
		expect(twitch.fire('channel.cheer', channel).deliveries).toMatchObject([{ sent: 1 }]);
	});
	test('not moving in time ends the session', async () => {
		const listener = open();
		await subscribe(wish('channel.cheer', await listener.sessionId()));
		twitch.reconnect();
		twitch.clock.advance(30_000);
		expect(await listener.closed).toBe(4004);
		expect(twitch.subscriptions.enabled()).toEqual([]);
	});
	test('silence, loss, repetition, order', async () => {
		const listener = open();
		await subscribe(wish('channel.follow', await listener.sessionId()));
		const follow = () => twitch.fire('channel.follow', channel);
		twitch.keepalive.silence();
		expect(follow().deliveries).toMatchObject([{ sent: 0, lost: 'socket away' }]);
		twitch.keepalive.speak();
		twitch.script.dropNext();
		const missed = follow();
		expect(missed.deliveries).toMatchObject([{ sent: 0, lost: 'dropped' }]);
		expect(twitch.channel(channel).followers.has(String(missed.event['user_id']))).toBe(true);
		twitch.script.hold();
		const [one, two] = [follow(), follow()];
		twitch.script.release('reversed');
		twitch.script.duplicateNext();
		const three = follow();
		await listener.first('notification', 3);
		const ids = listener.frames
			.filter(({ metadata }) => metadata['message_type'] === 'notification')
			.map(({ metadata }) => metadata['message_id']);
		expect(ids).toEqual([two, one, three, three].map((fact) => fact.deliveries[0]?.message_id));
		expect(twitch.records.missed()).toContain(missed);
	});
	test('the consent withdrawn is a revocation', async () => {
		const listener = open();
		const granted = twitch.tokenFor('1002', ['bits:read']).access_token;
		const condition = { broadcaster_user_id: '1002' };
		await subscribe(wish('channel.cheer', await listener.sessionId(), { condition }), granted);
		twitch.disconnect('1002');
		const { payload } = await listener.first('revocation');
		expect(payload).toMatchObject({ subscription: { status: 'authorization_revoked' } });
	});
	test.each([
		['no such type', { type: 'channel.nothing' }, 400],
		['no such version', { version: '9' }, 400],
		['a missing condition', { condition: {} }, 400],
		['an odd condition', { condition: { broadcaster_user_id: channel, nonsense: '1' } }, 400],
		['a number for an id', { condition: { broadcaster_user_id: 1001 } }, 400],
		['no transport', { transport: undefined }, 400],
		['a session that is not', { transport: { method: 'websocket', session_id: 'x' } }, 400],
		[
			'a webhook with a user token',
			{ transport: { method: 'webhook', callback: 'https://a.example/', secret: '0123456789' } },
			400
		],
		['the channel of another', { condition: { broadcaster_user_id: '1002' } }, 403]
	])('refuses %s', async (_, changed, status) => {
		const said = await subscribe(wish('channel.cheer', await open().sessionId(), changed));
		expect(said).toMatchObject({ status, body: { status } });
	});
	test('refuses without consent, twice the same, a raid both ways, another one’s session', async () => {
		const id = await open().sessionId();
		const poor = twitch.tokenFor(channel, []).access_token;
		expect((await subscribe(wish('channel.cheer', id), poor)).status).toBe(403);
		const [made, again] = [
			await subscribe(wish('channel.cheer', id)),
			await subscribe(wish('channel.cheer', id))
		];
		expect(again).toMatchObject({ status: 409, body: { id: made.body.data?.[0]?.['id'] } });
		const both = { to_broadcaster_user_id: channel, from_broadcaster_user_id: '1002' };
		expect((await subscribe(wish('channel.raid', id, { condition: both }))).status).toBe(400);
		const other = twitch.tokenFor('1002', ['bits:read']).access_token;
		const condition = { broadcaster_user_id: '1002' };
		expect((await subscribe(wish('channel.cheer', id, { condition }), other)).status).toBe(400);
		expect(
			(await subscribe(wish('channel.cheer', id), twitch.appToken().access_token)).status
		).toBe(400);
	});
	test('keeps the limits: three connections, so many on one, cost', async () => {
		const ids = await Promise.all([open(), open(), open(), open()].map((one) => one.sessionId()));
		const types = ['channel.cheer', 'channel.ban', 'channel.unban', 'channel.vip.add'];
		const made: number[] = [];
		for (const [n, id] of ids.entries())
			made.push((await subscribe(wish(types[n] ?? '', id))).status);
		expect(made).toEqual([202, 202, 202, 429]);
		twitch.rules.maxPerConnection = 1;
		expect((await subscribe(wish('stream.online', ids[0] ?? ''))).status).toBe(429);
		twitch.rules.maxPerConnection = 300;
		const foreign: number[] = [];
		for (let n = 0; n < 11; n += 1) {
			const condition = { broadcaster_user_id: `77${n}` };
			foreign.push((await subscribe(wish('stream.online', ids[0] ?? '', { condition }))).status);
		}
		expect(foreign).toEqual([...Array<number>(10).fill(202), 429]);
	});
	test('the same wish on a fourth session is one too many', async () => {
		twitch.rules.maxConnections = 9;
		const ids = await Promise.all([open(), open(), open(), open()].map((one) => one.sessionId()));
		const made: number[] = [];
		for (const id of ids) made.push((await subscribe(wish('channel.cheer', id))).status);
		twitch.rules.maxConnections = 3;
		expect(made).toEqual([202, 202, 202, 429]);
	});
	test('lists in pages with one filter at most, and deletes', async () => {
		const id = await open().sessionId();
		for (const type of ['channel.cheer', 'channel.ban', 'channel.unban'])
			await subscribe(wish(type, id));
		const path = '/eventsub/subscriptions';
		twitch.rules.pageSize = 2;
		const first = await helix(path);
		twitch.rules.pageSize = 100;
		expect(first.body).toMatchObject({ total: 3, data: { length: 2 } });
		const { cursor } = first.body['pagination'] as { cursor: string };
		expect((await helix(`${path}?after=${cursor}`)).body.data).toMatchObject([
			{ type: 'channel.unban' }
		]);
		expect((await helix(`${path}?type=channel.ban`)).body.data).toHaveLength(1);
		expect((await helix(`${path}?type=channel.ban&status=enabled`)).status).toBe(400);
		expect((await helix(`${path}?status=odd`)).status).toBe(400);
		const wanted = String(first.body.data?.[0]?.['id']);
		const remove = (query: string) => helix(`${path}${query}`, { method: 'DELETE' });
		expect((await remove('')).status).toBe(400);
		expect((await remove(`?id=${wanted}`)).status).toBe(204);
		expect((await remove(`?id=${wanted}`)).status).toBe(404);
	});
});

describe('EventSub by webhook', () => {
	const heard: { headers: Record<string, unknown>; body: { challenge?: string } }[] = [];
	let takes = 204;
	let url = '';
	const server = createServer(async (request, response) => {
		const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
		heard.push({ headers: request.headers, body });
		response.writeHead(body.challenge === undefined ? takes : 200).end(body.challenge ?? '');
	});
	beforeAll(async () => {
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
	});
	afterAll(() => server.close());
	const hook = async (type: TwitchType, changed: object = {}) =>
		subscribe(
			wish(type, '', {
				transport: { method: 'webhook', callback: url, secret: 'ten letters', ...changed }
			}),
			twitch.appToken().access_token
		);
	const kind = (n: number) => heard.at(n)?.headers['twitch-eventsub-message-type'];

	test('is proven, told, repeated until it is taken, and given up', async () => {
		twitch.tokenFor(channel, ['bits:read']);
		expect((await hook('channel.cheer')).body.data).toMatchObject([
			{ status: 'webhook_callback_verification_pending', transport: { callback: url } }
		]);
		await twitch.settled();
		expect(kind(0)).toBe('webhook_callback_verification');
		const fact = twitch.fire('channel.cheer', channel);
		await twitch.settled();
		expect(fact.deliveries).toMatchObject([{ sent: 1, acknowledged: true, lost: null }]);
		takes = 503;
		twitch.webhooks.rules.failuresAllowed = 1;
		const refused = twitch.fire('channel.cheer', channel);
		for (let n = 0; n < 4; n += 1) {
			await twitch.settled();
			twitch.clock.advance(20_000);
		}
		await twitch.settled();
		expect(refused.deliveries).toMatchObject([
			{ sent: 4, acknowledged: false, lost: 'not answered' }
		]);
		expect(kind(-1)).toBe('revocation');
		expect(heard.at(-1)?.body).toMatchObject({
			subscription: { status: 'notification_failures_exceeded' }
		});
	});
	test.each([
		['a short secret', { secret: 'short' }],
		['a callback without encryption', { callback: 'http://overlay.example/' }],
		['a callback on another port', { callback: 'https://overlay.example:8443/' }]
	])('refuses %s', async (_, changed) => {
		expect((await hook('channel.cheer', changed)).status).toBe(400);
	});
	test('takes the consent of whom it is about', async () => {
		expect((await hook('channel.chat.message')).status).toBe(403);
		twitch.tokenFor(channel, ['user:read:chat', 'user:bot']);
		expect((await hook('channel.chat.message')).status).toBe(202);
		await twitch.settled();
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

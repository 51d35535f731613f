/** The fake Twitch's EventSub is as strict as the real one, over WebSocket and by webhook. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ask, Listener } from './simulators/asking.ts';
import { startTwitch, type TwitchSimulator } from './simulators/twitch/index.ts';
import { allTypes, type TwitchType } from './simulators/twitch/index.ts';
import { eventSubTypes } from './simulators/twitch/types.ts';

const channel = '1001';
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

/** Sources over the simulated Twitch: connected, subscribed, heard, cut, mended. */
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { createLog } from '../../src/lib/server/log.ts';
import type { Sources } from '../../src/lib/server/sources/index.ts';
import { until } from '../database/embedded-folder.ts';
import {
	isSettled,
	liveSource,
	openStage,
	SCOPES,
	sourceOf,
	type Stage
} from '../harness/sources.ts';

let stage: Stage;
let sources: Sources;
beforeAll(async () => {
	stage = await openStage();
	sources = await stage.start();
});
afterAll(() => stage?.close());

const stored = (account: string, type?: string) =>
	stage.events(account, type).then((rows) => rows.map(({ who }) => who ?? ''));
const followers = (account: string) => stored(account, 'twitch:follower');
const sessionsOf = (channel: string) =>
	[...stage.twitch.sockets.sessions].filter(({ userId }) => userId === channel);
const subscribed = (channel: string) =>
	stage.twitch.subscriptions
		.of(stage.twitch.client.id, channel)
		.filter(({ status }) => status === 'enabled')
		.map(({ type }) => type)
		.toSorted();
const closeSocket = (channel: string, code: number) => {
	for (const session of sessionsOf(channel)) stage.twitch.sockets.close(session, code);
};
const follow = (channel: string, user: string) =>
	stage.twitch.fire('channel.follow', channel, {
		user_id: user,
		user_login: `u${user}`,
		user_name: `U${user}`
	});

describe('a source', () => {
	it('connects, subscribes to all that is chosen within ten seconds, and hears', async () => {
		const { id, account, channel } = await stage.connect();
		const told: string[] = [];
		const source = await sourceOf(sources, id);
		source.events.on('ready', () => told.push('ready'));
		source.events.on('event', (type) => told.push(type));
		await liveSource(sources, id);
		const status = source.getStatus();
		expect(status.subscriptions.filter(({ status }) => status !== 'enabled')).toEqual([]);
		expect(subscribed(channel)).toEqual(status.subscriptions.map(({ type }) => type).toSorted());
		expect(status).toMatchObject({ session_count: 1, problems: [] });
		follow(channel, '1');
		await until(async () => (await followers(account)).length === 1);
		await until(() => told.length === 2);
		expect(told).toEqual(['ready', 'channel.follow']);
	});

	it('asks only for what the consents allow, and says what is missing', async () => {
		const { id, channel } = await stage.connect({
			scopes: ['bits:read'],
			groups: ['follows', 'bits', 'raids']
		});
		const source = await liveSource(sources, id);
		expect(subscribed(channel)).toEqual(['channel.bits.use', 'channel.cheer', 'channel.raid']);
		expect(source.getStatus().problems).toEqual([
			{ code: 'consent_missing', detail: 'channel.follow' }
		]);
	});

	it('subscribes to one more and to one less when told to', async () => {
		const { id, channel } = await stage.connect({ groups: ['bits', 'raids'] });
		const source = await liveSource(sources, id);
		await source.unsubscribe('channel.raid');
		expect(subscribed(channel)).toEqual(['channel.bits.use', 'channel.cheer']);
		await source.subscribe('channel.raid');
		expect(subscribed(channel)).toEqual(['channel.bits.use', 'channel.cheer', 'channel.raid']);
	});

	it('follows a change of groups, of mode, and the end of the connection, without a restart', async () => {
		const { id, channel } = await stage.connect({ groups: ['bits'] });
		await liveSource(sources, id);
		await stage.db
			.sql`update app.platform_connections set groups = '{bits,raids}' where id = ${id}`;
		await until(() => subscribed(channel).includes('channel.raid'));
		await stage.db.sql`update app.platform_connections set mode = 'poll' where id = ${id}`;
		await until(() => sources.find(id)?.getStatus().state === 'polling');
		await until(() => sessionsOf(channel).length === 0);
		await stage.db.sql`update app.platform_connections set mode = 'relay' where id = ${id}`;
		await until(() => sources.find(id)?.getStatus().problems[0]?.code === 'relay_unavailable');
		await stage.db
			.sql`update app.platform_connections set status = 'disconnected' where id = ${id}`;
		await until(() => sources.find(id) === undefined);
		expect(sessionsOf(channel)).toEqual([]);
	});

	it.each([4000, 4001, 4002, 4003, 4004, 4005, 4006, 4007])(
		'is there again after close %i',
		async (code) => {
			const { id, account, channel } = await stage.connect({ groups: ['follows'] });
			const source = await liveSource(sources, id);
			const told: string[] = [];
			source.events.on('disconnected', (reason) => told.push(reason));
			const [before] = sessionsOf(channel);
			closeSocket(channel, code);
			await until(() => told.length === 1);
			expect(source.getStatus()).toMatchObject({ state: 'polling', session_count: 0 });
			expect(source.getStatus().problems.map(({ code }) => code)).toEqual(['socket_lost']);
			await until(async () => {
				await stage.pass(1_000);
				return source.getStatus().state === 'live';
			});
			expect(sessionsOf(channel)).toHaveLength(1);
			expect(sessionsOf(channel)[0]).not.toBe(before);
			expect(source.getStatus().problems).toEqual([]);
			follow(channel, String(code));
			await until(async () => (await followers(account)).includes(String(code)));
		}
	);

	it('moves through a storm of reconnects and loses nothing, though both sockets tell', async () => {
		const { id, account, channel } = await stage.connect({ groups: ['follows'] });
		const source = await liveSource(sources, id);
		const [session] = sessionsOf(channel);
		stage.twitch.sockets.rules.tellsBoth = true;
		for (let round = 0; round < 5; round += 1) {
			stage.twitch.reconnect();
			follow(channel, `${round}1`);
			stage.twitch.reconnect();
			follow(channel, `${round}2`);
			await until(() => sessionsOf(channel)[0]?.offered === null);
			follow(channel, `${round}3`);
		}
		await until(async () => (await followers(account)).length === 15);
		stage.twitch.sockets.rules.tellsBoth = false;
		expect(new Set(await followers(account)).size).toBe(15);
		expect(sessionsOf(channel)).toEqual([session]);
		expect(source.getStatus()).toMatchObject({ state: 'live', session_count: 1 });
		const created = stage.twitch.records
			.requests('/helix/eventsub')
			.filter((line) => line.startsWith('POST'));
		await source.reconcile();
		expect(
			stage.twitch.records.requests('/helix/eventsub').filter((line) => line.startsWith('POST'))
		).toEqual(created);
	});

	it('holds what comes while the database is away, in order, and stores it once', async () => {
		const { id, account, channel } = await stage.connect({ groups: ['follows'] });
		const source = await liveSource(sources, id);
		const nowhere = createServer().listen(0, '127.0.0.1');
		await new Promise((resolve) => nowhere.once('listening', resolve));
		const address = nowhere.address();
		const port = typeof address === 'object' && address !== null ? address.port : 0;
		await new Promise((resolve) => nowhere.close(resolve));
		const away = openDatabase(
			`postgres://nobody@127.0.0.1:${port}/x`,
			createLog({ level: 'silent' })
		);
		stage.storage.port = away.sql;
		for (let n = 1; n <= 50; n += 1) follow(channel, String(n));
		await until(() => source.getStatus().problems.some(({ code }) => code === 'database_away'));
		expect(await followers(account)).toEqual([]);
		stage.storage.port = null;
		await until(async () => {
			await stage.pass(1_000);
			return source.getStatus().waiting === 0;
		});
		expect(await followers(account)).toEqual(Array.from({ length: 50 }, (_, n) => String(n + 1)));
		expect(source.getStatus().problems).toEqual([]);
		await away.close();
	});

	it.each([
		['429 with a time to wait', { status: 429, headers: { 'ratelimit-reset': '1' } }],
		['500', { status: 500 }],
		['an answer that is lost', 'lost' as const],
		['a broken connection', 'reset' as const]
	])('subscribes in spite of %s', async (_name, fault) => {
		const { id, channel } = await stage.connect({ groups: ['follows', 'bits'] });
		stage.twitch.script.fail('/helix/eventsub/subscriptions', fault, 4, 'POST');
		const source = await sourceOf(sources, id);
		await until(async () => {
			await stage.pass(500);
			return (
				source.getStatus().state === 'live' && isSettled(source) && subscribed(channel).length === 3
			);
		});
		await until(async () => {
			await stage.pass(500);
			return source.getStatus().problems.length === 0;
		});
		expect(subscribed(channel)).toEqual(['channel.bits.use', 'channel.cheer', 'channel.follow']);
	});

	it('asks to be connected again when the consent is gone, and stops asking', async () => {
		const { id, channel } = await stage.connect({ groups: ['follows'] });
		await liveSource(sources, id);
		stage.twitch.disconnect(channel);
		await until(() => sources.find(id)?.getStatus().problems[0]?.code === 'reconnect_needed');
		expect(sources.find(id)?.getStatus().state).toBe('problem');
		const [row] = await stage.db
			.sql`select status, status_reason from app.platform_connections where id = ${id}`;
		expect(row?.status).toBe('reconnect_needed');
	});

	it('tells a revoked type and lives on with the others, until somebody refreshes', async () => {
		const { id, channel } = await stage.connect({ groups: ['follows', 'raids'] });
		const source = await liveSource(sources, id);
		stage.twitch.revoke(
			({ type, condition }) =>
				type === 'channel.follow' && condition.broadcaster_user_id === channel,
			'version_removed'
		);
		await until(() => source.getStatus().subscriptions.some(({ status }) => status === 'revoked'));
		expect(source.getStatus()).toMatchObject({
			state: 'live',
			problems: [{ code: 'consent_revoked' }]
		});
		await source.reconcile();
		expect(subscribed(channel)).toEqual(['channel.raid']);
		await source.refresh();
		expect(subscribed(channel)).toEqual(['channel.follow', 'channel.raid']);
		expect(source.getStatus().problems).toEqual([]);
	});

	it('removes what nobody wants and what is there twice, over several pages of the list', async () => {
		const { id, account, channel } = await stage.connect();
		const source = await liveSource(sources, id);
		const [session] = sessionsOf(channel);
		if (session === undefined) throw new Error('no session');
		stage.twitch.rules.pageSize = 7;
		const wanted = subscribed(channel);
		for (const type of ['channel.unban', 'channel.raid'] as const) {
			const condition: Record<string, string> =
				type === 'channel.raid'
					? { from_broadcaster_user_id: channel }
					: { broadcaster_user_id: '777' };
			const like = stage.twitch.subscriptions
				.of(stage.twitch.client.id, channel)
				.find((one) => one.type === type);
			if (like === undefined) throw new Error(`no ${type}`);
			stage.twitch.subscriptions.add({ ...like, condition });
			stage.twitch.subscriptions.add({ ...like });
		}
		expect(subscribed(channel)).toHaveLength(wanted.length + 4);
		await source.reconcile();
		expect(subscribed(channel)).toEqual(wanted);
		stage.twitch.rules.pageSize = 100;
		const rows = await stage.db
			.sql`select max_total_cost from app.quota_snapshots where connection_id = ${id}`;
		expect(rows[0]).toEqual({ max_total_cost: 10 });
		expect(account).not.toBe('');
	});

	it('costs nothing while nothing is connected', async () => {
		const alone = await openStage();
		const idle = await alone.start();
		const before = alone.twitch.records.happenings.length;
		await alone.pass(3_600_000);
		expect([idle.held.length, alone.twitch.records.happenings.length - before]).toEqual([0, 0]);
		await alone.close();
	});

	it('takes the silence of a socket for its end', async () => {
		const quick = await openStage({ keepaliveS: 10 });
		const held = await quick.start();
		const { id } = await quick.connect({ groups: ['follows'] });
		const source = await liveSource(held, id);
		const told: string[] = [];
		source.events.on('disconnected', (reason) => told.push(reason));
		quick.twitch.keepalive.silence();
		await quick.pass(13_000);
		await until(() => told.length === 1);
		expect(told[0]).toBe('silent for longer than 10 s');
		quick.twitch.keepalive.speak();
		await until(async () => {
			await quick.pass(200);
			return source.getStatus().state === 'live';
		});
		await quick.close();
	});
});

it('knows every consent', () => expect(SCOPES).toContain('moderator:read:followers'));

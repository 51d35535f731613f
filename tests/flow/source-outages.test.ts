/**
 * Sources when something gives out: the process that has one, the database for longer than can be
 * borne, the token, the room on a socket.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/lib/bus/error.ts';
import { twitch as platform } from '../../src/lib/platforms/twitch/index.ts';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { createLog } from '../../src/lib/server/log.ts';
import type { Sources, SourcesParts } from '../../src/lib/server/sources/index.ts';
import { kill9, until } from '../database/embedded-folder.ts';
import { liveSource, openStage, sourceOf, type Stage } from '../harness/sources.ts';

const key = randomBytes(32);
let stage: Stage;
beforeAll(async () => {
	stage = await openStage({ key });
	// Time passes in leaps here: a socket is not unused because of that.
	stage.twitch.sockets.rules.subscribeWithinMs = 3_600_000;
});
afterAll(() => stage?.close());

/** A process of this test alone, as whoever comes first takes a connection. */
async function start(more: Partial<SourcesParts> = {}): Promise<Sources> {
	const sources = await stage.start(more);
	onTestFinished(async () => {
		await stage.db.sql`update app.platform_connections set status = 'disconnected'`;
		await sources.stop();
	});
	return sources;
}
const follow = (channel: string, user: number) =>
	stage.twitch.fire('channel.follow', channel, {
		...{ user_id: `${user}`, user_login: `u${user}`, user_name: `U${user}` }
	});
const rows = async (account: string) =>
	(await stage.events(account)).map(({ who, origin }) => `${who} ${origin}`);
const subscribed = (channel: string) =>
	stage.twitch.subscriptions
		.of(stage.twitch.client.id, channel)
		.filter(({ status }) => status === 'enabled');
const sessionsOf = (channel: string) =>
	[...stage.twitch.sockets.sessions].filter(({ userId }) => userId === channel);
const problemsOf = (sources: Sources, id: string) => sources.find(id)?.getStatus().problems ?? [];

/** A pool that asks where nobody listens. */
async function nowhere() {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	const port = typeof address === 'object' && address !== null ? address.port : 0;
	await new Promise((resolve) => server.close(resolve));
	const away = openDatabase(
		`postgres://nobody@127.0.0.1:${port}/x`,
		createLog({ level: 'silent' })
	);
	onTestFinished(() => away.close());
	return away.sql;
}

describe('a process that is killed', () => {
	/** Another process on the same database, once it hears the connection. */
	async function holder(id: string): Promise<ChildProcess> {
		const { client, addresses } = stage.twitch;
		const what = { url: stage.db.url, key: key.toString('base64'), client, addresses };
		const script = fileURLToPath(new URL('./source-holder.ts', import.meta.url));
		const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(what)], {
			stdio: ['ignore', 'pipe', 'inherit']
		});
		onTestFinished(() => void child.kill('SIGKILL'));
		const lines = createInterface(child.stdout);
		await new Promise<void>((resolve, reject) => {
			lines.on('line', (line) => line === id && resolve());
			child.once('exit', () => reject(new Error('it ended')));
		});
		return child;
	}

	it('loses nothing: another takes its sources, and each event is there once', async () => {
		const { id, account, channel } = await stage.connect({ groups: ['follows'] });
		const child = await holder(id);
		const other = await start();
		await other.tick();
		expect(other.find(id)).toBeUndefined();
		follow(channel, 1);
		await until(async () => (await rows(account)).length === 1);
		expect(await rows(account)).toEqual(['1 live']);
		// In the midst of it: some are stored, some are on the wire, some nobody reads any more.
		for (let user = 2; user <= 200; user += 1) follow(channel, user);
		await until(async () => (await rows(account)).length > 1);
		await kill9(child);
		for (let user = 201; user <= 220; user += 1) follow(channel, user);
		expect(other.find(id)).toBeUndefined();
		await until(async () => {
			await stage.pass(5_000);
			await other.tick();
			return other.find(id) !== undefined;
		});
		await liveSource(other, id);
		follow(channel, 221);
		await until(async () => {
			await stage.pass(1_000);
			return (await rows(account)).length >= 221;
		});
		const users = (await stage.events(account)).map(({ who }) => Number(who));
		expect(users.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 221 }, (_, n) => n + 1));
		expect(await rows(account)).toContain('221 live');
		expect(await rows(account)).toContain('220 poll');
	});
});

describe('a database that is away', () => {
	it('for longer than can be borne: what is dropped is told, and found as far as lists know it', async () => {
		const sources = await start({ capacity: 20 });
		const connection = await stage.connect({ groups: ['follows'] });
		const { id, account, channel } = connection;
		const source = await liveSource(sources, id);
		await source.refresh();
		stage.storage.port = await nowhere();
		const users = Array.from({ length: 50 }, (_, n) => n + 1);
		for (const user of users) follow(channel, user);
		await until(
			() => source.getStatus().dropped === 30 && source.getStatus().problems.length === 2
		);
		expect(source.getStatus().problems).toEqual([
			{ code: 'database_away', detail: null },
			{ code: 'events_dropped', detail: '30' }
		]);
		// Old enough for a list to be believed before what it is compared with.
		await stage.pass(31_000);
		stage.storage.port = null;
		await until(async () => {
			await stage.pass(1_000);
			return (await rows(account)).length === 50;
		});
		expect(await rows(account)).toEqual(
			users.map((user) => `${user} ${user <= 20 ? 'live' : 'poll'}`)
		);
		expect(source.getStatus().problems).toEqual([{ code: 'events_dropped', detail: '30' }]);
		await until(async () => {
			const { problems, reliability } = await stage.stored(connection);
			return problems[0]?.detail === '30' && reliability.missed === 30;
		});
		// Somebody has seen it.
		await source.refresh();
		expect(source.getStatus()).toMatchObject({ problems: [], dropped: 0 });
	});

	it('while subscriptions are made: they are made as soon as it is back', async () => {
		const { access } = stage;
		// All three subscriptions, and the list that is asked for after them.
		let failures = 4;
		const sources = await start({
			access: {
				// Tokens are read from the database, too.
				call: (id, make) =>
					(failures -= 1) >= 0
						? Promise.reject(new AppError('unavailable', 'away'))
						: access.call(id, make),
				callAsApp: (account, name, make) => access.callAsApp(account, name, make),
				revoked: (id, reason) => access.revoked(id, reason),
				onChanged: (listener) => access.onChanged(listener)
			}
		});
		const { id, channel } = await stage.connect({ groups: ['bits', 'raids'] });
		const source = await sourceOf(sources, id);
		const lost: string[] = [];
		source.events.on('disconnected', (reason) => lost.push(reason));
		await until(async () => {
			await stage.pass(500);
			return source.getStatus().state === 'live';
		});
		expect(subscribed(channel)).toHaveLength(3);
		// Not only because the platform closed an unused socket.
		expect([failures < 0, lost]).toEqual([true, []]);
	});
});

it('a list that is read while the socket is lost and comes back is read once more', async () => {
	const sources = await start();
	const { id, account, channel } = await stage.connect({ groups: ['follows'] });
	const source = await liveSource(sources, id);
	await source.refresh();
	const { script, records } = stage.twitch;
	const looks = () => records.requests('/helix/channels/followers').length;
	const before = looks();
	script.fail('/helix/channels/followers', { delayMs: 600_000 });
	const refreshed = source.refresh();
	await until(() => looks() > before);
	for (const session of sessionsOf(channel)) stage.twitch.sockets.close(session, 4005);
	// The list was answered before, nobody tells of it after.
	follow(channel, 1);
	await until(() => source.getStatus().state === 'polling');
	await until(async () => {
		await stage.pass(200);
		return source.getStatus().state === 'live';
	});
	await stage.pass(600_000);
	await refreshed;
	await until(async () => {
		await stage.pass(1_000);
		return (await rows(account)).length === 1;
	});
	expect(await rows(account)).toEqual(['1 poll']);
});

describe('a token that the platform refuses', () => {
	const refreshes = () =>
		stage.twitch.records.requests('/oauth2/token').filter((line) => line.startsWith('POST')).length;

	it('is refreshed once for all subscriptions', async () => {
		const { id, channel } = await stage.connect({ groups: ['follows', 'bits', 'raids'] });
		stage.twitch.tokens.endEarly(channel);
		const before = refreshes();
		const sources = await start();
		const source = await liveSource(sources, id);
		expect(subscribed(channel)).toHaveLength(source.getStatus().subscriptions.length);
		expect(source.getStatus().problems).toEqual([]);
		expect(refreshes() - before).toBe(1);
	});

	it('for good is told, and nothing is asked any more', async () => {
		const { id, channel } = await stage.connect({ groups: ['follows', 'bits', 'raids'] });
		const { twitch } = stage;
		// All tokens die, and nobody tells.
		twitch.tokens.disconnect(twitch.client.id, channel);
		const sources = await start();
		await sourceOf(sources, id);
		await until(() => problemsOf(sources, id)[0]?.code === 'reconnect_needed');
		await until(() => sessionsOf(channel).length === 0);
		const asked = twitch.records.requests('/helix').length;
		await stage.pass(600_000);
		await sources.tick();
		expect(twitch.records.requests('/helix').length).toBe(asked);
		expect(problemsOf(sources, id)).toEqual([{ code: 'reconnect_needed', detail: null }]);
	});
});

describe('more subscriptions than one socket takes', () => {
	const { source } = platform;
	if (source?.socket === undefined) throw new Error('Twitch has no sockets');
	const { socket } = source;
	const narrow = (max_subscriptions: number) => ({
		platforms: [{ ...platform, source: { ...source, socket: { ...socket, max_subscriptions } } }]
	});
	const onEach = (channel: string) =>
		sessionsOf(channel).map((session) => stage.twitch.subscriptions.onSession(session).length);

	it('are dealt out to several, each of which is made again by itself', async () => {
		const { id, account, channel } = await stage.connect();
		const wanted = (await countOf(id)) ?? 0;
		const most = Math.ceil(wanted / 3);
		const sources = await start(narrow(most));
		const held = await liveSource(sources, id);
		expect(held.getStatus()).toMatchObject({ session_count: 3, problems: [] });
		expect(onEach(channel)).toEqual([most, most, wanted - 2 * most]);
		expect(subscribed(channel)).toHaveLength(wanted);
		const [, second] = sessionsOf(channel);
		if (second === undefined) throw new Error('no second session');
		stage.twitch.sockets.close(second, 4000);
		await until(async () => {
			await stage.pass(1_000);
			return sessionsOf(channel).length === 3 && held.getStatus().state === 'live';
		});
		expect(held.getStatus().session_count).toBe(3);
		expect(onEach(channel).toSorted((a, b) => b - a)).toEqual([most, most, wanted - 2 * most]);
		follow(channel, 1);
		await until(async () => (await rows(account)).length === 1);
	});

	it('and than all sockets take are told, and the others live', async () => {
		const { id, channel } = await stage.connect();
		const sources = await start(narrow(5));
		const held = await liveSource(sources, id);
		expect(onEach(channel)).toEqual([5, 5, 5]);
		const { problems, subscriptions } = held.getStatus();
		const without = subscriptions.filter(({ status }) => status !== 'enabled');
		expect(without.every(({ reason }) => reason === 'limit_reached')).toBe(true);
		expect(problems).toEqual([
			{ code: 'limit_reached', detail: without.map(({ type }) => type).join(', ') }
		]);
	});

	async function countOf(id: string) {
		const [row] = await stage.db.sql<{ channel_id: string; scopes: string[]; groups: string[] }[]>`
			select channel_id, scopes, groups from app.platform_connections where id = ${id}`;
		return row && source?.wanted(row.channel_id, row.scopes, row.groups).length;
	}
});

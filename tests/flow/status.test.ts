/** Channels that go live and end, over the simulated Twitch: by asking, by events, through faults. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { platforms } from '../../src/lib/platforms/catalog.ts';
import { PlatformAccess } from '../../src/lib/server/access/index.ts';
import { isAnyOnline } from '../../src/lib/server/backend/statements/channel-status.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { StatusWatcher } from '../../src/lib/server/status/watcher.ts';
import { until } from '../database/embedded-folder.ts';
import { openStage, type Stage } from '../harness/sources.ts';

let stage: Stage;
beforeAll(async () => {
	stage = await openStage();
});
afterAll(() => stage?.close());

/** A process that watches; what it knows stands in the database. */
function watch() {
	const { db, twitch, secrets, clock } = stage;
	const access = new PlatformAccess({
		...{ sql: db.sql, feed: db.feed, secrets, now: () => performance.now() },
		log: createLog({ level: 'silent' }),
		clients: { twitch: { ...twitch.client, addresses: twitch.addresses } },
		wait: () => Promise.resolve()
	});
	const watcher = new StatusWatcher({ sql: db.sql, access, platforms, now: clock.date });
	const [platform] = watcher.platforms;
	if (platform === undefined) throw new Error('No platform tells whether a channel is live.');
	return {
		watcher,
		poll: () => watcher.poll(platform),
		art: () => watcher.syncCategories(platform)
	};
}

const Status = z.object({
	is_online: z.boolean(),
	stream_title: z.string().nullable(),
	category: z.string().nullable(),
	category_picture: z.string().nullable(),
	viewer_count: z.int().nullable(),
	started_at: z.string().nullable()
});
async function statusOf(account: string) {
	const [row] = await stage.db.sql`select app.status_document(${account}, 'twitch') as status`;
	return Status.nullable().parse(row?.status);
}
const logOf = async (account: string) =>
	(await stage.events(account, 'twitch:stream%')).map(
		({ event_type, origin }) => `${event_type.slice('twitch:stream_'.length)} ${origin}`
	);

function goLive(channel: string, id = `stream-${channel}`) {
	const { twitch } = stage;
	twitch.channel(channel).stream = {
		...{ id, type: 'live', viewer_count: 12 },
		started_at: twitch.clock.now().toISOString()
	};
	Object.assign(twitch.channel(channel).info, {
		...{ title: 'Slow evening', category_id: '509660', category_name: 'Art' }
	});
}

it('finds a stream by asking, keeps its numbers, and finds that it ended', async () => {
	const { account, channel } = await stage.connect();
	const { poll, art } = watch();
	await poll();
	expect((await statusOf(account))?.is_online ?? false).toBe(false);
	goLive(channel);
	await poll();
	expect(await statusOf(account)).toMatchObject({
		...{ is_online: true, stream_title: 'Slow evening', category: 'Art', viewer_count: 12 },
		category_picture: null
	});
	expect(await art()).toBeGreaterThan(0);
	expect((await statusOf(account))?.category_picture).toMatch(/^https:.*144x192\.jpg$/);

	await stage.pass(60_000);
	const { stream } = stage.twitch.channel(channel);
	if (stream !== null) stream.viewer_count = 40;
	await poll();
	expect((await statusOf(account))?.viewer_count).toBe(40);

	// The list flaps, and the platform fails: neither ends the stream.
	stage.twitch.channel(channel).hiddenFor = 2;
	for (let i = 0; i < 3; i += 1) {
		await stage.pass(300_000);
		await poll();
	}
	stage.twitch.script.fail('/helix/streams', { status: 503 }, 1_000);
	for (let i = 0; i < 3; i += 1) {
		await stage.pass(300_000);
		await expect(poll()).rejects.toThrow(/did not say which channels are live/);
	}
	stage.twitch.script.heal();
	expect((await statusOf(account))?.is_online).toBe(true);

	stage.twitch.channel(channel).stream = null;
	for (let i = 0; i < 3; i += 1) {
		expect(await isAnyOnline(stage.db.sql, account)).toBe(true);
		await stage.pass(60_000);
		await poll();
	}
	expect(await statusOf(account)).toMatchObject({ is_online: false, started_at: null });
	expect(await logOf(account)).toEqual(['online poll', 'offline poll']);
});

it('believes events at once, and is not misled by a list that lags', async () => {
	const { account, channel } = await stage.connect();
	const sources = await stage.start();
	const { watcher, poll } = watch();
	await until(() =>
		[...stage.twitch.subscriptions.all.values()].some(
			({ type, condition }) =>
				type === 'stream.online' && Object.values(condition).includes(channel)
		)
	);
	const settled = (isOnline: boolean) =>
		until(async () => {
			await watcher.settle();
			return (await statusOf(account))?.is_online === isOnline;
		});

	stage.twitch.fire('stream.online', channel);
	await settled(true);
	stage.twitch.channel(channel).hiddenFor = 4;
	for (let i = 0; i < 4; i += 1) {
		await stage.pass(60_000);
		await poll();
		expect((await statusOf(account))?.is_online).toBe(true);
	}
	await poll();
	expect(await statusOf(account)).toMatchObject({ is_online: true, viewer_count: 12 });

	const { stream } = stage.twitch.channel(channel);
	stage.twitch.fire('stream.offline', channel);
	await settled(false);
	// The list still has it.
	stage.twitch.channel(channel).stream = stream;
	await poll();
	expect((await statusOf(account))?.is_online).toBe(false);
	stage.twitch.channel(channel).stream = null;
	expect(await logOf(account)).toEqual(['online live', 'offline live']);
	await sources.stop();
});

it('goes on after a restart in mid-stream', async () => {
	const { account, channel } = await stage.connect();
	goLive(channel);
	await watch().poll();
	await stage.pass(3_600_000);
	// Nobody watched for an hour; the stream goes on and is not begun again.
	await watch().poll();
	expect((await statusOf(account))?.is_online).toBe(true);
	expect(await logOf(account)).toEqual(['online poll']);

	// The channel is no longer connected: nobody will tell that its stream ended.
	await stage.db
		.sql`update app.platform_connections set status = 'disconnected' where account_id = ${account}`;
	for (let i = 0; i < 3; i += 1) {
		await stage.pass(60_000);
		await watch().poll();
	}
	expect((await statusOf(account))?.is_online).toBe(false);
});

it('two processes that see the same begin a stream once', async () => {
	const { account, channel } = await stage.connect();
	goLive(channel);
	await Promise.all([watch().poll(), watch().poll(), watch().poll()]);
	expect(await logOf(account)).toEqual(['online poll']);
});

it('asks about a hundred channels in one question, with whatever consent there is', async () => {
	const { db, twitch, clock } = stage;
	const now = clock.date();
	// By the secrets of their webhooks: none has a token, so the program asks for itself.
	const accounts = await db.sql<{ id: string }[]>`
		insert into app.accounts (name) select 'Many' from generate_series(1, 130) returning id`;
	for (const [i, { id }] of accounts.entries()) {
		twitch.world.meet(String(70_000 + i));
		await db.sql`
			insert into app.platform_connections (account_id, platform, channel_id, mode, secret_ciphertext, created_at, updated_at)
			values (${id}, 'twitch', ${String(70_000 + i)}, 'webhook', '\\x00', ${now}, ${now})`;
	}
	goLive('70000');
	goLive('70129');
	const asked = async () => {
		const [row] = await db.sql<{ count: number }[]>`
			select count(*)::int as count from app.fetch_log where call = 'twitch.streams' and failure is null`;
		return row?.count ?? 0;
	};
	const before = await asked();
	await watch().poll();
	await until(async () => (await asked()) - before >= 2);
	expect((await asked()) - before).toBe(2);
	for (const i of [0, 129]) expect(await isAnyOnline(db.sql, accounts[i]?.id ?? '')).toBe(true);
	expect(await isAnyOnline(db.sql, accounts[1]?.id ?? '')).toBe(false);
});

/** What polls find that sockets missed: once, under the same keys, counted; and ten thousand at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source, Sources } from '../../src/lib/server/sources/index.ts';
import { until } from '../database/embedded-folder.ts';
import { liveSource, openStage, type Stage } from '../harness/sources.ts';

let stage: Stage;
let sources: Sources;
beforeAll(async () => {
	stage = await openStage();
	// Time passes in leaps here: a socket is not unused because of that.
	stage.twitch.sockets.rules.subscribeWithinMs = 3_600_000;
	sources = await stage.start();
});
afterAll(() => stage?.close());

type Connected = Awaited<ReturnType<Stage['connect']>>;
type Told = Parameters<Stage['twitch']['fire']>[0];
const fire = (type: Told, channel: string, user: string) =>
	stage.twitch.fire(type, channel, {
		user_id: user,
		user_login: `u${user}`,
		user_name: `U${user}`
	});
const rows = async (account: string) =>
	(await stage.events(account)).map(
		({ event_type, who, origin }) => `${event_type.replace('twitch:', '')} ${who} ${origin}`
	);
const subscription = async (connection: Connected, type: string) =>
	(await stage.stored(connection)).subscriptions.find((one) => one.type === type);
/** Old enough to be judged. */
const settle = async (source: Source) => {
	await stage.pass(31_000);
	await source.refresh();
};

describe('a poll', () => {
	it('takes who is there already for granted', async () => {
		const connection = await stage.connect();
		const { id, account, channel } = connection;
		const lists = stage.twitch.channel(channel);
		for (let user = 1; user <= 250; user += 1)
			lists.followers.add({ user_id: `${user}`, followed_at: '2020-01-01T00:00:00Z' });
		for (const user of ['1', '2']) {
			lists.moderators.add(user);
			lists.vips.add(user);
			lists.subscribers.add(user);
		}
		const source = await liveSource(sources, id);
		await settle(source);
		await settle(source);
		expect(await rows(account)).toEqual([]);
		expect((await stage.stored(connection)).polls).toMatchObject(
			['followers', 'moderators', 'subscribers', 'vips'].map((name) => ({
				name,
				missed: 0,
				last_error: null
			}))
		);
	});

	it('finds the follow that the socket dropped, once, and counts it', async () => {
		const connection = await stage.connect({ groups: ['follows'] });
		const { id, account, channel } = connection;
		const source = await liveSource(sources, id);
		await source.refresh();
		fire('channel.follow', channel, '11');
		stage.twitch.script.dropNext(1, 'channel.follow');
		fire('channel.follow', channel, '12');
		await until(async () => (await rows(account)).length === 1);
		// It may still be on its way.
		await source.refresh();
		expect(await rows(account)).toEqual(['follower 11 live']);
		await until(async () => {
			await stage.pass(10_000);
			return (await rows(account)).length === 2;
		});
		expect(await rows(account)).toEqual(['follower 11 live', 'follower 12 poll']);
		expect(await subscription(connection, 'channel.follow')).toMatchObject({
			...{ received: 1, missed: 1, last_poll_agreed: false }
		});
		await settle(source);
		expect(await rows(account)).toHaveLength(2);
		expect(await subscription(connection, 'channel.follow')).toMatchObject({
			...{ missed: 1, last_poll_agreed: true }
		});
		expect((await stage.stored(connection)).reliability).toMatchObject({ received: 1, missed: 1 });
	});

	it('finds roles that were given and taken unheard, and agrees with those that were heard', async () => {
		const connection = await stage.connect({ groups: ['roles', 'subscriptions'] });
		const { id, account, channel } = connection;
		const source = await liveSource(sources, id);
		await source.refresh();
		fire('channel.moderator.add', channel, '21');
		await until(async () => (await rows(account)).length === 1);
		stage.twitch.script.dropNext(1, 'channel.vip.add');
		fire('channel.vip.add', channel, '22');
		await source.refresh();
		await settle(source);
		await settle(source);
		expect(await rows(account)).toEqual(['moderator_add 21 live', 'vip_add 22 poll']);
		stage.twitch.script.dropNext(1, 'channel.moderator.remove');
		fire('channel.moderator.remove', channel, '21');
		fire('channel.vip.remove', channel, '22');
		await until(async () => (await rows(account)).length === 3);
		await settle(source);
		await settle(source);
		await settle(source);
		expect((await rows(account)).slice(2)).toEqual([
			'vip_remove 22 live',
			'moderator_remove 21 poll'
		]);
		const { subscriptions } = await stage.stored(connection);
		expect(subscriptions.filter(({ missed }) => missed > 0).map(({ type }) => type)).toEqual([
			'channel.moderator.remove',
			'channel.vip.add'
		]);
	});

	it('takes over when the socket is cut, and hands back', async () => {
		const connection = await stage.connect({ groups: ['follows'] });
		const { id, account, channel } = connection;
		const source = await liveSource(sources, id);
		const every = async () =>
			(await stage.stored(connection)).polls.map(({ every_s }) => every_s ?? 0);
		await source.refresh();
		expect((await every()).every((s) => s >= 7_200 && s <= 14_400)).toBe(true);
		stage.twitch.script.fail('/ws', { status: 503 }, 1_000);
		stage.twitch.cut();
		await until(() => source.getStatus().state === 'polling');
		fire('channel.follow', channel, '31');
		await until(async () => {
			await stage.pass(10_000);
			return (await rows(account)).length === 1;
		});
		await until(async () => (await every()).join() === '60');
		fire('channel.follow', channel, '32');
		await until(async () => {
			await stage.pass(10_000);
			return (await rows(account)).length === 2;
		});
		expect((await stage.stored(connection)).problems.map(({ code }) => code)).toEqual([
			'socket_lost'
		]);
		stage.twitch.script.heal();
		await until(async () => {
			await stage.pass(10_000);
			return source.getStatus().state === 'live';
		});
		fire('channel.follow', channel, '33');
		await until(async () => (await rows(account)).length === 3);
		expect(await rows(account)).toEqual([
			'follower 31 poll',
			'follower 32 poll',
			'follower 33 live'
		]);
		await until(async () => (await every()).every((s) => s >= 7_200));
	});

	it('says which list it cannot read, and goes on with the others', async () => {
		const connection = await stage.connect({ groups: ['roles'] });
		const { id, channel } = connection;
		const source = await liveSource(sources, id);
		await source.refresh();
		stage.twitch.script.fail('/helix/channels/vips', { status: 403 }, 2);
		await source.refresh();
		await source.refresh();
		await until(async () => (await stage.stored(connection)).problems[0]?.code === 'poll_failed');
		const { polls } = await stage.stored(connection);
		expect(polls.find(({ name }) => name === 'moderators')?.last_error).toBeNull();
		expect(polls.find(({ name }) => name === 'vips')?.last_error).toContain('forbidden');
		await source.refresh();
		await until(async () => (await stage.stored(connection)).problems.length === 0);
		expect(channel).not.toBe('');
	});
});

it('ten thousand notifications with duplicates, reorder, drops, moves and losses are exactly the events that happened', async () => {
	const connection = await stage.connect({ groups: ['follows', 'rewards'] });
	const { id, account, channel } = connection;
	const source = await liveSource(sources, id);
	const { twitch } = stage;
	const started = performance.now();
	const expected: string[] = [];
	let user = 100_000;
	const one = (type: 'follower' | 'reward') => {
		const who = String((user += 1));
		expected.push(`${type} ${who}`);
		fire(
			type === 'follower'
				? 'channel.follow'
				: 'channel.channel_points_custom_reward_redemption.add',
			channel,
			who
		);
		return who;
	};
	/** A socket tells in order: when this one is stored, all before it are. */
	const allIsRead = async () => {
		const last = one('reward');
		await until(async () => {
			if (source.getStatus().waiting > 0) return false;
			// Among the latest, so that asking costs the same however much is there.
			const found = await stage.db.sql`
				select from (
					select data from app.platform_events where account_id = ${account}
					order by seq desc limit 500) latest
				where data #>> '{user,id}' = ${last}`;
			return found.length === 1;
		});
	};
	const isBack = () =>
		until(async () => {
			await stage.pass(500);
			return source.getStatus().state === 'live';
		});
	for (let round = 0; round < 8; round += 1) {
		Object.assign(twitch.script.mix, { duplicate: 0.1, reorder: 0.1 });
		twitch.script.dropNext(20, 'channel.follow');
		for (let n = 0; n < 1_250; n += 1) {
			one(n % 10 === 0 ? 'follower' : 'reward');
			// In the middle of it, with everything on the wire.
			if (n % 600 === 300) twitch.reconnect();
		}
		Object.assign(twitch.script.mix, { duplicate: 0, reorder: 0 });
		twitch.script.release('shuffled');
		await allIsRead();
		if (round % 3 !== 2) continue;
		// Nothing is repeated after this, so only what a list knows may happen meanwhile.
		twitch.close(4000);
		await until(() => source.getStatus().state === 'polling');
		for (let n = 0; n < 20; n += 1) one('follower');
		await isBack();
	}
	await settle(source);
	const all = await stage.events(account);
	const got = all.map(({ event_type, who }) => `${event_type.replace('twitch:', '')} ${who}`);
	expect(got.toSorted()).toEqual(expected.toSorted());
	const byPoll = all.filter(({ origin }) => origin === 'poll').length;
	const { reliability } = await stage.stored(connection);
	const facts = twitch.records.facts.filter(({ broadcaster_id }) => broadcaster_id === channel);
	const sent = facts
		.flatMap(({ deliveries }) => deliveries)
		.reduce((sum, one) => sum + one.sent, 0);
	console.log(
		`${expected.length} happened, ${sent} sent, ${reliability.received} received, ${byPoll} by poll, ` +
			`${stage.storage.calls} calls of the database, ${Math.round(performance.now() - started)} ms`
	);
	expect(reliability.missed).toBe(byPoll);
	expect(byPoll).toBe(8 * 20 + 2 * 20);
}, 120_000);

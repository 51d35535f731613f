/**
 * What is told in several messages, through the real database: one event for each happening, however
 * many settle at once, and whatever dies between.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { platforms } from '../../src/lib/platforms/catalog.ts';
import { normalize, gatherings } from '../../src/lib/platforms/twitch/normalize.ts';
import { take } from '../../src/lib/platforms/take.ts';
import { twitch } from '../../src/lib/platforms/twitch/index.ts';
import {
	dueGatherings,
	readGathering,
	releaseGathering
} from '../../src/lib/server/backend/statements/gatherings.ts';
import { Gatherer, settleGathering } from '../../src/lib/server/gather.ts';
import { openIntake, type Intake } from '../contract/intake.ts';
import { giftBomb, type Told } from '../simulators/twitch/index.ts';
import { quiet, until } from '../database/embedded-folder.ts';

const start = new Date('2026-11-20T10:00:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);

let intake: Intake;
let count = 0;
/** Each test has a channel of its own, and sees the events since it began. */
let channelId = '1001';
let name = '';
let before = 0;
beforeAll(async () => {
	intake = await openIntake({ platform: twitch, channelId, secret: 'not-used-here', now: start });
});
beforeEach(async () => {
	channelId = String(Number(channelId) + 1);
	name = `twitch:gifts:${channelId}`;
	before = await intake.countEvents();
});
afterAll(() => intake?.close());

const bomb = (size: number, parts?: ('head' | 'children' | 'chat')[]): Told[] =>
	giftBomb(() => ({ channelId, random: () => 0.5, at: start, n: (count += 1), sender: 'flow' }), {
		count: size,
		...(parts && { parts })
	});

/** Takes a message as a socket does; answers what became of it. */
async function arrive({ type, event }: Told, message_id = `m-${(count += 1)}`, at = start) {
	const timestamp = start.toISOString();
	const made = normalize({ type, event, message_id, timestamp, channel_id: channelId });
	if ('ignored' in made) throw new Error(made.ignored);
	const { outcome } = await take(
		twitch,
		{ account_id: intake.accountId },
		{ kind: 'events', drafts: [made.draft] },
		intake.ports(at)
	);
	return outcome;
}

interface Row {
	event_type: string;
	class: string;
	data: { count?: number; recipients?: { id: string }[]; user: { id: string } | null };
	plays: number;
}
const events = () => intake.db.sql<Row[]>`
	select e.event_type, e.class, e.data,
		(select count(*)::int from app.plays p where p.event_id = e.id) as plays
	from app.platform_events e where e.account_id = ${intake.accountId} and e.seq > ${before} order by e.seq`;

const isDue = async (at: Date) =>
	(await dueGatherings(intake.db.sql, at)).some((due) => due.name === name);

const settle = (at: Date) =>
	settleGathering(intake.db.sql, platforms, intake.accountId, name, () => at);

test('a gift of three is one event with its recipients, and one play', async () => {
	for (const message of bomb(3).toReversed()) expect(await arrive(message)).toBe('gathered');
	expect(await events()).toEqual([]);
	await intake.settle(start);
	const [gift, ...rest] = await events();
	expect(rest).toEqual([]);
	expect(gift).toMatchObject({ event_type: 'twitch:gift_sub', plays: 1, data: { count: 3 } });
	expect(gift?.data.recipients).toHaveLength(3);
	expect(await isDue(later(6_000))).toBe(false);
});

test('settled after each arrival, by several at once, it is one event all the same', async () => {
	const messages = bomb(6);
	for (const message of [...messages, ...messages]) {
		const at = later(count % 7);
		await arrive(message, undefined, at);
		await Promise.all([settle(at), settle(at), settle(at)]);
	}
	await Promise.all([settle(later(9_000)), settle(later(9_000)), intake.settle(later(9_000))]);
	const all = await events();
	expect(all).toHaveLength(1);
	expect(all[0]?.data).toMatchObject({ count: 6 });
	expect(new Set(all[0]?.data.recipients?.map(({ id }) => id)).size).toBe(6);
});

test('a decision that was made before something arrived does not count', async () => {
	const [head, first, second] = bomb(2, ['head', 'children']);
	if (!head || !first || !second) throw new Error('a gift of two has three messages');
	await arrive(head);
	await arrive(first);
	const seen = await readGathering(intake.db.sql, intake.accountId, name);
	if (seen === null) throw new Error('nothing was gathered');
	const rule = gatherings.find((one) => one.name === 'gifts');
	const decision = rule?.decide({ waiting: seen.parts, memory: seen.memory }, later(3_000));
	if (decision === undefined) throw new Error('there is no rule');
	expect(decision.drafts).toHaveLength(1);
	await arrive(second);
	const release = () =>
		releaseGathering(intake.db.sql, intake.accountId, name, seen.rev, decision, later(3_000));
	expect(await release()).toBeNull();
	expect(await events()).toEqual([]);
	await settle(later(3_000));
	expect(await release()).toBeNull();
	expect((await events()).map(({ data }) => data.recipients?.length)).toEqual([2]);
});

test('what a process stored and did not live to release, the next one releases', async () => {
	for (const message of bomb(2, ['head', 'children'])) await arrive(message);
	// The first died here: nothing but the rows is left of it.
	expect(await isDue(start)).toBe(true);
	const parts = { sql: intake.db.sql, platforms, log: quiet, clock: () => later(1_000) };
	const [one, other] = [new Gatherer(parts), new Gatherer(parts)];
	await Promise.all([one.settleDue(), other.settleDue(), one.settleDue()]);
	expect((await events()).map(({ plays }) => plays)).toEqual([1]);
	await Promise.all([one.stop(), other.stop()]);
});

test('a running server releases at once what is whole, and the rest when it is due', async () => {
	let now = start;
	const gatherer = new Gatherer({
		...{ sql: intake.db.sql, platforms, log: quiet },
		clock: () => now
	});
	const ports = {
		...intake.ports(start),
		gather: gatherer.gather.bind(gatherer)
	};
	const hand = async ({ type, event }: Told) => {
		const at = { message_id: `m-${(count += 1)}`, timestamp: start.toISOString() };
		const made = normalize({ type, event, ...at, channel_id: channelId });
		if ('ignored' in made) throw new Error(made.ignored);
		await take(twitch, { account_id: intake.accountId }, [made.draft], ports);
	};
	await Promise.all(bomb(2, ['head', 'children']).map(hand));
	await until(async () => (await events()).length === 1);
	for (const message of bomb(2, ['head'])) await hand(message);
	now = later(3_000);
	await until(async () => (await gatherer.settleDue(), (await events()).length === 2));
	expect((await events()).map(({ data }) => data.recipients?.length)).toEqual([2, 0]);
	await gatherer.stop();
});

test('a message that comes again is known: while it waits, and when it is an event', async () => {
	const [head, ...children] = bomb(1, ['head', 'children']);
	if (!head || !children[0]) throw new Error('a gift of one has two messages');
	expect(await arrive(head, 'head')).toBe('gathered');
	expect(await arrive(head, 'head')).toBe('duplicate');
	await arrive(children[0], 'child');
	await settle(start);
	for (const [message, id] of [
		[head, 'head'],
		[children[0], 'child']
	] as const)
		expect(await arrive(message, id)).toBe('duplicate');
	await settle(later(9_000));
	expect(await events()).toHaveLength(1);
});

test('who is told of too late is known afterwards, as data', async () => {
	const [head, first, second] = bomb(2, ['head', 'children']);
	if (!head || !first || !second) throw new Error('a gift of two has three messages');
	await arrive(second);
	await settle(start);
	await arrive(head);
	await settle(later(3_000));
	await arrive(first, 'late', later(4_000));
	await settle(later(4_000));
	expect(
		(await events()).map(({ event_type, class: shown, plays }) => [event_type, shown, plays])
	).toEqual([
		['twitch:gift_sub', 'animated', 1],
		['twitch:subscribe', 'data', 0]
	]);
	expect(await arrive(first, 'late')).toBe('duplicate');
});

test('accounts gather apart, and nobody gathers for an account that is not there', async () => {
	for (const message of bomb(1, ['head'])) await arrive(message);
	const { sql } = intake.db;
	expect(await readGathering(sql, '00000000-0000-4000-8000-000000000001', name)).toBeNull();
	const [gift] = bomb(1, ['head']);
	if (gift === undefined) throw new Error('a gift has a head');
	const strange = { account_id: '00000000-0000-4000-8000-000000000001' };
	const timestamp = start.toISOString();
	const made = normalize({ ...gift, message_id: 'x', timestamp, channel_id: channelId });
	if ('ignored' in made) throw new Error(made.ignored);
	await expect(take(twitch, strange, [made.draft], intake.ports(start))).rejects.toMatchObject({
		code: 'not_found'
	});
});

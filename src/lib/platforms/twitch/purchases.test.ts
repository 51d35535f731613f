import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Gatherings, permutations, subsets } from '../../../../tests/gathering.ts';
import type { Arrival } from '../gather.ts';
import { gatherings, normalize } from './normalize.ts';

let count = 0;

/** One viewer's purchase in the words of a fixture; each call is another message. */
function word(name: string, event: Record<string, unknown> = {}, at = '2026-05-03T18:20:29Z') {
	const path = new URL(`./fixtures/${name}.json`, import.meta.url);
	const body = JSON.parse(readFileSync(path, 'utf8'));
	const made = normalize({
		type: body.subscription.type,
		message_id: `m-${(count += 1)}`,
		timestamp: at,
		channel_id: '1001',
		event: { ...body.event, ...event }
	});
	if ('ignored' in made) throw new Error(made.ignored);
	return made.draft;
}
const user = { user_id: '2002', user_login: 'bo', user_name: 'Bo', tier: '2000' };
const chatter = { chatter_user_id: '2002', chatter_user_login: 'bo', chatter_user_name: 'Bo' };
const sub = (at?: string) => word('subscribe', user, at);
const message = (at?: string) => word('resub', user, at);
const chatResub = () =>
	word('notice-resub', { ...chatter, resub: { sub_tier: '2000', cumulative_months: 8 } });
const chatSub = () => word('notice-sub', { ...chatter, sub: { sub_tier: '2000', is_prime: true } });

function play(arrivals: readonly Arrival[], gap_ms = 0) {
	const room = new Gatherings(gatherings);
	for (const arrival of arrivals) {
		room.arrive(arrival);
		room.pass(gap_ms);
	}
	room.pass(60_000);
	expect(room.waiting).toBe(0);
	return room.events.map(({ event_type }) => event_type);
}

test('a purchase that is shared is one event with its message, whatever comes first', () => {
	const words = [sub(), message(), chatResub(), sub(), message()];
	for (const some of subsets(words).filter((set) => set.length > 0))
		for (const order of permutations(some)) {
			const isShared = some.some(({ event_type }) => event_type === 'twitch:resub');
			expect(play(order)).toEqual([isShared ? 'twitch:resub' : 'twitch:subscribe']);
		}
});

test('a first subscription is one event, with and without chat', () => {
	for (const some of subsets([sub(), chatSub(), sub()]).filter((set) => set.length > 0))
		for (const order of permutations(some))
			for (const gap of [0, 10_000]) expect(play(order, gap)).toEqual(['twitch:subscribe']);
});

test('only a subscription without a word from chat waits, and two seconds', () => {
	const room = new Gatherings(gatherings);
	room.arrive(sub());
	room.pass(1_999);
	expect(room.events).toEqual([]);
	room.pass(1);
	expect(room.events).toHaveLength(1);
	for (const whole of [message(), chatResub(), chatSub()]) {
		const another = new Gatherings(gatherings);
		another.arrive(whole);
		expect(another.events).toHaveLength(1);
	}
});

test('a message is never swallowed: too late for the alert it is an alert of its own', () => {
	expect(play([sub(), message()], 5_000)).toEqual(['twitch:subscribe', 'twitch:resub']);
	expect(play([message(), sub()], 5_000)).toEqual(['twitch:resub']);
});

test('the next purchase is another event', () => {
	const next = '2026-05-03T18:21:40Z';
	expect(play([sub(), sub(next)])).toEqual(['twitch:subscribe', 'twitch:subscribe']);
	expect(play([message(), word('resub', { ...user, cumulative_months: 9 }, next)])).toEqual([
		'twitch:resub',
		'twitch:resub'
	]);
	expect(play([sub(), word('subscribe', { ...user, user_id: '9' })])).toHaveLength(2);
	expect(play([sub(), word('subscribe', { ...user, tier: '1000' })])).toHaveLength(2);
});

test('a poll that finds a purchase which was told finds nothing new, before or after', () => {
	const found: Arrival = { ...sub('2026-05-03T18:25:00Z'), origin: 'poll' };
	expect(play([sub(), found], 3_000)).toEqual(['twitch:subscribe']);
	expect(play([found, sub()], 3_000)).toEqual(['twitch:subscribe']);
	expect(play([message(), found], 3_000)).toEqual(['twitch:resub']);
	expect(play([found])).toEqual(['twitch:subscribe']);
});

test('a raid is one event on both roads, at once, and the next one another', () => {
	const raid = (at?: string) => word('raid', {}, at);
	const inChat = (at?: string) =>
		word('notice-raid', { raid: { user_id: '3001', user_name: 'Dana', viewer_count: 42 } }, at);
	// The two are sent on both sides of a minute.
	const [before, after] = ['2026-05-03T18:20:59.9Z', '2026-05-03T18:21:00.4Z'];
	expect(play([raid(before), inChat(after), raid(after)])).toEqual(['twitch:raid']);
	expect(play([inChat(before), raid(after)], 3_000)).toEqual(['twitch:raid']);
	expect(play([raid(before), raid('2026-05-03T18:22:30Z')])).toHaveLength(2);
	expect(play([raid(), word('raid', { from_broadcaster_user_id: '3002' })])).toHaveLength(2);
	const room = new Gatherings(gatherings);
	room.arrive(raid());
	expect(room.events).toHaveLength(1);
});

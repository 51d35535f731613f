import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Gatherings, permutations, subsets } from '../../../../tests/gathering.ts';
import {
	giftBomb,
	type BombOptions,
	type Told
} from '../../../../tests/simulators/twitch/index.ts';
import type { Arrival } from '../gather.ts';
import { giftSub, subscribe } from './events-support.ts';
import { gatherings, normalize } from './normalize.ts';

const sent_at = new Date('2026-05-03T18:20:29.5Z');
let count = 0;

/** All that Twitch says of one gift. */
function told(options: BombOptions): Told[] {
	return giftBomb(
		() => ({ channelId: '1001', random: () => 0.5, at: sent_at, n: (count += 1), sender: 'gifts' }),
		options
	);
}

/** A gift to one recipient only, which chat tells without naming a gift of many. */
function single(options: Omit<BombOptions, 'count'> = {}): Told[] {
	const all = told({ ...options, count: 1 });
	return all.flatMap(({ type, event }) => {
		if (event['notice_type'] === 'community_sub_gift') return [];
		if (event['notice_type'] !== 'sub_gift') return [{ type, event }];
		const gift = { ...z.record(z.string(), z.unknown()).parse(event['sub_gift']) };
		return [{ type, event: { ...event, sub_gift: { ...gift, community_gift_id: null } } }];
	});
}

const arrivals = new WeakMap<Told, Arrival>();
/** The message as it arrives; a copy of it has another id, as over another subscription. */
function arrival(message: Told): Arrival {
	const known = arrivals.get(message) ?? arriving(message);
	arrivals.set(message, known);
	return known;
}

function arriving({ type, event }: Told): Arrival {
	const message_id = `m-${(count += 1)}`;
	const timestamp = sent_at.toISOString();
	const made = normalize({ type, event, message_id, timestamp, channel_id: '1001' });
	if ('ignored' in made) throw new Error(made.ignored);
	return made.draft;
}

const userOf = (name: string, event: Record<string, unknown>) => z.string().parse(event[name]);
/** The recipient that a message tells of; null for a head. */
function recipientOf({ type, event }: Told): string | null {
	if (type === 'channel.subscribe') return userOf('user_id', event);
	if (event['notice_type'] !== 'sub_gift') return null;
	return userOf('recipient_user_id', z.record(z.string(), z.unknown()).parse(event['sub_gift']));
}

/** What became of the messages: the alerts, and who is known to have received a subscription. */
function outcome({ events }: Gatherings) {
	const gifts = events.filter(({ event_type }) => event_type === giftSub.type);
	const alerts = events
		.filter((event) => event.class === 'animated')
		.map(({ event_type, data }) => {
			expect(event_type).toBe(giftSub.type);
			return giftSub.data.parse(data);
		});
	const recipients = [
		...gifts.flatMap(({ data }) => giftSub.data.parse(data).recipients.map(({ id }) => id)),
		...events
			.filter(({ event_type }) => event_type === subscribe.type)
			.map((event) => {
				expect(event).toMatchObject({ class: 'data', data: { is_gift: true } });
				return subscribe.data.parse(event.data).user.id;
			})
	];
	return { alerts, recipients };
}

/** Each arrives, with so much time between them, and then all time passes. */
function play(messages: readonly Told[], gap_ms: number): Gatherings {
	const gatherings_ = new Gatherings(gatherings);
	for (const message of messages) {
		gatherings_.arrive(arrival(message));
		gatherings_.pass(gap_ms);
	}
	gatherings_.pass(30_000);
	expect(gatherings_.waiting).toBe(0);
	return gatherings_;
}

const isHead = (message: Told) => recipientOf(message) === null;

describe('a small gift, told in every order, with everything lost that can be lost', () => {
	const eventsub = told({ count: 2, parts: ['head', 'children'] });
	const chat = told({ count: 2, parts: ['chat'] });
	const both = told({ count: 2 });
	const anonymous = told({ count: 2, isAnonymous: true });
	const one = single();
	const [head, first] = eventsub;
	const cases: Record<string, [number, Told[]]> = {
		'over EventSub, head and a recipient twice': [
			2,
			[...eventsub, ...[head, first].flatMap((message) => (message ? [{ ...message }] : []))]
		],
		'in chat': [2, chat],
		'on both roads, without one recipient over EventSub': [2, both.toSpliced(2, 1)],
		'on both roads, without head over EventSub': [2, both.slice(1)],
		'anonymously, on both roads': [2, anonymous.slice(0, 5)],
		'anonymously, over EventSub': [
			2,
			told({ count: 2, isAnonymous: true, parts: ['head', 'children'] })
		],
		'to one recipient': [1, one],
		'to one recipient, who is told twice': [
			1,
			[...one, ...one.slice(1).map((message) => ({ ...message }))]
		],
		'to one recipient, anonymously': [1, single({ isAnonymous: true })]
	};
	const gaps = [0, 6_000];

	test.each(Object.entries(cases))('%s', (_name, [size, messages]) => {
		for (const some of subsets(messages))
			for (const order of permutations(some))
				for (const gap of gaps) {
					const { alerts, recipients } = outcome(play(order, gap));
					// One alert if anything was told at all, and never a second; whoever was told of is
					// known, once.
					const known = new Set(some.flatMap((message) => recipientOf(message) ?? []));
					const isRight =
						alerts.length === Math.min(1, some.length) &&
						recipients.toSorted().join() === [...known].toSorted().join() &&
						(gap > 0 || !some.some(isHead) || alerts[0]?.count === size) &&
						(gap > 0 || !alerts[0] || alerts[0].recipients.length === known.size);
					if (!isRight) expect.fail(`wrong for ${JSON.stringify({ gap, order, alerts })}`);
				}
	});

	test('is shown at once when it is whole, else three seconds after its head, five without', () => {
		const shownAfter = (messages: readonly Told[]) => {
			const room = new Gatherings(gatherings);
			for (const message of messages) room.arrive(arrival(message));
			for (let passed = 0; passed <= 6_000; passed += 100) {
				if (room.events.length > 0) return passed;
				room.pass(100);
			}
			return null;
		};
		expect(shownAfter(eventsub)).toBe(0);
		expect(shownAfter(eventsub.slice(0, 2))).toBe(3_000);
		expect(shownAfter(eventsub.slice(1))).toBe(5_000);
		expect(shownAfter(chat)).toBe(0);
		expect(shownAfter(chat.slice(1))).toBe(5_000);
	});

	test('names its giver, its number and its recipients', () => {
		const { alerts } = outcome(play(both, 0));
		const giver = { id: userOf('user_id', both[0]?.event ?? {}) };
		expect(alerts[0]).toMatchObject({ user: giver, tier: 1, count: 2, total: 22 });
		const silent = outcome(play(anonymous, 0)).alerts[0];
		expect(silent).toMatchObject({ user: null, count: 2, total: null });
	});

	test('whose giver is told after it was shown, is known afterwards and not shown again', () => {
		const room = play(eventsub.toReversed(), 6_000);
		expect(room.events.map((event) => [event.event_type, event.class])).toEqual([
			[giftSub.type, 'animated'],
			[subscribe.type, 'data'],
			[giftSub.type, 'data']
		]);
		expect(room.events[0]?.data).toMatchObject({ user: null, count: 1 });
		expect(room.events[2]?.data).toMatchObject({ count: 2, total: 22 });
	});
});

describe('two gifts at once', () => {
	const cases: Record<string, () => [Told[], Told[]]> = {
		'by two viewers': () => [
			told({ count: 2, parts: ['head', 'children'] }),
			told({ count: 2, parts: ['head', 'children'] })
		],
		'by two viewers, of different number': () => [
			told({ count: 1, parts: ['head', 'children'] }),
			told({ count: 2, parts: ['head', 'children'] })
		],
		'by nobody who has a name': () => [
			told({ count: 2, isAnonymous: true, parts: ['head', 'children'] }),
			told({ count: 1, isAnonymous: true, parts: ['head', 'children'] })
		],
		'of two tiers': () => [
			told({ count: 2, parts: ['head', 'children'] }),
			told({ count: 2, tier: '2000', parts: ['head', 'children'] })
		],
		'by one viewer, whose total grows': () => {
			const giver = { user_id: '77', user_login: 'gil', user_name: 'Gil' };
			const [one, two] = [1, 2].map((size) =>
				told({ count: size, giver, parts: ['head', 'children'] })
			);
			return [one ?? [], two ?? []];
		}
	};
	test.each(Object.entries(cases))('%s are two alerts, in every order', (_name, make) => {
		const [one, two] = make();
		const all = [...one, ...two];
		const known = all.flatMap((message) => recipientOf(message) ?? []);
		const orders =
			all.length > 5 ? permutations(all).filter((_, nth) => nth % 7 === 0) : permutations(all);
		for (const order of orders) {
			const { alerts, recipients } = outcome(play(order, 0));
			const detail = JSON.stringify(order.map((message) => [message.type, recipientOf(message)]));
			expect(alerts.map((alert) => alert.count).toSorted(), detail).toEqual(
				[one, two].map((gift) => gift.length - 1).toSorted()
			);
			expect(recipients.toSorted(), detail).toEqual(known.toSorted());
		}
	});

	test('are told apart by chat, whatever comes first', () => {
		const giver = { user_id: '77', user_login: 'gil', user_name: 'Gil' };
		const bombs = [told({ count: 3, giver }), told({ count: 4, giver })];
		const recipientsOf = (bomb: readonly Told[]) =>
			[...new Set(bomb.flatMap((message) => recipientOf(message) ?? []))].toSorted();
		fc.assert(
			fc.property(fc.shuffledSubarray(bombs.flat(), { minLength: 18 }), (order) => {
				// Chat first: what it says is believed over what could be guessed.
				const { alerts, recipients } = outcome(play(order, 0));
				expect(alerts.map((alert) => alert.count).toSorted()).toEqual([3, 4]);
				expect(recipients.toSorted()).toEqual(bombs.flatMap(recipientsOf).toSorted());
			}),
			{ numRuns: 50 }
		);
	});
});

test('large gifts of several viewers, in any order, with losses: no recipient twice, no gift lost', () => {
	const bomb = fc.record({
		count: fc.integer({ min: 1, max: 60 }),
		isAnonymous: fc.boolean(),
		parts: fc.constantFrom<BombOptions['parts']>(['head', 'children'], ['head', 'children', 'chat'])
	});
	fc.assert(
		fc.property(
			fc.array(bomb, { minLength: 1, maxLength: 3 }),
			fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
			fc.constantFrom(0, 0.05, 0.3),
			(options, chances, loss) => {
				const chance = () => chances.next().value ?? 0.5;
				const bombs = options.map((one) => told(one));
				const order = bombs
					.flat()
					// Heads come through; of the rest some are lost.
					.filter((message) => message.type === 'channel.subscription.gift' || chance() >= loss)
					.map((message) => ({ message, place: chance() }))
					.toSorted((one, other) => one.place - other.place)
					.map(({ message }) => message);
				const { alerts, recipients } = outcome(play(order, 5));
				expect(alerts).toHaveLength(bombs.length);
				expect(alerts.map((alert) => alert.count).toSorted()).toEqual(
					options.map((one) => one.count).toSorted()
				);
				expect(new Set(recipients).size).toBe(recipients.length);
				const known = new Set(order.flatMap((message) => recipientOf(message) ?? []));
				expect(new Set(recipients)).toEqual(known);
			}
		),
		{ numRuns: 15 }
	);
});

test('a gift of six hundred is one event that fits, and all its recipients are known', () => {
	const room = new Gatherings(gatherings);
	room.arrive(
		...told({ count: 600 })
			.toReversed()
			.map((message) => arrival(message))
	);
	const { alerts, recipients } = outcome(room);
	expect(alerts).toHaveLength(1);
	expect(alerts[0]?.count).toBe(600);
	expect(new Set(recipients).size).toBe(600);
	expect(recipients).toHaveLength(600);
});

describe('what a poll finds', () => {
	const found = (message: Told): Arrival => ({ ...arrival(message), origin: 'poll', raw: null });
	const messages = told({ count: 2, parts: ['head', 'children'] });
	const [head, first, second] = messages;

	test('is known already when the gift named the recipient, before or after', () => {
		const room = new Gatherings(gatherings);
		for (const message of messages) room.arrive(arrival(message));
		if (first) room.arrive(found(first));
		expect(room.events).toHaveLength(1);
	});

	test('is data when no gift named the recipient, and never an alert', () => {
		const room = new Gatherings(gatherings);
		if (second) room.arrive(found(second));
		room.pass(20_000);
		expect(room.events).toMatchObject([
			{ event_type: subscribe.type, class: 'data', origin: 'poll' }
		]);
		expect(head).toBeDefined();
	});
});

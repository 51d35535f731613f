import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draft } from '../../bus/index.ts';
import { anyText } from '../../../../tests/any-text.ts';
import { normalize, readTypes, type Notification } from './normalize.ts';
import { eventTypes } from './events.ts';
import { groups } from './groups.ts';
import { eventSubTypes } from './subscriptions.ts';

const fixtures = new URL('./fixtures/', import.meta.url);

/** The notification that a fixture's body becomes. */
function notification(name: string, event: Record<string, unknown> = {}): Notification {
	const body = JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8'));
	return {
		type: body.subscription.type,
		message_id: 'm-1',
		timestamp: '2026-05-03T18:20:30.123456789Z',
		channel_id: '1001',
		event: { ...body.event, ...event }
	};
}

function draftOf(name: string, event?: Record<string, unknown>): Draft {
	const normalized = normalize(notification(name, event));
	if ('ignored' in normalized) throw new Error(normalized.ignored);
	return Draft.parse(normalized.draft);
}

const bo = { id: '2002', login: 'bo', name: 'Bo', picture: null };

describe('each type becomes', () => {
	const expected: Record<string, Partial<Draft>> = {
		follow: {
			event_type: 'twitch:follower',
			data: {
				user: { id: '2001', login: 'ann', name: 'Ann', picture: null },
				followed_at: '2026-05-03T18:15:11.17106713Z'
			},
			business_key: 'twitch:1001:follow:2001:2026-05-03T18:15:11.000Z',
			occurred_at: '2026-05-03T18:15:11.17106713Z'
		},
		subscribe: {
			event_type: 'twitch:subscribe',
			class: 'animated',
			data: { user: bo, tier: 1, is_gift: false },
			business_key: 'twitch:1001:sub:2002:1:29630540'
		},
		'subscribe-received': {
			event_type: 'twitch:subscribe',
			class: 'data',
			duration_ms: null,
			cancelable: false,
			replayable: false,
			business_key: 'twitch:1001:received:2010:1:29630540'
		},
		gift: {
			event_type: 'twitch:gift_sub',
			priority: 'high',
			data: { user: bo, tier: 1, count: 5, total: 25 },
			business_key: 'twitch:1001:gift:2002:25'
		},
		'gift-anonymous': {
			event_type: 'twitch:gift_sub',
			data: { user: null, tier: 1, count: 5, total: null },
			business_key: null
		},
		resub: {
			event_type: 'twitch:resub',
			data: {
				user: bo,
				tier: 2,
				months: 8,
				streak_months: null,
				duration_months: 1,
				message: 'eight months! lumenHi',
				emotes: [{ id: 'emotesv2_abc', begin: 14, end: 20 }]
			},
			business_key: 'twitch:1001:resub:2002:8'
		},
		cheer: {
			event_type: 'twitch:cheer',
			priority: 'normal',
			data: {
				user: { id: '2003', login: 'cy', name: 'Cy', picture: null },
				bits: 100,
				message: 'Cheer100 nice one'
			},
			business_key: 'twitch:1001:cheer:2003:100:177783243:Cheer100 nice one'
		},
		'cheer-anonymous': {
			event_type: 'twitch:cheer',
			priority: 'high',
			data: { user: null, bits: 5000, message: 'Cheer5000' },
			business_key: null
		},
		raid: {
			event_type: 'twitch:raid',
			priority: 'high',
			data: { user: { id: '3001', login: 'dana', name: 'ダナ', picture: null }, viewers: 42 },
			business_key: 'twitch:1001:raid:3001:29630540'
		},
		redemption: {
			event_type: 'twitch:reward',
			external_id: '17fa2df1-ad76-4804-bfa5-a40ef63efe63',
			data: {
				user: bo,
				reward: {
					id: '92af127c-7326-4483-a52b-b0da0be61c01',
					title: 'Drink water',
					cost: 500,
					prompt: 'Stay healthy'
				},
				message: '',
				status: 'unfulfilled'
			},
			business_key: 'twitch:1001:redemption:17fa2df1-ad76-4804-bfa5-a40ef63efe63',
			occurred_at: '2026-05-03T18:20:00.5Z'
		},
		// The rest was looked through and written down: what each fixture is, whole.
		...JSON.parse(
			readFileSync(
				new URL('../../../../tests/contract/twitch-expected.json', import.meta.url),
				'utf8'
			)
		)
	};
	test.each(Object.entries(expected))('%s', (name, draft) => {
		expect(draftOf(name)).toMatchObject({
			...draft,
			platform: 'twitch',
			origin: 'live',
			transport_key: 'twitch:m-1',
			raw: notification(name).event
		});
	});

	test('something, for every fixture and every type', () => {
		const names = readdirSync(fixtures).map((file) => file.replace('.json', ''));
		expect(names.toSorted()).toEqual(Object.keys(expected).toSorted());
		const types = new Set(names.map((name) => notification(name).type));
		expect([...types].toSorted()).toEqual(readTypes.toSorted());
	});

	test('is what is subscribed to, and what the groups promise', () => {
		expect(eventSubTypes.map(({ type }) => type).toSorted()).toEqual(readTypes.toSorted());
		const promised = groups.flatMap((group) => group.eventTypes);
		const brought = eventTypes.map(({ type }) => type);
		expect([...new Set(promised)].toSorted()).toEqual(brought.toSorted());
		for (const name of Object.keys(expected)) {
			const { event_type } = draftOf(name);
			const line = eventSubTypes.find(({ type }) => type === notification(name).type);
			expect(line?.eventTypes).toContain(event_type);
		}
	});
});

describe('business keys', () => {
	const keyOf = (name: string, event: Record<string, unknown>, timestamp: string) => {
		const normalized = normalize({ ...notification(name, event), timestamp });
		return 'draft' in normalized ? normalized.draft.business_key : undefined;
	};
	const at = '2026-05-03T18:20:30.1Z';
	// [fixture, change, timestamp, is it the same fact?]
	const cases: [string, Record<string, unknown>, string, boolean][] = [
		['follow', {}, '2026-05-03T18:29:00Z', true],
		['follow', { followed_at: '2026-05-03T18:15:11Z' }, at, true],
		['follow', { followed_at: '2026-05-03T18:16:00Z' }, at, false],
		['follow', { user_id: '2009' }, at, false],
		['subscribe', {}, '2026-05-03T18:20:31.9Z', true],
		['subscribe', {}, '2026-05-03T18:21:31Z', false],
		['subscribe', { tier: '3000' }, at, false],
		['subscribe', { is_gift: true }, at, false],
		['gift', {}, '2026-05-03T19:00:00Z', true],
		['gift', { cumulative_total: 30 }, at, false],
		['cheer', {}, '2026-05-03T18:20:31.9Z', true],
		['cheer', {}, '2026-05-03T18:20:41Z', false],
		['cheer', { message: 'Cheer100 and another' }, at, false],
		['cheer', { bits: 101 }, at, false],
		['raid', { viewers: 43 }, '2026-05-03T18:20:50Z', true],
		['raid', {}, '2026-05-03T18:30:00Z', false],
		['redemption', {}, '2026-05-03T19:00:00Z', true],
		['redemption', { id: 'another' }, at, false]
	];
	test.each(cases)('%s %j at %s: the same fact? %s', (name, event, timestamp, same) => {
		const one = keyOf(name, {}, at);
		expect(one).toEqual(expect.any(String));
		expect(keyOf(name, event, timestamp) === one).toBe(same);
	});
	const later: typeof cases = [
		['resub', {}, '2026-05-03T19:00:00Z', true],
		['resub', { cumulative_months: 9 }, at, false],
		['redemption-update', { status: 'canceled' }, '2026-05-04T18:00:00Z', true],
		['hype-train-progress', {}, '2026-05-03T18:21:00Z', true],
		['hype-train-progress', { total: 1_700 }, at, false],
		['hype-train-end', { ended_at: null }, at, true],
		['poll-end', { status: 'archived' }, '2026-05-03T18:30:00Z', true],
		['poll-progress', { choices: [{ id: 'c', title: 't', votes: 66 }] }, at, false],
		['goal-progress', { current_amount: 151 }, at, false],
		['goal-progress', {}, '2026-05-03T18:21:30Z', false],
		['stream-online', { started_at: null }, '2026-05-03T18:30:00Z', true],
		['stream-offline', {}, '2026-05-03T18:20:31.9Z', true],
		['stream-offline', {}, '2026-05-03T18:25:00Z', false],
		['update', { title: 'Another' }, at, false],
		['moderator-add', {}, '2026-05-03T18:20:32Z', true],
		['moderator-add', {}, '2026-05-03T18:20:50Z', false],
		['ban', {}, '2026-05-03T18:30:00Z', true],
		['ban', { banned_at: '2026-05-03T18:25:00Z' }, at, false],
		['ad-break-begin', {}, '2026-05-03T18:30:00Z', true],
		['chat-message', { source_message_id: 'chat-f-55', message_id: 'copy' }, at, true],
		['chat-message', { message_id: 'another' }, at, false],
		['notice-sub-gift', { message_id: 'another' }, at, false]
	];
	test.each(later)('%s %j at %s: the same fact? %s', (name, event, timestamp, same) => {
		const one = keyOf(name, {}, at);
		expect(one).toEqual(expect.any(String));
		expect(keyOf(name, event, timestamp) === one).toBe(same);
	});

	test('add and update of a redemption are one fact', () => {
		const { id } = notification('redemption').event;
		expect(keyOf('redemption-update', { id }, at)).toBe(keyOf('redemption', {}, at));
	});
	test('a raid and its notice in chat are one fact within the minute', () => {
		const { from_broadcaster_user_id: user_id } = notification('raid').event;
		expect(keyOf('notice-raid', { raid: { user_id, viewer_count: 3 } }, at)).toBe(
			keyOf('raid', {}, at)
		);
	});
});

describe('what is shown', () => {
	const shown = (name: string, event: Record<string, unknown>) => draftOf(name, event).class;
	const old = '2026-05-02T18:20:00Z';
	test.each([
		['redemption', { redeemed_at: old }, 'animated'],
		['redemption-update', {}, 'animated'],
		['redemption-update', { redeemed_at: old }, 'data'],
		['redemption-update', { redeemed_at: 'soon' }, 'data'],
		['redemption-update', { status: 'cancelled' }, 'data'],
		['goal-end', { is_achieved: false }, 'data'],
		['poll-end', { status: 'terminated' }, 'alert'],
		['poll-end', { status: 'archived' }, 'data']
	] as const)('%s with %j is %s', (name, event, expected) => {
		expect(shown(name, event)).toBe(expected);
		if (expected === 'data') expect(draftOf(name, event).duration_ms).toBeNull();
	});
});

describe('where the documents contradict themselves', () => {
	const cases: [string, Record<string, unknown>, Record<string, unknown>][] = [
		[
			'ad-break-begin',
			{ duration_seconds: '60', is_automatic: 'false' },
			{ seconds: 60, is_automatic: false }
		],
		['ad-break-begin', { is_automatic: 'true' }, { is_automatic: true }],
		['ad-break-begin', { requester_user_id: null }, { requester: null }],
		[
			'prediction-end',
			{
				outcomes: [
					{
						id: 'o1',
						title: 'Yes',
						top_predictors: [
							{ user_id: 2002, user_login: 'bo', channel_points_used: 5, channel_points_won: null },
							{ user_login: 'nobody', channel_points_used: 5 }
						]
					}
				]
			},
			{
				outcomes: [
					{
						...{ id: 'o1', title: 'Yes', color: null, users: 0, points: 0 },
						top_predictors: [{ user: { ...bo, name: 'bo' }, points_used: 5, points_won: 0 }]
					}
				]
			}
		],
		['prediction-end', { status: 'cancelled' }, { status: 'canceled', winning_outcome_id: null }],
		['prediction-end', { winning_outcome_id: '' }, { winning_outcome_id: null }],
		['redemption-update', { status: 'cancelled' }, { status: 'canceled' }],
		[
			'poll-begin',
			{ channel_points_voting: { is_enabled: false, amount_per_vote: 10 } },
			{ points_per_vote: null }
		],
		['poll-end', { choices: [] }, { winner_ids: [] }],
		['ban', { is_permanent: undefined, ends_at: null }, { is_permanent: true }],
		['ban', { is_permanent: 'false' }, { is_permanent: false }],
		[
			'hype-train-begin',
			{ top_contributions: [{ user_id: 7, type: 'bits' }] },
			{ top_contributions: [] }
		],
		[
			'chat-message',
			{ color: '', badges: 'x', cheer: { bits: '5' } },
			{ color: null, badges: [], bits: 5 }
		],
		[
			'bits-use',
			{ power_up: null, custom_power_up: { title: 'Boo' } },
			{ kind: 'custom', title: 'Boo' }
		],
		[
			'notice-charity-donation',
			{
				charity_donation: {
					charity_name: 'T',
					amount: { value: '550', decimal_place: 2, currency: 'EUR' }
				}
			},
			{ amount: 5.5 }
		],
		['update', { category_id: '', category_name: '' }, { category: null }]
	];
	test.each(cases)('%s with %j', (name, event, data) => {
		expect(draftOf(name, event).data).toMatchObject(data);
	});
	test('nanoseconds are kept', () => {
		expect(draftOf('hype-train-begin').data['started_at']).toBe('2026-05-03T18:20:00.500500000Z');
	});
});

describe('drift', () => {
	const cases: Record<string, [string, Record<string, unknown>, Record<string, unknown>]> = {
		'a login stands in for a missing name': [
			'follow',
			{ user_name: null },
			{ user: { name: 'ann' } }
		],
		'a name stands in for a missing login': [
			'follow',
			{ user_login: undefined },
			{ user: { login: 'ann' } }
		],
		'an id may be a number': ['follow', { user_id: 2001 }, { user: { id: '2001' } }],
		'an instant that is none is dropped': [
			'follow',
			{ followed_at: 'soon' },
			{ followed_at: null }
		],
		'an unknown tier is null': ['subscribe', { tier: 'Prime' }, { tier: null }],
		'a flag may be missing': ['subscribe', { is_gift: undefined }, { is_gift: false }],
		'bits may be quoted': ['cheer', { bits: '250' }, { bits: 250 }],
		'a cheer without user is anonymous': ['cheer', { user_id: null }, { user: null }],
		'a message may be missing': ['resub', { message: null }, { message: '', emotes: [] }],
		'emotes may be of another shape': [
			'resub',
			{ message: { text: 'x', emotes: 'y' } },
			{ emotes: [] }
		],
		'months may be text': ['resub', { cumulative_months: '8' }, { months: 8 }],
		'what cannot be stored is replaced': [
			'cheer',
			{ message: 'a\u0000b\ud800' },
			{ message: 'a\ufffdb\ufffd' }
		],
		'long text is cut': ['cheer', { message: 'x'.repeat(5_000) }, { message: 'x'.repeat(1_000) }]
	};
	test.each(Object.entries(cases))('%s', (_name, [fixture, change, data]) => {
		expect(draftOf(fixture, change).data).toMatchObject(data);
	});

	const ignored: [string, Record<string, unknown>, string][] = [
		['follow', { user_id: undefined }, 'channel.follow without user_id'],
		['subscribe', { user_id: null }, 'channel.subscribe without user_id'],
		['gift', { total: 'many' }, 'channel.subscription.gift without total'],
		['cheer', { bits: null }, 'channel.cheer without bits'],
		['cheer', { bits: -5 }, 'channel.cheer without bits'],
		['raid', { viewers: undefined }, 'channel.raid without viewers'],
		['raid', { from_broadcaster_user_id: '1001' }, 'the channel raids another one'],
		['redemption', { reward: null }, 'reward'],
		['redemption', { id: '' }, 'without id'],
		['bits-use', { type: 'cheer' }, 'channel.cheer tells of this cheer'],
		['notice-sub', { notice_type: 'shared_chat_sub' }, 'not a notice Cuelight reads'],
		['notice-sub', { notice_type: '__proto__' }, 'not a notice Cuelight reads'],
		['notice-community-sub-gift', { community_sub_gift: null }, 'without the notice'],
		['notice-sub-gift', { sub_gift: {} }, 'recipient_user_id'],
		['chat-message', { chatter_user_id: null }, 'without chatter_user_id'],
		['hype-train-end', { id: null }, 'without id']
	];
	test.each(ignored)('%s with %j is ignored: %s', (fixture, change, reason) => {
		expect(normalize(notification(fixture, change))).toEqual({
			ignored: expect.stringContaining(reason)
		});
	});

	test('a raw document that cannot be stored is dropped, the fact is kept', () => {
		const draft = draftOf('cheer', { padding: 'x'.repeat(70_000) });
		expect(draft.raw).toBeNull();
		expect(draft.data).toMatchObject({ bits: 100 });
	});

	test('whatever a field holds, the answer is a draft that the bus takes or a reason', () => {
		const names = readdirSync(fixtures).map((file) => file.replace('.json', ''));
		fc.assert(
			fc.property(
				fc.constantFrom(...names),
				fc.nat(20),
				fc.oneof(fc.anything(), anyText, fc.constant(undefined)),
				(name, index, value) => {
					const base = notification(name);
					const field = Object.keys(base.event)[index % Object.keys(base.event).length] ?? '';
					const normalized = normalize({ ...base, event: { ...base.event, [field]: value } });
					if ('ignored' in normalized) {
						expect(normalized.ignored).not.toBe('');
						return;
					}
					const draft = Draft.parse(normalized.draft);
					const definition = eventTypes.find(({ type }) => type === draft.event_type);
					expect(definition?.data.safeParse(draft.data).success).toBe(true);
				}
			),
			{ numRuns: 800 }
		);
	});
});

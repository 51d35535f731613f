import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Draft } from '../../bus/index.ts';
import { anyText } from '../../../../tests/any-text.ts';
import { normalize, readTypes, type Notification } from './normalize.ts';
import { eventTypes } from './events.ts';

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
			business_key: 'twitch:1001:sub:2002:2:29630540'
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
		}
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

	test('a subscription that is shared at once is one fact', () => {
		expect(keyOf('resub', { tier: '1000' }, at)).toBe(keyOf('subscribe', {}, at));
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
		['redemption', { id: '' }, 'without id']
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
			{ numRuns: 500 }
		);
	});
});

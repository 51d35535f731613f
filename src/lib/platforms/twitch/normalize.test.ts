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
		'subscription-end': {
			event_type: 'twitch:subscription_end',
			class: 'data',
			business_key: 'twitch:1001:sub_end:90000102000001:2:29630540',
			data: {
				user: { id: '90000102000001', login: 'viewer_1', name: 'Émile1', picture: null },
				tier: 2,
				is_gift: false
			}
		},
		'bits-use': {
			event_type: 'twitch:power_up',
			class: 'animated',
			business_key:
				'twitch:1001:power_up:90000102000003:100:gigantify_an_emote:177783243:lumenHi 3',
			data: {
				user: { id: '90000102000003', login: 'viewer_3', name: 'Émile3', picture: null },
				bits: 100,
				kind: 'gigantify_an_emote',
				title: null,
				message: 'lumenHi 3',
				emote_id: 'emotesv2_lumenhi',
				fragments: [{ type: 'text', text: 'lumenHi 3', emote_id: null, bits: null }]
			}
		},
		'redemption-update': {
			event_type: 'twitch:reward',
			class: 'animated',
			business_key: 'twitch:1001:redemption:redemption-f-5',
			data: {
				user: { id: '90000102000005', login: 'viewer_5', name: 'Émile5', picture: null },
				reward: { id: 'reward-hydrate', title: 'Hydrate', cost: 500, prompt: 'Drink some water' },
				message: 'please do number 5',
				status: 'fulfilled'
			}
		},
		'automatic-reward-redemption-add': {
			event_type: 'twitch:automatic_reward',
			class: 'data',
			business_key: 'twitch:1001:automatic_redemption:automatic-f-7',
			data: {
				user: { id: '90000102000007', login: 'viewer_7', name: 'Émile7', picture: null },
				kind: 'send_highlighted_message',
				cost: 100,
				emote_id: null,
				message: 'look at this, number 7',
				fragments: [{ type: 'text', text: 'look at this, number 7', emote_id: null, bits: null }]
			}
		},
		'hype-train-begin': {
			event_type: 'twitch:hype_train',
			class: 'animated',
			business_key: 'twitch:1001:hype_train:train-f-9',
			data: {
				id: 'train-f-9',
				level: 2,
				total: 1600,
				kind: 'treasure',
				is_shared: false,
				top_contributions: [
					{
						user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
						kind: 'bits',
						total: 600
					},
					{
						user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
						kind: 'subscription',
						total: 1000
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				progress: 100,
				goal: 1800,
				expires_at: '2026-05-03T18:25:00.500500000Z',
				all_time_high_level: 4,
				all_time_high_total: 9000
			}
		},
		'hype-train-progress': {
			event_type: 'twitch:hype_train_progress',
			class: 'data',
			business_key: 'twitch:1001:hype_train_progress:train-f-11:2:1600',
			data: {
				id: 'train-f-11',
				level: 2,
				total: 1600,
				kind: 'treasure',
				is_shared: false,
				top_contributions: [
					{
						user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
						kind: 'bits',
						total: 600
					},
					{
						user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
						kind: 'subscription',
						total: 1000
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				progress: 950,
				goal: 1800,
				expires_at: '2026-05-03T18:25:00.500500000Z'
			}
		},
		'hype-train-end': {
			event_type: 'twitch:hype_train_end',
			class: 'data',
			business_key: 'twitch:1001:hype_train_end:train-f-13',
			data: {
				id: 'train-f-13',
				level: 2,
				total: 1600,
				kind: 'treasure',
				is_shared: false,
				top_contributions: [
					{
						user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
						kind: 'bits',
						total: 600
					},
					{
						user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
						kind: 'subscription',
						total: 1000
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				ended_at: '2026-05-03T18:25:00.500500000Z',
				cooldown_ends_at: '2026-05-03T19:25:00.500500000Z'
			}
		},
		'poll-begin': {
			event_type: 'twitch:poll',
			class: 'alert',
			business_key: 'twitch:1001:poll:poll-f-15',
			data: {
				id: 'poll-f-15',
				title: 'Which map, number 15?',
				choices: [
					{ id: 'choice-1', title: 'Harbour', votes: 0, channel_points_votes: 0 },
					{ id: 'choice-2', title: 'Forest', votes: 0, channel_points_votes: 0 },
					{ id: 'choice-3', title: 'Moon', votes: 0, channel_points_votes: 0 }
				],
				points_per_vote: 100,
				started_at: '2026-05-03T18:20:00.500500000Z',
				ends_at: '2026-05-03T18:21:00.500500000Z'
			}
		},
		'poll-progress': {
			event_type: 'twitch:poll_progress',
			class: 'data',
			business_key: 'twitch:1001:poll_progress:poll-f-17:65',
			data: {
				id: 'poll-f-17',
				title: 'Which map, number 17?',
				choices: [
					{ id: 'choice-1', title: 'Harbour', votes: 20, channel_points_votes: 0 },
					{ id: 'choice-2', title: 'Forest', votes: 22, channel_points_votes: 3 },
					{ id: 'choice-3', title: 'Moon', votes: 23, channel_points_votes: 6 }
				],
				points_per_vote: 100,
				started_at: '2026-05-03T18:20:00.500500000Z',
				ends_at: '2026-05-03T18:21:00.500500000Z'
			}
		},
		'poll-end': {
			event_type: 'twitch:poll_end',
			class: 'alert',
			business_key: 'twitch:1001:poll_end:poll-f-19',
			data: {
				id: 'poll-f-19',
				title: 'Which map, number 19?',
				choices: [
					{ id: 'choice-1', title: 'Harbour', votes: 20, channel_points_votes: 0 },
					{ id: 'choice-2', title: 'Forest', votes: 22, channel_points_votes: 3 },
					{ id: 'choice-3', title: 'Moon', votes: 23, channel_points_votes: 6 }
				],
				points_per_vote: 100,
				started_at: '2026-05-03T18:20:00.500500000Z',
				status: 'completed',
				winner_ids: ['choice-3'],
				ended_at: '2026-05-03T18:21:00.500500000Z'
			}
		},
		'prediction-begin': {
			event_type: 'twitch:prediction',
			class: 'alert',
			business_key: 'twitch:1001:prediction:prediction-f-21',
			data: {
				id: 'prediction-f-21',
				title: 'Will we win number 21?',
				outcomes: [
					{ id: 'outcome-1', title: 'Yes', color: 'blue', users: 0, points: 0, top_predictors: [] },
					{ id: 'outcome-2', title: 'No', color: 'pink', users: 0, points: 0, top_predictors: [] }
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				locks_at: '2026-05-03T18:22:00.500500000Z'
			}
		},
		'prediction-progress': {
			event_type: 'twitch:prediction_progress',
			class: 'data',
			business_key: 'twitch:1001:prediction_progress:prediction-f-23:3000',
			data: {
				id: 'prediction-f-23',
				title: 'Will we win number 23?',
				outcomes: [
					{
						id: 'outcome-1',
						title: 'Yes',
						color: 'blue',
						users: 1,
						points: 1000,
						top_predictors: [
							{
								user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					},
					{
						id: 'outcome-2',
						title: 'No',
						color: 'pink',
						users: 2,
						points: 2000,
						top_predictors: [
							{
								user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				locks_at: '2026-05-03T18:22:00.500500000Z'
			}
		},
		'prediction-lock': {
			event_type: 'twitch:prediction_lock',
			class: 'data',
			business_key: 'twitch:1001:prediction_lock:prediction-f-25',
			data: {
				id: 'prediction-f-25',
				title: 'Will we win number 25?',
				outcomes: [
					{
						id: 'outcome-1',
						title: 'Yes',
						color: 'blue',
						users: 1,
						points: 1000,
						top_predictors: [
							{
								user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					},
					{
						id: 'outcome-2',
						title: 'No',
						color: 'pink',
						users: 2,
						points: 2000,
						top_predictors: [
							{
								user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				locked_at: '2026-05-03T18:22:00.500500000Z'
			}
		},
		'prediction-end': {
			event_type: 'twitch:prediction_end',
			class: 'alert',
			business_key: 'twitch:1001:prediction_end:prediction-f-27',
			data: {
				id: 'prediction-f-27',
				title: 'Will we win number 27?',
				outcomes: [
					{
						id: 'outcome-1',
						title: 'Yes',
						color: 'blue',
						users: 1,
						points: 1000,
						top_predictors: [
							{
								user: { id: '2002', login: 'regular_2', name: 'Regular_2', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					},
					{
						id: 'outcome-2',
						title: 'No',
						color: 'pink',
						users: 2,
						points: 2000,
						top_predictors: [
							{
								user: { id: '2003', login: 'regular_3', name: 'Regular_3', picture: null },
								points_used: 1000,
								points_won: 0
							}
						]
					}
				],
				started_at: '2026-05-03T18:20:00.500500000Z',
				status: 'resolved',
				winning_outcome_id: 'outcome-1',
				ended_at: '2026-05-03T18:30:00.500500000Z'
			}
		},
		'goal-begin': {
			event_type: 'twitch:goal',
			class: 'data',
			business_key: 'twitch:1001:goal:goal-f-29',
			data: {
				id: 'goal-f-29',
				kind: 'follow',
				description: 'Two hundred of us',
				current: 150,
				target: 200,
				started_at: '2026-05-03T18:20:00.500500000Z'
			}
		},
		'goal-progress': {
			event_type: 'twitch:goal_progress',
			class: 'data',
			business_key: 'twitch:1001:goal_progress:goal-f-31:150:177783243',
			data: {
				id: 'goal-f-31',
				kind: 'follow',
				description: 'Two hundred of us',
				current: 150,
				target: 200,
				started_at: '2026-05-03T18:20:00.500500000Z'
			}
		},
		'goal-end': {
			event_type: 'twitch:goal_end',
			class: 'animated',
			business_key: 'twitch:1001:goal_end:goal-f-33',
			data: {
				id: 'goal-f-33',
				kind: 'follow',
				description: 'Two hundred of us',
				current: 200,
				target: 200,
				started_at: '2026-05-03T18:20:00.500500000Z',
				is_achieved: true,
				ended_at: '2026-05-03T19:20:00.500500000Z'
			}
		},
		'stream-online': {
			event_type: 'twitch:stream_online',
			class: 'system',
			business_key: 'twitch:1001:stream_online:40000102000035',
			data: { id: '40000102000035', kind: 'live', started_at: '2026-05-03T18:20:00Z' }
		},
		'stream-offline': {
			event_type: 'twitch:stream_offline',
			class: 'system',
			business_key: 'twitch:1001:stream_offline:177783243',
			data: {}
		},
		update: {
			event_type: 'twitch:stream_update',
			class: 'system',
			business_key: 'twitch:1001:stream_update:888916215:26936:Part 39: further into the woods',
			data: {
				title: 'Part 39: further into the woods',
				language: 'en',
				category: { id: '26936', name: 'Music' },
				labels: []
			}
		},
		'ad-break-begin': {
			event_type: 'twitch:ad_break',
			class: 'alert',
			business_key: 'twitch:1001:ad_break:2026-05-03T18:20:00.000Z',
			data: {
				seconds: 60,
				is_automatic: false,
				started_at: '2026-05-03T18:20:00.500500000Z',
				requester: { id: '1001', login: 'lumen', name: 'Lumen', picture: null },
				ends_at: '2026-05-03T18:21:00.500Z'
			}
		},
		'moderator-add': {
			event_type: 'twitch:moderator_add',
			class: 'data',
			business_key: 'twitch:1001:moderator_add:90000102000043:177783243',
			data: { user: { id: '90000102000043', login: 'viewer_43', name: 'Émile43', picture: null } }
		},
		'moderator-remove': {
			event_type: 'twitch:moderator_remove',
			class: 'data',
			business_key: 'twitch:1001:moderator_remove:90000102000045:177783243',
			data: { user: { id: '90000102000045', login: 'viewer_45', name: 'Émile45', picture: null } }
		},
		'vip-add': {
			event_type: 'twitch:vip_add',
			class: 'data',
			business_key: 'twitch:1001:vip_add:90000102000047:177783243',
			data: { user: { id: '90000102000047', login: 'viewer_47', name: 'Émile47', picture: null } }
		},
		'vip-remove': {
			event_type: 'twitch:vip_remove',
			class: 'data',
			business_key: 'twitch:1001:vip_remove:90000102000049:177783243',
			data: { user: { id: '90000102000049', login: 'viewer_49', name: 'Émile49', picture: null } }
		},
		ban: {
			event_type: 'twitch:ban',
			class: 'data',
			business_key: 'twitch:1001:ban:90000102000051:2026-05-03T18:20:00.000Z',
			data: {
				user: { id: '90000102000051', login: 'viewer_51', name: 'Émile51', picture: null },
				banned_at: '2026-05-03T18:20:00.500500000Z',
				ends_at: '2026-05-03T18:30:00.500500000Z',
				moderator: { id: '1001', login: 'lumen', name: 'Lumen', picture: null },
				reason: '',
				is_permanent: false
			}
		},
		unban: {
			event_type: 'twitch:unban',
			class: 'data',
			business_key: 'twitch:1001:unban:90000102000053:177783243',
			data: {
				user: { id: '90000102000053', login: 'viewer_53', name: 'Émile53', picture: null },
				moderator: { id: '1001', login: 'lumen', name: 'Lumen', picture: null }
			}
		},
		'chat-message': {
			event_type: 'twitch:chat',
			class: 'data',
			business_key: 'twitch:chat:chat-f-55',
			data: {
				message_id: 'chat-f-55',
				user: { id: '90000102000055', login: 'viewer_55', name: 'Émile55', picture: null },
				message: 'hello number 55 lumenHi',
				fragments: [
					{ type: 'text', text: 'hello number 55 ', emote_id: null, bits: null },
					{ type: 'emote', text: 'lumenHi', emote_id: 'emotesv2_lumenhi', bits: null }
				],
				color: '#1E90FF',
				badges: [{ set: 'subscriber', id: '3', info: '22' }],
				kind: 'text',
				bits: null,
				reply_to: null,
				source: null
			}
		},
		'chat-message-delete': {
			event_type: 'twitch:chat_message_delete',
			class: 'data',
			business_key: 'twitch:1001:chat_message_delete:chat-f-57',
			data: {
				message_id: 'chat-f-57',
				user: { id: '90000102000057', login: 'viewer_57', name: 'Émile57', picture: null }
			}
		},
		'chat-clear': {
			event_type: 'twitch:chat_clear',
			class: 'data',
			business_key: 'twitch:1001:chat_clear:888916215',
			data: {}
		},
		'chat-clear-user-messages': {
			event_type: 'twitch:chat_clear_user_messages',
			class: 'data',
			business_key: 'twitch:1001:chat_clear_user:90000102000061:888916215',
			data: { user: { id: '90000102000061', login: 'viewer_61', name: 'Émile61', picture: null } }
		},
		'notice-sub': {
			event_type: 'twitch:subscribe',
			class: 'animated',
			business_key: 'twitch:1001:sub:90000102000063:1:29630540',
			data: {
				user: { id: '90000102000063', login: 'viewer_63', name: 'Émile63', picture: null },
				tier: 1,
				is_gift: false,
				is_prime: false,
				gifter: null
			}
		},
		'notice-resub': {
			event_type: 'twitch:resub',
			class: 'animated',
			business_key: 'twitch:1001:resub:90000102000065:46',
			data: {
				user: { id: '90000102000065', login: 'viewer_65', name: 'Émile65', picture: null },
				tier: 1,
				months: 46,
				is_prime: false,
				streak_months: null,
				duration_months: 1,
				message: 'resub number 65',
				emotes: []
			}
		},
		'notice-sub-gift': {
			event_type: 'twitch:gift_sub',
			class: 'animated',
			business_key: 'twitch:1001:notice:notice-f-67',
			data: {
				user: { id: '90000102000067', login: 'viewer_67', name: 'Émile67', picture: null },
				tier: 1,
				count: 1,
				total: null,
				recipients: [{ id: '86701', login: 'friend_67', name: 'Friend_67', picture: null }],
				gift_id: null
			}
		},
		'notice-community-sub-gift': {
			event_type: 'twitch:gift_sub',
			class: 'animated',
			business_key: 'twitch:1001:gift:90000102000069:253',
			data: {
				user: { id: '90000102000069', login: 'viewer_69', name: 'Émile69', picture: null },
				tier: 1,
				count: 5,
				total: 253,
				recipients: [],
				gift_id: 'bomb-f-69'
			}
		},
		'notice-gift-paid-upgrade': {
			event_type: 'twitch:sub_upgrade',
			class: 'animated',
			business_key: 'twitch:1001:notice:notice-f-71',
			data: {
				user: { id: '90000102000071', login: 'viewer_71', name: 'Émile71', picture: null },
				from: 'gift',
				tier: null,
				gifter: null
			}
		},
		'notice-prime-paid-upgrade': {
			event_type: 'twitch:sub_upgrade',
			class: 'animated',
			business_key: 'twitch:1001:notice:notice-f-73',
			data: {
				user: { id: '90000102000073', login: 'viewer_73', name: 'Émile73', picture: null },
				from: 'prime',
				tier: 1,
				gifter: null
			}
		},
		'notice-pay-it-forward': {
			event_type: 'twitch:pay_it_forward',
			class: 'data',
			business_key: 'twitch:1001:notice:notice-f-75',
			data: {
				user: { id: '90000102000075', login: 'viewer_75', name: 'Émile75', picture: null },
				gifter: null
			}
		},
		'notice-raid': {
			event_type: 'twitch:raid',
			class: 'animated',
			business_key: 'twitch:1001:raid:90000102000077:29630540',
			data: {
				user: { id: '90000102000077', login: 'viewer_77', name: 'Émile77', picture: null },
				viewers: 1501
			}
		},
		'notice-unraid': {
			event_type: 'twitch:raid_cancelled',
			class: 'data',
			business_key: 'twitch:1001:notice:notice-f-79',
			data: { user: { id: '90000102000079', login: 'viewer_79', name: 'Émile79', picture: null } }
		},
		'notice-announcement': {
			event_type: 'twitch:announcement',
			class: 'data',
			business_key: 'twitch:1001:notice:notice-f-81',
			data: {
				user: { id: '90000102000081', login: 'viewer_81', name: 'Émile81', picture: null },
				message: 'announcement number 81',
				fragments: [{ type: 'text', text: 'announcement number 81', emote_id: null, bits: null }],
				color: 'BLUE'
			}
		},
		'notice-bits-badge-tier': {
			event_type: 'twitch:bits_badge',
			class: 'data',
			business_key: 'twitch:1001:notice:notice-f-83',
			data: {
				user: { id: '90000102000083', login: 'viewer_83', name: 'Émile83', picture: null },
				bits: 1000
			}
		},
		'notice-charity-donation': {
			event_type: 'twitch:charity_donation',
			class: 'animated',
			business_key: 'twitch:1001:notice:notice-f-85',
			data: {
				user: { id: '90000102000085', login: 'viewer_85', name: 'Émile85', picture: null },
				charity: 'Lanterns for All',
				currency: 'EUR',
				amount: 25,
				message: ''
			}
		},
		'notice-watch-streak': {
			event_type: 'twitch:watch_streak',
			class: 'animated',
			business_key: 'twitch:1001:notice:notice-f-87',
			data: {
				user: { id: '90000102000087', login: 'viewer_87', name: 'Émile87', picture: null },
				streams: 32,
				message: 'watch streak number 87',
				points_awarded: 450
			}
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

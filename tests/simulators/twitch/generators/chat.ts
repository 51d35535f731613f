/**
 * Chat: messages, what removes them, and notifications of every kind. A notification has one object
 * for its notice and null for all others, as Twitch sends it.
 */
import {
	between,
	channel,
	person,
	pick,
	viewer,
	wordOf,
	type Fields,
	type Make,
	type Scene
} from './scene.ts';

const said = (text: string): Fields => ({
	text,
	fragments:
		text === '' ? [] : [{ type: 'text', text, cheermote: null, emote: null, mention: null }]
});

const notShared: Fields = {
	source_broadcaster_user_id: null,
	source_broadcaster_user_login: null,
	source_broadcaster_user_name: null,
	source_message_id: null,
	source_badges: null
};

const giver: Fields = {
	gifter_is_anonymous: null,
	gifter_user_id: null,
	gifter_user_login: null,
	gifter_user_name: null
};

/** Notice → what its object holds. Each also exists as `shared_chat_…`, with the same content. */
const notices = {
	sub: () => ({ sub_tier: '1000', is_prime: false, duration_months: 1 }),
	resub: ({ random }) => ({
		cumulative_months: between(2, 90, random),
		duration_months: 1,
		streak_months: null,
		sub_tier: '1000',
		is_prime: random() < 0.5,
		is_gift: false,
		...giver
	}),
	sub_gift: (scene) => ({
		duration_months: 1,
		cumulative_total: null,
		...person('recipient_user', `8${scene.n}01`, `friend_${scene.n}`, `Friend_${scene.n}`),
		sub_tier: '1000',
		community_gift_id: null
	}),
	community_sub_gift: (scene) => ({
		id: wordOf(scene, 'bomb'),
		total: 5,
		sub_tier: '1000',
		cumulative_total: between(5, 500, scene.random)
	}),
	gift_paid_upgrade: () => ({ ...giver, gifter_is_anonymous: true }),
	prime_paid_upgrade: () => ({ sub_tier: '1000' }),
	pay_it_forward: () => ({ ...giver, gifter_is_anonymous: true }),
	raid: (scene) => ({
		...viewer(scene),
		viewer_count: between(1, 3_000, scene.random),
		profile_image_url: 'https://static-cdn.jtvnw.net/jtv_user_pictures/raider-70x70.png'
	}),
	unraid: () => ({}),
	announcement: ({ random }) => ({ color: pick(['PRIMARY', 'BLUE', 'GREEN'], random) }),
	bits_badge_tier: () => ({ tier: 1_000 }),
	charity_donation: () => ({
		charity_name: 'Lanterns for All',
		amount: { value: 2_500, decimal_place: 2, currency: 'EUR' }
	}),
	watch_streak: ({ random }) => ({
		streak_count: between(3, 60, random),
		channel_points_awarded: 450
	})
} as const satisfies Record<string, Make>;

export type Notice = keyof typeof notices;
export const noticeTypes = Object.keys(notices).filter((name): name is Notice => name in notices);

const sharedNotices = ['sub', 'resub', 'sub_gift', 'community_sub_gift', 'gift_paid_upgrade']
	.concat(['prime_paid_upgrade', 'pay_it_forward', 'raid', 'announcement'])
	.map((name) => `shared_chat_${name}`);

/** Twitch says these when it has the text at all; else the message is empty. */
const withText: readonly Notice[] = ['resub', 'announcement', 'watch_streak'];

/** A `channel.chat.notification` of a kind. */
export function notice(kind: Notice, scene: Scene): Fields {
	const text = withText.includes(kind) ? `${kind.replace('_', ' ')} number ${scene.n}` : '';
	return {
		...channel(scene),
		...viewer(scene, 'chatter_user'),
		chatter_is_anonymous: false,
		color: '#8A2BE2',
		badges: [{ set_id: 'subscriber', id: '12', info: '14' }],
		system_message: `${kind.replaceAll('_', ' ')}!`,
		message_id: wordOf(scene, 'notice'),
		message: said(text),
		notice_type: kind,
		...Object.fromEntries([...noticeTypes, ...sharedNotices].map((name) => [name, null])),
		...notShared,
		[kind]: notices[kind](scene)
	};
}

export const chat = {
	'channel.chat.message': (scene) => ({
		...channel(scene),
		...viewer(scene, 'chatter_user'),
		message_id: wordOf(scene, 'chat'),
		message: {
			text: `hello number ${scene.n} lumenHi`,
			fragments: [
				{
					type: 'text',
					text: `hello number ${scene.n} `,
					cheermote: null,
					emote: null,
					mention: null
				},
				{
					type: 'emote',
					text: 'lumenHi',
					cheermote: null,
					emote: {
						id: 'emotesv2_lumenhi',
						emote_set_id: '301',
						owner_id: scene.channelId,
						format: ['static', 'animated']
					},
					mention: null
				}
			]
		},
		color: scene.random() < 0.3 ? '' : '#1E90FF',
		badges: [{ set_id: 'subscriber', id: '3', info: String(between(3, 40, scene.random)) }],
		message_type: 'text',
		cheer: null,
		reply: null,
		channel_points_custom_reward_id: null,
		channel_points_animation_id: null,
		...notShared,
		is_source_only: null
	}),
	'channel.chat.notification': (scene) =>
		notice(pick(['announcement', ...noticeTypes], scene.random), scene),
	'channel.chat.message_delete': (scene) => ({
		...channel(scene),
		...viewer(scene, 'target_user'),
		message_id: wordOf(scene, 'chat')
	}),
	'channel.chat.clear': (scene) => channel(scene),
	'channel.chat.clear_user_messages': (scene) => ({
		...channel(scene),
		...viewer(scene, 'target_user')
	})
} as const satisfies Record<string, Make>;

/**
 * What is asked of EventSub: one line for each type that Cuelight reads, in Twitch's spelling, with
 * what it takes (version, condition, consent) and what it becomes. Connecting, subscribing,
 * reconciling and the groups that people choose from all read this table.
 *
 * Source: dev.twitch.tv/docs/eventsub/eventsub-subscription-types.
 */
import type { EventType } from '../../bus/index.ts';

/** The keys of a condition; Cuelight fills each with the channel's own id. */
export type ConditionKey =
	'broadcaster_user_id' | 'to_broadcaster_user_id' | 'moderator_user_id' | 'user_id';

export const groupIds = [
	'follows',
	'subscriptions',
	'bits',
	'raids',
	'rewards',
	'hype_trains',
	'polls',
	'goals',
	'ads',
	'stream',
	'roles',
	'moderation',
	'chat'
] as const;
export type GroupId = (typeof groupIds)[number];

export interface EventSubType {
	readonly type: string;
	readonly version: string;
	readonly condition: readonly ConditionKey[];
	/** Any one of these consents is enough; the first is the one to ask for. Empty: none is needed. */
	readonly scopes: readonly string[];
	readonly group: GroupId;
	readonly eventTypes: readonly EventType[];
}

const channel = ['broadcaster_user_id'] as const;
const reader = ['broadcaster_user_id', 'user_id'] as const;

const redemptions = ['channel:read:redemptions', 'channel:manage:redemptions'];
const polls = ['channel:read:polls', 'channel:manage:polls'];
const predictions = ['channel:read:predictions', 'channel:manage:predictions'];
const roles = {
	moderators: ['moderation:read'],
	vips: ['channel:read:vips', 'channel:manage:vips']
};

type Line = readonly [
	type: string,
	version: string,
	condition: readonly ConditionKey[],
	scopes: readonly string[],
	group: GroupId,
	actions: readonly string[]
];

const lines: readonly Line[] = [
	[
		'channel.follow',
		'2',
		['broadcaster_user_id', 'moderator_user_id'],
		['moderator:read:followers'],
		'follows',
		['follower']
	],
	[
		'channel.subscribe',
		'1',
		channel,
		['channel:read:subscriptions'],
		'subscriptions',
		['subscribe', 'gift_sub']
	],
	[
		'channel.subscription.end',
		'1',
		channel,
		['channel:read:subscriptions'],
		'subscriptions',
		['subscription_end']
	],
	[
		'channel.subscription.gift',
		'1',
		channel,
		['channel:read:subscriptions'],
		'subscriptions',
		['gift_sub']
	],
	[
		'channel.subscription.message',
		'1',
		channel,
		['channel:read:subscriptions'],
		'subscriptions',
		['resub']
	],
	['channel.cheer', '1', channel, ['bits:read'], 'bits', ['cheer']],
	['channel.bits.use', '1', channel, ['bits:read'], 'bits', ['power_up']],
	['channel.raid', '1', ['to_broadcaster_user_id'], [], 'raids', ['raid']],
	...(['add', 'update'] as const).map((end): Line => [
		`channel.channel_points_custom_reward_redemption.${end}`,
		'1',
		channel,
		redemptions,
		'rewards',
		['reward']
	]),
	[
		'channel.channel_points_automatic_reward_redemption.add',
		'2',
		channel,
		redemptions,
		'rewards',
		['automatic_reward']
	],
	...(['begin', 'progress', 'end'] as const).flatMap((end): Line[] => {
		const action = (name: string) => (end === 'begin' ? name : `${name}_${end}`);
		return [
			[
				`channel.hype_train.${end}`,
				'2',
				channel,
				['channel:read:hype_train'],
				'hype_trains',
				[action('hype_train')]
			],
			[`channel.poll.${end}`, '1', channel, polls, 'polls', [action('poll')]],
			[`channel.prediction.${end}`, '1', channel, predictions, 'polls', [action('prediction')]],
			[`channel.goal.${end}`, '1', channel, ['channel:read:goals'], 'goals', [action('goal')]]
		];
	}),
	['channel.prediction.lock', '1', channel, predictions, 'polls', ['prediction_lock']],
	['channel.ad_break.begin', '1', channel, ['channel:read:ads'], 'ads', ['ad_break']],
	['stream.online', '1', channel, [], 'stream', ['stream_online']],
	['stream.offline', '1', channel, [], 'stream', ['stream_offline']],
	['channel.update', '2', channel, [], 'stream', ['stream_update']],
	...(['add', 'remove'] as const).flatMap((end): Line[] => [
		[`channel.moderator.${end}`, '1', channel, roles.moderators, 'roles', [`moderator_${end}`]],
		[`channel.vip.${end}`, '1', channel, roles.vips, 'roles', [`vip_${end}`]]
	]),
	['channel.ban', '1', channel, ['channel:moderate'], 'moderation', ['ban']],
	['channel.unban', '1', channel, ['channel:moderate'], 'moderation', ['unban']],
	['channel.chat.message', '1', reader, ['user:read:chat'], 'chat', ['chat']],
	[
		'channel.chat.notification',
		'1',
		reader,
		['user:read:chat'],
		'chat',
		[
			...['announcement', 'watch_streak', 'charity_donation', 'sub_upgrade', 'pay_it_forward'],
			// Told by other types too; chat adds who received which gift.
			...['bits_badge', 'raid_cancelled', 'subscribe', 'resub', 'gift_sub', 'raid']
		]
	],
	['channel.chat.message_delete', '1', reader, ['user:read:chat'], 'chat', ['chat_message_delete']],
	['channel.chat.clear', '1', reader, ['user:read:chat'], 'chat', ['chat_clear']],
	[
		'channel.chat.clear_user_messages',
		'1',
		reader,
		['user:read:chat'],
		'chat',
		['chat_clear_user_messages']
	]
];

export const eventSubTypes: readonly EventSubType[] = lines.map(
	([type, version, condition, scopes, group, actions]) => ({
		type,
		version,
		condition,
		scopes,
		group,
		eventTypes: actions.map((action) => `twitch:${action}`)
	})
);

/** The condition of a subscription to a channel by its owner, as it stands in the request. */
export const conditionOf = (
	{ condition }: EventSubType,
	channelId: string
): Record<string, string> => Object.fromEntries(condition.map((key) => [key, channelId]));

/** What to subscribe to: the types of the chosen groups that the consents allow. */
export const eventSubTypesFor = (
	groups: readonly string[],
	scopes: readonly string[]
): EventSubType[] =>
	eventSubTypes.filter(
		(one) =>
			groups.includes(one.group) &&
			(one.scopes.length === 0 || one.scopes.some((scope) => scopes.includes(scope)))
	);

/**
 * The EventSub types that the simulator knows: version, condition, consent. Written from
 * dev.twitch.tv/docs/eventsub/eventsub-subscription-types, not from the product's own table.
 */
export interface EventSubType {
	readonly version: string;
	/** Keys that must stand in the condition; `raid` takes exactly one of two instead. */
	readonly required: readonly string[];
	readonly optional: readonly string[];
	/** Any one of these consents is enough; empty: none is needed. */
	readonly scopes: readonly string[];
	/** The key of the condition that names whose consent it takes. */
	readonly consentOf: string;
	/** By webhook only, as it is about the program and not about a channel. */
	readonly webhookOnly: boolean;
}

const line = (scopes: readonly string[], rest: Partial<EventSubType> = {}): EventSubType => ({
	version: '1',
	required: ['broadcaster_user_id'],
	optional: [],
	scopes,
	consentOf: 'broadcaster_user_id',
	webhookOnly: false,
	...rest
});

const both = (thing: string) => [`channel:read:${thing}`, `channel:manage:${thing}`];
const subscriptions = line(['channel:read:subscriptions']);
const redemption = line(both('redemptions'), { optional: ['reward_id'] });
const train = line(['channel:read:hype_train'], { version: '2' });
const poll = line(both('polls'));
const prediction = line(both('predictions'));
const goal = line(['channel:read:goals']);
const stream = line([]);
const moderator = line(['moderation:read']);
const vip = line(both('vips'));
const ban = line(['channel:moderate']);
const chat = line(['user:read:chat'], {
	required: ['broadcaster_user_id', 'user_id'],
	consentOf: 'user_id'
});
const consent = line([], { required: ['client_id'], consentOf: 'client_id', webhookOnly: true });

export const eventSubTypes: Readonly<Record<string, EventSubType>> = {
	'channel.follow': line(['moderator:read:followers'], {
		version: '2',
		required: ['broadcaster_user_id', 'moderator_user_id'],
		consentOf: 'moderator_user_id'
	}),
	'channel.subscribe': subscriptions,
	'channel.subscription.end': subscriptions,
	'channel.subscription.gift': subscriptions,
	'channel.subscription.message': subscriptions,
	'channel.cheer': line(['bits:read']),
	'channel.bits.use': line(['bits:read']),
	'channel.raid': line([], {
		required: [],
		optional: ['to_broadcaster_user_id', 'from_broadcaster_user_id'],
		consentOf: 'to_broadcaster_user_id'
	}),
	'channel.channel_points_custom_reward_redemption.add': redemption,
	'channel.channel_points_custom_reward_redemption.update': redemption,
	'channel.channel_points_automatic_reward_redemption.add': line(both('redemptions'), {
		version: '2'
	}),
	'channel.hype_train.begin': train,
	'channel.hype_train.progress': train,
	'channel.hype_train.end': train,
	'channel.poll.begin': poll,
	'channel.poll.progress': poll,
	'channel.poll.end': poll,
	'channel.prediction.begin': prediction,
	'channel.prediction.progress': prediction,
	'channel.prediction.lock': prediction,
	'channel.prediction.end': prediction,
	'channel.goal.begin': goal,
	'channel.goal.progress': goal,
	'channel.goal.end': goal,
	'channel.ad_break.begin': line(['channel:read:ads']),
	'stream.online': stream,
	'stream.offline': stream,
	'channel.update': line([], { version: '2' }),
	'channel.moderator.add': moderator,
	'channel.moderator.remove': moderator,
	'channel.vip.add': vip,
	'channel.vip.remove': vip,
	'channel.ban': ban,
	'channel.unban': ban,
	'channel.chat.message': chat,
	'channel.chat.notification': chat,
	'channel.chat.message_delete': chat,
	'channel.chat.clear': chat,
	'channel.chat.clear_user_messages': chat,
	'user.authorization.grant': consent,
	'user.authorization.revoke': consent
};

/** Consents that may be asked for: those of the types, and those that only Helix needs. */
export const knownScopes: ReadonlySet<string> = new Set([
	...Object.values(eventSubTypes).flatMap(({ scopes }) => scopes),
	...['channel:manage:moderators', 'moderator:manage:banned_users', 'user:read:email'],
	...['user:bot', 'channel:bot', 'user:write:chat', 'chat:read', 'chat:edit'],
	...['user:read:follows', 'channel:manage:broadcast', 'channel:manage:ads', 'clips:edit'],
	...['moderator:read:chatters', 'moderator:read:shoutouts', 'moderator:read:banned_users'],
	...['channel:read:charity', 'moderator:read:moderators', 'moderator:read:vips']
]);

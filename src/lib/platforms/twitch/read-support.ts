/** Readers of follows, subscriptions, gifts, bits and raids. Keys: see the top of normalize.ts. */
import { foreignInstant } from '../platform.ts';
import * as events from './events-support.ts';
import * as external from './external-support.ts';
import { giftPart } from './gifts.ts';
import { purchasePart } from './purchases.ts';
import { raidPart } from './raids.ts';
import {
	asData,
	bucket,
	draft,
	fragmentsOf,
	reader,
	second,
	viewerIn,
	type Read
} from './reading.ts';

const follow = reader(external.Follow, (event, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const followed_at = foreignInstant(event.followed_at);
	return draft(
		notification,
		events.follower,
		{ user, followed_at },
		{
			business: followed_at === null ? null : ['follow', user.id, second(followed_at)],
			occurred_at: followed_at
		}
	);
});

const subscribe = reader(external.Subscribe, ({ tier, is_gift }, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const minute = bucket(notification.timestamp, 60);
	return draft(
		notification,
		events.subscribe,
		{ user, tier, is_gift, is_prime: null, gifter: null },
		is_gift
			? {
					business: ['received', user.id, String(tier), minute],
					...asData,
					part: giftPart(notification, { kind: 'received', user: user.id, tier })
				}
			: {
					business: ['sub', user.id, String(tier), minute],
					part: purchasePart(notification, { kind: 'subscribe', user: user.id, tier })
				}
	);
});

const subscriptionEnd = reader(external.Subscribe, ({ tier, is_gift }, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	return draft(
		notification,
		events.subscriptionEnd,
		{ user, tier, is_gift },
		{ business: ['sub_end', user.id, String(tier), bucket(notification.timestamp, 60)] }
	);
});

const gift = reader(external.SubscriptionGift, (event, notification) => {
	const user = event.is_anonymous ? null : viewerIn(notification.event);
	const { tier, total, cumulative_total } = event;
	return draft(
		notification,
		events.giftSub,
		{ user, tier, count: total, total: cumulative_total, recipients: [], gift_id: null },
		{
			business:
				user !== null && cumulative_total !== null ? ['gift', user.id, cumulative_total] : null,
			part: giftPart(notification, {
				...{ kind: 'gift', giver: user?.id ?? null, tier, count: total },
				total: user === null ? null : cumulative_total
			})
		}
	);
});

const resub = reader(external.SubscriptionMessage, (event, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const { tier, cumulative_months: months } = event;
	const message = event.message?.text ?? '';
	const data = {
		...{ user, tier, months },
		streak_months: event.streak_months,
		duration_months: event.duration_months,
		message,
		emotes: event.message?.emotes ?? [],
		is_prime: null
	};
	return draft(notification, events.resub, data, {
		business: [
			'resub',
			user.id,
			months === null ? `minute ${bucket(notification.timestamp, 60)}` : months
		],
		part: purchasePart(notification, {
			...{ kind: 'message', user: user.id, tier },
			has_message: message !== ''
		})
	});
});

const cheer = reader(external.Cheer, (event, notification) => {
	const user = event.is_anonymous ? null : viewerIn(notification.event);
	const { bits } = event;
	const message = event.message ?? '';
	// The key is bounded; texts that differ only after 200 characters within ten seconds do not occur.
	const text = message.slice(0, 200).toWellFormed();
	return draft(
		notification,
		events.cheer,
		{ user, bits, message },
		{
			business:
				user === null ? null : ['cheer', user.id, bits, bucket(notification.timestamp, 10), text],
			...(bits >= events.LARGE_CHEER ? { priority: 'high' as const } : {})
		}
	);
});

const bitsUse = reader(external.BitsUse, (event, notification) => {
	// Every cheer comes as channel.cheer too, which also tells of anonymous ones.
	if (event.type === 'cheer') return { ignored: 'channel.cheer tells of this cheer' };
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const { bits, message } = event;
	const text = message?.text ?? '';
	const kind = event.power_up?.type ?? 'custom';
	const data = {
		...{ user, bits, kind, title: event.custom_power_up?.title ?? null, message: text },
		emote_id: event.power_up?.emote?.id ?? null,
		fragments: fragmentsOf(message)
	};
	return draft(notification, events.powerUp, data, {
		business: [
			...['power_up', user.id, bits, kind, bucket(notification.timestamp, 10)],
			text.slice(0, 150).toWellFormed()
		]
	});
});

const raid = reader(external.Raid, ({ viewers }, notification) => {
	const user = viewerIn(notification.event, 'from_broadcaster_user');
	if (user === null) return 'from_broadcaster_user_id';
	// The same EventSub type also tells of our own raids on others: no alert on our screen.
	if (user.id === notification.channel_id) return { ignored: 'the channel raids another one' };
	return draft(
		notification,
		events.raid,
		{ user, viewers },
		{
			business: ['raid', user.id, bucket(notification.timestamp, 60)],
			part: raidPart(notification, user)
		}
	);
});

export const readers: readonly (readonly [type: string, read: Read])[] = [
	['channel.follow', follow],
	['channel.subscribe', subscribe],
	['channel.subscription.end', subscriptionEnd],
	['channel.subscription.gift', gift],
	['channel.subscription.message', resub],
	['channel.cheer', cheer],
	['channel.bits.use', bitsUse],
	['channel.raid', raid]
];

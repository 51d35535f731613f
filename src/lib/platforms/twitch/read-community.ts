/** Readers of channel points, roles and moderation. Keys: see the top of normalize.ts. */
import type { EventTypeDefinition, Viewer } from '../platform.ts';
import { foreignInstant } from '../platform.ts';
import * as events from './events-community.ts';
import * as external from './external-community.ts';
import {
	asData,
	bucket,
	draft,
	fragmentsOf,
	reader,
	second,
	viewerIn,
	type Notification,
	type Read
} from './reading.ts';

/** An update that comes later than this after the redemption never stands in for a missed `add`. */
const SAME_TIME_MS = 60_000;

/**
 * `add` and `update` tell of one redemption, under one key. An update that stands alone is shown
 * only at the time of the redemption (the `add` may still be on its way, or is lost): one for an
 * old redemption, or for one that was refunded, is known afterwards but no alert.
 */
const redemption = (isUpdate: boolean) =>
	reader(external.Redemption, (event, notification) => {
		const user = viewerIn(notification.event);
		if (user === null) return 'user_id';
		const { id, reward, status } = event;
		const redeemed_at = foreignInstant(event.redeemed_at);
		const age_ms =
			redeemed_at === null
				? Infinity
				: Date.parse(notification.timestamp) - Date.parse(redeemed_at);
		const isLate = isUpdate && (status === 'canceled' || age_ms > SAME_TIME_MS);
		return draft(
			notification,
			events.reward,
			{ user, reward, message: event.user_input ?? '', status },
			{
				business: ['redemption', id],
				external_id: id,
				occurred_at: redeemed_at,
				...(isLate ? asData : {})
			}
		);
	});

const automatic = reader(external.AutomaticRedemption, (event, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const { id, reward, message } = event;
	const data = {
		...{ user, kind: reward.type, cost: reward.channel_points },
		emote_id: reward.emote?.id ?? null,
		message: message?.text ?? '',
		fragments: fragmentsOf(message)
	};
	return draft(notification, events.automaticReward, data, {
		business: ['automatic_redemption', id],
		external_id: id,
		occurred_at: foreignInstant(event.redeemed_at)
	});
});

const role = (name: string, definition: EventTypeDefinition<{ user: Viewer }>) =>
	reader(external.Role, (_event, notification: Notification) => {
		const user = viewerIn(notification.event);
		if (user === null) return 'user_id';
		return draft(
			notification,
			definition,
			{ user },
			{ business: [name, user.id, bucket(notification.timestamp, 10)] }
		);
	});

const ban = reader(external.Ban, (event, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	const banned_at = foreignInstant(event.banned_at);
	const ends_at = foreignInstant(event.ends_at);
	const data = {
		...{ user, banned_at, ends_at },
		moderator: viewerIn(notification.event, 'moderator_user'),
		reason: event.reason ?? '',
		is_permanent: event.is_permanent ?? ends_at === null
	};
	return draft(notification, events.ban, data, {
		business: ['ban', user.id, second(banned_at ?? notification.timestamp)],
		occurred_at: banned_at ?? foreignInstant(notification.timestamp)
	});
});

const unban = reader(external.Role, (_event, notification) => {
	const user = viewerIn(notification.event);
	if (user === null) return 'user_id';
	return draft(
		notification,
		events.unban,
		{ user, moderator: viewerIn(notification.event, 'moderator_user') },
		{ business: ['unban', user.id, bucket(notification.timestamp, 10)] }
	);
});

export const readers: readonly (readonly [type: string, read: Read])[] = [
	['channel.channel_points_custom_reward_redemption.add', redemption(false)],
	['channel.channel_points_custom_reward_redemption.update', redemption(true)],
	['channel.channel_points_automatic_reward_redemption.add', automatic],
	['channel.moderator.add', role('moderator_add', events.moderatorAdd)],
	['channel.moderator.remove', role('moderator_remove', events.moderatorRemove)],
	['channel.vip.add', role('vip_add', events.vipAdd)],
	['channel.vip.remove', role('vip_remove', events.vipRemove)],
	['channel.ban', ban],
	['channel.unban', unban]
];

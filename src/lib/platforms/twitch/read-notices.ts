/**
 * Reader of what Twitch itself writes in chat: subscriptions, gifts and raids, which other types
 * tell too and which are put together with those (gifts.ts, purchases.ts, raids.ts), and what only
 * chat tells. Notices of other channels in a shared chat (`shared_chat_…`) are theirs, not ours.
 */
import type { z } from 'zod';
import type { Viewer } from '../platform.ts';
import * as chat from './events-chat.ts';
import * as support from './events-support.ts';
import * as external from './external-chat.ts';
import { giftPart } from './gifts.ts';
import { purchasePart } from './purchases.ts';
import { raidPart } from './raids.ts';
import {
	bucket,
	draft,
	fragmentsOf,
	reader,
	viewerIn,
	type Normalized,
	type Notification,
	type Read
} from './reading.ts';

interface Notice {
	readonly notification: Notification;
	readonly message_id: string;
	/** Who it is about; null: anonymous. */
	readonly user: Viewer | null;
	readonly message: z.output<typeof external.Notification>['message'];
	/** The object that stands under the notice's own name. */
	readonly fields: Record<string, unknown>;
}

/** A string names what is missing. */
type Tell = (notice: Notice) => Normalized | string;

/** Joins the shape of a notice's own object and what is made of it. */
const tell =
	<Told>(shape: z.ZodType<Told>, make: (told: Told, notice: Notice) => Normalized | string): Tell =>
	(notice) => {
		const told = shape.safeParse(notice.fields);
		return told.success
			? make(told.data, notice)
			: `the notice's ${told.error.issues[0]?.path.join('.') ?? 'content'}`;
	};

const makers: Readonly<Record<keyof typeof external.notices, Tell>> = {
	sub: tell(external.notices.sub, ({ sub_tier: tier, is_prime }, { notification, user }) => {
		if (user === null) return 'chatter_user_id';
		const minute = bucket(notification.timestamp, 60);
		return draft(
			notification,
			support.subscribe,
			{ user, tier, is_gift: false, is_prime, gifter: null },
			{
				business: ['sub', user.id, String(tier), minute],
				part: purchasePart(notification, { kind: 'chat_sub', user: user.id, tier })
			}
		);
	}),
	resub: tell(external.notices.resub, (told, { notification, user, message }) => {
		if (user === null) return 'chatter_user_id';
		const { sub_tier: tier, cumulative_months: months, is_prime } = told;
		const data = {
			...{ user, tier, months, is_prime },
			streak_months: told.streak_months,
			duration_months: told.duration_months,
			message: message?.text ?? '',
			emotes: emotesIn(message)
		};
		const { timestamp } = notification;
		return draft(notification, support.resub, data, {
			business: ['resub', user.id, months === null ? `minute ${bucket(timestamp, 60)}` : months],
			part: purchasePart(notification, {
				...{ kind: 'chat_resub', user: user.id, tier },
				has_message: data.message !== ''
			})
		});
	}),
	community_sub_gift: tell(external.notices.community_sub_gift, (told, { notification, user }) => {
		const { id: gift_id, sub_tier: tier, total: count, cumulative_total: total } = told;
		return draft(
			notification,
			support.giftSub,
			{ user, tier, count, total, recipients: [], gift_id },
			{
				business: user !== null && total !== null ? ['gift', user.id, total] : ['gift_id', gift_id],
				part: giftPart(notification, {
					...{ kind: 'chat_gift', giver: user?.id ?? null, tier, count, gift_id },
					total: user === null ? null : total
				})
			}
		);
	}),
	sub_gift: tell(external.notices.sub_gift, (told, { notification, user, fields, message_id }) => {
		const recipient = viewerIn(fields, 'recipient_user');
		if (recipient === null) return 'sub_gift.recipient_user_id';
		const { sub_tier: tier, cumulative_total, community_gift_id: gift_id } = told;
		// Of a gift to many, the gift itself tells the giver's total.
		const total = gift_id === null && user !== null ? cumulative_total : null;
		return draft(
			notification,
			support.giftSub,
			{ user, tier, count: 1, total, recipients: [recipient], gift_id },
			{
				business:
					user !== null && total !== null ? ['gift', user.id, total] : ['notice', message_id],
				part: giftPart(notification, {
					...{ kind: 'chat_received', user: recipient.id, giver: user?.id ?? null, tier },
					...{ gift_id, total }
				})
			}
		);
	}),
	raid: tell(
		external.notices.raid,
		({ viewer_count: viewers }, { notification, fields, user: chatter }) => {
			const user = viewerIn(fields) ?? chatter;
			if (user === null) return 'raid.user_id';
			return draft(
				notification,
				support.raid,
				{ user, viewers },
				{
					business: ['raid', user.id, bucket(notification.timestamp, 60)],
					part: raidPart(notification, user)
				}
			);
		}
	),
	gift_paid_upgrade: tell(
		external.notices.gift_paid_upgrade,
		({ gifter_is_anonymous }, { notification, user, fields, message_id }) => {
			if (user === null) return 'chatter_user_id';
			const gifter = gifter_is_anonymous ? null : viewerIn(fields, 'gifter_user');
			return draft(
				notification,
				support.subUpgrade,
				{ user, from: 'gift', tier: null, gifter },
				{ business: ['notice', message_id] }
			);
		}
	),
	prime_paid_upgrade: tell(
		external.notices.prime_paid_upgrade,
		({ sub_tier: tier }, { notification, user, message_id }) => {
			if (user === null) return 'chatter_user_id';
			return draft(
				notification,
				support.subUpgrade,
				{ user, from: 'prime', tier, gifter: null },
				{ business: ['notice', message_id] }
			);
		}
	),
	pay_it_forward: tell(
		external.notices.pay_it_forward,
		({ gifter_is_anonymous }, { notification, user, fields, message_id }) => {
			if (user === null) return 'chatter_user_id';
			const gifter = gifter_is_anonymous ? null : viewerIn(fields, 'gifter_user');
			return draft(
				notification,
				support.payItForward,
				{ user, gifter },
				{ business: ['notice', message_id] }
			);
		}
	),
	charity_donation: tell(
		external.notices.charity_donation,
		(told, { notification, user, message, message_id }) => {
			if (user === null) return 'chatter_user_id';
			const { value, decimal_place, currency } = told.amount;
			const data = {
				...{ user, charity: told.charity_name, currency },
				amount: value / 10 ** decimal_place,
				message: message?.text ?? ''
			};
			return draft(notification, support.charityDonation, data, {
				business: ['notice', message_id]
			});
		}
	),
	announcement: tell(
		external.notices.announcement,
		({ color }, { notification, user, message, message_id }) => {
			if (user === null) return 'chatter_user_id';
			return draft(
				notification,
				chat.announcement,
				{ user, message: message?.text ?? '', fragments: fragmentsOf(message), color },
				{ business: ['notice', message_id] }
			);
		}
	),
	watch_streak: tell(
		external.notices.watch_streak,
		(told, { notification, user, message, message_id }) => {
			if (user === null) return 'chatter_user_id';
			const data = {
				...{ user, streams: told.streak_count, message: message?.text ?? '' },
				points_awarded: told.channel_points_awarded
			};
			return draft(notification, chat.watchStreak, data, { business: ['notice', message_id] });
		}
	),
	bits_badge_tier: tell(
		external.notices.bits_badge_tier,
		({ tier: bits }, { notification, user, message_id }) => {
			if (user === null) return 'chatter_user_id';
			return draft(
				notification,
				chat.bitsBadge,
				{ user, bits },
				{ business: ['notice', message_id] }
			);
		}
	),
	unraid: tell(external.notices.unraid, (_told, { notification, user, message_id }) => {
		if (user === null) return 'chatter_user_id';
		return draft(notification, chat.raidCancelled, { user }, { business: ['notice', message_id] });
	})
};

/** The emotes of a resubscription's message, by position as other resubscriptions have them. */
function emotesIn(message: Notice['message']) {
	let begin = 0;
	return (message?.fragments ?? []).flatMap(({ text, emote }) => {
		const end = begin + text.length - 1;
		const found = emote?.id == null || end < begin ? [] : [{ id: emote.id, begin, end }];
		begin = end + 1;
		return found;
	});
}

const isKind = (name: string): name is keyof typeof makers => Object.hasOwn(makers, name);

export const notice: Read = reader(external.Notification, (event, notification) => {
	const { notice_type: name, message_id, message, chatter_is_anonymous } = event;
	if (!isKind(name)) return { ignored: `${name} is not a notice Cuelight reads` };
	const fields = external.NoticeFields.parse(notification.event[name]);
	const user = chatter_is_anonymous ? null : viewerIn(notification.event, 'chatter_user');
	return makers[name]({ notification, message_id, user, message, fields });
});

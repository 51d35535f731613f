/** Chat as Twitch sends it; people aside (`viewerIn`). */
import { z } from 'zod';
import {
	Count,
	Fields,
	flag,
	Id,
	list,
	Message,
	optional,
	optionalCount,
	optionalFlag,
	optionalId,
	optionalText,
	tier,
	Words
} from './external.ts';

const badges = list(z.object({ set_id: Words(100), id: Words(100), info: Words(100) }), 50);

export const ChatMessage = z.object({
	message_id: Id,
	message: Message,
	color: optionalText(20),
	badges,
	message_type: optionalText(50),
	cheer: optional(z.object({ bits: optionalCount })),
	reply: optional(Fields),
	source_message_id: optionalId
});
export const Reply = z.object({ parent_message_id: Id, parent_message_body: optionalText(1_000) });

export const MessageDelete = z.object({ message_id: Id });
export const Clear = z.object({});

export const Notification = z.object({
	message_id: Id,
	notice_type: Words(50),
	chatter_is_anonymous: flag,
	message: optional(Message)
});

/** What each kind of notice has beside that, under its own name. */
export const notices = {
	sub: z.object({ sub_tier: tier, is_prime: optionalFlag }),
	resub: z.object({
		sub_tier: tier,
		is_prime: optionalFlag,
		cumulative_months: optionalCount,
		streak_months: optionalCount,
		duration_months: optionalCount
	}),
	sub_gift: z.object({
		sub_tier: tier,
		cumulative_total: optionalCount,
		community_gift_id: optionalId
	}),
	community_sub_gift: z.object({
		id: Id,
		sub_tier: tier,
		total: Count,
		cumulative_total: optionalCount
	}),
	gift_paid_upgrade: z.object({ gifter_is_anonymous: flag }),
	prime_paid_upgrade: z.object({ sub_tier: tier }),
	pay_it_forward: z.object({ gifter_is_anonymous: flag }),
	raid: z.object({ viewer_count: Count }),
	unraid: z.object({}),
	announcement: z.object({ color: optionalText(20) }),
	bits_badge_tier: z.object({ tier: Count }),
	charity_donation: z.object({
		charity_name: Words(200),
		amount: z.object({
			value: Count,
			decimal_place: Count.pipe(z.int().max(6)).catch(0),
			currency: Words(10)
		})
	}),
	watch_streak: z.object({ streak_count: Count, channel_points_awarded: optionalCount })
} as const;

/** What stands under a notice's own name; nothing when it is missing. */
export const NoticeFields = Fields.catch({});

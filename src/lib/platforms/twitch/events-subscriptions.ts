/**
 * Subscriptions, resubscriptions and gifts.
 *
 * A gift of N subscriptions is one `twitch:gift_sub` with its recipients. A recipient whom Twitch
 * tells of too late, or who does not fit, is a `twitch:subscribe` of class `data`, which overlays
 * can count and list but never play.
 */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { ann, bo, count, cy, somebody, tier } from './events-parts.ts';

export const subscribe = defineEventType({
	type: 'twitch:subscribe',
	class: 'animated',
	title: 'Subscription',
	description: 'A viewer subscribed. Recipients of gifts come with the gift and are not shown.',
	duration_ms: 7_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		tier,
		is_gift: z.boolean(),
		/** Paid by Amazon Prime; null: not told. */
		is_prime: z.boolean().nullable(),
		/** Who gave it, where that is told. */
		gifter: somebody
	}),
	sample: { user: bo, tier: 1, is_gift: false, is_prime: null, gifter: null }
});

export const giftSub = defineEventType({
	type: 'twitch:gift_sub',
	class: 'animated',
	title: 'Gifted subscriptions',
	description: 'A viewer, named or anonymous, gave subscriptions to others.',
	duration_ms: 8_000,
	priority: 'high',
	data: z.object({
		/** null: the giver stays anonymous, or Twitch told of the gifts only. */
		user: somebody,
		tier,
		/** How many were given, whether or not all recipients are known. */
		count,
		/** All that this viewer ever gave in this channel; null when they hide it. */
		total: count.nullable(),
		/** Who received one, each once; those that Twitch tells of later come as `twitch:subscribe`. */
		recipients: z.array(Viewer),
		/** Twitch's name for the whole gift; known to chat only. */
		gift_id: z.string().nullable()
	}),
	sample: { user: bo, tier: 1, count: 2, total: 25, recipients: [ann, cy], gift_id: null }
});

export const resub = defineEventType({
	type: 'twitch:resub',
	class: 'animated',
	title: 'Resubscription',
	description: 'A viewer shared that they stay subscribed, mostly with a message.',
	duration_ms: 8_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		tier,
		/** Months in all, the new one included. */
		months: count.nullable(),
		/** Months without a break; null when the viewer does not share it. */
		streak_months: count.nullable(),
		/** Months paid for at once. */
		duration_months: count.nullable(),
		message: z.string(),
		/** Positions as Twitch gives them, which its documents do not define: search the text nearby. */
		emotes: z.array(z.object({ id: z.string(), begin: z.int(), end: z.int() })),
		/** Paid by Amazon Prime; null: not told. */
		is_prime: z.boolean().nullable()
	}),
	sample: {
		user: bo,
		tier: 2,
		months: 8,
		streak_months: 8,
		duration_months: 1,
		message: 'eight months already, hello everyone!',
		emotes: [],
		is_prime: null
	}
});

export const subscriptionEnd = defineEventType({
	type: 'twitch:subscription_end',
	class: 'data',
	title: 'Subscription ended',
	description: 'A subscription ran out.',
	duration_ms: null,
	priority: 'low',
	data: z.object({ user: Viewer, tier, is_gift: z.boolean() }),
	sample: { user: cy, tier: 1, is_gift: true }
});

export const subUpgrade = defineEventType({
	type: 'twitch:sub_upgrade',
	class: 'animated',
	title: 'Subscription continued',
	description: 'A viewer goes on paying for a subscription that was a gift or came with Prime.',
	duration_ms: 6_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		from: z.enum(['gift', 'prime']),
		tier,
		/** Who had given it; null for Prime and for anonymous givers. */
		gifter: somebody
	}),
	sample: { user: cy, from: 'gift', tier: 1, gifter: bo }
});

export const payItForward = defineEventType({
	type: 'twitch:pay_it_forward',
	class: 'data',
	title: 'Gift paid forward',
	description:
		'A viewer who had received a gift gives one; the gift itself is an event of its own.',
	duration_ms: null,
	priority: 'low',
	data: z.object({ user: Viewer, gifter: somebody }),
	sample: { user: cy, gifter: bo }
});

export const subscriptionTypes = [
	...[subscribe, giftSub, resub, subscriptionEnd, subUpgrade, payItForward]
];

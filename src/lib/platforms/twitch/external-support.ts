/** Follows, subscriptions, bits and raids as Twitch sends them; people aside (`viewerIn`). */
import { z } from 'zod';
import {
	Count,
	flag,
	Id,
	list,
	Message,
	optional,
	optionalCount,
	optionalId,
	optionalText,
	tier,
	Words
} from './external.ts';

export const Follow = z.object({ followed_at: optionalText(60) });

export const Subscribe = z.object({ tier, is_gift: flag });

export const SubscriptionGift = z.object({
	tier,
	total: Count,
	cumulative_total: optionalCount,
	is_anonymous: flag
});

export const SubscriptionMessage = z.object({
	tier,
	message: optional(
		z.object({
			text: optionalText(1_000),
			emotes: list(z.object({ begin: z.int(), end: z.int(), id: Id }), 200)
		})
	),
	cumulative_months: optionalCount,
	streak_months: optionalCount,
	duration_months: optionalCount
});

export const Cheer = z.object({
	is_anonymous: flag,
	message: optionalText(1_000),
	bits: Count.pipe(z.int().positive())
});

export const BitsUse = z.object({
	bits: Count,
	type: Words(50),
	message: optional(Message),
	power_up: optional(z.object({ type: Words(50), emote: optional(z.object({ id: optionalId })) })),
	custom_power_up: optional(z.object({ title: optionalText(300) }))
});

export const Raid = z.object({ viewers: Count });

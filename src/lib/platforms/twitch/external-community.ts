/** Channel points, roles and moderation as Twitch sends them; people aside (`viewerIn`). */
import { z } from 'zod';
import {
	Id,
	Message,
	optional,
	optionalCount,
	optionalFlag,
	optionalId,
	optionalText,
	Words
} from './external.ts';

export const Redemption = z.object({
	id: Id,
	user_input: optionalText(1_000),
	// The documents spell it both ways.
	status: optionalText(50).transform((status) => (status === 'cancelled' ? 'canceled' : status)),
	reward: z.object({
		id: optionalId,
		title: Words(300),
		cost: optionalCount,
		prompt: optionalText(1_000)
	}),
	redeemed_at: optionalText(60)
});

export const AutomaticRedemption = z.object({
	id: Id,
	reward: z.object({
		type: Words(100),
		channel_points: optionalCount,
		emote: optional(z.object({ id: optionalId }))
	}),
	message: optional(Message),
	redeemed_at: optionalText(60)
});

export const Role = z.object({});

export const Ban = z.object({
	reason: optionalText(500),
	banned_at: optionalText(60),
	ends_at: optionalText(60),
	is_permanent: optionalFlag
});

/**
 * What Twitch sends, in Twitch's spelling. Tolerant on purpose: Twitch adds fields without notice
 * and its own documents disagree about types. Only what an alert cannot do without
 * is demanded; anything else that is missing or of another type becomes null.
 *
 * Source: dev.twitch.tv/docs/eventsub/eventsub-subscription-types and handling-webhook-events.
 */
import { z } from 'zod';
import { foreignText } from '../platform.ts';

/** Ids are strings by the documents; some of their samples show numbers. */
const Id = z
	.union([z.string().min(1), z.int().nonnegative().transform(String)])
	.transform((id) => foreignText(id, 100));
/** Counts are integers by the documents; some of their samples show them quoted. */
const Count = z
	.union([
		z.int(),
		z
			.string()
			.regex(/^\d{1,15}$/)
			.transform(Number)
	])
	.pipe(z.int().nonnegative());

const optionalId = Id.nullish().catch(null).transform(orNull);
const optionalCount = Count.nullish().catch(null).transform(orNull);
const optionalFlag = z.union([z.boolean(), z.literal('true').transform(() => true)]).catch(false);
/** `max` also bounds what a row and a broadcast can grow to. */
const optionalText = (max: number) =>
	z
		.string()
		.transform((text) => foreignText(text, max))
		.nullish()
		.catch(null)
		.transform(orNull);

function orNull<Value>(value: Value | null | undefined): Value | null {
	return value ?? null;
}

const userFields = {
	user_id: optionalId,
	user_login: optionalText(100),
	user_name: optionalText(100)
};

/** `1000`, `2000`, `3000`; Prime is reported as `1000`. */
const tier = z
	.union([z.string(), z.int().transform(String)])
	.nullish()
	.catch(null)
	.transform(orNull);

export const Follow = z.object({ ...userFields, followed_at: optionalText(60) });

export const Subscribe = z.object({ ...userFields, tier, is_gift: optionalFlag });

export const SubscriptionGift = z.object({
	...userFields,
	tier,
	total: Count,
	cumulative_total: optionalCount,
	is_anonymous: optionalFlag
});

export const SubscriptionMessage = z.object({
	...userFields,
	tier,
	message: z
		.object({
			text: optionalText(1_000),
			emotes: z
				.array(z.object({ begin: z.int(), end: z.int(), id: Id }))
				.max(200)
				.nullish()
				.catch(null)
				.transform(orNull)
		})
		.nullish()
		.catch(null)
		.transform(orNull),
	cumulative_months: optionalCount,
	streak_months: optionalCount,
	duration_months: optionalCount
});

export const Cheer = z.object({
	...userFields,
	is_anonymous: optionalFlag,
	message: optionalText(1_000),
	bits: Count.pipe(z.int().positive())
});

export const Raid = z.object({
	from_broadcaster_user_id: optionalId,
	from_broadcaster_user_login: optionalText(100),
	from_broadcaster_user_name: optionalText(100),
	to_broadcaster_user_id: optionalId,
	viewers: Count
});

export const Redemption = z.object({
	...userFields,
	id: Id,
	user_input: optionalText(1_000),
	status: optionalText(50),
	reward: z.object({
		id: optionalId,
		title: z.string().transform((text) => foreignText(text, 300)),
		cost: optionalCount,
		prompt: optionalText(1_000)
	}),
	redeemed_at: optionalText(60)
});

/** What every webhook body has. `event` is read by its type's own schema above. */
export const Envelope = z.object({
	subscription: z.object({
		id: Id.catch('unknown'),
		type: z.string().min(1).max(200),
		status: z.string().max(200).catch('unknown'),
		condition: z.record(z.string(), z.unknown()).catch({})
	}),
	event: z.record(z.string(), z.unknown()).nullish().catch(null).transform(orNull),
	challenge: z.string().min(1).max(5_000).nullish().catch(null).transform(orNull)
});
export type Envelope = z.infer<typeof Envelope>;

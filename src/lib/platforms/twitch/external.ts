/**
 * What Twitch sends, in Twitch's spelling: the envelope of every message, and the pieces that the
 * events' own shapes (`external-*.ts`) are made of. Tolerant on purpose: Twitch adds fields without
 * notice and its own documents disagree about types. Only what an alert cannot do without is
 * demanded; anything else that is missing or of another type becomes null.
 *
 * Source: dev.twitch.tv/docs/eventsub/eventsub-subscription-types and handling-webhook-events.
 */
import { z } from 'zod';
import { foreignText } from '../platform.ts';

/** Ids are strings by the documents; some of their samples show numbers. */
export const Id = z
	.union([z.string().min(1), z.int().nonnegative().transform(String)])
	.transform((id) => foreignText(id, 100));
/** Counts are integers by the documents; some of their samples show them quoted. */
export const Count = z
	.union([
		z.int(),
		z
			.string()
			.regex(/^\d{1,15}$/)
			.transform(Number)
	])
	.pipe(z.int().nonnegative());
/** What must be there and be text. */
export const Words = (max: number) => z.string().transform((text) => foreignText(text, max));

export const optionalId = Id.nullish().catch(null).transform(orNull);
export const optionalCount = Count.nullish().catch(null).transform(orNull);
/** A count that stands at nought until it is told. */
export const countOrNought = Count.catch(0);
/** null: not told. */
export const optionalFlag = z
	.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')])
	.nullish()
	.catch(null)
	.transform(orNull);
export const flag = optionalFlag.transform((value) => value ?? false);
/** `max` also bounds what a row and a broadcast can grow to. */
export const optionalText = (max: number) =>
	z
		.string()
		.transform((text) => foreignText(text, max))
		.nullish()
		.catch(null)
		.transform(orNull);
/** Items that are not of the documented shape are left out, as is what is too many. */
export const list = <Item extends z.ZodType>(item: Item, max: number) =>
	z
		.array(z.unknown())
		.catch([])
		.transform((items) =>
			items.slice(0, max).flatMap((one) => {
				const parsed = item.safeParse(one);
				return parsed.success ? [parsed.data] : [];
			})
		);
/** An object that may be missing. */
export const optional = <Shape extends z.ZodType>(shape: Shape) =>
	shape.nullish().catch(null).transform(orNull);
/** An object in which people are looked for by their prefix (`viewerIn`). */
export const Fields = z.record(z.string(), z.unknown());

export function orNull<Value>(value: Value | null | undefined): Value | null {
	return value ?? null;
}

/** `1000`, `2000`, `3000`; Prime is reported as `1000`. */
export const tier = z
	.union([z.string(), z.int().transform(String)])
	.nullish()
	.catch(null)
	.transform((name) => (name && /^[1-9]000$/.test(name) ? Number(name[0]) : null));

/** Text with its pieces; chat, power-ups and automatic rewards have the same. */
export const Message = z.object({
	text: z.string().transform((text) => foreignText(text, 1_000)),
	fragments: list(
		z.object({
			type: Words(50),
			text: Words(1_000),
			emote: optional(z.object({ id: optionalId })),
			cheermote: optional(z.object({ bits: optionalCount }))
		}),
		200
	)
});

/** What every webhook body has. `event` is read by its type's own schema. */
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

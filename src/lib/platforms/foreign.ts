/**
 * Text, instants and documents of outsiders, made fit to store. A viewer who puts a forbidden
 * character into a message must not cost the streamer the alert: the character is replaced, the
 * fact is kept.
 */
import { Instant, JsonObject } from '../bus/index.ts';

/**
 * The text with U+0000 and lone surrogates replaced by U+FFFD (Postgres stores neither), cut to
 * `max` UTF-16 code units without splitting a character.
 */
export function foreignText(text: string, max: number): string {
	const storable = text.replaceAll('\u0000', '\ufffd').toWellFormed();
	if (storable.length <= max) return storable;
	const cut = storable.slice(0, max);
	return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

/**
 * The instant as the platform wrote it (fractions of any length are kept), or null when it is not
 * one: a wrong time of day is no reason to lose what happened.
 */
export function foreignInstant(value: unknown): string | null {
	const instant = Instant.safeParse(value);
	return instant.success && !Number.isNaN(Date.parse(instant.data)) ? instant.data : null;
}

/** The document if it can be stored as it came, otherwise null: `raw` is a copy, not the fact. */
export function storableDocument(value: unknown): JsonObject | null {
	const document = JsonObject.safeParse(value);
	return document.success ? document.data : null;
}

/**
 * Fields that several actions take. Addresses give text, bodies give JSON: where a query needs a
 * number or a list, both are read.
 */
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';

/** A query's `25` as a number; `10abc`, `1e3` and `+1` stay text and are refused. */
export const Count = (min: number, max: number) =>
	z.preprocess(
		(value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
		z.int().min(min).max(max)
	);

/** A query's `a,b` as a list. */
export const ListOf = <Item extends z.ZodType>(item: Item, max: number) =>
	z.preprocess(
		(value) => (typeof value === 'string' ? value.split(',') : value),
		z.array(item).min(1).max(max)
	);

/** An instant with its zone, within the years that Postgres and people both understand. */
export const Instant = z.iso
	.datetime({ offset: true })
	.refine((text) => !Number.isNaN(Date.parse(text)), 'is not a real date')
	.refine((text) => {
		const year = new Date(text).getUTCFullYear();
		return year >= 1970 && year < 2200;
	}, 'must be between 1970 and 2200');

/** A name that a person gives: one line, not blank. */
export const Name = Text(100)
	.trim()
	.min(1)
	.refine((text) => !/\p{Cc}/u.test(text), 'must not contain control characters');

/** The name of a platform, known here or not. */
export const PlatformName = z
	.string()
	.max(50)
	.regex(/^[a-z][a-z0-9_]*$/, 'must be the name of a platform, in lower case');

export const Id = z.uuid();

/** A list that is short by nature comes whole. */
export const listed = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) });

/**
 * What every element has. The box is `x, y, width, height` in its parent's units; rotation and
 * scale turn around `origin`, a fraction of the box (0.5, 0.5 = its middle).
 */
import { z } from 'zod';

export const ElementId = z
	.string()
	.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be a short name such as avatar or title-2');

const Coordinate = z.number().min(-20_000).max(20_000);
const Length = z.number().min(0).max(20_000);

export const base = {
	id: ElementId,
	/** For people; the layers panel shows it. */
	name: z.string().max(100),
	x: Coordinate,
	y: Coordinate,
	width: Length,
	height: Length,
	/** Degrees, clockwise. */
	rotation: z.number().min(-3600).max(3600).default(0),
	scale: z.number().min(0).max(100).default(1),
	alpha: z.number().min(0).max(1).default(1),
	origin: z
		.strictObject({ x: z.number().min(-10).max(10), y: z.number().min(-10).max(10) })
		.default({ x: 0.5, y: 0.5 }),
	/** Left out where this template variable has no value: a speech bubble without `message`. */
	needs: z.string().max(60).nullable().default(null),
	hidden: z.boolean().default(false),
	locked: z.boolean().default(false)
};

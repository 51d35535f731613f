import { z } from 'zod';
import { Fill, Shadow, Stroke } from '../../paint.ts';
import { base } from '../base.ts';

/** A filled outline: rectangle, ellipse, or a path in SVG's notation scaled to the box. */
export const ShapeElement = z.strictObject({
	...base,
	kind: z.literal('shape'),
	outline: z.discriminatedUnion('form', [
		z.strictObject({
			form: z.literal('rectangle'),
			radius: z.number().min(0).max(10_000).default(0)
		}),
		z.strictObject({ form: z.literal('ellipse') }),
		z.strictObject({
			form: z.literal('path'),
			/** Path commands and numbers only. */
			path: z
				.string()
				.max(20_000)
				.regex(/^[MmLlHhVvCcSsQqTtAaZz0-9eE\s,.+-]+$/, 'must be an SVG path'),
			/** The side of the square in which the path is drawn: 24 for most icons. */
			grid: z.number().positive().max(10_000)
		})
	]),
	fill: Fill.nullable(),
	stroke: Stroke.nullable().default(null),
	shadow: Shadow.nullable().default(null)
});
export type ShapeElement = z.infer<typeof ShapeElement>;

import { z } from 'zod';
import { Fill, Shadow, Stroke } from '../../paint.ts';
import { base } from '../base.ts';

/** Words on the screen: a template (see `template.ts`) set in one font, in one box. */
export const TextElement = z.strictObject({
	...base,
	kind: z.literal('text'),
	content: z.string().max(2000),
	font: z.string().min(1).max(100),
	size: z.number().min(4).max(1000),
	weight: z.int().min(100).max(900).default(400),
	italic: z.boolean().default(false),
	/** `upper` writes capitals, whatever the template gave. */
	letters: z.enum(['as_written', 'upper']).default('as_written'),
	letter_spacing: z.number().min(-50).max(200).default(0),
	/** Multiple of the size. */
	line_height: z.number().min(0.5).max(4).default(1.2),
	align: z.enum(['left', 'centre', 'right']).default('left'),
	vertical_align: z.enum(['top', 'middle', 'bottom']).default('middle'),
	/** Breaks lines at the box's width; otherwise one line for each line of the template. */
	wrap: z.boolean().default(false),
	/** Smallest size that text too long for its box may shrink to; then it ends in an ellipsis. */
	fit: z
		.strictObject({ smallest: z.number().min(4).max(1000) })
		.nullable()
		.default(null),
	fill: Fill,
	stroke: Stroke.nullable().default(null),
	shadow: Shadow.nullable().default(null)
});
export type TextElement = z.infer<typeof TextElement>;

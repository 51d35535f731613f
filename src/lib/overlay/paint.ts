/** What surfaces are made of: colours, fills, strokes, shadows. Shared by all element kinds. */
import { z } from 'zod';

/** Hexadecimal only (`#rgb`, `#rrggbb`, `#rrggbbaa`): nothing that a document says is ever CSS. */
export const Colour = z
	.string()
	.regex(/^#(?:[0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i, 'must be a colour such as #8b5cf6');
export type Colour = z.infer<typeof Colour>;

const Stop = z.strictObject({ at: z.number().min(0).max(1), colour: Colour });
const Stops = z.array(Stop).min(2).max(8);

export const Fill = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('solid'), colour: Colour }),
	/** Angle in degrees: 0 runs left to right, 90 top to bottom. */
	z.strictObject({
		type: z.literal('linear'),
		angle: z.number().min(-360).max(360),
		stops: Stops
	}),
	/** From the centre of the box to its edge; follows the box's proportions. */
	z.strictObject({ type: z.literal('radial'), stops: Stops })
]);
export type Fill = z.infer<typeof Fill>;

export const Stroke = z.strictObject({ colour: Colour, width: z.number().positive().max(200) });
export type Stroke = z.infer<typeof Stroke>;

export const Shadow = z.strictObject({
	colour: Colour,
	blur: z.number().min(0).max(200),
	x: z.number().min(-500).max(500).default(0),
	y: z.number().min(-500).max(500).default(0)
});
export type Shadow = z.infer<typeof Shadow>;

/** Shorthand for the commonest fill. */
export const solid = (colour: Colour): Fill => ({ type: 'solid', colour });

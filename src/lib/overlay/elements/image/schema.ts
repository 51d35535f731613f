import { z } from 'zod';
import { PictureAddress } from '../../address.ts';
import { Colour, Fill, Stroke } from '../../paint.ts';
import { base } from '../base.ts';

/**
 * A picture: a fixed one, or the viewer's. Where it cannot be had, the viewer's initials on a
 * colour of their own (the same for the same name), so that there is never a hole in the design.
 */
export const ImageElement = z.strictObject({
	...base,
	kind: z.literal('image'),
	source: z.discriminatedUnion('from', [
		z.strictObject({ from: z.literal('address'), address: PictureAddress }),
		z.strictObject({ from: z.literal('viewer') })
	]),
	/** `cover` fills the box and cuts what is over; `contain` shows all of the picture. */
	fit: z.enum(['cover', 'contain']).default('cover'),
	/** Corner radius; half the side or more makes a disc. */
	radius: z.number().min(0).max(10_000).default(0),
	stroke: Stroke.nullable().default(null),
	fallback: z
		.strictObject({ font: z.string().min(1).max(100), fill: Fill.nullable(), colour: Colour })
		.default({ font: 'sans-serif', fill: null, colour: '#ffffff' })
});
export type ImageElement = z.infer<typeof ImageElement>;

/** Import it through `elements/index.ts` only: the two need each other, and that one goes first. */
import { z } from 'zod';
import { base } from '../base.ts';
import { Element, type ElementInput } from '../index.ts';

const Own = z.strictObject({
	...base,
	kind: z.literal('group'),
	/** Cuts the children at the group's box, with this corner radius; null lets them stand out. */
	clip: z
		.strictObject({ radius: z.number().min(0).max(10_000).default(0) })
		.nullable()
		.default(null)
});

// A type cannot be inferred from a schema that contains itself: the children are spelled out.
export interface GroupElement extends z.infer<typeof Own> {
	children: Element[];
}
export interface GroupInput extends z.input<typeof Own> {
	children: ElementInput[];
}

/** Elements that move together, drawn from first (behind) to last (in front). */
export const GroupElement = z.strictObject({
	...Own.shape,
	get children(): z.ZodArray<z.ZodType<Element, ElementInput>> {
		return z.array(Element).max(200);
	}
});

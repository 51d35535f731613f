/** What the shapes of several event types have in common, and the viewers of their samples. */
import { z } from 'zod';
import { Viewer } from '../platform.ts';

/** 1, 2 or 3 (Prime counts as 1); null when Twitch names a tier that does not exist yet. */
export const tier = z.int().positive().nullable();
export const count = z.int().nonnegative();
/** As Twitch wrote it; null when it wrote none that is one. */
export const instant = z.string().nullable();

/** null: nobody in particular, or not told. */
export const somebody = Viewer.nullable();

/** A piece of a message: pictures and mentions stand where they were typed. */
export const Fragment = z.object({
	type: z.string(),
	text: z.string(),
	emote_id: z.string().nullable(),
	bits: count.nullable()
});

export const ann = { id: '2001', login: 'ann', name: 'Ann', picture: null };
export const bo = { id: '2002', login: 'bo', name: 'Bo', picture: null };
export const cy = { id: '2003', login: 'cy', name: 'Cy', picture: null };
export const dana = { id: '3001', login: 'dana', name: 'Dana', picture: null };

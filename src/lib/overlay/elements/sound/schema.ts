import { z } from 'zod';
import { LocalAddress } from '../../address.ts';
import { base } from '../base.ts';

/** A sound and when it starts. */
export const SoundCue = z.strictObject({
	address: LocalAddress,
	/** 1 leaves the file as it is; up to 4 makes it louder. */
	volume: z.number().min(0).max(4).default(1),
	/** Milliseconds after the play's first frame. */
	at_ms: z.int().min(0).max(120_000).default(0)
});
export type SoundCue = z.infer<typeof SoundCue>;

/** A sound among the elements: hidden and ordered with them, but without a picture. */
export const SoundElement = z.strictObject({
	...base,
	kind: z.literal('sound'),
	cue: SoundCue
});
export type SoundElement = z.infer<typeof SoundElement>;

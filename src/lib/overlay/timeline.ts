/**
 * How a variation moves: entrance, hold, exit. Our own format; no animation library is named in it.
 *
 * Values are relative to the element's place in the design: `x`, `y` and `rotation` are added,
 * `scale`, `scale_x`, `scale_y` and `alpha` multiply. So moving an element never breaks its motion.
 * Entrance and exit keep their length; the hold takes what the play's duration leaves (and when
 * that is less than nothing, entrance and exit shrink together).
 */
import { z } from 'zod';
import { ElementId } from './elements/base.ts';

export const easings = [
	'linear',
	/** Keeps the earlier value, then jumps. */
	'step',
	'sine_in',
	'sine_out',
	'sine_in_out',
	'quad_in',
	'quad_out',
	'quad_in_out',
	'cubic_in',
	'cubic_out',
	'cubic_in_out',
	'quart_in',
	'quart_out',
	'quart_in_out',
	'expo_in',
	'expo_out',
	'expo_in_out',
	'back_in',
	'back_out',
	'back_in_out',
	'elastic_out',
	'bounce_out'
] as const;
export const Easing = z.enum(easings);
export type Easing = z.infer<typeof Easing>;

/** The properties that move, and the value that leaves each as the design has it. */
export const neutral = {
	x: 0,
	y: 0,
	rotation: 0,
	scale: 1,
	scale_x: 1,
	scale_y: 1,
	alpha: 1
} as const;
export const Property = z.enum(['x', 'y', 'rotation', 'scale', 'scale_x', 'scale_y', 'alpha']);
export type Property = z.infer<typeof Property>;
/** An element's displacement from the design at one instant. */
export type Pose = Record<Property, number>;

export const Keyframe = z.strictObject({
	/** From the start of its part. */
	at_ms: z.int().min(0).max(120_000),
	value: z.number().min(-20_000).max(20_000),
	/** How the value is reached from the one before. */
	easing: Easing.default('linear')
});
export type Keyframe = z.infer<typeof Keyframe>;

export const Track = z.strictObject({
	element: ElementId,
	property: Property,
	keyframes: z
		.array(Keyframe)
		.min(1)
		.max(200)
		.refine(
			(frames) => frames.every((frame, i) => i === 0 || frame.at_ms > frames[i - 1]!.at_ms),
			'must be in order of time, one for each instant'
		)
});
export type Track = z.infer<typeof Track>;

const Tracks = z
	.array(Track)
	.max(500)
	.refine(
		(tracks) =>
			new Set(tracks.map((track) => `${track.element} ${track.property}`)).size === tracks.length,
		'must hold one track for each element and property'
	);

export const Timeline = z.strictObject({
	entrance: z.strictObject({ duration_ms: z.int().min(0).max(30_000), tracks: Tracks }),
	/** With `loop_ms` the tracks start over each so many milliseconds while the hold lasts. */
	hold: z.strictObject({
		loop_ms: z.int().min(100).max(120_000).nullable(),
		tracks: Tracks
	}),
	exit: z.strictObject({ duration_ms: z.int().min(0).max(30_000), tracks: Tracks })
});
export type Timeline = z.infer<typeof Timeline>;

/** A timeline that shows everything at once and takes it off at the end. */
export const still = (): Timeline => ({
	entrance: { duration_ms: 0, tracks: [] },
	hold: { loop_ms: null, tracks: [] },
	exit: { duration_ms: 0, tracks: [] }
});

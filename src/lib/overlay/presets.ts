/**
 * Ready-made movements. A preset writes plain keyframes into a timeline; documents keep those and
 * not the preset's name, so a preset may change without changing overlays made earlier.
 *
 * Entrances show something at their very first instant: an alert that starts from nothing looks
 * like an alert that is late.
 */
import type { Easing, Keyframe, Property, Track } from './timeline.ts';

interface When {
	/** From the start of the part. */
	at_ms?: number;
	duration_ms?: number;
}
/** A value and when it is reached. */
type Frame = [at_ms: number, value: number, easing?: Easing];

/** One track from a few frames. */
export function track(element: string, property: Property, frames: readonly Frame[]): Track {
	const keyframes: Keyframe[] = frames.map(([at_ms, value, easing = 'linear']) => ({
		at_ms: Math.round(at_ms),
		value,
		easing
	}));
	return { element, property, keyframes };
}

/** Holds the first value until `at`, then moves on to the second. */
function move(
	element: string,
	property: Property,
	[from, to]: [number, number],
	easing: Easing,
	{ at_ms = 0, duration_ms = 400 }: When
): Track {
	const start: Frame[] =
		at_ms > 0
			? [
					[0, from],
					[at_ms, from, 'step']
				]
			: [[0, from]];
	return track(element, property, [...start, [at_ms + duration_ms, to, easing]]);
}

export const entrances = {
	/** Comes from a distance and settles; the distance may be negative. */
	slide: (element: string, axis: 'x' | 'y', distance: number, when: When = {}): Track[] => [
		move(element, axis, [distance, 0], 'expo_out', when)
	],
	/** Grows past its size and back. */
	pop: (element: string, from: number, when: When = {}): Track[] => [
		move(element, 'scale', [from, 1], 'back_out', when)
	],
	fade: (element: string, from: number, when: When = {}): Track[] => [
		move(element, 'alpha', [from, 1], 'quad_out', when)
	],
	/** Opens sideways from its origin. */
	unfold: (element: string, from: number, when: When = {}): Track[] => [
		move(element, 'scale_x', [from, 1], 'expo_out', when)
	],
	/** Turns into place. */
	spin: (element: string, degrees: number, when: When = {}): Track[] => [
		move(element, 'rotation', [degrees, 0], 'back_out', when)
	]
};

export const exits = {
	slide: (element: string, axis: 'x' | 'y', distance: number, when: When = {}): Track[] => [
		move(element, axis, [0, distance], 'cubic_in', when)
	],
	shrink: (element: string, to: number, when: When = {}): Track[] => [
		move(element, 'scale', [1, to], 'back_in', when)
	],
	fade: (element: string, when: When = {}): Track[] => [
		move(element, 'alpha', [1, 0], 'quad_in', when)
	],
	fold: (element: string, when: When = {}): Track[] => [
		move(element, 'scale_x', [1, 0], 'expo_in', when)
	]
};

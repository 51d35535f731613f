import fc from 'fast-check';
import { expect, it } from 'vitest';
import { track } from '$lib/overlay/presets';
import { compose } from '$lib/overlay/score';
import { easings, type Pose } from '$lib/overlay/timeline';
import { play, rest } from './driver.ts';

const score = compose(
	{
		entrance: {
			duration_ms: 1000,
			tracks: [
				track('a', 'x', [
					[0, -100],
					[400, 0, 'expo_out']
				]),
				track('a', 'alpha', [
					[0, 0],
					[200, 1, 'step']
				])
			]
		},
		hold: {
			loop_ms: 700,
			tracks: [
				track('a', 'x', [
					[0, 50],
					[600, 90, 'sine_in_out']
				]),
				track('b', 'rotation', [
					[100, 0],
					[300, 45, 'back_out']
				])
			]
		},
		exit: {
			duration_ms: 500,
			tracks: [
				track('a', 'scale', [
					[0, 1],
					[500, 0, 'back_in']
				])
			]
		}
	},
	6000
);

/** Without what GSAP notes on the objects it moves. */
const only = ({ x, y, rotation, scale, scale_x, scale_y, alpha }: Pose): Pose => ({
	x,
	y,
	rotation,
	scale,
	scale_x,
	scale_y,
	alpha
});

function stand(shown = score): { poses: Map<string, Pose>; seek: (at: number) => Pose[] } {
	const poses = new Map([
		['a', rest()],
		['b', rest()]
	]);
	const playback = play(shown, poses);
	return {
		poses,
		seek(at) {
			playback.seek(at);
			return [...poses.values()].map((pose) => only(pose));
		}
	};
}

it('an instant has the same values however one came there', () => {
	const frames = fc
		.uniqueArray(
			fc.record({
				at_ms: fc.integer({ min: 0, max: 900 }),
				value: fc.integer({ min: -9, max: 9 }),
				easing: fc.constantFrom(...easings)
			}),
			{ selector: (frame) => frame.at_ms, minLength: 1, maxLength: 4 }
		)
		.map((all) => all.sort((a, b) => a.at_ms - b.at_ms));
	const tracks = frames.map((keyframes) => [{ element: 'a', property: 'x' as const, keyframes }]);
	const part = fc.record({ duration_ms: fc.integer({ min: 0, max: 900 }), tracks });
	const hold = fc.record({ loop_ms: fc.constantFrom(null, 300), tracks });
	const instants = fc.array(fc.integer({ min: -100, max: 2500 }), { minLength: 2, maxLength: 8 });
	fc.assert(
		fc.property(part, hold, part, instants, (entrance, hold, exit, times) => {
			const random = compose({ entrance, hold, exit }, 2000);
			const wandering = stand(random);
			const seen = times.map((at) => wandering.seek(at));
			expect(seen).toEqual(times.map((at) => stand(random).seek(at)));
		}),
		{ numRuns: 200 }
	);
});

const values: [at: number, property: keyof Pose, value: number][] = [
	[0, 'x', -100],
	[0, 'alpha', 0],
	[199, 'alpha', 0],
	[200, 'alpha', 1],
	[400, 'x', 0],
	[999, 'x', 0],
	[1000, 'x', 50],
	[1300, 'x', 70],
	[1699, 'x', 90],
	[1700, 'x', 50],
	[6000, 'scale', 0],
	[9000, 'scale', 0]
];
for (const [at, property, value] of values)
	it(`at ${at} ms ${property} is ${value}`, () => {
		expect(stand().seek(at)[0]![property]).toBeCloseTo(value, 1);
	});

it('nothing moves between two seeks, and what has no pose is left out', () => {
	const pose = rest();
	const playback = play(score, new Map([['a', pose]]));
	playback.seek(100);
	const seen = only(pose);
	playback.end();
	expect(only(pose)).toEqual(seen);
});

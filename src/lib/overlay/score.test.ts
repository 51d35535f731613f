import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { track } from './presets.ts';
import { compose, nextMotion } from './score.ts';
import { easings, Timeline } from './timeline.ts';

const timeline: Timeline = {
	entrance: {
		duration_ms: 1000,
		tracks: [
			track('a', 'x', [
				[0, -100],
				[400, 0, 'expo_out']
			])
		]
	},
	hold: {
		loop_ms: null,
		tracks: [
			track('a', 'x', [
				[500, 20],
				[600, 0]
			])
		]
	},
	exit: {
		duration_ms: 500,
		tracks: [
			track('a', 'x', [
				[100, 0, 'step'],
				[500, 300, 'cubic_in']
			])
		]
	}
};
const spans = (total: number) =>
	compose(timeline, total).lines[0]!.segments.map(
		({ start_ms, end_ms, from, to }) => `${start_ms}-${end_ms}: ${from} → ${to}`
	);

describe('compose', () => {
	it('gives the hold what the ends leave', () => {
		expect(spans(6000)).toEqual([
			'0-400: -100 → 0',
			'400-1000: 0 → 0',
			'1000-1500: 0 → 20',
			'1500-1600: 20 → 0',
			'1600-5500: 0 → 0',
			'5500-5600: 0 → 0',
			'5600-6000: 0 → 300'
		]);
	});

	it('leaves out what a short hold has no time for', () => {
		expect(spans(2100)).toContain('1000-1500: 0 → 20');
		expect(spans(2000)).not.toContain('1500-1600: 20 → 0');
	});

	it('shrinks entrance and exit together when there is no time for both', () => {
		expect(spans(750)).toEqual([
			'0-200: -100 → 0',
			'200-500: 0 → 0',
			'500-550: 0 → 0',
			'550-750: 0 → 300'
		]);
	});

	it('ends with the last value of the exit, however short the play', () => {
		for (let total = 500; total < 2500; total++)
			expect(compose(timeline, total).lines[0]!.segments.at(-1)?.to).toBe(300);
	});

	it('repeats a loop for as long as the hold lasts', () => {
		const looping = {
			...timeline,
			hold: {
				loop_ms: 1000,
				tracks: [
					track('b', 'alpha', [
						[0, 1],
						[500, 0.5],
						[1000, 1]
					])
				]
			}
		};
		const b = compose(looping, 4000).lines.find((line) => line.element === 'b')!;
		expect(b.segments.filter(({ from, to }) => from !== to)).toHaveLength(5);
		expect(b.segments[0]).toMatchObject({ start_ms: 0, end_ms: 1000, from: 1, to: 1 });
	});

	it('covers any play without holes, whatever the timeline', () => {
		const frames = fc
			.uniqueArray(
				fc.record({
					at_ms: fc.integer({ min: 0, max: 3000 }),
					value: fc.integer({ min: -9, max: 9 }),
					easing: fc.constantFrom(...easings)
				}),
				{ selector: (frame) => frame.at_ms, minLength: 1, maxLength: 6 }
			)
			.map((all) => all.sort((a, b) => a.at_ms - b.at_ms));
		const tracks = frames.map((keyframes) => [{ element: 'a', property: 'x' as const, keyframes }]);
		const part = fc.record({ duration_ms: fc.integer({ min: 0, max: 3000 }), tracks });
		fc.assert(
			fc.property(
				part,
				fc.record({ loop_ms: fc.option(fc.integer({ min: 100, max: 2000 })), tracks }),
				part,
				fc.integer({ min: 500, max: 120_000 }),
				(entrance, hold, exit, total) => {
					const { lines, motion } = compose(Timeline.parse({ entrance, hold, exit }), total);
					const holes = lines.flatMap(({ segments }) =>
						segments.filter(
							({ start_ms, end_ms }, i) =>
								end_ms <= start_ms ||
								start_ms !== (segments[i - 1]?.end_ms ?? 0) ||
								(i === segments.length - 1 && end_ms !== total)
						)
					);
					const overlaps = motion.filter(
						({ start_ms }, i) => start_ms <= (motion[i - 1]?.end_ms ?? -1)
					);
					expect([holes, overlaps]).toEqual([[], []]);
				}
			),
			{ numRuns: 300 }
		);
	});
});

describe('nextMotion', () => {
	const score = compose(timeline, 6000);
	const cases: [at: number, next: number | null][] = [
		[0, 0],
		[399, 399],
		[400, 1000],
		[1200, 1200],
		[1600, 5600],
		[5999, 5999],
		[6000, null]
	];
	for (const [at, next] of cases)
		it(`at ${at} the next frame is due at ${next}`, () => {
			expect(nextMotion(score, at)).toBe(next);
		});

	it('sees a jump, which takes no time', () => {
		const jump = {
			...timeline,
			hold: {
				loop_ms: null,
				tracks: [
					track('a', 'x', [
						[0, 5],
						[1, 5]
					])
				]
			}
		};
		expect(nextMotion(compose(jump, 6000), 500)).toBe(1000);
	});
});

/**
 * How the starter's alert moves. The lamp and the card's root are there in the very first frame;
 * what follows unfolds from them. While it is held only a light runs over the card now and then.
 */
import { entrances, exits, track } from '../presets.ts';
import type { Timeline } from '../timeline.ts';
import type { Act } from './acts.ts';
import { confetti } from './card.ts';

const ENTRANCE_MS = 1500;
const EXIT_MS = 520;
/** From beside the card's left edge to beside its right one. */
const SWEEP = 1260;

export function motion(act: Act): Timeline {
	const figure = act.figure === null ? ['motif'] : ['figure', 'unit'];
	return {
		entrance: {
			duration_ms: ENTRANCE_MS,
			tracks: [
				...entrances.slide('alert', 'y', -36, { duration_ms: 620 }),
				...entrances.pop('lamp', 0.62, { duration_ms: 520 }),
				...entrances.spin('ring', -210, { duration_ms: 1100 }),
				...entrances.fade('beam', 0.35, { duration_ms: 700 }),
				...entrances.unfold('card', 0.32, { at_ms: 40, duration_ms: 560 }),
				...rise('kicker', 160),
				...rise('who', 210),
				...rise('line', 280),
				...figure.flatMap((id, i) => [
					...entrances.pop(id, 0.4, { at_ms: 340 + i * 60, duration_ms: 420 }),
					...entrances.fade(id, 0, { at_ms: 340 + i * 60, duration_ms: 160 })
				]),
				...entrances.pop('badge', 0, { at_ms: 420, duration_ms: 380 }),
				...entrances.slide('bubble', 'y', -46, { at_ms: 480, duration_ms: 460 }),
				...entrances.fade('bubble', 0, { at_ms: 480, duration_ms: 220 }),
				track('shine', 'x', [
					[0, 0],
					[640, 0, 'step'],
					[ENTRANCE_MS, SWEEP, 'sine_in_out']
				]),
				...confetti.flatMap(([x, y], i) => burst(`bit-${i + 1}`, x - 100, y - 96, i))
			]
		},
		hold: {
			loop_ms: 3200,
			tracks: [
				track('shine', 'x', [
					[0, 0],
					[2200, 0, 'step'],
					[3200, SWEEP, 'sine_in_out']
				])
			]
		},
		exit: {
			duration_ms: EXIT_MS,
			tracks: [
				...['kicker', 'who', 'line', 'bubble'].flatMap((id) =>
					exits.fade(id, { duration_ms: 180 })
				),
				...exits.fold('card', { at_ms: 60, duration_ms: 360 }),
				...exits.fade('card', { at_ms: 320, duration_ms: 100 }),
				...exits.fade('beam', { duration_ms: 420 }),
				...exits.shrink('lamp', 0, { at_ms: 140, duration_ms: EXIT_MS - 140 })
			]
		}
	};
}

const rise = (id: string, at_ms: number) => [
	...entrances.slide(id, 'x', -34, { at_ms, duration_ms: 480 }),
	...entrances.fade(id, 0, { at_ms, duration_ms: 200 })
];

/** A bit of confetti: out of the lamp, away from its middle, and gone. */
function burst(id: string, dx: number, dy: number, i: number) {
	const at = 120 + (i % 4) * 45;
	return [
		track(id, 'x', [
			[0, -dx],
			[at, -dx, 'step'],
			[at + 820, dx * 0.45, 'expo_out']
		]),
		track(id, 'y', [
			[0, -dy],
			[at, -dy, 'step'],
			[at + 420, dy * 0.3, 'quad_out'],
			[at + 1000, dy * 0.4 + 46, 'quad_in']
		]),
		track(id, 'rotation', [
			[0, 0],
			[at + 1000, i % 2 === 0 ? 320 : -280, 'quad_out']
		]),
		track(id, 'alpha', [
			[0, 0],
			[at, 1, 'step'],
			[at + 560, 1, 'step'],
			[at + 1000, 0, 'quad_in']
		])
	];
}

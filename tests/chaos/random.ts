/** Seeded chance: one integer decides the whole run, so that a failing run can be run again. */
export interface Random {
	/** A number in [0, 1). */
	next(): number;
	/** A whole number in [min, max]. */
	between(min: number, max: number): number;
	chance(probability: number): boolean;
	pick<T>(items: readonly T[]): T;
}

/** mulberry32: 32 bits of state, good enough to choose moments. */
export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
	};
	const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
	return {
		next,
		between,
		chance: (probability) => next() < probability,
		pick: (items) => {
			const item = items[between(0, items.length - 1)];
			if (item === undefined) throw new Error('random.pick: the list is empty');
			return item;
		}
	};
}

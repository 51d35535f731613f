/**
 * How long to wait before trying again: doubling from `first_ms` to `most_ms`, moved by `spread`
 * (0 … 1) so that a thousand pages that lost the same server do not come back in the same instant.
 */
export function retryDelay(
	tries: number,
	spread: number,
	{ first_ms, most_ms }: { first_ms: number; most_ms: number }
): number {
	const ceiling = Math.min(most_ms, first_ms * 2 ** Math.min(tries, 20));
	return ceiling * (0.5 + spread / 2);
}

/**
 * A page's own number between 0 and 1, taken from its instance id: as good as chance among pages,
 * and the same in every replay of a test.
 */
export function spreadOf(instanceId: string): number {
	const digits = Number.parseInt(instanceId.replaceAll('-', '').slice(0, 8), 16);
	return Number.isNaN(digits) ? 0.5 : digits / 0xffffffff;
}

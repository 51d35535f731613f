/**
 * How much may still be asked, for each client and user, as the platform's answers tell. Whoever
 * asks while nothing is left waits until the bucket is full again, or hears how long that is.
 */
import type { Budget } from '$lib/platforms/connect.ts';

const REMEMBERED = 5_000;

interface Bucket {
	remaining: number;
	/** Milliseconds since 1970: platforms name instants. */
	reset_at: number;
}

export class Budgets {
	readonly #buckets = new Map<string, Bucket>();

	/** Takes one point; answers the milliseconds to wait before trying again, 0: it is yours. */
	take(name: string, now: Date): number {
		const bucket = this.#buckets.get(name);
		if (bucket === undefined) return 0;
		const wait = bucket.reset_at - now.getTime();
		if (wait <= 0) {
			this.#buckets.delete(name);
			return 0;
		}
		if (bucket.remaining <= 0) return wait;
		bucket.remaining -= 1;
		return 0;
	}

	/** Believes what an answer said. */
	learn(name: string, { remaining, reset_at }: Pick<Budget, 'remaining' | 'reset_at'>): void {
		const oldest = this.#buckets.keys().next();
		if (this.#buckets.size >= REMEMBERED && !oldest.done) this.#buckets.delete(oldest.value);
		this.#buckets.set(name, { remaining, reset_at: reset_at.getTime() });
	}
}

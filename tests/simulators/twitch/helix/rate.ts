/** Buckets of points, one for each program, or program and user; each call takes one. */
import type { Clock } from '../clock.ts';

export class RateLimit {
	/** Points for a minute. */
	limit = 800;
	readonly #buckets = new Map<string, { points: number; at: number }>();
	readonly #clock: Clock;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	take(name: string): { isAllowed: boolean; headers: Record<string, string> } {
		const now = this.#clock.now().getTime();
		const bucket = this.#buckets.get(name) ?? { points: this.limit, at: now };
		bucket.points = Math.min(this.limit, bucket.points + ((now - bucket.at) / 60_000) * this.limit);
		bucket.at = now;
		this.#buckets.set(name, bucket);
		const isAllowed = bucket.points >= 1;
		if (isAllowed) bucket.points -= 1;
		const full = now + ((this.limit - bucket.points) / this.limit) * 60_000;
		return {
			isAllowed,
			headers: {
				'ratelimit-limit': String(this.limit),
				'ratelimit-remaining': String(Math.floor(bucket.points)),
				'ratelimit-reset': String(Math.ceil(full / 1_000))
			}
		};
	}

	/** Leaves every bucket so many points. */
	leave(points: number): void {
		for (const bucket of this.#buckets.values()) bucket.points = points;
	}
}

/**
 * Counts failures for each key (an address, an e-mail) in a sliding window and says when there
 * were too many. It holds a bounded number of keys: the longest unused ones are forgotten first.
 */
import { AppError } from '$lib/bus/error.ts';

export interface LimiterOptions {
	/** Failures allowed within `window_ms`. */
	failures: number;
	window_ms: number;
	/** Monotonic milliseconds. */
	now: () => number;
	keys?: number;
}

export class FailureLimiter {
	readonly #options: Required<LimiterOptions>;
	readonly #failures = new Map<string, number[]>();

	constructor(options: LimiterOptions) {
		this.#options = { keys: 10_000, ...options };
	}

	/** Throws `too_many_requests` while the key has used up its failures. */
	check(key: string): void {
		const recent = this.#recent(key);
		if (recent.length < this.#options.failures) return;
		const wait = (recent[0] ?? 0) + this.#options.window_ms - this.#options.now();
		throw new AppError('too_many_requests', 'Too many failed attempts: wait a little.', {
			retryAfter: wait / 1000
		});
	}

	/** Remembers one failure. */
	fail(key: string): void {
		const recent = this.#recent(key);
		recent.push(this.#options.now());
		this.#failures.delete(key);
		this.#failures.set(key, recent.slice(-this.#options.failures));
		const oldest = this.#failures.keys().next();
		if (this.#failures.size > this.#options.keys && !oldest.done)
			this.#failures.delete(oldest.value);
	}

	/** Forgets a key's failures: it has shown that it knows the secret. */
	clear(key: string): void {
		this.#failures.delete(key);
	}

	#recent(key: string): number[] {
		const since = this.#options.now() - this.#options.window_ms;
		return (this.#failures.get(key) ?? []).filter((at) => at > since);
	}
}

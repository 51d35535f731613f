/**
 * When subscriptions are mended: what changes them is done one after the other, many who ask for a
 * comparison share one, and what could not be done is tried again, later each time, until it is.
 */
import type { Log } from '$lib/server/log.ts';
import type { SourceClock } from './clock.ts';
import { delayOf, SUBSCRIBES } from './policy.ts';

/** The first tries were made already, one by one. */
const TRIED = 3;

interface Parts {
	clock: SourceClock;
	chance: () => number;
	log: Log;
	/** Compares and mends; false: not everything is as it should be. */
	compare(): Promise<boolean>;
	/** It is time to try again. */
	retry(): void;
}

export class Mender {
	readonly #parts: Parts;
	#work: Promise<void> = Promise.resolve();
	#comparison: Promise<void> | null = null;
	#cancel: (() => void) | null = null;
	#dueAt = Infinity;
	#failures = 0;
	#isOver = false;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** Resolves when a comparison that began after this call is done. Never rejects. */
	compare(): Promise<void> {
		// One that has not begun serves everybody who asks meanwhile.
		return (this.#comparison ??= this.run(() => {
			this.#comparison = null;
			return this.#parts.compare();
		}));
	}

	/** Does this after what was asked for before; false or an error: a retry is due. Never rejects. */
	run(work: () => Promise<boolean>): Promise<void> {
		this.#work = this.#work.then(work).then(
			(isWhole) => this.#settle(isWhole),
			(error: unknown) => {
				this.#parts.log.error('subscriptions could not be mended', { error });
				this.#settle(false);
			}
		);
		return this.#work;
	}

	/** A retry is due after a while, or sooner if that was asked for before. */
	again(ms?: number): void {
		const { clock, chance, retry } = this.#parts;
		const delay = ms ?? delayOf(SUBSCRIBES, this.#failures + TRIED, chance());
		const at = clock.now() + delay;
		if (this.#isOver || at >= this.#dueAt) return;
		this.#cancel?.();
		this.#dueAt = at;
		this.#cancel = clock.after(delay, () => {
			this.#cancel = null;
			this.#dueAt = Infinity;
			retry();
		});
	}

	/** No retries any more; resolves when what was begun is done. */
	async close(): Promise<void> {
		this.#isOver = true;
		this.#cancel?.();
		await this.#work;
	}

	#settle(isWhole: boolean): void {
		if (isWhole) this.#failures = 0;
		else {
			this.#failures += 1;
			this.again();
		}
	}
}

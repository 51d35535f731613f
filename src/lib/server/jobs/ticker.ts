/**
 * Runs the server's fast loops, each at its own pace and never overlapping itself; what is slow is a
 * task of the scheduler. A loop that fails is tried again at its next turn; its error is logged when it begins and its recovery
 * when it ends, so that a database that is away for an hour makes two lines, not 3,600.
 */
import type { Log } from '$lib/server/log.ts';

export interface Loop {
	name: string;
	every_ms: number;
	run(): Promise<unknown>;
}

export class Ticker {
	readonly #log: Log;
	readonly #timers = new Map<string, NodeJS.Timeout>();
	readonly #running = new Set<Promise<void>>();
	readonly #failing = new Set<string>();
	#stopped = false;

	/** Starts every loop at once and then at its pace. */
	constructor(loops: readonly Loop[], log: Log) {
		this.#log = log;
		for (const loop of loops) this.#turn(loop);
	}

	#turn(loop: Loop): void {
		const turn = this.#run(loop).then(() => {
			this.#running.delete(turn);
			if (this.#stopped) return;
			this.#timers.set(
				loop.name,
				setTimeout(() => this.#turn(loop), loop.every_ms)
			);
		});
		this.#running.add(turn);
	}

	async #run(loop: Loop): Promise<void> {
		try {
			await loop.run();
			if (this.#failing.delete(loop.name))
				this.#log.info('a loop works again', { loop: loop.name });
		} catch (error) {
			if (this.#failing.has(loop.name) || this.#stopped) return;
			this.#failing.add(loop.name);
			this.#log.warn('a loop fails and will be tried again', { loop: loop.name, error });
		}
	}

	/** Stops; resolves when no loop runs any more. */
	async stop(): Promise<void> {
		this.#stopped = true;
		for (const timer of this.#timers.values()) clearTimeout(timer);
		await Promise.all(this.#running);
	}
}

/** The only place of the bus that knows real time and chance, for programs that bring none of their own. */

/** Resolves after `ms`, or at once when the signal says so. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal?.aborted) return resolve();
		const timer = globalThis.setTimeout(done, ms);
		function done() {
			globalThis.clearTimeout(timer);
			signal?.removeEventListener('abort', done);
			resolve();
		}
		signal?.addEventListener('abort', done);
	});
}

export const chance = (): number => Math.random();

/** Time for the Realtime server, injected so that tests advance it instead of waiting. */
export interface RealtimeClock {
	/** Milliseconds since the epoch; compared with tokens' `exp`. */
	now(): number;
	/** Runs `task` once after `ms`; the answer cancels it. */
	after(ms: number, task: () => void): () => void;
}

const LONGEST = 2 ** 31 - 1;

/** The machine's clock. Its timers never keep the process alive. */
export const systemClock: RealtimeClock = {
	now: () => Date.now(),
	after(ms, task) {
		const timer = setTimeout(task, Math.min(Math.max(0, ms), LONGEST));
		timer.unref();
		return () => clearTimeout(timer);
	}
};

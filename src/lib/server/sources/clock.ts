/** Time for sources, injected so that tests advance it instead of waiting. */
import { performance } from 'node:perf_hooks';

export interface SourceClock {
	/** Monotonic milliseconds: what durations run on. */
	now(): number;
	/** The calendar: what rows and lists speak of. */
	date(): Date;
	/** Runs `task` once after `ms`; the answer cancels it. */
	after(ms: number, task: () => void): () => void;
}

const LONGEST = 2 ** 31 - 1;

/** The machine's clock. Its timers never keep the process alive. */
export const systemClock: SourceClock = {
	now: () => performance.now(),
	date: () => new Date(),
	after(ms, task) {
		const timer = setTimeout(task, Math.min(Math.max(0, ms), LONGEST));
		timer.unref();
		return () => clearTimeout(timer);
	}
};

/** Resolves after `ms`, or at once when the signal aborts. */
export const rest = (clock: SourceClock, ms: number, signal: AbortSignal): Promise<void> =>
	new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const cancel = clock.after(ms, done);
		function done() {
			cancel();
			signal.removeEventListener('abort', done);
			resolve();
		}
		signal.addEventListener('abort', done);
	});

/**
 * Pulls the truth, one pull at a time. A call for a pull during a pull makes exactly one more
 * after it; a pull that fails is tried again, later each time, until one works.
 */
export type Schedule = (run: () => void, ms: number) => () => void;

export const schedule: Schedule = (run, ms) => {
	const timer = setTimeout(run, ms);
	return () => clearTimeout(timer);
};

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 10_000;

export class Puller {
	#pull: () => Promise<void>;
	#onFailure: (error: unknown) => void;
	#schedule: Schedule;
	#busy = false;
	#again = false;
	#failures = 0;
	#cancelRetry = () => {};

	constructor(
		pull: () => Promise<void>,
		onFailure: (error: unknown) => void,
		later: Schedule = schedule
	) {
		this.#pull = pull;
		this.#onFailure = onFailure;
		this.#schedule = later;
	}

	/** Asks for a pull. */
	want = (): void => {
		if (this.#busy) {
			this.#again = true;
			return;
		}
		this.#cancelRetry();
		void this.#run();
	};

	stop(): void {
		this.#cancelRetry();
		this.#again = false;
	}

	async #run(): Promise<void> {
		this.#busy = true;
		try {
			await this.#pull();
			this.#failures = 0;
		} catch (error) {
			this.#onFailure(error);
			const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
			this.#cancelRetry = this.#schedule(this.want, wait);
			this.#again = false;
		}
		this.#busy = false;
		if (!this.#again) return;
		this.#again = false;
		void this.#run();
	}
}

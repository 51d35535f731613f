/**
 * The simulator's time. It runs with the machine's, and tests move it on: `advance(30_000)` runs
 * everything that falls due within those thirty seconds, in order, at once.
 */
interface Due {
	readonly at: number;
	readonly run: () => void;
}

export class Clock {
	#offset = 0;
	#waiting = new Set<Due>();
	#timer: NodeJS.Timeout | undefined;
	/** What the timer waits for; Infinity: it waits for nothing. */
	#armedFor = Infinity;

	now = (): Date => new Date(Date.now() + this.#offset);

	/** Runs later, unless the answered function is called before. */
	after(ms: number, run: () => void): () => void {
		const due = { at: this.now().getTime() + ms, run };
		this.#waiting.add(due);
		if (due.at < this.#armedFor) this.#arm();
		return () => void this.#waiting.delete(due);
	}

	/** Lets so many milliseconds pass. */
	advance(ms: number): void {
		const until = this.now().getTime() + ms;
		try {
			for (let next = this.#first(); next !== undefined && next.at <= until; next = this.#first()) {
				this.#offset += Math.max(0, next.at - this.now().getTime());
				this.#waiting.delete(next);
				next.run();
			}
			this.#offset += Math.max(0, until - this.now().getTime());
		} finally {
			this.#arm();
		}
	}

	stop(): void {
		clearTimeout(this.#timer);
		this.#waiting.clear();
		this.#armedFor = -Infinity;
	}

	#first(): Due | undefined {
		let first: Due | undefined;
		for (const due of this.#waiting) if (first === undefined || due.at < first.at) first = due;
		return first;
	}

	#arm(): void {
		clearTimeout(this.#timer);
		const first = this.#first();
		this.#armedFor = first?.at ?? Infinity;
		if (first === undefined) return;
		this.#timer = setTimeout(
			() => this.advance(0),
			Math.min(Math.max(0, first.at - this.now().getTime()), 2 ** 31 - 1)
		);
		this.#timer.unref();
	}
}

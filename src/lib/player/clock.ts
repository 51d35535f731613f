/**
 * The only place of the player that knows real time. `now` is the monotonic clock in milliseconds:
 * the calendar jumps, and OBS stops animation frames of hidden sources, so neither may carry a
 * duration.
 *
 * Timers of a page hidden for minutes are held back to one a minute by Chromium, which would end
 * plays late and lose the lease; those of a worker are not. So the browser's clock lets a worker of
 * five lines do the waiting, and falls back to the page's own timers where no worker can start.
 */
export interface Clock {
	/** Milliseconds since some fixed moment; never goes back. */
	now(): number;
	/** Calls back once, `ms` from now. Returns how to call it off. */
	after(ms: number, callback: () => void): () => void;
}

/** The longest delay that browsers keep; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

const bounded = (ms: number): number => Math.min(LONGEST_DELAY_MS, Math.max(0, ms));

function pageClock(): Clock {
	return {
		now: () => performance.now(),
		after(ms, callback) {
			const timer = setTimeout(callback, bounded(ms));
			return () => clearTimeout(timer);
		}
	};
}

const WORKER_SOURCE = `
const timers = new Map();
onmessage = ({ data: { id, ms } }) => {
	clearTimeout(timers.get(id));
	timers.delete(id);
	if (ms !== null) timers.set(id, setTimeout(() => { timers.delete(id); postMessage(id); }, ms));
};`;

/** Monotonic time with timers that keep going while the page is hidden. Node and tests get plain timers. */
export function realClock(): Clock {
	const page = pageClock();
	if (typeof Worker === 'undefined' || typeof URL.createObjectURL !== 'function') return page;

	const waiting = new Map<number, { callback: () => void; due: number }>();
	let worker: Worker | null = null;
	let nextId = 0;

	const fire = (id: number) => {
		const timer = waiting.get(id);
		waiting.delete(id);
		timer?.callback();
	};
	const onPage = (id: number, due: number) => page.after(due - page.now(), () => fire(id));
	try {
		const address = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
		worker = new Worker(address);
		URL.revokeObjectURL(address);
	} catch {
		return page;
	}
	worker.onmessage = ({ data }) => fire(Number(data));
	// A content policy may refuse the worker only after it was made: hand its timers to the page.
	worker.onerror = () => {
		worker = null;
		for (const [id, { due }] of waiting) onPage(id, due);
	};

	return {
		now: page.now,
		after(ms, callback) {
			const id = nextId++;
			const due = page.now() + bounded(ms);
			waiting.set(id, { callback, due });
			if (worker) worker.postMessage({ id, ms: bounded(ms) });
			else onPage(id, due);
			return () => {
				if (waiting.delete(id)) worker?.postMessage({ id, ms: null });
			};
		}
	};
}

export interface ManualClock extends Clock {
	/** Moves time on and runs what falls due, in order, each at its own moment. */
	advance(ms: number): void;
	/** How many timers wait. */
	readonly pending: number;
}

/** A clock for tests: time stands still until it is moved. */
export function manualClock(start = 0): ManualClock {
	let now = start;
	let timers: { due: number; callback: () => void }[] = [];
	return {
		now: () => now,
		after(ms, callback) {
			const timer = { due: now + bounded(ms), callback };
			timers.push(timer);
			return () => {
				timers = timers.filter((other) => other !== timer);
			};
		},
		advance(ms) {
			const end = now + ms;
			for (;;) {
				const next = timers.reduce<(typeof timers)[number] | null>(
					(first, timer) =>
						timer.due <= end && (first === null || timer.due < first.due) ? timer : first,
					null
				);
				if (next === null) break;
				timers = timers.filter((timer) => timer !== next);
				now = Math.max(now, next.due);
				next.callback();
			}
			now = end;
		},
		get pending() {
			return timers.length;
		}
	};
}

/**
 * Between a source and the door that takes what it brings. A socket cannot be asked to send again,
 * so what came is held here until it is stored:
 *
 * - in order, several at a time, so that many share one commit;
 * - a database that is away is asked again, later each time, from the first that is not known to be
 *   stored; that others after it were is harmless, as their keys are known;
 * - what waits is bounded: beyond it the newest are dropped, counted and told, never silently.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Log } from '$lib/server/log.ts';
import { rest, type SourceClock } from './clock.ts';
import { delayOf, STORES } from './policy.ts';

const CAPACITY = 20_000;
const AT_ONCE = 250;
/** One that fails so often although the database is there costs itself and nothing else. */
const TRIES = 10;

export interface IntakeParts<Item, Taken> {
	take(item: Item): Promise<Taken>;
	/** After it was stored, in order. */
	onTaken(item: Item, taken: Taken): void;
	/** What waits went from bad to good or the other way, or something was dropped. */
	onChange(): void;
	/** All that waited is stored, but some were dropped meanwhile. */
	onGap(): void;
	clock: SourceClock;
	chance: () => number;
	log: Log;
	capacity?: number;
}

export class Intake<Item, Taken> {
	readonly #parts: IntakeParts<Item, Taken>;
	readonly #capacity: number;
	readonly #stop = new AbortController();
	#waiting: Item[] = [];
	#run: Promise<void> | null = null;
	#dropped = 0;
	#hasGap = false;
	/** How often the first of those that wait has failed by a fault of its own. */
	#faults = 0;
	#isAway = false;

	constructor(parts: IntakeParts<Item, Taken>) {
		this.#parts = parts;
		this.#capacity = parts.capacity ?? CAPACITY;
	}

	get waiting(): number {
		return this.#waiting.length;
	}

	/** How many were dropped because too many waited. */
	get dropped(): number {
		return this.#dropped;
	}

	/** Whether the database could not be reached at the last try. */
	get isAway(): boolean {
		return this.#isAway;
	}

	put(item: Item): void {
		if (this.#waiting.length >= this.#capacity) {
			this.#dropped += 1;
			this.#hasGap = true;
			if (this.#dropped === 1)
				this.#parts.log.error('events are dropped: too many wait for the database', {
					waiting: this.#waiting.length
				});
			this.#parts.onChange();
			return;
		}
		this.#waiting.push(item);
		this.#run ??= this.#drain();
	}

	/** What was dropped is known to whom it concerns: counted anew. */
	acknowledge(): void {
		if (this.#dropped === 0) return;
		this.#dropped = 0;
		this.#parts.onChange();
	}

	/** Resolves when nothing waits, or the intake is closed. */
	async idle(): Promise<void> {
		while (this.#run !== null) await this.#run;
	}

	/** Gives what waits one last try, then lets go of it. */
	async close(): Promise<void> {
		this.#stop.abort();
		await this.idle();
		if (this.#waiting.length > 0)
			this.#parts.log.error('events were not stored before the end', {
				waiting: this.#waiting.length
			});
	}

	async #drain(): Promise<void> {
		const { clock, chance, log } = this.#parts;
		let failures = 0;
		// What arrives in the same turn shares a batch.
		await Promise.resolve();
		while (this.#waiting.length > 0) {
			if (await this.#send()) {
				failures = 0;
				if (this.#isAway) log.info('events are stored again');
				this.#away(false);
				continue;
			}
			failures += 1;
			if (failures === 1) log.warn('events wait for the database', { waiting: this.waiting });
			this.#away(true);
			if (this.#stop.signal.aborted) break;
			await rest(clock, delayOf(STORES, failures, chance()), this.#stop.signal);
		}
		// In the same turn as the last look at what waits: what comes next begins anew.
		this.#run = null;
		if (!this.#hasGap || this.#stop.signal.aborted) return;
		this.#hasGap = false;
		this.#parts.onGap();
	}

	#away(isAway: boolean): void {
		if (this.#isAway === isAway) return;
		this.#isAway = isAway;
		this.#parts.onChange();
	}

	/** Takes the next ones; false when the database was away. */
	async #send(): Promise<boolean> {
		const { take, onTaken } = this.#parts;
		const batch = this.#waiting.slice(0, AT_ONCE);
		const results = await Promise.allSettled(batch.map((item) => take(item)));
		let done = 0;
		for (const [index, result] of results.entries()) {
			const item = batch[index];
			if (item === undefined) break;
			if (result.status === 'fulfilled') onTaken(item, result.value);
			else if (!this.#isForGood(result.reason, index === 0)) break;
			done += 1;
		}
		this.#waiting.splice(0, done);
		if (done > 0) this.#faults = 0;
		return done === batch.length;
	}

	/** Whether it is of no use to try this again. `isFirst`: it alone stands in the way. */
	#isForGood(error: unknown, isFirst: boolean): boolean {
		if (error instanceof AppError && error.code === 'unavailable') return false;
		const isRefused = error instanceof AppError && error.status < 500;
		if (!isRefused && isFirst) this.#faults += 1;
		if (!isRefused && !(isFirst && this.#faults >= TRIES)) return false;
		this.#parts.log.error('an event was refused', { error });
		return true;
	}
}

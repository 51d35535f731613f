/**
 * Runs the slow tasks of the server, on one ticker for all. What is due, and whose it is, stands in
 * the database (app.tasks): several processes on one database share the work and never run one task
 * twice at a time. Promises:
 *
 * - A claimed task is held by a lease that every tick renews. A process that dies renews nothing:
 *   within `LEASE_S` its tasks are free again.
 * - A process that was silent for longer than its lease (frozen, database away) has lost its tasks:
 *   their `signal` aborts, and what they report is not believed.
 * - A failure is tried again, later each time, and logged when it begins and when it ends: a task
 *   that fails for a day makes two lines.
 */
import { randomUUID } from 'node:crypto';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	claimTasks,
	finishTask,
	registerTasks,
	releaseTask,
	renewTasks
} from '$lib/server/backend/statements/tasks.ts';
import type { Log } from '$lib/server/log.ts';

export interface Task {
	/** Stable: `reconcile`, `purge_fetch_log`; lower case with underscores. */
	readonly name: string;
	/** For people: what it is for. */
	readonly title: string;
	readonly interval_s: number;
	/** Does the work. Ends soon after `signal` aborts; what it throws is the task's last error. */
	run(signal: AbortSignal): Promise<unknown>;
}

const TICK_MS = 15_000;
/** Four ticks: a slow database may miss some. */
const LEASE_S = 60;
/** Tasks of one process at a time. */
const AT_ONCE = 4;

interface Parts {
	sql: Sql;
	tasks: readonly Task[];
	log: Log;
	/** Instead of the database's clock. */
	now?: () => Date;
}

export class Scheduler {
	readonly #parts: Parts;
	readonly #owner = randomUUID();
	readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>();
	#timer: NodeJS.Timeout | null = null;
	#turn: Promise<void> | null = null;
	#isRegistered = false;
	#isFailing = false;
	#stopped = false;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** Starts the ticker; the first tick is now. */
	start(): void {
		this.nudge();
	}

	/** Looks for due tasks now: for a task that was just asked for. */
	nudge(): void {
		if (this.#stopped) return;
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.nudge(), TICK_MS);
		void this.tick();
	}

	/** One tick: renews what runs, takes what is due. Never throws, never overlaps itself. */
	tick(): Promise<void> {
		this.#turn ??= this.#tick().finally(() => (this.#turn = null));
		return this.#turn;
	}

	/** Resolves when nothing runs that runs now. */
	async idle(): Promise<void> {
		await Promise.all([...this.#running.values()].map(({ done }) => done));
	}

	/** Stops; resolves when no task runs any more. What was broken off is free for others. */
	async stop(): Promise<void> {
		this.#stopped = true;
		if (this.#timer !== null) clearTimeout(this.#timer);
		for (const { stop } of this.#running.values()) stop.abort();
		await this.#turn;
		await this.idle();
	}

	async #tick(): Promise<void> {
		const { sql, tasks, log, now } = this.#parts;
		try {
			if (!this.#isRegistered) await registerTasks(sql, tasks, now?.());
			this.#isRegistered = true;
			await this.#renew();
			const free = AT_ONCE - this.#running.size;
			if (free > 0 && !this.#stopped) {
				const names = tasks.map(({ name }) => name).filter((name) => !this.#running.has(name));
				const claimed = await claimTasks(sql, this.#owner, names, free, LEASE_S, now?.());
				for (const name of claimed) this.#begin(name);
			}
			if (this.#isFailing) log.info('the scheduler works again');
			this.#isFailing = false;
		} catch (error) {
			if (!this.#isFailing && !this.#stopped)
				log.warn('the scheduler cannot reach the database; it goes on trying', { error });
			this.#isFailing = true;
		}
	}

	async #renew(): Promise<void> {
		const { sql, log, now } = this.#parts;
		if (this.#running.size === 0) return;
		const mine = [...this.#running.keys()];
		const kept = await renewTasks(sql, this.#owner, mine, LEASE_S, now?.());
		for (const name of mine.filter((name) => !kept.includes(name))) {
			const run = this.#running.get(name);
			// Ended while the database answered: nothing is lost.
			if (run === undefined || run.stop.signal.aborted) continue;
			log.warn('a task was lost: this process was silent for longer than its lease', {
				task: name
			});
			run.stop.abort();
		}
	}

	#begin(name: string): void {
		const task = this.#parts.tasks.find((task) => task.name === name);
		if (task === undefined) return;
		const stop = new AbortController();
		const done = this.#run(task, stop.signal).finally(() => {
			this.#running.delete(name);
			// There may be more than could be taken at once.
			if (!this.#stopped && this.#timer !== null) this.nudge();
		});
		this.#running.set(name, { stop, done });
		if (this.#stopped) stop.abort();
	}

	async #run(task: Task, signal: AbortSignal): Promise<void> {
		const { sql, log, now } = this.#parts;
		const began = performance.now();
		let failure: unknown = null;
		try {
			await task.run(signal);
		} catch (error) {
			failure = error ?? new Error('It failed without a reason.');
		}
		const took = Math.round(performance.now() - began);
		try {
			if (signal.aborted) return await releaseTask(sql, this.#owner, task.name, now?.());
			const said =
				failure === null ? null : failure instanceof Error ? failure.message : String(failure);
			const ended = await finishTask(sql, this.#owner, task.name, said, took, now?.());
			if (ended === null) return;
			if (failure !== null && ended.failures_before === 0)
				log.warn('a task fails and will be tried again', { task: task.name, error: failure });
			if (failure === null && ended.failures_before > 0)
				log.info('a task works again', { task: task.name });
		} catch (error) {
			// Its lease ends by itself; then it is run again.
			log.debug('a task ended and could not say so', { task: task.name, error });
		}
	}
}

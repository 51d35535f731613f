/**
 * Runs the server's recurring tasks, each at its own pace and never overlapping itself. A task
 * that fails is tried again at its next turn; its error is logged when it begins and its recovery
 * when it ends, so that a database that is away for an hour makes two lines, not 3,600.
 */
import type { Log } from '$lib/server/log.ts';

export interface Task {
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

	/** Starts every task at once and then at its pace. */
	constructor(tasks: readonly Task[], log: Log) {
		this.#log = log;
		for (const task of tasks) this.#turn(task);
	}

	#turn(task: Task): void {
		const turn = this.#run(task).then(() => {
			this.#running.delete(turn);
			if (this.#stopped) return;
			this.#timers.set(
				task.name,
				setTimeout(() => this.#turn(task), task.every_ms)
			);
		});
		this.#running.add(turn);
	}

	async #run(task: Task): Promise<void> {
		try {
			await task.run();
			if (this.#failing.delete(task.name))
				this.#log.info('a task works again', { task: task.name });
		} catch (error) {
			if (this.#failing.has(task.name) || this.#stopped) return;
			this.#failing.add(task.name);
			this.#log.warn('a task fails and will be tried again', { task: task.name, error });
		}
	}

	/** Stops; resolves when no task runs any more. */
	async stop(): Promise<void> {
		this.#stopped = true;
		for (const timer of this.#timers.values()) clearTimeout(timer);
		await Promise.all(this.#running);
	}
}

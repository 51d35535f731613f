/** The server's tasks, looked at again and again while someone watches: they run without a message. */
import { ApiError, type Api } from './api.ts';
import { Puller, schedule, type Schedule } from './puller.ts';
import type { Task } from './tasks-answers.ts';

const LOOK_MS = 5_000;
/** One that runs is over in a moment. */
const LOOK_SOON_MS = 1_000;

export interface TasksOptions {
	api: Pick<Api, 'tasks' | 'runTask' | 'enableTask'>;
	later?: Schedule;
}

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class Tasks {
	/** Null until the first answer. */
	items: Task[] | null = $state.raw(null);
	error: ApiError | null = $state.raw(null);
	/** The name of the task that a command was given to and has not answered. */
	busy: string | null = $state(null);
	commandError: ApiError | null = $state.raw(null);
	/** The server said no: this is not the owner of its first account. */
	refused = $state(false);

	#api: TasksOptions['api'];
	#later: Schedule;
	#puller: Puller;

	constructor({ api, later = schedule }: TasksOptions) {
		this.#api = api;
		this.#later = later;
		this.#puller = new Puller(
			() => this.#pull(),
			(error) => (this.error = told(error)),
			later
		);
	}

	/** Watches until the returned function is called. */
	start(): () => void {
		let cancel = () => {};
		const look = () => {
			this.#puller.want();
			const soon = this.items?.some(({ is_running }) => is_running) ?? false;
			cancel = this.#later(look, soon ? LOOK_SOON_MS : LOOK_MS);
		};
		look();
		return () => {
			cancel();
			this.#puller.stop();
		};
	}

	reload = (): void => this.#puller.want();
	run = (name: string): Promise<void> => this.#command(name, () => this.#api.runTask(name));
	enable = (name: string, isEnabled: boolean): Promise<void> =>
		this.#command(name, () => this.#api.enableTask(name, isEnabled));

	async #command(name: string, send: () => Promise<Task>): Promise<void> {
		this.busy = name;
		try {
			const changed = await send();
			this.items = this.items?.map((task) => (task.name === name ? changed : task)) ?? null;
			this.commandError = null;
		} catch (error) {
			const said = told(error);
			if (said.code === 'forbidden') this.refused = true;
			else this.commandError = said;
		}
		this.busy = null;
		this.#puller.want();
	}

	async #pull(): Promise<void> {
		this.items = await this.#api.tasks();
		this.error = null;
	}
}

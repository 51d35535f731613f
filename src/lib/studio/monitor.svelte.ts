/**
 * What goes on right now: the queue of every overlay and the newest events. Messages are applied
 * the moment they come; the answer to a pull settles what they left open.
 */
import type { BusMessage, StreamingEvent } from '$lib/bus';
import { ApiError, type Api } from './api.ts';
import { Puller, schedule, type Schedule } from './puller.ts';
import { applyMessage, takeAnswer, type QueueView } from './queue-view.ts';
import { mergeEvents } from './event-list.ts';
import type { Live } from './live.svelte.ts';

/** Pages that merely watch come and go without a message. */
const WATCH_MS = 5_000;
const NEWEST = 30;

export interface MonitorOptions {
	api: Pick<Api, 'queue' | 'events'>;
	live: Pick<Live, 'listen'>;
	/** Monotonic milliseconds. */
	now?: () => number;
	later?: Schedule;
}

export class Monitor {
	queue: QueueView | null = $state.raw(null);
	/** Newest first; null until the first answer. */
	newest: StreamingEvent[] | null = $state.raw(null);
	/** Why the last pull failed; null once one works. */
	error: ApiError | null = $state.raw(null);

	#api: MonitorOptions['api'];
	#live: MonitorOptions['live'];
	#now: () => number;
	#later: Schedule;
	#queuePuller: Puller;
	#eventPuller: Puller;

	constructor({ api, live, now = () => performance.now(), later = schedule }: MonitorOptions) {
		this.#api = api;
		this.#live = live;
		this.#now = now;
		this.#later = later;
		const fail = (error: unknown) =>
			(this.error = error instanceof ApiError ? error : new ApiError('internal', String(error)));
		this.#queuePuller = new Puller(() => this.#pullQueue(), fail, later);
		this.#eventPuller = new Puller(() => this.#pullEvents(), fail, later);
	}

	/** Watches until the returned function is called. */
	start(): () => void {
		const stopListening = this.#live.listen({
			onMessage: (message) => this.#hear(message),
			onNeedPull: () => this.pull()
		});
		let cancel = () => {};
		const watch = () => {
			this.#queuePuller.want();
			cancel = this.#later(watch, WATCH_MS);
		};
		this.#eventPuller.want();
		watch();
		return () => {
			stopListening();
			cancel();
			this.#queuePuller.stop();
			this.#eventPuller.stop();
		};
	}

	/** Fetches the truth. */
	pull = (): void => {
		this.#queuePuller.want();
		this.#eventPuller.want();
	};

	#hear(message: BusMessage): void {
		if (this.newest !== null) this.newest = mergeEvents(this.newest, message).slice(0, NEWEST);
		if (this.queue === null) return;
		this.queue = applyMessage(this.queue, message, this.#now());
		if (this.queue.behind) this.#queuePuller.want();
	}

	async #pullQueue(): Promise<void> {
		const answer = await this.#api.queue();
		this.queue = takeAnswer(this.queue, answer, this.#now());
		this.error = null;
		if (this.queue.behind) this.#queuePuller.want();
	}

	async #pullEvents(): Promise<void> {
		const { items } = await this.#api.events(`limit=${NEWEST}`);
		this.newest = items;
	}
}

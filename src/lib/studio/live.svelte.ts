/**
 * The studio's ear: one connection to the account's topic, shared by all pages. It hands on
 * messages (hints) and calls for a pull, and says how it is doing in one word.
 */
import type { BusMessage } from '$lib/bus';
import { schedule, type Schedule } from './puller.ts';

/** `live` by socket; `slow` by the fallbacks; `down` nothing gets through for now. */
export type LinkState = 'connecting' | 'live' | 'slow' | 'down';

export interface LinkHandlers {
	onMessage(message: BusMessage): void;
	onNeedPull(reason: string): void;
	onState(state: LinkState): void;
}

/** Opens the connection; the module with the network in it is handed in. */
export type OpenLink = (handlers: LinkHandlers) => Promise<{ close(): void }>;

export interface LiveListener {
	onMessage?: (message: BusMessage) => void;
	onNeedPull?: () => void;
	/** The state has become another one. */
	onState?: (state: LinkState) => void;
}

const AGAIN_MS = 3_000;

export class Live {
	state: LinkState = $state('connecting');
	#listeners: LiveListener[] = [];
	#open: OpenLink;
	#later: Schedule;

	constructor(open: OpenLink, later: Schedule = schedule) {
		this.#open = open;
		this.#later = later;
	}

	/** Listens until the returned function is called. */
	listen(listener: LiveListener): () => void {
		this.#listeners = [...this.#listeners, listener];
		return () => {
			this.#listeners = this.#listeners.filter((one) => one !== listener);
		};
	}

	/** Connects, again and again until it works; the returned function hangs up. */
	start(): () => void {
		let closed = false;
		let stop = () => {};
		const handlers: LinkHandlers = {
			onMessage: (message) => this.#listeners.forEach((one) => one.onMessage?.(message)),
			onNeedPull: () => this.#listeners.forEach((one) => one.onNeedPull?.()),
			onState: (state) => {
				this.state = state;
				this.#listeners.forEach((one) => one.onState?.(state));
			}
		};
		const open = () =>
			void this.#open(handlers).then(
				(link) => {
					if (closed) link.close();
					else stop = () => link.close();
				},
				() => {
					if (closed) return;
					this.state = 'down';
					stop = this.#later(open, AGAIN_MS);
				}
			);
		open();
		return () => {
			closed = true;
			stop();
		};
	}
}

/** What a source tells to whoever listens in this process. */
import type { Taken } from '$lib/platforms/take.ts';

export interface SourceEvents {
	/** Connected and subscribed. */
	ready: [];
	/** Something that the platform delivered is stored. */
	event: [type: string, taken: Taken];
	/** Something is the matter, in one sentence; the source goes on. */
	error: [reason: string];
	/** Nothing delivers any more; it is tried again by itself. */
	disconnected: [reason: string];
}

type Listener<Name extends keyof SourceEvents> = (...values: SourceEvents[Name]) => void;
type Listeners = { [Name in keyof SourceEvents]: Set<Listener<Name>> };

export class SourceEmitter {
	readonly #listeners: Listeners = {
		ready: new Set(),
		event: new Set(),
		error: new Set(),
		disconnected: new Set()
	};

	readonly #failed: (error: unknown) => void;

	/** `failed` hears what listeners throw: that one breaks is no affair of the source. */
	constructor(failed: (error: unknown) => void) {
		this.#failed = failed;
	}

	/** The answer ends it. */
	on<Name extends keyof SourceEvents>(name: Name, listener: Listener<Name>): () => void {
		const listeners: Set<Listener<Name>> = this.#listeners[name];
		listeners.add(listener);
		return () => void listeners.delete(listener);
	}

	tell<Name extends keyof SourceEvents>(name: Name, ...values: SourceEvents[Name]): void {
		const listeners: Set<Listener<Name>> = this.#listeners[name];
		for (const listener of listeners)
			try {
				listener(...values);
			} catch (error) {
				this.#failed(error);
			}
	}
}

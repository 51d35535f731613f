/** Who wants to hear of something. A listener that throws is foreign code and harms nobody else. */
export interface Listeners<T> {
	tell(value: T): void;
	/** Returns how to stop listening. What was told before anyone listened is told now. */
	add(listener: (value: T) => void): () => void;
	clear(): void;
}

/** Keeps up to `early` values for the first listener. */
export function createListeners<T>(early = 0): Listeners<T> {
	const listeners = new Set<(value: T) => void>();
	const kept: T[] = [];
	const call = (listener: (value: T) => void, value: T): void => {
		try {
			listener(value);
		} catch (cause) {
			console.error('a listener of the stage failed', cause);
		}
	};
	return {
		tell(value) {
			if (listeners.size === 0 && kept.length < early) kept.push(value);
			for (const listener of listeners) call(listener, value);
		},
		add(listener) {
			listeners.add(listener);
			for (const value of kept.splice(0)) call(listener, value);
			return () => void listeners.delete(listener);
		},
		clear: () => listeners.clear()
	};
}

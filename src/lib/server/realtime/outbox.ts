/**
 * One write for each socket and tick. Frames queued during a tick of the event loop are joined and
 * written when it ends; sockets that are owed the same frames (all readers of a topic) get the
 * very same bytes, joined once. A thousand readers cost a thousand system calls per tick, not per
 * message.
 */
export interface Sink {
	/** The frames owed; the sink owes nothing afterwards. */
	take(): Buffer[];
	write(bytes: Buffer): void;
}

const same = (a: readonly Buffer[], b: readonly Buffer[]): boolean =>
	a.length === b.length && a.every((frame, index) => frame === b[index]);

export class Outbox {
	#waiting: Sink[] = [];
	readonly #schedule: (flush: () => void) => void;

	/** `schedule` runs the flush once the tick's input has been read. */
	constructor(schedule: (flush: () => void) => void = (flush) => void setImmediate(flush)) {
		this.#schedule = schedule;
	}

	/** The sink owes its first frame of this tick. */
	add(sink: Sink): void {
		if (this.#waiting.push(sink) === 1) this.#schedule(() => this.flush());
	}

	/** Writes everything owed now. */
	flush(): void {
		const sinks = this.#waiting;
		this.#waiting = [];
		// By first frame: readers of one topic in one protocol version share it.
		const joined = new Map<Buffer, { frames: readonly Buffer[]; bytes: Buffer }>();
		for (const sink of sinks) {
			const frames = sink.take();
			const [first] = frames;
			if (first === undefined) continue;
			if (frames.length === 1) {
				sink.write(first);
				continue;
			}
			let batch = joined.get(first);
			if (batch === undefined || !same(batch.frames, frames)) {
				batch = { frames, bytes: Buffer.concat(frames) };
				joined.set(first, batch);
			}
			sink.write(batch.bytes);
		}
	}
}

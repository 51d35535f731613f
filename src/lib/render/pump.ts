/**
 * When frames are drawn: at each display frame while something moves, once at the next instant at
 * which something will, and not at all otherwise. OBS and hidden pages get no display frames; a
 * slow timer then stands in, so that timelines go on and end.
 */
export interface Pump {
	/** Something changed: a frame, please. */
	wake(): void;
	/** Nothing is left to show: what was due is not. */
	rest(): void;
	stop(): void;
}

/** How long a display frame may stay away before the timer stands in. */
export const PATIENCE_MS = 200;

/**
 * `frame(displayed)` draws and answers when the next frame is due, in milliseconds from now (0: as
 * soon as possible), or null when none is. `displayed` is false when the timer stood in.
 */
export function createPump(frame: (displayed: boolean) => number | null): Pump {
	let request: number | null = null;
	let timer: ReturnType<typeof setTimeout> | null = null;
	let stopped = false;

	const clear = (): void => {
		if (request !== null) cancelAnimationFrame(request);
		if (timer !== null) clearTimeout(timer);
		request = timer = null;
	};
	const run = (displayed: boolean): void => {
		clear();
		const due = frame(displayed);
		if (stopped || request !== null) return;
		if (due === 0) wake();
		else if (due !== null) timer = setTimeout(wake, due);
	};
	const wake = (): void => {
		if (stopped || request !== null) return;
		clear();
		request = requestAnimationFrame(() => run(true));
		timer = setTimeout(() => run(false), PATIENCE_MS);
	};
	return {
		wake,
		rest: clear,
		stop() {
			stopped = true;
			clear();
		}
	};
}

/** Calls back when the display frame that is being made has left the page's hands. */
export function afterFrame(callback: () => void): void {
	// A message posted from within a display frame is read once that frame is on its way out.
	const { port1, port2 } = new MessageChannel();
	port1.onmessage = () => {
		port1.close();
		callback();
	};
	port2.postMessage(null);
}

/** Monotonic time for what is shown of it: remaining seconds and bars. Ticks only while watched. */
import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 100;
const subscribe = createSubscriber((update) => {
	const timer = setInterval(update, TICK_MS);
	return () => clearInterval(timer);
});

/** Milliseconds; an effect or template that reads it is run again ten times a second. */
export function tickingNow(): number {
	subscribe();
	return performance.now();
}

const subscribeSlowly = createSubscriber((update) => {
	const timer = setInterval(update, 10_000);
	return () => clearInterval(timer);
});

/** Milliseconds since 1970, for “3 minutes ago”; renewed every ten seconds. */
export function calendarNow(): number {
	subscribeSlowly();
	return Date.now();
}

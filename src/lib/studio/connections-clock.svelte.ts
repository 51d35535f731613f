/** Calendar time to the second, for what runs out at a time that the server named. */
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
	const timer = setInterval(update, 1_000);
	return () => clearInterval(timer);
});

/** Milliseconds since 1970; an effect or template that reads it is run again every second. */
export function secondNow(): number {
	subscribe();
	return Date.now();
}

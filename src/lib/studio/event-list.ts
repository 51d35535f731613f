/** A list of events, newest first, and how a message changes it. Pure. */
import type { BusMessage, StreamingEvent } from '$lib/bus';

const newestFirst = (a: StreamingEvent, b: StreamingEvent) => b.seq - a.seq;

/**
 * Puts a new event on top, or renews one that is in the list; `admits` says which new ones belong
 * here. Answers the same list when nothing changed.
 */
export function mergeEvents(
	events: StreamingEvent[],
	message: BusMessage,
	admits: (event: StreamingEvent) => boolean = () => true
): StreamingEvent[] {
	if (message.type === 'STATUS_CHANGED') return events;
	const event = message.type === 'EVENT_BROADCAST' ? message.event : message.play.event;
	const at = events.findIndex(({ id }) => id === event.id);
	if (at >= 0) return events.with(at, event);
	if (message.type !== 'EVENT_BROADCAST' || !admits(event)) return events;
	return [event, ...events].sort(newestFirst);
}

/** A list with its top as it is now; `fresh` is how many of that were not in it. */
export function withTop(
	events: readonly StreamingEvent[],
	top: readonly StreamingEvent[]
): { events: StreamingEvent[]; fresh: number } {
	const known = new Set(events.map(({ id }) => id));
	const now = new Map(top.map((event) => [event.id, event]));
	const fresh = top.filter(({ id }) => !known.has(id));
	return {
		events: [...fresh, ...events.map((event) => now.get(event.id) ?? event)],
		fresh: fresh.length
	};
}

/** Who or what an event is about, for people; null where it names nobody. */
export function nameIn(event: Pick<StreamingEvent, 'data'>): string | null {
	const { user, title, name } = event.data;
	if (typeof user === 'object' && user !== null && !Array.isArray(user)) {
		if (typeof user.name === 'string' && user.name !== '') return user.name;
		if (typeof user.login === 'string' && user.login !== '') return user.login;
	}
	if (typeof user === 'string' && user !== '') return user;
	if (typeof name === 'string' && name !== '') return name;
	return typeof title === 'string' && title !== '' ? title : null;
}

/** The second half of an event type: what happened, without the platform. */
export const actionOf = (eventType: string): string => eventType.slice(eventType.indexOf(':') + 1);

/** What a viewer wrote along with it; null when nothing. */
export function messageIn({ data }: Pick<StreamingEvent, 'data'>): string | null {
	return typeof data.message === 'string' && data.message.trim() !== '' ? data.message : null;
}

/** The one number that matters in an event, with what it counts; null when it has none. */
export function amountIn({ data }: Pick<StreamingEvent, 'data'>): {
	of: 'bits' | 'viewers' | 'months' | 'count';
	value: number;
} | null {
	for (const of of ['bits', 'viewers', 'months', 'count'] as const) {
		const value = data[of];
		if (typeof value === 'number') return { of, value };
	}
	return null;
}

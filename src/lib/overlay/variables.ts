/**
 * What a template may name, from an event. Every event offers the common names below (null where
 * it has no such thing) and each plain value of its data by its path (`reward.cost`), so a new
 * platform's fields are there without a line here.
 */
import type { StreamingEvent } from '../bus/index.ts';
import type { Value, Variables } from './template.ts';

type Data = StreamingEvent['data'];
type About = { about: string; read: (event: Shown) => Value };

/** What is needed of an event to show it. */
export type Shown = Pick<StreamingEvent, 'event_type' | 'platform' | 'data'>;

const common: Readonly<Record<string, About>> = {
	user: { about: 'who did it; nothing when anonymous', read: ({ data }) => at(data, 'user.name') },
	login: { about: 'their login name', read: ({ data }) => at(data, 'user.login') },
	amount: {
		about: 'how much was given',
		read: ({ data }) => at(data, 'amount') ?? at(data, 'bits')
	},
	currency: { about: 'in which currency', read: ({ data }) => at(data, 'currency') },
	count: { about: 'how many', read: ({ data }) => at(data, 'count') },
	months: { about: 'months in all', read: ({ data }) => at(data, 'months') },
	tier: { about: 'subscription tier', read: ({ data }) => at(data, 'tier') },
	viewers: { about: 'how many viewers came along', read: ({ data }) => at(data, 'viewers') },
	message: { about: 'what they wrote', read: ({ data }) => at(data, 'message') },
	title: {
		about: 'the name of what it is about, a reward for instance',
		read: ({ data }) => at(data, 'title') ?? at(data, 'reward.title')
	},
	type: {
		about: 'what happened, in words: gift sub',
		read: ({ event_type }) => (event_type.split(':')[1] ?? event_type).replaceAll('_', ' ')
	},
	platform: { about: 'where it happened', read: ({ platform }) => platform }
};

/** The common names with a sentence about each, for the editor. */
export const variableNames: readonly { name: string; about: string }[] = Object.entries(common).map(
	([name, { about }]) => ({ name, about })
);

/** All values that a template may name for this event. Pure. */
export function variables(event: Shown): Variables {
	const values: Record<string, Value> = {};
	collect(event.data, '', values, 0);
	for (const [name, { read }] of Object.entries(common)) values[name] = read(event);
	return values;
}

/** The address of the viewer's picture, or null. Where it may be loaded from is decided elsewhere. */
export function viewerPicture(event: Shown): string | null {
	const picture = at(event.data, 'user.picture');
	return typeof picture === 'string' && picture !== '' ? picture : null;
}

/** The value at a path of plain objects, if it is one that can be written. */
function at(data: Data, path: string): Value {
	let value: unknown = data;
	for (const key of path.split('.')) {
		if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return null;
		value = Object.entries(value).find(([name]) => name === key)?.[1];
	}
	return toValue(value) ?? null;
}

function collect(value: object, prefix: string, into: Record<string, Value>, depth: number): void {
	for (const [key, child] of Object.entries(value)) {
		if (!/^[a-z][a-z0-9_]{0,40}$/.test(key)) continue;
		const name = prefix + key;
		const plain = toValue(child);
		if (plain !== undefined) into[name] = plain;
		else if (depth < 3 && !Array.isArray(child))
			collect(Object(child), `${name}.`, into, depth + 1);
	}
}

/** Undefined for what has parts. */
function toValue(value: unknown): Value | undefined {
	if (typeof value === 'string') return clean(value);
	if (typeof value === 'number') return value;
	if (typeof value === 'boolean') return value ? 'yes' : 'no';
	return value === null || value === undefined ? null : undefined;
}

/**
 * What people wrote, on one line: without control characters and without the marks that would
 * reorder the text around it.
 */
function clean(text: string): string {
	return text
		.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
		.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
		.trim();
}

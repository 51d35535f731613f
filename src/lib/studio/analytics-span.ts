/**
 * Which time the analytics page shows, kept in its address, and the steps of that time: the server
 * leaves out those in which nothing happened. Pure.
 */
import type { EventFigures } from './records-answers.ts';

export const ranges = {
	'24h': { hours: 24, interval: 'hour' },
	'7d': { hours: 7 * 24, interval: 'hour' },
	'30d': { hours: 30 * 24, interval: 'day' },
	'90d': { hours: 90 * 24, interval: 'day' },
	'365d': { hours: 365 * 24, interval: 'day' }
} as const;
export type Range = keyof typeof ranges;
export const rangeNames = ['24h', '7d', '30d', '90d', '365d'] as const satisfies Range[];

export interface Span {
	range: Range;
	/** A name as `Europe/Vienna`; empty for the reader's own. */
	zone: string;
}

const HOUR_MS = 3_600_000;

function isZone(name: string): boolean {
	try {
		new Intl.DateTimeFormat('en', { timeZone: name });
		return name !== '' && !/^[+-]/.test(name);
	} catch {
		return false;
	}
}

/** Reads an address; what is not understood counts as not chosen. */
export function readSpan(query: URLSearchParams): Span {
	const zone = query.get('zone') ?? '';
	return {
		range: rangeNames.find((name) => name === query.get('range')) ?? '7d',
		zone: isZone(zone) ? zone : ''
	};
}

export function spanAddress({ range, zone }: Span): string {
	const query = new URLSearchParams({ range, ...(zone === '' ? {} : { zone }) });
	return `/studio/analytics?${query}`;
}

/** What the server is asked; `now` in milliseconds since 1970. */
export function askForFigures({ range, zone }: Span, ownZone: string, now: number): string {
	const { hours, interval } = ranges[range];
	return new URLSearchParams({
		from: new Date(now - hours * HOUR_MS).toISOString(),
		to: new Date(now).toISOString(),
		time_zone: zone === '' ? ownZone : zone,
		interval
	}).toString();
}

export interface Step {
	/** An instant within the step; for a day not its beginning. */
	at: number;
	count: number;
}

/** Days of a time zone, as `2026-11-20`; they are not all 24 hours long. */
const dayNamer = (zone: string) => {
	const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
	return (at: number) => format.format(at);
};
const hourNamer = (offset: number) => (at: number) => String(Math.floor((at - offset) / HOUR_MS));

/** Every step of the time, also those in which nothing happened, oldest first. */
export function stepsOf({ from, to, time_zone, interval, series }: EventFigures): Step[] {
	// Hours begin at half past in some zones.
	const offset = Date.parse(series[0]?.at ?? '1970-01-01T00:00:00Z') % HOUR_MS;
	const nameOf = interval === 'day' ? dayNamer(time_zone) : hourNamer(offset);
	const stride = interval === 'day' ? 12 * HOUR_MS : HOUR_MS / 2;
	const steps = new Map<string, Step>();
	const [start, end] = [Date.parse(from), Date.parse(to) - 1];
	for (let at = start; at <= end; at += stride)
		if (!steps.has(nameOf(at))) steps.set(nameOf(at), { at, count: 0 });
	if (end >= start && !steps.has(nameOf(end))) steps.set(nameOf(end), { at: end, count: 0 });
	for (const { at, count } of series) {
		const name = nameOf(Date.parse(at));
		// The first step may have begun before the time that is asked for.
		steps.set(name, { at: Date.parse(at), count: count + (steps.get(name)?.count ?? 0) });
	}
	return [...steps.values()].sort((a, b) => a.at - b.at);
}

/** The hours of a day, all 24. */
export const hoursOf = ({ by_hour }: Pick<EventFigures, 'by_hour'>): number[] =>
	Array.from({ length: 24 }, (_, hour) => by_hour.find((one) => one.hour === hour)?.count ?? 0);

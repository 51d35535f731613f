/**
 * What the history page shows, kept in the page's address so that it can be shared, reloaded and
 * gone back to. The address holds what a person chose (days and local times); the API gets
 * instants. Pure.
 */
import { EventOrigin, EventStatus, type StreamingEvent } from '$lib/bus';

export interface HistoryFilter {
	types: string[];
	platform: string;
	origin: EventOrigin | '';
	status: EventStatus | '';
	search: string;
	/** `2026-11-20T18:30`, local time; empty for no bound. */
	from: string;
	to: string;
}

export const PAGE_SIZE = 50;
export const emptyFilter: HistoryFilter = {
	types: [],
	platform: '',
	origin: '',
	status: '',
	search: '',
	from: '',
	to: ''
};

const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;
const localTime = (text: string | null) => (text !== null && LOCAL_TIME.test(text) ? text : '');

/** Reads an address; what is not understood counts as not chosen. */
export const readFilter = (query: URLSearchParams): HistoryFilter => ({
	types: (query.get('types') ?? '').split(',').filter((type) => type !== ''),
	platform: query.get('platform') ?? '',
	origin: EventOrigin.safeParse(query.get('origin')).data ?? '',
	status: EventStatus.safeParse(query.get('status')).data ?? '',
	search: query.get('search') ?? '',
	from: localTime(query.get('from')),
	to: localTime(query.get('to'))
});

const told = (entries: Record<string, string>): string =>
	new URLSearchParams(
		Object.entries(entries).flatMap(([name, value]) =>
			value.trim() === '' ? [] : [[name, value.trim()]]
		)
	).toString();

/** The address of a filter, shortest form; `selected` is the event whose details are open. */
export const writeFilter = (filter: HistoryFilter, selected: string | null = null): string =>
	told({ ...filter, types: filter.types.join(','), event: selected ?? '' });

const instant = (local: string) => (local === '' ? '' : new Date(local).toISOString());
const asked = (filter: HistoryFilter, more: Record<string, string>): string =>
	told({
		...filter,
		types: filter.types.join(','),
		from: instant(filter.from),
		to: instant(filter.to),
		...more
	});

/** The query that `/v1/events` takes for a filter; `cursor` asks for those older than it. */
export const askFor = (filter: HistoryFilter, cursor: number | null = null): string =>
	asked(filter, { limit: String(PAGE_SIZE), cursor: cursor === null ? '' : String(cursor) });

/** Where all events of a filter can be downloaded. */
export const historyExport = (filter: HistoryFilter, format: 'csv' | 'json'): string =>
	`/v1/events/export?${asked(filter, { format })}`;

/** Whether anything is chosen. */
export const isFiltered = (filter: HistoryFilter): boolean => writeFilter(filter) !== '';

/**
 * Whether a new event belongs on top of this filter's list. With a text search only the database
 * knows (it searches what the platform sent), so nothing is added by itself.
 */
export function admits(filter: HistoryFilter, event: StreamingEvent): boolean {
	const at = Date.parse(event.created_at);
	return (
		filter.search.trim() === '' &&
		(filter.types.length === 0 || filter.types.includes(event.event_type)) &&
		(filter.platform === '' || filter.platform.split(',').includes(event.platform)) &&
		(filter.origin === '' || filter.origin === event.origin) &&
		(filter.status === '' || filter.status === event.status) &&
		(filter.from === '' || at >= Date.parse(filter.from)) &&
		(filter.to === '' || at < Date.parse(filter.to))
	);
}

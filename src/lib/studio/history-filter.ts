/**
 * What the history page shows, kept in the page's address so that it can be shared, reloaded and
 * gone back to. The address holds what a person chose (days and local times); the API gets
 * instants. Pure.
 */
import type { StreamingEvent } from '$lib/bus';

export interface HistoryFilter {
	types: string[];
	platform: string;
	search: string;
	/** `2026-11-20T18:30`, local time; empty for no bound. */
	from: string;
	to: string;
	page: number;
}

export const PAGE_SIZE = 25;
export const emptyFilter: HistoryFilter = {
	types: [],
	platform: '',
	search: '',
	from: '',
	to: '',
	page: 1
};

const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;
const localTime = (text: string | null) => (text !== null && LOCAL_TIME.test(text) ? text : '');

/** Reads an address; what is not understood counts as not chosen. */
export function readFilter(query: URLSearchParams): HistoryFilter {
	const page = Number(query.get('page') ?? '1');
	return {
		types: (query.get('types') ?? '').split(',').filter((type) => type !== ''),
		platform: query.get('platform') ?? '',
		search: query.get('search') ?? '',
		from: localTime(query.get('from')),
		to: localTime(query.get('to')),
		page: Number.isInteger(page) && page > 0 ? page : 1
	};
}

/** The address of a filter, shortest form; `selected` is the event whose details are open. */
export function writeFilter(filter: HistoryFilter, selected: string | null = null): string {
	const query = new URLSearchParams();
	if (filter.types.length > 0) query.set('types', filter.types.join(','));
	if (filter.platform !== '') query.set('platform', filter.platform);
	if (filter.search.trim() !== '') query.set('search', filter.search.trim());
	if (filter.from !== '') query.set('from', filter.from);
	if (filter.to !== '') query.set('to', filter.to);
	if (filter.page > 1) query.set('page', String(filter.page));
	if (selected !== null) query.set('event', selected);
	return query.toString();
}

/** The query that `/v1/events` takes for a filter. */
export function askFor(filter: HistoryFilter): string {
	const query = new URLSearchParams({ page: String(filter.page), limit: String(PAGE_SIZE) });
	if (filter.types.length > 0) query.set('types', filter.types.join(','));
	if (filter.platform !== '') query.set('platform', filter.platform);
	if (filter.search.trim() !== '') query.set('search', filter.search.trim());
	if (filter.from !== '') query.set('from', new Date(filter.from).toISOString());
	if (filter.to !== '') query.set('to', new Date(filter.to).toISOString());
	return query.toString();
}

/** Whether anything is chosen besides the page. */
export const isFiltered = (filter: HistoryFilter): boolean =>
	writeFilter({ ...filter, page: 1 }) !== '';

/**
 * Whether a new event belongs on the first page of this filter. With a text search only the
 * database knows (it searches what the platform sent), so nothing is added by itself.
 */
export function admits(filter: HistoryFilter, event: StreamingEvent): boolean {
	const at = Date.parse(event.created_at);
	return (
		filter.page === 1 &&
		filter.search.trim() === '' &&
		(filter.types.length === 0 || filter.types.includes(event.event_type)) &&
		(filter.platform === '' || filter.platform.split(',').includes(event.platform)) &&
		(filter.from === '' || at >= Date.parse(filter.from)) &&
		(filter.to === '' || at <= Date.parse(filter.to))
	);
}

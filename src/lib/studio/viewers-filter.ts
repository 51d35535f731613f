/** What is looked for among viewers, as the page's address and as the server's question. Pure. */
import type { StreamingEvent } from '$lib/bus';
import { standings, type Standing } from './viewers-answers.ts';

export interface ViewerFilter {
	search: string;
	role: Standing | '';
	platform: string;
}

export const everybody: ViewerFilter = { search: '', role: '', platform: '' };
export const VIEWERS_PAGE = 50;

export const isNarrowed = ({ search, role, platform }: ViewerFilter): boolean =>
	search !== '' || role !== '' || platform !== '';

export function readViewerFilter(query: URLSearchParams): ViewerFilter {
	const role = query.get('role');
	return {
		search: (query.get('search') ?? '').slice(0, 100),
		role: standings.find((one) => one === role) ?? '',
		platform: query.get('platform') ?? ''
	};
}

const told = (entries: Record<string, string | null>): string =>
	new URLSearchParams(
		Object.entries(entries).flatMap(([name, value]) =>
			value === null || value.trim() === '' ? [] : [[name, value.trim()]]
		)
	).toString();

/** The address of a search, with the card that is open. */
export function viewersAddress(filter: ViewerFilter, viewerId: string | null): string {
	const query = told({ ...filter, viewer: viewerId });
	return query === '' ? '/studio/viewers' : `/studio/viewers?${query}`;
}

/** The same as the server takes it. */
export const askForViewers = (filter: ViewerFilter, cursor: string | null): string =>
	told({ ...filter, cursor, limit: String(VIEWERS_PAGE) });

/**
 * Where the card of an event's viewer is; null for events that name nobody. The event knows the
 * person by the platform's id, which `user` carries: the page finds the viewer by it.
 */
export function cardAddress({ data, platform }: Pick<StreamingEvent, 'data' | 'platform'>) {
	const { user } = data;
	if (typeof user !== 'object' || user === null || Array.isArray(user)) return null;
	if (typeof user.id !== 'string' || typeof user.login !== 'string') return null;
	if (user.login === '' || user.login === 'erased' || !platform) return null;
	return `/studio/viewers?${told({ platform, search: user.login, user: user.id })}`;
}

import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../bus/index.ts';
import { anEvent, AT, uuid } from './test-builders.ts';
import type { Viewer, ViewerCard, ViewerPage } from './viewers-answers.ts';
import {
	askForViewers,
	cardAddress,
	everybody,
	isNarrowed,
	readViewerFilter,
	viewersAddress
} from './viewers-filter.ts';
import { Viewers } from './viewers.svelte.ts';

const aViewer = (n: number): Viewer => ({
	id: uuid(n),
	platform: 'stage',
	platform_user_id: String(n),
	login: `viewer${n}`,
	name: `Viewer${n}`,
	picture: null,
	first_seen_at: AT,
	last_seen_at: AT,
	followed_at: null,
	subscription: null,
	roles: []
});

describe('the address of a search', () => {
	it('says all of it and is read back the same', () => {
		const filter = { search: 'ann b', role: 'vip', platform: 'stage' } as const;
		const address = viewersAddress(filter, uuid(1));
		const query = new URL(address, 'http://x').searchParams;
		expect(readViewerFilter(query)).toEqual(filter);
		expect(query.get('viewer')).toBe(uuid(1));
		expect(viewersAddress(everybody, null)).toBe('/studio/viewers');
		expect([isNarrowed(filter), isNarrowed(everybody)]).toEqual([true, false]);
	});

	it('takes no role that there is not', () => {
		expect(readViewerFilter(new URLSearchParams('role=emperor')).role).toBe('');
	});

	it('asks the server page by page', () => {
		expect(askForViewers(everybody, null)).toBe('limit=50');
		expect(askForViewers({ ...everybody, search: ' ann ' }, 'next')).toBe(
			'search=ann&cursor=next&limit=50'
		);
	});
});

describe('the way from an event to a card', () => {
	it('goes by the platform’s id of the person', () => {
		expect(cardAddress(anEvent())).toBe('/studio/viewers?platform=stage&search=ann&user=1');
	});

	it('is not there where nobody is named', () => {
		const nobodies: JsonObject[] = [
			{ user: null },
			{},
			{ user: 'ann' },
			{ user: { id: '1', login: 'erased' } }
		];
		expect(nobodies.map((data) => cardAddress(anEvent({ data })))).toEqual(
			nobodies.map(() => null)
		);
	});
});

describe('the list', () => {
	/** Answers in the order that the test decides. */
	function stage() {
		const waiting: { query: string; answer: (page: ViewerPage) => void }[] = [];
		const viewers = new Viewers({
			viewers: (query) => new Promise((answer) => waiting.push({ query, answer })),
			viewer: () => new Promise<ViewerCard>(() => {}),
			eraseViewer: () => Promise.resolve(null)
		});
		const answer = async (at: number, ids: number[], next_cursor: string | null) => {
			waiting[at]?.answer({ items: ids.map(aViewer), next_cursor });
			await Promise.resolve();
			await Promise.resolve();
		};
		return { viewers, waiting, answer };
	}
	const names = (viewers: Viewers) => viewers.items.map(({ name }) => name);

	it('reads on to the end, once at a time, and shows nobody twice', async () => {
		const { viewers, waiting, answer } = stage();
		void viewers.load(everybody);
		void viewers.more();
		expect(waiting).toHaveLength(1);
		await answer(0, [1, 2], 'two');
		void viewers.more();
		void viewers.more();
		expect(waiting.map(({ query }) => query)).toEqual(['limit=50', 'cursor=two&limit=50']);
		await answer(1, [2, 3], null);
		expect(names(viewers)).toEqual(['Viewer1', 'Viewer2', 'Viewer3']);
		void viewers.more();
		expect(waiting).toHaveLength(2);
	});

	it('drops the answer to an older search', async () => {
		const { viewers, answer } = stage();
		void viewers.load({ ...everybody, search: 'a' });
		void viewers.load({ ...everybody, search: 'ab' });
		await answer(1, [2], null);
		await answer(0, [1], 'more');
		expect(names(viewers)).toEqual(['Viewer2']);
		expect(viewers.hasMore).toBe(false);
	});

	it('loses whoever was erased', async () => {
		const { viewers, answer } = stage();
		void viewers.load(everybody);
		await answer(0, [1, 2], null);
		expect(await viewers.erase(uuid(1))).toBe(true);
		expect(names(viewers)).toEqual(['Viewer2']);
	});
});

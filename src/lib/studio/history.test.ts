import { describe, expect, it } from 'vitest';
import { ApiError } from './api.ts';
import type { EventDetail, EventPage } from './answers.ts';
import { emptyFilter, PAGE_SIZE } from './history-filter.ts';
import { History } from './history.svelte.ts';
import { anEvent, aPlay, broadcast, playMessage } from './test-builders.ts';

const pageOf = (...seqs: number[]): EventPage => ({
	items: seqs.map((seq) => anEvent({ seq })),
	page: 1,
	limit: PAGE_SIZE,
	total: seqs.length,
	total_is_exact: true,
	next_cursor: null
});
const detailOf = (id: string): EventDetail => ({ ...anEvent({ id }), raw: null, plays: [] });
const seqs = ({ events }: History) => events.map(({ seq }) => seq);

/** An API whose answers are given by hand, in any order. */
function byHand() {
	const waiting: {
		query: string;
		answer: (page: EventPage) => void;
		fail: (error: Error) => void;
	}[] = [];
	const opened: string[] = [];
	return {
		waiting,
		opened,
		events: (query: string) =>
			new Promise<EventPage>((answer, fail) => waiting.push({ query, answer, fail })),
		event: (id: string) => {
			opened.push(id);
			return Promise.resolve(detailOf(id));
		}
	};
}

describe('the history', () => {
	it('drops the answer to a filter that is not wanted any more', async () => {
		const api = byHand();
		const history = new History(api);
		const first = history.load(emptyFilter);
		const second = history.load({ ...emptyFilter, search: 'x' });
		api.waiting[1]?.answer(pageOf(2));
		await second;
		api.waiting[0]?.answer(pageOf(1));
		await first;
		expect(seqs(history)).toEqual([2]);
		expect(history.loading).toBe(false);
	});

	it('tells a failure and gets over it with the next answer', async () => {
		const api = byHand();
		const history = new History(api);
		const failed = history.load(emptyFilter);
		api.waiting[0]?.fail(new ApiError('unavailable'));
		await failed;
		expect(history.error?.code).toBe('unavailable');
		const again = history.reload();
		api.waiting[1]?.answer(pageOf(1));
		await again;
		expect(history).toMatchObject({ error: null, total: 1 });
	});

	it('puts what happens on top and counts it', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer(pageOf(2, 1));
		await loaded;
		history.hear(broadcast(1, aPlay({ seq: 3 })));
		expect(seqs(history)).toEqual([3, 2, 1]);
		expect(history.total).toBe(3);
	});

	it('is read on from where it ended, once, to its end', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer({ ...pageOf(9, 8), next_cursor: 8 });
		await loaded;
		expect(history.hasMore).toBe(true);
		const more = [history.more(), history.more()];
		expect(api.waiting).toHaveLength(2);
		expect(new URLSearchParams(api.waiting[1]?.query).get('cursor')).toBe('8');
		history.hear(broadcast(1, aPlay({ seq: 10 })));
		api.waiting[1]?.answer(pageOf(7));
		await Promise.all(more);
		expect(seqs(history)).toEqual([10, 9, 8, 7]);
		expect(history).toMatchObject({ shift: 1, hasMore: false, loadingMore: false });
	});

	it('keeps what was read when reading on fails', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer({ ...pageOf(9), next_cursor: 9 });
		await loaded;
		const more = history.more();
		api.waiting[1]?.fail(new ApiError('unavailable'));
		await more;
		expect(seqs(history)).toEqual([9]);
		expect(history).toMatchObject({ hasMore: true, error: { code: 'unavailable' } });
	});

	it('after a gap asks for its top only, and keeps its place', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer({ ...pageOf(3, 2, 1), next_cursor: 1 });
		await loaded;
		const caught = history.catchUp();
		const page = pageOf(5, 4, 3);
		api.waiting[1]?.answer({ ...page, total: 90, next_cursor: 3 });
		await caught;
		expect(seqs(history)).toEqual([5, 4, 3, 2, 1]);
		expect(history).toMatchObject({ shift: 2, total: 90, hasMore: true });
	});

	it('begins anew when the gap is longer than a page', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer({ ...pageOf(2, 1), next_cursor: null });
		await loaded;
		const caught = history.catchUp();
		api.waiting[1]?.answer({ ...pageOf(9, 8), next_cursor: 8 });
		await caught;
		expect(seqs(history)).toEqual([9, 8]);
		expect(history).toMatchObject({ shift: 0, hasMore: true });
	});

	it('renews the status of an event that is shown, and adds none by that', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer(pageOf(1));
		await loaded;
		const active = aPlay({ seq: 1, status: 'playing', event: { status: 'active' } });
		history.hear(playMessage('ANIMATION_STARTED', 1, active));
		history.hear(playMessage('ANIMATION_STARTED', 2, aPlay({ seq: 9, status: 'playing' })));
		expect(history.events.map(({ seq, status }) => [seq, status])).toEqual([[1, 'active']]);
	});

	it('opens an event, follows it, and forgets it when closed', async () => {
		const api = byHand();
		const history = new History(api);
		const { event_id } = aPlay({ seq: 1 });
		await history.open(event_id);
		expect(history.detail?.id).toBe(event_id);
		history.hear(playMessage('ANIMATION_ENDED', 1, aPlay({ seq: 1, status: 'completed' })));
		history.hear(playMessage('ANIMATION_ENDED', 2, aPlay({ seq: 2, status: 'completed' })));
		expect(api.opened).toEqual([event_id, event_id]);
		await history.open(null);
		expect(history.detail).toBeNull();
	});
});

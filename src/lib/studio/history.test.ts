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
	total_is_exact: true
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

	it('puts what happens on top of its first page and counts it', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer(pageOf(2, 1));
		await loaded;
		history.hear(broadcast(1, aPlay({ seq: 3 })));
		expect(seqs(history)).toEqual([3, 2, 1]);
		expect(history.total).toBe(3);
	});

	it('keeps a page full, not longer', async () => {
		const api = byHand();
		const history = new History(api);
		const loaded = history.load(emptyFilter);
		api.waiting[0]?.answer(pageOf(...Array.from({ length: PAGE_SIZE }, (_, at) => PAGE_SIZE - at)));
		await loaded;
		history.hear(broadcast(1, aPlay({ seq: PAGE_SIZE + 1 })));
		expect(history.events).toHaveLength(PAGE_SIZE);
		expect(history.pages).toBe(2);
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

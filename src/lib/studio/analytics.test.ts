import { describe, expect, it } from 'vitest';
import { askForFigures, hoursOf, readSpan, spanAddress, stepsOf } from './analytics-span.ts';
import { Analytics } from './analytics.svelte.ts';
import { ApiError } from './api.ts';
import type { EventFigures, OverlayFigures } from './records-answers.ts';

const figures = (change: Partial<EventFigures> = {}): EventFigures => ({
	from: '2026-11-20T00:00:00Z',
	to: '2026-11-21T00:00:00Z',
	time_zone: 'UTC',
	interval: 'hour',
	total: 0,
	by_type: [],
	by_platform: [],
	by_hour: [],
	series: [],
	...change
});
const read = (query: string) => readSpan(new URLSearchParams(query));

describe('the address of the analytics page', () => {
	it('says the same after being read and written', () => {
		expect(spanAddress(read('range=30d&zone=Asia%2FKolkata'))).toBe(
			'/studio/analytics?range=30d&zone=Asia%2FKolkata'
		);
	});
	it.each(['range=ever', 'zone=Mars', 'zone=%2B05:00', ''])(
		'with nonsense in it (%s) counts as nothing chosen',
		(query) => expect(read(query)).toEqual({ range: '7d', zone: '' })
	);
	it('asks for a time that ends now, in the zone of the reader unless another is chosen', () => {
		const asked = new URLSearchParams(
			askForFigures(read('range=24h'), 'Europe/Vienna', Date.parse('2026-11-21T12:00:00Z'))
		);
		expect(Object.fromEntries(asked)).toEqual({
			from: '2026-11-20T12:00:00.000Z',
			to: '2026-11-21T12:00:00.000Z',
			time_zone: 'Europe/Vienna',
			interval: 'hour'
		});
	});
});

describe('steps', () => {
	it('are there for hours without events too', () => {
		const steps = stepsOf(figures({ series: [{ at: '2026-11-20T07:00:00Z', count: 3 }] }));
		expect(steps).toHaveLength(24);
		expect(steps.map(({ count }) => count).filter(Boolean)).toEqual([3]);
		expect(steps[7]?.count).toBe(3);
	});

	it('begin at half past where the zone does', () => {
		const steps = stepsOf(
			figures({
				time_zone: 'Asia/Kolkata',
				series: [
					{ at: '2026-11-19T23:30:00Z', count: 1 },
					{ at: '2026-11-20T00:30:00Z', count: 2 }
				]
			})
		);
		expect(steps.slice(0, 3).map(({ count }) => count)).toEqual([1, 2, 0]);
		expect(steps).toHaveLength(25);
	});

	it('are the days of the zone, also when a clock is changed', () => {
		const steps = stepsOf(
			figures({
				from: '2026-10-23T22:00:00Z',
				to: '2026-10-27T23:00:00Z',
				time_zone: 'Europe/Vienna',
				interval: 'day',
				series: [
					{ at: '2026-10-24T22:00:00Z', count: 5 },
					{ at: '2026-10-25T23:00:00Z', count: 6 }
				]
			})
		);
		expect(steps.map(({ count }) => count)).toEqual([0, 5, 6, 0]);
	});

	it('of the day are twenty-four', () => {
		expect(hoursOf({ by_hour: [{ hour: 23, count: 9 }] })).toEqual([...Array(23).fill(0), 9]);
	});
});

describe('the figures', () => {
	const overlays: OverlayFigures[] = [];
	it('are those of the newest question, and a failure keeps the last ones', async () => {
		const answers: ((figures: EventFigures) => void)[] = [];
		let failing = false;
		const analytics = new Analytics(
			{
				records: {
					eventFigures: () =>
						failing
							? Promise.reject(new ApiError('unavailable'))
							: new Promise((answer) => answers.push(answer)),
					overlayFigures: () => Promise.resolve(overlays)
				}
			},
			{ ownZone: 'UTC', now: () => 0 }
		);
		const first = analytics.load({ range: '7d', zone: '' });
		const second = analytics.load({ range: '24h', zone: '' });
		answers[1]?.(figures({ total: 2 }));
		answers[0]?.(figures({ total: 7 }));
		await Promise.all([first, second]);
		expect(analytics).toMatchObject({ loading: false, events: { total: 2 } });
		failing = true;
		await analytics.reload();
		expect(analytics).toMatchObject({ events: { total: 2 }, error: { code: 'unavailable' } });
	});
});

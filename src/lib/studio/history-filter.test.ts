import { describe, expect, it } from 'vitest';
import {
	admits,
	askFor,
	emptyFilter,
	historyExport,
	isFiltered,
	readFilter,
	writeFilter
} from './history-filter.ts';
import { anEvent } from './test-builders.ts';

const read = (query: string) => readFilter(new URLSearchParams(query));

describe('the address of the history page', () => {
	it.each([
		'',
		'types=a%3Ab%2Cc%3Ad&platform=stage&origin=live&status=cancelled&search=hello+you&from=2026-11-20T18%3A30&to=2026-11-21T00%3A00'
	])('says the same after being read and written: %s', (query) => {
		expect(writeFilter(read(query))).toBe(query);
	});

	it.each(['page=3', 'origin=mars', 'status=lost', 'from=yesterday', 'to=2026', 'types=,', 'x=1'])(
		'with nonsense in it (%s) counts as nothing chosen',
		(query) => {
			expect(read(query)).toEqual(emptyFilter);
		}
	);

	it('names the event that is looked at without counting it as a filter', () => {
		expect(writeFilter(emptyFilter, 'abc')).toBe('event=abc');
		expect(isFiltered(read('event=abc'))).toBe(false);
		expect(isFiltered(read('search=x'))).toBe(true);
	});
});

describe('what the API is asked', () => {
	it('has instants where the person chose local times', () => {
		const query = new URLSearchParams(askFor(read('from=2026-11-20T18:30&search=%20hi%20')));
		expect(query.get('from')).toBe(new Date('2026-11-20T18:30').toISOString());
		expect(Object.fromEntries(query)).toMatchObject({ limit: '50', search: 'hi' });
		expect(query.has('to')).toBe(false);
		expect(new URLSearchParams(askFor(emptyFilter, 7)).get('cursor')).toBe('7');
	});

	it('for a file, is the same without pages', () => {
		expect(historyExport(read('origin=live'), 'csv')).toBe(
			'/v1/events/export?origin=live&format=csv'
		);
	});
});

describe('a new event', () => {
	const event = anEvent({
		event_type: 'stage:raid',
		platform: 'stage',
		created_at: '2026-11-20T20:00:00Z'
	});
	it.each([
		['', true],
		['origin=live&status=pending', true],
		['origin=test', false],
		['status=completed', false],
		['types=stage:raid,stage:cheer', true],
		['types=stage:cheer', false],
		['platform=other,stage', true],
		['platform=other', false],
		['search=raid', false],
		['from=2026-11-19T00:00&to=2026-11-22T00:00', true],
		['from=2026-11-22T00:00', false],
		['to=2026-11-19T00:00', false]
	])('joins the page with the filter “%s”: %s', (query, joins) => {
		expect(admits(read(query), event)).toBe(joins);
	});
});

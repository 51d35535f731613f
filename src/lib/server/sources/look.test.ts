import fc from 'fast-check';
import { describe, expect as expectThat, it } from 'vitest';
import type { Member } from '$lib/platforms/source.ts';
import * as look from './look.ts';
import { delayOf, OVERLAP_MS, RECONNECTS } from './policy.ts';

const member = (id: string, since: string | null = null): Member => ({
	...{ id, login: id, name: id, since, about: {} }
});
const ids = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));
const deliveries = fc.array(
	fc.record({
		id: fc.constantFrom('a', 'b', 'c', 'd'),
		login: fc.constant('x'),
		name: fc.constant('X'),
		came: fc.boolean()
	})
);

describe('a look at a list', () => {
	it('of what is expected and counted, the known ones afterwards are exactly the listed ones', () => {
		fc.assert(
			fc.property(ids, deliveries, ids, (known, delivered, listed) => {
				const expected = look.expect(
					known.map((id) => member(id)),
					delivered
				);
				const actual = listed.map((id) => member(id));
				const found = look.compare(expected, actual);
				const after = look.settle(expected, actual, found);
				expectThat(after.map(({ id }) => id).toSorted()).toEqual(listed.toSorted());
				expectThat(look.compare(look.expect(after, []), actual)).toEqual({ came: [], left: [] });
			})
		);
	});

	it('a difference counts when it is there twice, and what does not count is found again', () => {
		fc.assert(
			fc.property(ids, ids, ids, (known, first, second) => {
				const expected = look.expect(
					known.map((id) => member(id)),
					[]
				);
				const before = look.namesOf(
					look.compare(
						expected,
						first.map((id) => member(id))
					)
				);
				const actual = second.map((id) => member(id));
				const found = look.compare(expected, actual);
				const counted = look.confirmed(found, before);
				const after = look.settle(expected, actual, counted);
				const rest = look.compare(look.expect(after, []), actual);
				expectThat(rest.came.length + counted.came.length).toBe(found.came.length);
				expectThat(rest.left.length + counted.left.length).toBe(found.left.length);
			})
		);
	});

	it('reads a dated list from what is known to what is old enough', () => {
		const at = (second: number) => `2026-05-03T18:20:${String(second).padStart(2, '0')}Z`;
		const page = [5, 4, 3, 2, 1].map((second) => member(String(second), at(second)));
		const read = look.between(page, Date.parse(at(2)), Date.parse(at(4)));
		expectThat(read.found.map(({ member: { id } }) => id)).toEqual(['3', '4']);
		expectThat([read.young, read.isEnd]).toEqual([1, true]);
	});

	it('takes nobody who was there before the channel was connected', () => {
		const connected = '2026-05-03T18:00:00Z';
		expectThat(look.floorOf(null, '2026-05-03T18:00:00.987Z')).toBe(Date.parse(connected) - 1);
		expectThat(look.floorOf('2026-05-03T18:01:00Z', connected)).toBe(Date.parse(connected) - 1);
		expectThat(look.floorOf('2026-05-03T20:00:00Z', connected)).toBe(
			Date.parse('2026-05-03T20:00:00Z') - OVERLAP_MS
		);
	});

	it('waits longer after each failure, within bounds', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 1_000 }),
				fc.double({ min: 0, max: 1, noNaN: true }),
				(failures, chance) => {
					const delay = delayOf(RECONNECTS, failures, chance);
					expectThat(delay).toBeGreaterThanOrEqual(RECONNECTS.first_ms * (1 - RECONNECTS.jitter));
					expectThat(delay).toBeLessThanOrEqual(RECONNECTS.longest_ms);
					expectThat(delayOf(RECONNECTS, failures + 1, chance)).toBeGreaterThanOrEqual(delay);
				}
			)
		);
	});
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActualSubscription, WantedSubscription } from '$lib/platforms/source.ts';
import { keyOf, reconcile, type Ownership } from './reconcile.ts';

const own = ({ to }: ActualSubscription): Ownership =>
	to === 'here' ? 'now' : to === 'former' ? 'before' : 'foreign';

const types = ['a', 'b', 'c', 'd'] as const;
const aWanted = fc.record({
	type: fc.constantFrom(...types),
	version: fc.constantFrom('1', '2'),
	condition: fc.record({ channel: fc.constantFrom('7', '8'), unused: fc.constantFrom('', 'x') })
});
const someWanted = fc.uniqueArray(aWanted, { maxLength: 8, selector: ({ type }) => type });
const someActual = fc
	.array(
		fc.record({
			wanted: aWanted,
			status: fc.constantFrom('enabled', 'pending', 'revoked', 'failed', 'lost' as const),
			to: fc.constantFrom('here', 'former', 'elsewhere', null),
			created: fc.integer({ min: 0, max: 99 })
		}),
		{ maxLength: 20 }
	)
	.map((all) =>
		all.map(({ wanted, status, to, created }, index): ActualSubscription => ({
			...wanted,
			...{ id: `id${index}`, status, reason: status, to, cost: 0 },
			created_at: `2026-05-03T18:20:${String(created).padStart(2, '0')}Z`
		}))
	);
const keys = (list: readonly WantedSubscription[]) => list.map(keyOf).toSorted();
const isGood = ({ status }: ActualSubscription) => status === 'enabled' || status === 'pending';

describe('reconcile', () => {
	it('afterwards each wanted one is there once, and nothing else of ours', () => {
		fc.assert(
			fc.property(someWanted, someActual, (wanted, actual) => {
				const { create, remove, keep } = reconcile(wanted, actual, own);
				expect(keys([...keep, ...create])).toEqual(keys(wanted));
				const gone = new Set(remove.map(({ id }) => id));
				const left = actual.filter((one) => own(one) !== 'foreign' && !gone.has(one.id));
				expect(left.map(({ id }) => id).toSorted()).toEqual(keep.map(({ id }) => id).toSorted());
				expect(keep.every((one) => isGood(one) && own(one) === 'now')).toBe(true);
			})
		);
	});

	it('does not touch what is not ours', () => {
		fc.assert(
			fc.property(someWanted, someActual, (wanted, actual) => {
				const { remove, keep } = reconcile(wanted, actual, own);
				expect([...remove, ...keep].some((one) => own(one) === 'foreign')).toBe(false);
			})
		);
	});

	it('done twice, it does nothing the second time', () => {
		fc.assert(
			fc.property(someWanted, someActual, (wanted, actual) => {
				const first = reconcile(wanted, actual, own);
				const gone = new Set(first.remove.map(({ id }) => id));
				const after = [
					...actual.filter(({ id }) => !gone.has(id)),
					...first.create.map((one, index): ActualSubscription => ({
						...one,
						...{ id: `new${index}`, status: 'enabled', reason: 'enabled', to: 'here', cost: 0 },
						created_at: '2026-05-03T19:00:00Z'
					}))
				];
				const second = reconcile(wanted, after, own);
				expect([second.create, second.remove]).toEqual([[], []]);
			})
		);
	});

	it('the order of the list does not matter', () => {
		fc.assert(
			fc.property(someWanted, someActual, (wanted, actual) => {
				const a = reconcile(wanted, actual, own);
				const b = reconcile(wanted, actual.toReversed(), own);
				const ids = (list: readonly ActualSubscription[]) =>
					list.map(({ status, created_at, type }) => `${type} ${status} ${created_at}`).toSorted();
				expect(ids(b.keep)).toEqual(ids(a.keep));
				expect(keys(b.create)).toEqual(keys(a.create));
			})
		);
	});

	it('keeps one that works before one that is being checked, and the oldest of two', () => {
		const wanted = { type: 'a', version: '1', condition: { channel: '7', unused: '' } };
		const one = (
			id: string,
			status: 'enabled' | 'pending',
			second: number
		): ActualSubscription => ({
			...{ type: 'a', version: '1', condition: { channel: '7' }, id, status, reason: status },
			...{ to: 'here', cost: 0, created_at: `2026-05-03T18:20:0${second}Z` }
		});
		const { keep } = reconcile(
			[wanted],
			[one('x', 'pending', 1), one('y', 'enabled', 3), one('z', 'enabled', 2)],
			own
		);
		expect(keep.map(({ id }) => id)).toEqual(['z']);
	});
});

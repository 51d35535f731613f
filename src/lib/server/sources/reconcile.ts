/**
 * What has to be done so that the platform's subscriptions are the wanted ones. Pure.
 *
 * - Of a wanted one exactly one is kept, where it delivers to us now: one that works before one that
 *   is still being checked, the oldest first.
 * - Everything else of ours goes: what nobody wants, what is there twice, what has ended, what
 *   delivers to where we were before.
 * - What is not ours is not touched: another program of the same client may live from it.
 */
import type { ActualSubscription, WantedSubscription } from '$lib/platforms/source.ts';

/** `now`: it delivers to us; `before`: it delivered to an earlier session of ours. */
export type Ownership = 'now' | 'before' | 'foreign';

export interface Decision {
	readonly create: readonly WantedSubscription[];
	readonly remove: readonly ActualSubscription[];
	readonly keep: readonly ActualSubscription[];
}

/** The same for subscriptions that bring the same: type, version and condition without empty values. */
export const keyOf = ({ type, version, condition }: WantedSubscription): string =>
	JSON.stringify([
		type,
		version,
		Object.entries(condition)
			.filter(([, value]) => value !== '')
			.sort(([a], [b]) => (a < b ? -1 : 1))
	]);

const rank = ({ status }: ActualSubscription): number => (status === 'enabled' ? 0 : 1);

export function reconcile(
	wanted: readonly WantedSubscription[],
	actual: readonly ActualSubscription[],
	own: (subscription: ActualSubscription) => Ownership
): Decision {
	const open = new Map(wanted.map((one) => [keyOf(one), one]));
	const keep: ActualSubscription[] = [];
	const remove: ActualSubscription[] = [];
	const ours = actual
		.filter((one) => own(one) !== 'foreign')
		.toSorted((a, b) => rank(a) - rank(b) || compare(a.created_at, b.created_at));
	for (const one of ours) {
		const isGood = one.status === 'enabled' || one.status === 'pending';
		if (isGood && own(one) === 'now' && open.delete(keyOf(one))) keep.push(one);
		else remove.push(one);
	}
	return { create: [...open.values()], remove, keep };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What a connection's consents and groups ask for: subscriptions and polled lists. Pure. */
import type { Poll, Source, WantedSubscription } from '$lib/platforms/source.ts';
import type { HeldSource } from '$lib/server/backend/statements/sources.ts';
import { keyOf } from './reconcile.ts';

export interface Wanted {
	/** To be made. */
	readonly wanted: readonly WantedSubscription[];
	/** Chosen, but the consents do not allow it. */
	readonly missing: readonly WantedSubscription[];
	/** Allowed, but there is no room for so many. */
	readonly excess: readonly WantedSubscription[];
	readonly polls: readonly Poll[];
}

/** `unwanted`: types that somebody excluded; `room`: for how many subscriptions there is room. */
export function wantedOf(
	source: Source,
	{ channel_id, scopes, groups, status }: HeldSource,
	unwanted: ReadonlySet<string>,
	room: number
): Wanted {
	const isHere = ({ type }: WantedSubscription) => !unwanted.has(type);
	const all =
		status === 'connected' ? source.wanted(channel_id, scopes, groups).filter(isHere) : [];
	const keys = new Set(all.map(keyOf));
	const types = new Set(all.map(({ type }) => type));
	return {
		wanted: all.slice(0, room),
		excess: all.slice(room),
		missing: source
			.desired(channel_id, groups)
			.filter((one) => isHere(one) && !keys.has(keyOf(one))),
		polls: source.polls.filter(
			(poll) =>
				types.has(poll.came.type) &&
				(poll.scopes.length === 0 || poll.scopes.some((scope) => scopes.includes(scope)))
		)
	};
}

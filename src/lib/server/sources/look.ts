/**
 * What a look at a polled list says. Pure.
 *
 * - A list that tells since when is read down to what is known; the keys of its drafts say which of
 *   them had been delivered.
 * - A list that does not is compared with who should be in it: who was there at the last look, and
 *   who came or went since by what was delivered. The rest nobody told us.
 */
import type { Member } from '$lib/platforms/source.ts';
import { OVERLAP_MS } from './policy.ts';

/**
 * How far down a dated list is read. Before the first look: to when the channel was connected, by
 * whole seconds, as lists know no fractions.
 */
export function floorOf(knownUntil: string | null, connectedAt: string): number {
	const connected = Math.floor(Date.parse(connectedAt) / 1_000) * 1_000 - 1;
	return knownUntil === null ? connected : Math.max(connected, Date.parse(knownUntil) - OVERLAP_MS);
}

/**
 * The entries between `floor` (exclusive) and `ceiling`, oldest first; what is younger may still
 * be on its way and is left for the next look. `isEnd`: the page reaches below the floor.
 */
export function between(page: readonly Member[], floor: number, ceiling: number) {
	const dated = page.flatMap((member) => {
		const at = member.since === null ? NaN : Date.parse(member.since);
		return Number.isNaN(at) ? [] : [{ member, at }];
	});
	return {
		found: dated.filter(({ at }) => at > floor && at <= ceiling).reverse(),
		young: dated.filter(({ at }) => at > ceiling).length,
		isEnd: dated.some(({ at }) => at <= floor)
	};
}

export interface Delivered {
	readonly id: string;
	readonly login: string;
	readonly name: string;
	readonly came: boolean;
}

/** Who should be in a list: those of the last look, changed by what was delivered since. */
export function expect(
	known: readonly Member[],
	delivered: readonly Delivered[]
): Map<string, Member> {
	const members = new Map(known.map((member) => [member.id, member]));
	for (const { id, login, name, came } of delivered)
		if (!came) members.delete(id);
		else if (!members.has(id)) members.set(id, { id, login, name, since: null, about: {} });
	return members;
}

export interface Difference {
	readonly came: readonly Member[];
	readonly left: readonly Member[];
}

/** What nobody told us. */
export function compare(
	expected: ReadonlyMap<string, Member>,
	actual: readonly Member[]
): Difference {
	const ids = new Set(actual.map(({ id }) => id));
	return {
		came: actual.filter(({ id }) => !expected.has(id)),
		left: [...expected.values()].filter(({ id }) => !ids.has(id))
	};
}

/** Names a difference, to know it again at the next look. */
export const namesOf = ({ came, left }: Difference): ReadonlySet<string> =>
	new Set([...came.map(({ id }) => `+${id}`), ...left.map(({ id }) => `-${id}`)]);

/** The part of a difference that was there at the last look too. */
export const confirmed = (found: Difference, before: ReadonlySet<string>): Difference => ({
	came: found.came.filter(({ id }) => before.has(`+${id}`)),
	left: found.left.filter(({ id }) => before.has(`-${id}`))
});

/** Who is known after a look: what was expected, with the differences that count. */
export function settle(
	expected: ReadonlyMap<string, Member>,
	actual: readonly Member[],
	counted: Difference
): Member[] {
	const fresh = new Map(actual.map((member) => [member.id, member]));
	const members = new Map([...expected].map(([id, member]) => [id, fresh.get(id) ?? member]));
	for (const member of counted.came) members.set(member.id, member);
	for (const { id } of counted.left) members.delete(id);
	return [...members.values()];
}

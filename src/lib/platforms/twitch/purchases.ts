/**
 * A subscription that is bought or renewed is one event with its message. Twitch may tell of it up
 * to four times: `channel.subscribe`, `channel.subscription.message` when the viewer shares it, and
 * a `sub` or `resub` in chat; a poll may find it too.
 *
 * - What has the message, or comes from chat (which always has all there is), is released at once.
 * - `channel.subscribe` alone waits 2 s for the message, so that the alert is the one with the
 *   message; a finding of a poll waits as long for a better word. Nothing else waits.
 * - What comes within a minute of a release is absorbed, from a poll within ten. A message never is:
 *   should it come after the release of an event without one, it is an alert of its own, for shown
 *   twice is the lesser harm.
 */
import { z } from 'zod';
import {
	judgeAgainAt,
	type Decision,
	type GatheringRule,
	type PartOf,
	type Remembered,
	type WaitingPart,
	type Whole
} from '../gather.ts';
import type { Notification } from './reading.ts';

const MESSAGE_MS = 2_000;
const SAME_MS = 60_000;
const SAME_FOR_POLLS_MS = 10 * 60_000;

const Purchase = z.object({
	kind: z.enum(['message', 'chat_resub', 'chat_sub', 'subscribe', 'poll']),
	user: z.string(),
	tier: z.int().nullable(),
	has_message: z.boolean().default(false),
	at: z.number()
});
type Purchase = z.infer<typeof Purchase>;
/** Which word tells most: the event is made of it. */
const ranks = Purchase.shape.kind.options;

interface Told {
	readonly part: WaitingPart;
	readonly about: Purchase;
}

/** Marks a draft as one word about a purchase. */
export const purchasePart = (
	{ channel_id, timestamp }: Pick<Notification, 'channel_id' | 'timestamp'>,
	about: Omit<z.input<typeof Purchase>, 'at'>
): PartOf => ({ rule: 'purchases', channel_id, about: { ...about, at: Date.parse(timestamp) } });

const isSame = (one: Purchase, other: Purchase) =>
	one.user === other.user &&
	(one.tier === other.tier || one.tier === null || other.tier === null) &&
	Math.abs(one.at - other.at) <=
		(one.kind === 'poll' || other.kind === 'poll' ? SAME_FOR_POLLS_MS : SAME_MS);

const byRank = (one: Told, other: Told) =>
	ranks.indexOf(one.about.kind) - ranks.indexOf(other.about.kind);

const waitOf = ({ part, about: { kind } }: Told) =>
	kind === 'subscribe' || kind === 'poll' ? part.arrived_at.getTime() + MESSAGE_MS : 0;

export const purchases: GatheringRule = {
	name: 'purchases',
	decide({ waiting, memory }, now): Decision {
		const time = now.getTime();
		const drafts: Decision['drafts'][number][] = [];
		const done: { part: number; event: Whole }[] = [];
		const dues: number[] = [];
		const lately: (Remembered & { about: Purchase })[] = memory.flatMap((entry) => {
			const about = Purchase.safeParse(entry.what);
			return about.success && entry.until > time ? [{ ...entry, about: about.data }] : [];
		});

		let rest = waiting.flatMap((part): Told[] => {
			const { success, data } = Purchase.safeParse(part.about);
			const isFound = part.draft.origin === 'poll';
			if (success) return [{ part, about: isFound ? { ...data, kind: 'poll' } : data }];
			// Of another version of this file: it is what it is by itself.
			done.push({ part: part.id, event: { draft: drafts.push(part.draft) - 1 } });
			return [];
		});
		rest = rest.toSorted(byRank);
		while (rest[0] !== undefined) {
			const [best] = rest;
			const same = rest.filter(({ about }) => isSame(about, best.about));
			rest = rest.filter((told) => !same.includes(told));
			const known = lately.find(
				({ about }) => isSame(about, best.about) && (about.has_message || !best.about.has_message)
			);
			if (known !== undefined) {
				for (const { part } of same) done.push({ part: part.id, event: known.event });
				continue;
			}
			const due = Math.min(...same.map(waitOf));
			if (due > time) {
				dues.push(due);
				continue;
			}
			const event: Whole = { draft: drafts.push(best.part.draft) - 1 };
			for (const { part } of same) done.push({ part: part.id, event });
			const { about } = best;
			lately.push({ event, until: time + SAME_FOR_POLLS_MS, what: { ...about }, about });
		}
		return {
			...{ drafts, done },
			memory: lately.map(({ event, until, what }) => ({ event, until, what })),
			due_at: judgeAgainAt(dues, lately)
		};
	}
};

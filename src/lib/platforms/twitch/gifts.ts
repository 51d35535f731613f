/**
 * A gift of subscriptions is one event with its recipients, whatever Twitch tells first, twice, or
 * not at all (which messages belong together: gift-bombs.ts).
 *
 * - Released when every recipient is known; else 3 s after its head; a gift whose head is missing
 *   5 s after the first recipient. Never later, so an alert waits for messages, not for hope.
 * - While two gifts of one tier are open and only EventSub tells of the recipients, who got which
 *   is a guess, and both wait their time: chat may say.
 * - What a poll finds is never an alert: a recipient whose gift was told is absorbed, another one is
 *   data, as the gift may have been shown long ago.
 * - What comes after the release is no second alert: a recipient is recorded as `twitch:subscribe`
 *   of class `data`, the head of a gift whose giver nobody knew as `twitch:gift_sub` of class
 *   `data`, and what was known already is absorbed.
 * - Recipients beyond what an event can hold are `twitch:subscribe` of class `data` too.
 */
import { Draft, type JsonObject } from '../../bus/index.ts';
import {
	judgeAgainAt,
	type Decision,
	type GatheringRule,
	type PartOf,
	type Remembered,
	type Whole
} from '../gather.ts';
import type { Viewer } from '../platform.ts';
import { giftSub, subscribe } from './events-support.ts';
import { Gift, GiftPart, Placing, roomIn, type Bomb, type Placed } from './gift-bombs.ts';
import { asData, keyOf, type Notification } from './reading.ts';

const WITH_HEAD_MS = 3_000;
const WITHOUT_HEAD_MS = 5_000;
/** How long what comes late is known again. */
const REMEMBERED_MS = 10 * 60_000;
/** How much of an event its recipients may take, in UTF-16 code units of JSON. */
const RECIPIENTS_LENGTH = 30_000;

type Untimed<Part> = Part extends GiftPart ? Omit<Part, 'at'> : never;

/** Marks a notification's draft as a part of a gift. */
export const giftPart = (
	{ channel_id, timestamp }: Notification,
	about: Untimed<GiftPart>
): PartOf => ({ rule: 'gifts', channel_id, about: { ...about, at: Date.parse(timestamp) } });

const giverIn = ({ part }: Placed): Viewer | null =>
	giftSub.data.safeParse(part.draft.data).data?.user ?? null;

const recipientIn = ({ part, about }: Placed): Viewer | null =>
	about.kind === 'received'
		? (subscribe.data.safeParse(part.draft.data).data?.user ?? null)
		: about.kind === 'chat_received'
			? (giftSub.data.safeParse(part.draft.data).data?.recipients[0] ?? null)
			: null;

const isHead = ({ about }: Placed) => about.kind === 'gift' || about.kind === 'chat_gift';

/** When an open gift is released as it is, in milliseconds since 1970. */
function dueAt({ parts }: Bomb): number {
	const arrivals = (placed: readonly Placed[]) =>
		Math.min(...placed.map(({ part }) => part.arrived_at.getTime()));
	const heads = parts.filter(isHead);
	return heads.length > 0 ? arrivals(heads) + WITH_HEAD_MS : arrivals(parts) + WITHOUT_HEAD_MS;
}

/** What one look decides, step by step. */
class Verdict {
	readonly drafts: Draft[] = [];
	readonly done: { part: number; event: Whole }[] = [];
	readonly memory: Remembered[] = [];
	readonly #dues: number[] = [];
	readonly #now: number;

	constructor(now: number) {
		this.#now = now;
	}

	get due_at(): number | null {
		return judgeAgainAt(this.#dues, this.memory);
	}

	wait(due: number): void {
		this.#dues.push(due);
	}

	/** Records a draft; the parts are done with it. */
	record(draft: Draft, parts: readonly Placed[]): Whole {
		const event = { draft: this.drafts.push(draft) - 1 };
		this.absorb(parts, event);
		return event;
	}

	absorb(parts: readonly Placed[], event: Whole): void {
		for (const { part } of parts) this.done.push({ part: part.id, event });
	}

	remember(gift: Gift, event: Whole, until = this.#now + REMEMBERED_MS): void {
		this.memory.push({ event, until, what: { ...gift, users: [...gift.users] } });
	}

	/** An open gift becomes its event. */
	release({ gift, parts }: Bomb): void {
		const recipients = new Map<string, { viewer: Viewer; placed: Placed }>();
		for (const placed of parts) {
			const viewer = recipientIn(placed);
			if (viewer !== null && !recipients.has(viewer.id))
				recipients.set(viewer.id, { viewer, placed });
		}
		let length = 0;
		const told: Viewer[] = [];
		const left: Placed[] = [];
		for (const { viewer, placed } of recipients.values()) {
			length += JSON.stringify(viewer).length + 1;
			if (length <= RECIPIENTS_LENGTH) told.push(viewer);
			else left.push(placed);
		}
		const [first] = parts;
		if (first === undefined) return;
		const event = this.record(
			giftDraft(gift, first, parts, told, recipients.size),
			parts.filter((placed) => !left.includes(placed))
		);
		for (const placed of left) this.record(received(placed), [placed]);
		this.remember(gift, event);
	}

	/** What belongs to a gift that was released. `before`: what was known of it then. */
	late({ gift, parts }: Bomb, { event, until }: Remembered, before: Gift): void {
		const known = new Set(before.users.keys());
		for (const placed of parts) {
			const { about, part } = placed;
			if ('user' in about) {
				if (known.has(about.user)) this.absorb([placed], event);
				else this.record(received(placed), [placed]);
				known.add(about.user);
			} else if (before.is_giver_told) this.absorb([placed], event);
			else this.record({ ...part.draft, ...asDataDraft }, [placed]);
		}
		this.remember(gift, event, until);
	}
}

const asDataDraft = Draft.pick({
	class: true,
	duration_ms: true,
	cancelable: true,
	replayable: true
}).parse(asData);

/** The event of a gift; what its head tells of the delivery is the event's own. */
function giftDraft(
	gift: Gift,
	first: Placed,
	parts: readonly Placed[],
	recipients: Viewer[],
	size: number
): Draft {
	const { draft } = first.part;
	const data: (typeof giftSub)['sample'] = {
		user: parts.map(giverIn).find((giver) => giver !== null) ?? null,
		tier: gift.tier,
		count: Math.max(gift.count ?? 0, size),
		total: gift.total,
		recipients,
		gift_id: gift.gift_id
	};
	return {
		...draft,
		event_type: giftSub.type,
		class: giftSub.class,
		duration_ms: giftSub.duration_ms,
		priority: giftSub.priority,
		cancelable: true,
		replayable: true,
		data,
		// A recipient's key stays the recipient's: the gift has its giver's, or chat's name for it.
		business_key: isHead(first) || gift.count === 1 ? draft.business_key : nameOf(gift, first)
	};
}

function nameOf({ gift_id }: Gift, { part }: Placed): string | null {
	const [, channel = ''] = part.draft.business_key?.split(':') ?? [];
	return gift_id === null ? null : keyOf(channel, ['gift_id', gift_id]);
}

/** A recipient by itself: counted, never shown. */
function received(placed: Placed): Draft {
	const { part, about } = placed;
	const user = recipientIn(placed);
	if (about.kind === 'received' || user === null) return { ...part.draft, ...asDataDraft };
	const data: JsonObject = {
		...{ user, tier: about.tier, is_gift: true, is_prime: null },
		gifter: giverIn(placed)
	};
	return {
		...{ ...part.draft, ...asDataDraft, data },
		event_type: subscribe.type,
		priority: subscribe.priority
	};
}

/** Recipients of one tier whose gift nobody told of. */
function headless(orphans: readonly Placed[]): Bomb[] {
	const tiers = new Map<number | null, Placed[]>();
	for (const placed of orphans) {
		const { tier } = placed.about;
		tiers.set(tier, [...(tiers.get(tier) ?? []), placed]);
	}
	return [...tiers].map(([tier, parts]) => ({
		gift: {
			...{ is_giver_told: false, giver: null, tier, count: null, total: null, gift_id: null },
			heads: [],
			users: new Map(
				parts.flatMap(({ about }) => ('user' in about ? [[about.user, ['eventsub' as const]]] : []))
			),
			at: Math.min(...parts.map(({ about }) => about.at))
		},
		...{ released: null, parts, isGuess: false }
	}));
}

export const gifts: GatheringRule = {
	name: 'gifts',
	decide({ waiting, memory }, now): Decision {
		const time = now.getTime();
		const verdict = new Verdict(time);
		const lately = memory.flatMap((entry) => {
			const gift = Gift.safeParse(entry.what);
			return gift.success && entry.until > time ? [{ ...entry, gift: gift.data }] : [];
		});
		const parts = waiting.flatMap((part): Placed[] => {
			const about = GiftPart.safeParse(part.about);
			if (about.success) return [{ part, about: about.data }];
			// Of another version of this file: it is what it is by itself.
			verdict.done.push({ part: part.id, event: { draft: verdict.drafts.push(part.draft) - 1 } });
			return [];
		});

		const isFound = ({ part }: Placed) => part.draft.origin === 'poll';
		const placing = new Placing(lately);
		placing.place(parts.filter((placed) => !isFound(placed)));
		placing.placeFound(parts.filter(isFound));
		for (const [place, bomb] of placing.bombs.entries()) {
			const before = lately[place];
			if (before !== undefined) {
				verdict.late(bomb, before, before.gift);
				continue;
			}
			const isWhole = bomb.gift.count !== null && roomIn(bomb.gift) <= 0 && !bomb.isGuess;
			const due = dueAt(bomb);
			if (isWhole || due <= time) verdict.release(bomb);
			else verdict.wait(due);
		}
		for (const placed of placing.orphans.filter(isFound))
			verdict.record(received(placed), [placed]);
		for (const bomb of headless(placing.orphans.filter((placed) => !isFound(placed)))) {
			const due = dueAt(bomb);
			if (due <= time) verdict.release(bomb);
			else verdict.wait(due);
		}
		const { drafts, done, due_at } = verdict;
		return { drafts, done, memory: verdict.memory, due_at };
	}
};

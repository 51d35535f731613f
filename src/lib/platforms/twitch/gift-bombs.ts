/**
 * Which messages tell of the same gift. Twitch tells of a gift of N subscriptions up to 2 + 2N
 * times: one head and N recipients over EventSub, and, where chat is read, the same once more
 * there. Only chat links them (`community_gift_id`); over EventSub the channel, the tier, the
 * number and the time have to do.
 *
 * Parts are placed anew at every look, those that know most first, so what an early guess put
 * together is put right as soon as chat says better, unless it was released already. Released gifts
 * take part: what comes late belongs to them, and is no second alert.
 */
import { z } from 'zod';
import type { Whole, WaitingPart } from '../gather.ts';

const tier = z.int().nullable();
const who = z.string().nullable();
/** When Twitch sent it, in milliseconds since 1970. */
const at = z.number();

/** What a part tells. `total`: all that the giver ever gave; null when hidden. */
export const GiftPart = z.discriminatedUnion('kind', [
	z.object({ kind: z.literal('gift'), giver: who, tier, count: z.int(), total: tier, at }),
	z.object({
		...{ kind: z.literal('chat_gift'), giver: who, tier, count: z.int(), total: tier, at },
		gift_id: z.string()
	}),
	z.object({
		...{ kind: z.literal('chat_received'), user: z.string(), giver: who, tier, total: tier, at },
		/** null: a gift to this one recipient only. */
		gift_id: z.string().nullable()
	}),
	z.object({ kind: z.literal('received'), user: z.string(), tier, at })
]);
export type GiftPart = z.infer<typeof GiftPart>;
type Of<Kind extends GiftPart['kind']> = Extract<GiftPart, { kind: Kind }>;

const Road = z.enum(['eventsub', 'chat']);
type Road = z.infer<typeof Road>;

/** What is known of a gift; this much is remembered of a released one. */
export const Gift = z.object({
	/** false: only recipients were told, so nobody knows who gave. */
	is_giver_told: z.boolean(),
	giver: who,
	tier,
	/** How many were given; null: not told. */
	count: z.int().nullable(),
	total: tier,
	gift_id: z.string().nullable(),
	/** Roads that brought the head. */
	heads: z.array(Road),
	/** Recipients, and the roads that told of them. */
	users: z
		.array(z.tuple([z.string(), z.array(Road)]))
		.transform((entries) => new Map<string, Road[]>(entries)),
	at
});
export type Gift = z.output<typeof Gift>;

export interface Placed {
	readonly part: WaitingPart;
	readonly about: GiftPart;
}

export interface Bomb {
	readonly gift: Gift;
	/** The event that it became; null while it waits. */
	readonly released: Whole | null;
	/** What waits and belongs to it; in the order of knowledge, heads first. */
	readonly parts: Placed[];
	/** Some recipients could be another's. */
	isGuess: boolean;
}

/** Parts of one gift that agree in nothing but tier, number and time are sent within so much. */
const NEAR_MS = 15_000;
/** The two heads of one gift are sent within so much. */
const HEADS_MS = 60_000;

const isNear = (gift: Gift, sent: number, within = NEAR_MS) => Math.abs(gift.at - sent) <= within;
export const roomIn = ({ count, users }: Gift) => (count ?? Infinity) - users.size;

/** Open ones before released ones, then the one that was sent at the nearest time. */
function best(bombs: readonly Bomb[], sent: number): Bomb | undefined {
	const distance = ({ gift, released }: Bomb) =>
		(released === null ? 0 : 1e15) + Math.abs(gift.at - sent);
	return bombs.toSorted((one, other) => distance(one) - distance(other))[0];
}

/** A new gift that nothing is known of yet. */
const unknownGift = (about: GiftPart): Gift => ({
	is_giver_told: false,
	giver: null,
	tier: about.tier,
	count: null,
	total: null,
	gift_id: null,
	heads: [],
	users: new Map(),
	at: about.at
});

export class Placing {
	/** Released ones first, then those that wait. */
	readonly bombs: Bomb[];
	/** Recipients whose gift nobody told of yet. */
	readonly orphans: Placed[] = [];

	/** `remembered` is copied: what is learnt of a released gift shows in `bombs` only. */
	constructor(remembered: readonly { readonly gift: Gift; readonly event: Whole }[]) {
		this.bombs = remembered.map(({ gift, event }) => ({
			gift: structuredClone(gift),
			released: event,
			parts: [],
			isGuess: false
		}));
	}

	place(parts: readonly Placed[]): void {
		for (const { part, about } of parts)
			if (about.kind === 'chat_gift') this.#chatHead(part, about);
		for (const { part, about } of parts)
			if (about.kind === 'chat_received') this.#chatRecipient(part, about);
		for (const { part, about } of parts) if (about.kind === 'gift') this.#head(part, about);
		const rest = parts.filter(
			({ part, about }) => about.kind === 'received' && !this.#known(part, about)
		);
		for (const { part, about } of rest) if (about.kind === 'received') this.#guess(part, about);
	}

	/** What a poll found belongs to a gift only if that named the recipient. */
	placeFound(parts: readonly Placed[]): void {
		for (const { part, about } of parts)
			if (about.kind !== 'received' || !this.#known(part, about))
				this.orphans.push({ part, about });
	}

	#open(about: GiftPart): Bomb {
		const bomb = { gift: unknownGift(about), released: null, parts: [], isGuess: false };
		this.bombs.push(bomb);
		return bomb;
	}

	/** The giver as the head, or a recipient in chat, tells. */
	#tell({ gift }: Bomb, { giver }: { readonly giver: string | null }): void {
		if (gift.is_giver_told) return;
		gift.is_giver_told = true;
		gift.giver = giver;
	}

	#addHead(bomb: Bomb, part: WaitingPart, about: Of<'gift' | 'chat_gift'>): void {
		const { gift } = bomb;
		this.#tell(bomb, about);
		gift.count = about.count;
		gift.total ??= about.total;
		if (about.kind === 'chat_gift') gift.gift_id = about.gift_id;
		gift.heads.push(about.kind === 'gift' ? 'eventsub' : 'chat');
		bomb.parts.unshift({ part, about });
	}

	#addUser(bomb: Bomb, part: WaitingPart, about: Of<'received' | 'chat_received'>): void {
		const { users } = bomb.gift;
		const road = about.kind === 'received' ? 'eventsub' : 'chat';
		users.set(about.user, [...new Set([...(users.get(about.user) ?? []), road] as const)]);
		if (about.kind === 'chat_received') {
			this.#tell(bomb, about);
			bomb.gift.gift_id ??= about.gift_id;
			bomb.gift.total ??= about.total;
		}
		bomb.parts.push({ part, about });
	}

	/** Whether this head can be the other road's word for that gift. */
	#isTwin({ gift }: Bomb, { giver, tier, count, total, at }: Of<'gift' | 'chat_gift'>): boolean {
		if (gift.tier !== tier) return false;
		if (gift.count === null ? gift.users.size > count : gift.count !== count) return false;
		if (!gift.is_giver_told) return isNear(gift, at);
		return (
			gift.giver === giver &&
			isNear(gift, at, HEADS_MS) &&
			(gift.total === null || total === null || gift.total === total)
		);
	}

	#chatHead(part: WaitingPart, about: Of<'chat_gift'>): void {
		const bomb =
			this.bombs.find(
				({ gift }) =>
					gift.gift_id === about.gift_id && (gift.count === null || gift.count === about.count)
			) ??
			best(
				this.bombs.filter(
					(one) =>
						!one.gift.heads.includes('chat') &&
						(one.gift.gift_id === null || one.gift.heads.includes('eventsub')) &&
						this.#isTwin(one, about)
				),
				about.at
			) ??
			this.#open(about);
		this.#addHead(bomb, part, about);
	}

	#chatRecipient(part: WaitingPart, about: Of<'chat_received'>): void {
		const { user, gift_id, tier, giver, at } = about;
		const fits = ({ gift }: Bomb) =>
			gift.tier === tier && (gift.gift_id === null || gift.gift_id === gift_id);
		const bomb =
			this.bombs.find(
				(one) =>
					one.gift.users.has(user) &&
					// What was guessed and released stays: to know a recipient twice would be worse.
					(one.released === null ? fits(one) : one.gift.tier === tier)
			) ??
			this.bombs.find(({ gift }) => gift_id !== null && gift.gift_id === gift_id) ??
			best(
				this.bombs.filter(
					(one) =>
						fits(one) &&
						(!one.gift.is_giver_told || one.gift.giver === giver) &&
						isNear(one.gift, at) &&
						// Full of others: a guess that was released. This is the gift nevertheless.
						(roomIn(one.gift) > 0 || (one.released !== null && !one.gift.heads.includes('chat')))
				),
				at
			);
		const target = bomb ?? this.#open(about);
		// A gift to one recipient has no head in chat: this is all that chat tells.
		if (bomb === undefined && gift_id === null) target.gift.count = 1;
		this.#addUser(target, part, about);
	}

	#head(part: WaitingPart, about: Of<'gift'>): void {
		const { giver, total, at } = about;
		const bomb =
			// The same head once more, under another message id.
			this.bombs.find(
				({ gift }) =>
					total !== null &&
					gift.total === total &&
					gift.giver === giver &&
					gift.heads.includes('eventsub')
			) ??
			best(
				this.bombs.filter(
					(one) => !one.gift.heads.includes('eventsub') && this.#isTwin(one, about)
				),
				at
			) ??
			this.#open(about);
		// The head of another gift by the same viewer may be meant: until chat's own head says.
		if (bomb.gift.gift_id !== null && bomb.gift.count === null) bomb.isGuess = true;
		this.#addHead(bomb, part, about);
	}

	/** Places a recipient whom chat, or the same message under another id, named already. */
	#known(part: WaitingPart, about: Of<'received'>): boolean {
		const bomb = best(
			this.bombs.filter(({ gift }) => gift.tier === about.tier && gift.users.has(about.user)),
			about.at
		);
		if (bomb !== undefined) this.#addUser(bomb, part, about);
		return bomb !== undefined;
	}

	/** Places a recipient by tier, number and time alone. */
	#guess(part: WaitingPart, about: Of<'received'>): void {
		const fitting = this.bombs.filter(
			({ gift, released }) =>
				gift.tier === about.tier &&
				(gift.users.has(about.user) || released === null || isNear(gift, about.at))
		);
		const open = fitting.filter(({ released }) => released === null);
		const bomb =
			fitting.find(({ gift }) => gift.users.has(about.user)) ??
			// The oldest first: its recipients are told first.
			open.find(({ gift }) => roomIn(gift) > 0) ??
			fitting.find(({ released, gift }) => released !== null && roomIn(gift) > 0);
		if (bomb === undefined) {
			this.orphans.push({ part, about });
			return;
		}
		if (open.length > 1 && bomb.released === null) bomb.isGuess = true;
		this.#addUser(bomb, part, about);
	}
}

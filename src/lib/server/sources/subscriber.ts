/**
 * Makes a connection's subscriptions on its platform what they should be: makes them on new
 * sessions, compares them with the platform's list, removes what is ours and not wanted. Says of
 * each wanted one what has become of it.
 */
import type { Access, Call, CallFailure, CallResult } from '$lib/platforms/call.ts';
import type {
	ActualSubscription,
	Quota,
	Source,
	SubscriptionPage,
	Target,
	WantedSubscription
} from '$lib/platforms/source.ts';
import type { SubscriptionRow } from '$lib/server/backend/statements/sources.ts';
import { rest, type SourceClock } from './clock.ts';
import { delayOf, MAX_PAGES, SUBSCRIBES } from './policy.ts';
import { keyOf, reconcile, type Ownership } from './reconcile.ts';

const AT_ONCE = 5;
const TRIES = 5;
const LONGEST_WAIT_MS = 60_000;

export interface SubscriberParts {
	source: Source;
	clock: SourceClock;
	chance: () => number;
	/** With the connection's token, or the program's own where the transport asks for it. */
	call<T>(make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	/** Narrows the list to a channel, where the token sees more than this connection's. */
	channelId: string | null;
	/** Something in `rows` or `quota` is new. */
	onChange(): void;
}

/** Where new subscriptions deliver; null: nowhere just now. Asked again at each try. */
export type TargetOf = (wanted: WantedSubscription) => Target | null;

/** What a failure is called in a row, and whether asking again soon may help. */
const failures: Record<
	CallFailure,
	{ status: SubscriptionRow['status']; isTransient: boolean; word: string | null }
> = {
	unauthorized: { status: 'missing', isTransient: false, word: 'unauthorized' },
	forbidden: { status: 'missing', isTransient: false, word: 'consent_missing' },
	not_found: { status: 'failed', isTransient: false, word: null },
	conflict: { status: 'pending', isTransient: false, word: 'conflict' },
	rate_limited: { status: 'failed', isTransient: true, word: 'limit_reached' },
	rejected: { status: 'failed', isTransient: false, word: null },
	unavailable: { status: 'failed', isTransient: true, word: 'platform_unavailable' },
	malformed: { status: 'failed', isTransient: true, word: 'platform_unavailable' }
};

export class Subscriber {
	readonly #parts: SubscriberParts;
	readonly #stop = new AbortController();
	/** By type, of what is wanted. */
	readonly #rows = new Map<string, SubscriptionRow>();
	#wanted: readonly WantedSubscription[] = [];
	#quota: Quota | null = null;
	/** Types that the platform ended; not made again until somebody asks. */
	readonly #ended = new Map<string, string>();
	/** What the platform ended before now is made again: nobody here knows why it ended. */
	#forgives = true;

	constructor(parts: SubscriberParts) {
		this.#parts = parts;
	}

	get rows(): SubscriptionRow[] {
		return [...this.#rows.values()];
	}

	/** As the platform said last. */
	get quota(): Quota | null {
		return this.#quota;
	}

	get wanted(): readonly WantedSubscription[] {
		return this.#wanted;
	}

	/** Wanted as well: `missing`, but not allowed by the consents; `excess`, but without room. */
	want(
		wanted: readonly WantedSubscription[],
		missing: readonly WantedSubscription[] = [],
		excess: readonly WantedSubscription[] = []
	): void {
		this.#wanted = wanted;
		const types = new Set([...wanted, ...missing, ...excess].map(({ type }) => type));
		for (const type of this.#rows.keys()) if (!types.has(type)) this.#rows.delete(type);
		for (const one of wanted)
			if (!this.#rows.has(one.type)) this.#set(one, { status: 'pending', reason: null });
		for (const one of missing) this.#set(one, { status: 'missing', reason: 'consent_missing' });
		for (const one of excess) this.#set(one, { status: 'failed', reason: 'limit_reached' });
		this.#parts.onChange();
	}

	/** Forgets why some are not to be made again: somebody asks, or the consents are new. */
	forgive(): void {
		this.#ended.clear();
		this.#forgives = true;
	}

	close(): void {
		this.#stop.abort();
	}

	/** The platform ended one. Answers whether it was ours. */
	end(platformId: string, type: string, reason: string): boolean {
		const row = this.#rows.get(type);
		if (row === undefined || (row.platform_id !== null && row.platform_id !== platformId))
			return false;
		this.#ended.set(type, reason);
		this.#rows.set(type, { ...row, status: 'revoked', reason, platform_id: null, cost: 0 });
		this.#parts.onChange();
		return true;
	}

	/** Something ended one of this type; whether for good the list will tell. */
	doubt(type: string, reason: string): void {
		const row = this.#rows.get(type);
		if (row === undefined) return;
		this.#rows.set(type, { ...row, status: 'failed', reason, platform_id: null });
		this.#parts.onChange();
	}

	/** The subscriptions of a target are void: its socket is gone. */
	void(types: ReadonlySet<string>): void {
		for (const [type, row] of this.#rows)
			if (types.has(type) && (row.status === 'enabled' || row.status === 'pending'))
				this.#rows.set(type, { ...row, status: 'pending', reason: null, platform_id: null });
		this.#parts.onChange();
	}

	/** Makes these on a target. Resolves when each has been made or given up; true: none failed. */
	async make(wanted: readonly WantedSubscription[], targetOf: TargetOf): Promise<boolean> {
		const waiting = wanted.filter(({ type }) => !this.#ended.has(type));
		let isWhole = true;
		const work = async () => {
			for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
				if (!(await this.#makeOne(one, targetOf))) isWhole = false;
		};
		await Promise.all(Array.from({ length: AT_ONCE }, work));
		this.#parts.onChange();
		return isWhole;
	}

	/**
	 * Compares with the platform's list, all its pages, and mends. True: everything is as it should
	 * be now. `own`: which of the platform's are ours.
	 */
	async reconcile(
		own: (subscription: ActualSubscription) => Ownership,
		targetOf: TargetOf
	): Promise<boolean> {
		const actual = await this.#list();
		if (actual === null) return false;
		const wanted = this.#wanted.filter(({ type }) => !this.#ended.has(type));
		const { create, remove, keep } = reconcile(wanted, actual, own);
		const kept = new Map(keep.map((one) => [keyOf(one), one]));
		for (const one of wanted) {
			const found = kept.get(keyOf(one));
			if (found !== undefined) this.#set(one, found);
		}
		let isWhole = true;
		for (const one of remove) {
			if (this.#stop.signal.aborted) return false;
			if (!this.#forgives && one.status === 'revoked' && !kept.has(keyOf(one)))
				this.#noteEnded(one);
			const removed = await this.#parts.call((access) => this.#parts.source.remove(access, one.id));
			if (!removed.ok) isWhole = false;
		}
		this.#forgives = false;
		const again = create.filter(({ type }) => !this.#ended.has(type));
		if (!(await this.make(again, targetOf))) isWhole = false;
		return isWhole;
	}

	/** It ended without a word, or before we listened. */
	#noteEnded({ type, reason }: ActualSubscription): void {
		const row = this.#rows.get(type);
		if (row === undefined) return;
		this.#ended.set(type, reason);
		this.#rows.set(type, { ...row, status: 'revoked', reason, platform_id: null, cost: 0 });
	}

	/** All pages; null when one of them did not come. */
	async #list(): Promise<ActualSubscription[] | null> {
		const { source, call, channelId, onChange } = this.#parts;
		const all: ActualSubscription[] = [];
		let cursor: string | null = null;
		for (let pages = 0; pages < MAX_PAGES; pages += 1) {
			const at: string | null = cursor;
			const page: CallResult<SubscriptionPage> = await call((access) =>
				source.list(access, channelId, at)
			);
			if (!page.ok || this.#stop.signal.aborted) return null;
			all.push(...page.value.items);
			this.#quota = page.value.quota;
			if (page.value.cursor === null || page.value.cursor === at) {
				onChange();
				return all;
			}
			cursor = page.value.cursor;
		}
		return null;
	}

	async #makeOne(wanted: WantedSubscription, targetOf: TargetOf): Promise<boolean> {
		const { source, call, clock, chance } = this.#parts;
		for (let tries = 1; ; tries += 1) {
			const target = this.#stop.signal.aborted ? null : targetOf(wanted);
			// The socket is gone: the next one begins anew.
			if (target === null) return false;
			const made = await call((access) => source.create(access, wanted, target));
			// Where the answer belongs may be gone meanwhile; then it says nothing about what is.
			if (this.#stop.signal.aborted || !sameTarget(targetOf(wanted), target)) {
				// Nobody compares any more, and an address, unlike a session, does not end by itself.
				if (made.ok && target.method === 'webhook')
					await call((access) => source.remove(access, made.value.subscription.id));
				return false;
			}
			if (made.ok) {
				this.#quota = made.value.quota;
				this.#set(wanted, made.value.subscription);
				return true;
			}
			const { status, isTransient, word } = failures[made.failure];
			const reason = word === null || word === 'limit_reached' ? made.reason : word;
			this.#set(wanted, {
				status,
				reason: word === 'limit_reached' ? `limit_reached: ${made.reason}` : reason
			});
			this.#parts.onChange();
			if (made.failure === 'unauthorized') return true;
			// It is there already: the list will say which one it is.
			if (!isTransient) return made.failure === 'forbidden';
			if (tries >= TRIES) return false;
			const asked = made.retry_after_s === null ? 0 : made.retry_after_s * 1_000;
			const wait = Math.max(asked, delayOf(SUBSCRIBES, tries, chance()));
			await rest(clock, Math.min(wait, LONGEST_WAIT_MS), this.#stop.signal);
		}
	}

	#set(
		{ type, version }: WantedSubscription,
		is:
			| Pick<ActualSubscription, 'status' | 'reason' | 'id' | 'cost'>
			| Pick<SubscriptionRow, 'status' | 'reason'>
	): void {
		const isActual = 'id' in is;
		this.#rows.set(type, {
			type,
			version,
			status: is.status === 'lost' ? 'failed' : is.status,
			// A word for what is well says nothing.
			reason: is.status === 'enabled' ? null : is.reason,
			platform_id: isActual ? is.id : null,
			cost: isActual ? is.cost : 0
		});
	}
}

const sameTarget = (a: Target | null, b: Target): boolean =>
	a?.method === 'websocket'
		? b.method === 'websocket' && a.session_id === b.session_id
		: a?.method === b.method;

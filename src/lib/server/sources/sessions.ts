/**
 * The sockets of one connection: as many lines as its subscriptions need, each with its share of
 * them. What is wanted is dealt out by its place in the list, so that the same list is always dealt
 * out alike.
 */
import type { SocketProtocol, WantedSubscription } from '$lib/platforms/source.ts';
import { keyOf } from './reconcile.ts';
import { SocketLine, type LineParts, type Reported } from './sockets.ts';

export interface SessionsParts extends Omit<LineParts, 'onEffect'> {
	onEffect(line: number, effect: Reported): void;
}

interface Line {
	readonly line: SocketLine;
	/** The session's ids since its subscriptions were made, the current one last. */
	ids: readonly string[];
	slot: readonly WantedSubscription[];
}

/** The shares of as many sockets as are needed, or of all there may be; what fits on none is left out. */
export function deal(
	wanted: readonly WantedSubscription[],
	{ max_sockets, max_subscriptions }: Pick<SocketProtocol, 'max_sockets' | 'max_subscriptions'>
): WantedSubscription[][] {
	const sockets = Math.min(max_sockets, Math.ceil(wanted.length / max_subscriptions));
	return Array.from({ length: sockets }, (_, index) =>
		wanted.slice(index * max_subscriptions, (index + 1) * max_subscriptions)
	);
}

export class Sessions {
	readonly #parts: SessionsParts;
	#lines: Line[] = [];

	constructor(parts: SessionsParts) {
		this.#parts = parts;
	}

	/** How many sessions stand. */
	get count(): number {
		return this.#lines.filter(({ ids }) => ids.length > 0).length;
	}

	/** Deals out what is wanted; opens and closes lines accordingly. Idempotent. */
	connect(wanted: readonly WantedSubscription[]): void {
		const slots = deal(wanted, this.#parts.protocol);
		for (const { line } of this.#lines.splice(slots.length)) line.destroy();
		for (const [index, slot] of slots.entries()) {
			const existing = this.#lines[index];
			if (existing !== undefined) existing.slot = slot;
			const { line } = existing ?? this.#add(index, slot);
			if (existing === undefined || existing.ids.length === 0) line.connect();
		}
	}

	/** What a line has to subscribe to. */
	slotOf(index: number): readonly WantedSubscription[] {
		return this.#lines[index]?.slot ?? [];
	}

	/** The session to subscribe this on; null while it has none. */
	sessionFor(wanted: WantedSubscription): string | null {
		const key = keyOf(wanted);
		const line = this.#lines.find(({ slot }) => slot.some((one) => keyOf(one) === key));
		return line?.ids.at(-1) ?? null;
	}

	/** Whether what delivers to this session delivers to us. */
	has(id: string): boolean {
		return this.#lines.some(({ ids }) => ids.includes(id));
	}

	destroy(): void {
		for (const { line } of this.#lines.splice(0)) line.destroy();
	}

	#add(index: number, slot: readonly WantedSubscription[]): Line {
		const added: Line = {
			slot,
			ids: [],
			line: new SocketLine({
				...this.#parts,
				onEffect: (effect) => {
					if (effect.kind === 'subscribe') added.ids = [effect.session_id];
					else if (effect.kind === 'moved')
						added.ids = [...added.ids.filter((id) => id !== effect.session_id), effect.session_id];
					else if (effect.kind === 'lost') added.ids = [];
					this.#parts.onEffect(index, effect);
				}
			})
		};
		this.#lines[index] = added;
		return added;
	}
}

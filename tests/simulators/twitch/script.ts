/**
 * What goes wrong, and when: faults for the next requests to a path, and mischief with
 * notifications on their way (dropped, doubled, out of order, late). Nothing goes wrong by itself.
 */
import type { Clock } from './clock.ts';
import type { Chance } from './generators/index.ts';
import type { Asked } from './http.ts';

export type Fault =
	/** Answered so, without being done. */
	| { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
	/** Never answered, not done. */
	| 'timeout'
	/** The connection breaks before it is done. */
	| 'reset'
	/** It is done, and then the connection breaks: the answer is lost. */
	| 'lost'
	/** Done and answered, but late. */
	| { readonly delayMs: number };

interface Planned {
	readonly path: string;
	readonly method: string | null;
	readonly fault: Fault;
	times: number;
}

/** What may befall one notification on its way to one subscription. */
export interface Parcel {
	readonly type: string;
	readonly drop: () => void;
	readonly send: () => void;
}

/** Shares in [0, 1] of all notifications. */
export interface Mix {
	drop: number;
	duplicate: number;
	/** Held back until another has overtaken it. */
	reorder: number;
}

export class Script {
	/** Mischief by chance; all zero at first. */
	readonly mix: Mix = { drop: 0, duplicate: 0, reorder: 0 };
	/** Every notification comes so much later. */
	delayMs = 0;
	readonly #planned: Planned[] = [];
	readonly #clock: Clock;
	readonly #random: Chance;
	#drops: { type: string | null; times: number }[] = [];
	#duplicates = 0;
	#held: Parcel[] | null = null;
	#overtaken: Parcel[] = [];

	constructor(clock: Clock, random: Chance) {
		this.#clock = clock;
		this.#random = random;
	}

	/** The next so many requests whose path begins so (`/helix/streams`, `/oauth2/token`, `/ws`) fail. */
	fail(path: string, fault: Fault, times = 1, method: string | null = null): void {
		this.#planned.push({ path, fault, times, method });
	}
	/** Forgets all that was planned. */
	heal(): void {
		this.#planned.length = 0;
		this.#drops = [];
		this.#duplicates = 0;
		Object.assign(this.mix, { drop: 0, duplicate: 0, reorder: 0 });
		this.delayMs = 0;
		this.release();
	}
	faultFor({ path, method }: Pick<Asked, 'path' | 'method'>): Fault | undefined {
		const planned = this.#planned.find(
			(one) =>
				one.times > 0 && path.startsWith(one.path) && (one.method === null || one.method === method)
		);
		if (planned !== undefined) planned.times -= 1;
		return planned?.fault;
	}

	/** The next so many notifications never arrive; Helix knows what they would have said. */
	dropNext(times = 1, type: string | null = null): void {
		this.#drops.push({ times, type });
	}
	/** The next so many notifications come twice, to the byte. */
	duplicateNext(times = 1): void {
		this.#duplicates += times;
	}
	/** Keeps notifications back until `release`. */
	hold(): void {
		this.#held ??= [];
	}
	/** Sends what was kept back. */
	release(order: 'as fired' | 'reversed' | 'shuffled' = 'as fired'): void {
		const held = [...this.#overtaken, ...(this.#held ?? [])];
		this.#overtaken = [];
		this.#held = null;
		if (order === 'reversed') held.reverse();
		if (order === 'shuffled')
			for (let left = held.length - 1; left > 0; left -= 1) {
				const at = Math.floor(this.#random() * (left + 1));
				const [one, other] = [held[left], held[at]];
				if (one !== undefined && other !== undefined) [held[left], held[at]] = [other, one];
			}
		for (const parcel of held) parcel.send();
	}

	/** A notification sets out. */
	carry(parcel: Parcel): void {
		const planned = this.#drops.find(
			({ times, type }) => times > 0 && (type === null || type === parcel.type)
		);
		if (planned !== undefined) planned.times -= 1;
		if (planned !== undefined || this.#random() < this.mix.drop) return parcel.drop();
		if (this.delayMs > 0) {
			this.#clock.after(this.delayMs, () => this.#hand(parcel));
			return;
		}
		this.#hand(parcel);
	}

	#hand(parcel: Parcel): void {
		const twice = this.#duplicates > 0 || this.#random() < this.mix.duplicate;
		this.#duplicates = Math.max(0, this.#duplicates - 1);
		const copies = twice ? [parcel, parcel] : [parcel];
		if (this.#held !== null) {
			this.#held.push(...copies);
			return;
		}
		if (this.#random() < this.mix.reorder) {
			this.#overtaken.push(...copies);
			return;
		}
		for (const copy of copies) copy.send();
		const late = this.#overtaken;
		this.#overtaken = [];
		for (const one of late.reverse()) one.send();
	}
}

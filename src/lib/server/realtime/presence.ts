/**
 * Who is on a topic. Pure: owners are identities that the caller chooses (one channel each), refs
 * come from the caller. One key may have several owners and then has several metas. Every change
 * answers the diff to send, or null when nothing changed.
 */
import type { JsonRecord } from './wire.ts';

export type PresenceMeta = { phx_ref: string; phx_ref_prev?: string } & JsonRecord;
export type PresenceEntries = Record<string, { metas: PresenceMeta[] }>;
export type PresenceDiff = { joins: PresenceEntries; leaves: PresenceEntries };

interface Tracked {
	key: string;
	payload: JsonRecord;
	/** To tell an unchanged payload. */
	json: string;
	phx_ref: string;
}

/** Entries by key. Built from pairs, so that a key `__proto__` is only a name. */
function entries(pairs: Iterable<readonly [string, PresenceMeta]>): PresenceEntries {
	const byKey = new Map<string, { metas: PresenceMeta[] }>();
	for (const [key, meta] of pairs) {
		const entry = byKey.get(key);
		if (entry) entry.metas.push(meta);
		else byKey.set(key, { metas: [meta] });
	}
	return Object.fromEntries(byKey);
}

const metaOf = ({ payload, phx_ref }: Tracked): PresenceMeta => ({ ...payload, phx_ref });

export class Presence {
	#tracked = new Map<object, Tracked>();

	get size(): number {
		return this.#tracked.size;
	}

	/** The owner is here with this payload; an update leaves with the old meta and joins with the new. */
	track(owner: object, key: string, payload: JsonRecord, phx_ref: string): PresenceDiff | null {
		const json = JSON.stringify(payload);
		const before = this.#tracked.get(owner);
		if (before && before.key === key && before.json === json) return null;
		const now: Tracked = { key, payload, json, phx_ref };
		this.#tracked.set(owner, now);
		const joined = { ...metaOf(now), ...(before ? { phx_ref_prev: before.phx_ref } : {}) };
		return {
			joins: entries([[key, joined]]),
			leaves: entries(before ? [[before.key, metaOf(before)]] : [])
		};
	}

	/** The owner left. */
	untrack(owner: object): PresenceDiff | null {
		const before = this.#tracked.get(owner);
		if (!before) return null;
		this.#tracked.delete(owner);
		return { joins: {}, leaves: entries([[before.key, metaOf(before)]]) };
	}

	/** Everybody, for `presence_state`. */
	state(): PresenceEntries {
		return entries(Array.from(this.#tracked.values(), (tracked) => [tracked.key, metaOf(tracked)]));
	}
}

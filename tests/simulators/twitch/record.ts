/**
 * What happened, for whoever checks the product: every fact that became true, and every attempt to
 * tell it. A fact that nobody was told stands here with no delivery that was sent.
 */
export interface Delivery {
	readonly message_id: string;
	readonly subscription_id: string;
	readonly transport: 'websocket' | 'webhook';
	/** The session's id or the callback. */
	readonly to: string;
	/** How often it was put on the wire. */
	sent: number;
	/** Webhooks: whether a 2xx came. WebSockets know no answer: always false. */
	acknowledged: boolean;
	/** Why it was not sent, or not again. */
	lost: 'dropped' | 'socket away' | 'not answered' | null;
}

export interface Fact {
	/** Counts up. */
	readonly n: number;
	readonly type: string;
	readonly version: string;
	readonly broadcaster_id: string;
	readonly at: Date;
	readonly event: Readonly<Record<string, unknown>>;
	readonly deliveries: Delivery[];
}

/** Any other thing worth knowing: requests, sockets that came and went, revocations. */
export interface Happening {
	readonly at: Date;
	readonly what: string;
	readonly detail: Readonly<Record<string, unknown>>;
}

const KEPT = 20_000;

export class Records {
	readonly facts: Fact[] = [];
	readonly happenings: Happening[] = [];
	readonly #now: () => Date;
	#listeners = new Set<(happening: Happening) => void>();

	constructor(now: () => Date) {
		this.#now = now;
	}

	fact(fact: Omit<Fact, 'n' | 'at' | 'deliveries'>): Fact {
		const made = { ...fact, n: this.facts.length + 1, at: this.#now(), deliveries: [] };
		this.facts.push(made);
		return made;
	}
	note(what: string, detail: Happening['detail'] = {}): void {
		const happening = { at: this.#now(), what, detail };
		this.happenings.push(happening);
		if (this.happenings.length > KEPT) this.happenings.splice(0, KEPT / 2);
		for (const listener of this.#listeners) listener(happening);
	}
	/** The requests to paths that begin so, as `POST /oauth2/token 200`. */
	requests = (path = ''): string[] =>
		this.happenings
			.filter(({ what, detail }) => what === 'request' && String(detail['path']).startsWith(path))
			.map(({ detail }) => `${detail['method']} ${detail['path']} ${detail['status']}`);

	/** Facts that at least one subscription was told. */
	told = (): Fact[] => this.facts.filter((fact) => fact.deliveries.some(({ sent }) => sent > 0));
	/** Facts that no subscription was told. */
	missed = (): Fact[] =>
		this.facts.filter((fact) => fact.deliveries.every(({ sent }) => sent === 0));

	onHappening(listener: (happening: Happening) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}
}

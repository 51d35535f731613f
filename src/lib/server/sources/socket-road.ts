/** Sockets of our own and the subscriptions on them. A session that ends takes its own along. */
import type { ActualSubscription, Target, WantedSubscription } from '$lib/platforms/source.ts';
import type { Ownership } from './reconcile.ts';
import type { Road, RoadEvents } from './road.ts';
import { Sessions, type SessionsParts } from './sessions.ts';
import type { Reported } from './sockets.ts';

/** Of earlier sessions so many are known: the platform lists what was subscribed on them for a while. */
const REMEMBERED = 20;

interface Parts extends Omit<SessionsParts, 'onEffect'> {
	/** Sessions that were ours before, the latest first. */
	readonly former: readonly string[];
	readonly events: RoadEvents;
}

export class SocketRoad implements Road {
	readonly room: number;
	readonly #events: RoadEvents;
	readonly #sessions: Sessions;
	/** The latest last. */
	#former: readonly string[];
	#lostReason: string | null = null;

	constructor({ former, events, ...parts }: Parts) {
		this.#events = events;
		this.#former = former.toReversed();
		this.room = parts.protocol.max_sockets * parts.protocol.max_subscriptions;
		this.#sessions = new Sessions({
			...parts,
			onEffect: (line, effect) => {
				this.#heard(line, effect);
				// What is delivered says nothing new of the road, and there is much of it.
				if (effect.kind !== 'deliver') events.changed();
			}
		});
	}

	get sessions(): number {
		return this.#sessions.count;
	}

	get isOpen(): boolean {
		return this.#sessions.count > 0;
	}

	get lostReason(): string | null {
		return this.#lostReason;
	}

	connect(wanted: readonly WantedSubscription[]): void {
		this.#sessions.connect(wanted);
	}

	targetOf(wanted: WantedSubscription): Target | null {
		const session_id = this.#sessions.sessionFor(wanted);
		return session_id === null ? null : { method: 'websocket', session_id };
	}

	own({ to }: ActualSubscription): Ownership {
		if (to === null) return 'foreign';
		if (this.#sessions.has(to)) return 'now';
		return this.#former.includes(to) ? 'before' : 'foreign';
	}

	/** Webhooks are not for this connection. */
	noteDelivery(): void {}

	destroy(): void {
		this.#sessions.destroy();
	}

	#heard(line: number, effect: Reported): void {
		const events = this.#events;
		switch (effect.kind) {
			case 'deliver':
				return events.delivered(effect.type, effect.reading);
			case 'subscribe':
				this.#lostReason = null;
				this.#remember(effect.session_id);
				events.subscribe(this.#sessions.slotOf(line));
				return events.reconcile();
			case 'moved':
				this.#remember(effect.session_id);
				// They should be there; the list says whether they are.
				return events.reconcile();
			case 'revoked':
				return events.revoked(effect.subscription, effect.type, effect.reason, effect.is_consent);
			case 'lost':
				events.voided(new Set(this.#sessions.slotOf(line).map(({ type }) => type)));
				if (this.#sessions.count > 0) return;
				this.#lostReason = effect.reason;
				return events.lost(effect.reason);
			case 'problem':
				return events.problem(effect.reason);
		}
	}

	#remember(id: string): void {
		this.#former = [...this.#former.filter((one) => one !== id), id].slice(-REMEMBERED);
		this.#events.session(id);
	}
}

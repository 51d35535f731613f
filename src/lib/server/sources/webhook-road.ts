/**
 * Webhooks: subscriptions that deliver to our address. Their notifications come in by the door,
 * which takes them for all connections and says here what it did.
 */
import type { DeliveryOutcome } from '$lib/platforms/answer.ts';
import type { ActualSubscription, Target } from '$lib/platforms/source.ts';
import type { Ownership } from './reconcile.ts';
import type { Road, RoadEvents } from './road.ts';

/** Challenges and revocations come in bursts. */
const SETTLED_MS = 500;

interface Parts {
	readonly callback: string;
	/** In the clear; null when there is none that opens. */
	secret(): string | null;
	readonly events: Pick<RoadEvents, 'reconcile' | 'doubted' | 'counted'>;
}

export class WebhookRoad implements Road {
	readonly sessions = 0;
	readonly isOpen = true;
	readonly lostReason = null;
	readonly room = Infinity;
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	connect(): void {
		this.#parts.events.reconcile();
	}

	targetOf(): Target | null {
		const { callback } = this.#parts;
		const secret = this.#parts.secret();
		return secret === null ? null : { method: 'webhook', callback, secret };
	}

	own({ to }: ActualSubscription): Ownership {
		return to === this.#parts.callback ? 'now' : 'foreign';
	}

	noteDelivery(outcome: DeliveryOutcome, detail: string | null): void {
		const { events } = this.#parts;
		if (outcome === 'revoked') {
			const [type = '', ...reason] = (detail ?? '').split(': ');
			events.doubted(type, reason.join(': '));
			events.reconcile(SETTLED_MS);
		} else if (outcome === 'recorded' || outcome === 'gathered') events.counted();
		// Our address was checked: the list says what has become of it.
		else if (outcome === 'challenge') events.reconcile(SETTLED_MS);
	}

	destroy(): void {}
}

/**
 * The road that a connection's events come by, in the modes in which something delivers them. It
 * knows where subscriptions are to deliver and which of the platform's are ours; what it hears it
 * tells its source, which mends and stores.
 */
import type { DeliveryOutcome } from '$lib/platforms/answer.ts';
import type { Reading } from '$lib/platforms/platform.ts';
import type { ActualSubscription, Target, WantedSubscription } from '$lib/platforms/source.ts';
import type { Ownership } from './reconcile.ts';

export interface Road {
	/** Sessions that stand; 0 where none are used. */
	readonly sessions: number;
	/** Whether subscriptions can be made now. */
	readonly isOpen: boolean;
	/** Why nothing is delivered any more, if something was. */
	readonly lostReason: string | null;
	/** How many subscriptions have room. */
	readonly room: number;
	/** Goes by what is wanted now. Idempotent. */
	connect(wanted: readonly WantedSubscription[]): void;
	/** Where this one is to deliver; null: nowhere just now. */
	targetOf(wanted: WantedSubscription): Target | null;
	own(subscription: ActualSubscription): Ownership;
	/** Something came in by the webhook door. */
	noteDelivery(outcome: DeliveryOutcome, detail: string | null): void;
	/** Closes what is open; nothing is heard any more. */
	destroy(): void;
}

/** What a road tells. */
export interface RoadEvents {
	delivered(type: string, reading: Reading): void;
	/** Something was delivered, and stored by whoever took it. */
	counted(): void;
	/** A session has just become ours. */
	session(id: string): void;
	/** Nothing is subscribed there yet, and time is short. */
	subscribe(wanted: readonly WantedSubscription[]): void;
	/** What is subscribed should be compared, now or in so many milliseconds. */
	reconcile(ms?: number): void;
	/** The platform ended one; `isConsent`: because the consent ended. */
	revoked(subscription: string, type: string, reason: string, isConsent: boolean): void;
	/** Something ended one of this type; whether for good the list will tell. */
	doubted(type: string, reason: string): void;
	/** Subscriptions of these types are void. */
	voided(types: ReadonlySet<string>): void;
	/** Nothing delivers any more. */
	lost(reason: string): void;
	problem(reason: string): void;
	/** What it says of itself is new. */
	changed(): void;
}

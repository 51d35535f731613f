/**
 * A carrier brings a topic's messages: over Supabase Realtime, over server-sent events. It keeps
 * itself alive (reconnects, rejoins, renews) and tells how it fares; the supervisor chooses.
 */
import type { Clock } from '$lib/player/clock.ts';

export interface CarrierEvents {
	/** Messages flow from here on; whatever came before may have been missed. */
	up(): void;
	/** They do not, or an attempt to make them flow failed. */
	down(reason: string): void;
	/** A payload as it came; not parsed yet. */
	message(payload: unknown): void;
	/** The server said that messages were missed. */
	missed(): void;
}

export interface Carrier {
	close(): void;
}

/** Starts at once and tries for ever. */
export type StartCarrier = (events: CarrierEvents) => Carrier;

/** A token for the server; `fresh` when the last one was refused. */
export type TokenSource = (options?: { fresh?: boolean }) => Promise<string>;

export interface Surroundings {
	clock: Clock;
	/** Between 0 and 1, as `Math.random`. */
	random: () => number;
}

/** Full jitter: anywhere between nothing and the doubling ceiling, so that crowds come back spread out. */
export function fullJitter(
	tries: number,
	random: () => number,
	{ first_ms = 1_000, most_ms = 10_000 } = {}
): number {
	return random() * Math.min(most_ms, first_ms * 2 ** Math.min(tries, 20));
}

export const messageOf = (error: unknown): string =>
	error instanceof Error ? error.message : String(error);

/** How patient sources are, as data. Chance is an argument: a draw from [0, 1). */
import type { Poll } from '$lib/platforms/source.ts';

export interface Backoff {
	readonly first_ms: number;
	readonly longest_ms: number;
	/** The part of a delay that is drawn: 0.5 makes 1 s anything from 0.5 s to 1 s. */
	readonly jitter: number;
}

/** Connecting a socket again. Spread, so that a platform that restarts is not met by everybody at once. */
export const RECONNECTS: Backoff = { first_ms: 1_000, longest_ms: 120_000, jitter: 0.5 };
/** Making a subscription again, and reconciling again what could not be made. */
export const SUBSCRIBES: Backoff = { first_ms: 500, longest_ms: 60_000, jitter: 0.5 };
/** Storing what came while the database was away. */
export const STORES: Backoff = { first_ms: 100, longest_ms: 5_000, jitter: 0.5 };
/** Looking at a list again after a failure. */
export const LOOKS: Backoff = { first_ms: 30_000, longest_ms: 30 * 60_000, jitter: 0.2 };

/** A session that lasted so long was a good one: the next loss is a first one. */
export const GOOD_SESSION_MS = 30_000;

/** Milliseconds before the try after `failures` ≥ 1 failures in a row: doubles, within bounds. */
export function delayOf(
	{ first_ms, longest_ms, jitter }: Backoff,
	failures: number,
	chance: number
): number {
	const doubled = first_ms * 2 ** Math.min(Math.max(failures, 1) - 1, 30);
	const full = Math.min(doubled, longest_ms);
	return full * (1 - jitter * chance);
}

/** Seconds between two looks at a list. */
export function pollEvery(poll: Poll, isHealthy: boolean, chance: number): number {
	if (!isHealthy) return poll.every_s_away;
	const [from, to] = poll.every_s_healthy;
	return Math.round(from + (to - from) * chance);
}

/** Lists may show late what happened before: each look goes back so far behind what is known. */
export const OVERLAP_MS = 10 * 60_000;
/** What is younger may still be on its way here, so a healthy source is not yet judged by it. */
export const SETTLE_MS = 30_000;
/** Lists longer than this are not compared; 100 entries a page. */
export const MAX_PAGES = 200;

/**
 * What a page remembers of plays: it shows an id at most once in its life and never after its end,
 * whatever order messages come in. Ids known to be over are forgotten oldest first beyond a bound;
 * one that was shown and may still be open at the server is never forgotten.
 */
import type { ReportDetail } from './outbox.ts';

export interface Memo {
	/** It was put on the stage, whether or not it came to its end there. */
	readonly shown: boolean;
	/** The server said, or our accepted report made it so, that it reached a terminal status. */
	readonly over: boolean;
	/** The latest attempt that this page led; 0 when never. */
	readonly led_attempt: number;
	/** The latest attempt for which this page said that it is through; 0 when never. */
	readonly closed_attempt: number;
	/** What went wrong while it was on; said in the report that closes it. */
	readonly detail: ReportDetail;
}

export type Memory = ReadonlyMap<string, Memo>;

const FORGET_BEYOND = 2_000;
const unknown: Memo = {
	shown: false,
	over: false,
	led_attempt: 0,
	closed_attempt: 0,
	detail: {}
};

export const recall = (memory: Memory, playId: string): Memo => memory.get(playId) ?? unknown;

/** The memory with this change. */
export function remember(memory: Memory, playId: string, change: Partial<Memo>): Memory {
	const next = new Map(memory).set(playId, { ...recall(memory, playId), ...change });
	if (next.size > FORGET_BEYOND)
		for (const [id, memo] of next) {
			if (next.size <= FORGET_BEYOND) break;
			if (memo.over && id !== playId) next.delete(id);
		}
	return next;
}

/**
 * Reports on their way to the server: kept in order, sent one at a time, repeated until answered,
 * so that a lost link delays them but never loses or reorders one. Pure: `due` says what to send
 * and the queue feeds back what became of it.
 */
import { retryDelay } from './retry.ts';

export type ReportKind = 'started' | 'ended' | 'failed';

/** What a report may add: names that could not be loaded, an error text, milliseconds shown late. */
export interface ReportDetail {
	missing?: string[];
	error?: string;
	delay_ms?: number;
}

export interface Report {
	/** Counts the reports of this page; pairs an answer with its question. */
	readonly id: number;
	readonly play_id: string;
	readonly attempt: number;
	readonly report: ReportKind;
	readonly detail: ReportDetail;
}

export interface Outbox {
	readonly entries: readonly Report[];
	readonly next_id: number;
	readonly in_flight: boolean;
	readonly due_at: number;
	readonly tries: number;
}

export const emptyOutbox: Outbox = {
	entries: [],
	next_id: 1,
	in_flight: false,
	due_at: 0,
	tries: 0
};

/** Adds a report, unless the same one already waits. */
export function enqueue(outbox: Outbox, report: Omit<Report, 'id'>): Outbox {
	const waits = outbox.entries.some(
		(entry) =>
			entry.play_id === report.play_id &&
			entry.report === report.report &&
			entry.attempt === report.attempt
	);
	if (waits) return outbox;
	return {
		...outbox,
		entries: [...outbox.entries, { id: outbox.next_id, ...report }],
		next_id: outbox.next_id + 1
	};
}

/** The report to send now, if any. */
export function due(outbox: Outbox, now: number): Report | null {
	const head = outbox.entries[0];
	return head === undefined || outbox.in_flight || now < outbox.due_at ? null : head;
}

export const sent = (outbox: Outbox): Outbox => ({ ...outbox, in_flight: true });

/** The server answered (it accepted or refused: both are answers), or will never take this one. */
export function answered(outbox: Outbox, id: number, now: number): Outbox {
	if (outbox.entries[0]?.id !== id) return outbox;
	return { ...outbox, entries: outbox.entries.slice(1), in_flight: false, due_at: now, tries: 0 };
}

/** No answer came: the same report again, later. */
export function unanswered(outbox: Outbox, id: number, now: number, spread: number): Outbox {
	if (outbox.entries[0]?.id !== id) return outbox;
	const delay = retryDelay(outbox.tries, spread, { first_ms: 300, most_ms: 10_000 });
	return { ...outbox, in_flight: false, due_at: now + delay, tries: outbox.tries + 1 };
}

/**
 * The server has answered something else, so it is there: what waits to be repeated goes at once.
 * A leader that comes back has little time to tell what it showed before others take it up.
 */
export function reachable(outbox: Outbox, now: number): Outbox {
	return outbox.tries === 0 ? outbox : { ...outbox, due_at: now, tries: 0 };
}

/**
 * The way from arrivals to `record_events`: those that come while a batch is on its way to the
 * database wait and then share one call, one commit and one notification. Order within an account
 * is the order of arrival; different accounts do not wait for each other.
 *
 * Promises:
 * - An arrival (the drafts of one `record`) is stored whole or not at all, and its promise settles
 *   only after the commit.
 * - A poisonous arrival harms nobody else: when a shared batch is refused, its arrivals are tried
 *   again one by one, and only the guilty one hears the refusal. A batch that failed because the
 *   database was away is not tried again here: whether it was stored is unknown, so the sender
 *   asks again and the drafts' keys tell.
 * - What waits is bounded: beyond it an arrival is refused at once, and the sender comes back.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Draft } from '$lib/bus/event.ts';
import type { RecordOutcome } from '$lib/server/backend/statements/events.ts';

export type { RecordOutcome };

/** Records a batch atomically; outcomes in the order of the drafts. */
export type RecordBatch = (accountId: string, drafts: Draft[]) => Promise<RecordOutcome[]>;

export interface RecorderOptions {
	/** Most drafts in one call. */
	batch?: number;
	/** Most drafts waiting for one account. */
	waiting?: number;
	/** Runs a callback after the arrivals at hand are in; `setImmediate` unless a test decides. */
	defer?: (flush: () => void) => void;
}

interface Arrival {
	drafts: Draft[];
	resolve(outcomes: RecordOutcome[]): void;
	reject(error: unknown): void;
}

interface Line {
	waiting: Arrival[];
	drafts: number;
}

export class EventRecorder {
	readonly #record: RecordBatch;
	readonly #options: Required<RecorderOptions>;
	readonly #lines = new Map<string, Line>();

	constructor(record: RecordBatch, options: RecorderOptions = {}) {
		this.#record = record;
		this.#options = {
			batch: options.batch ?? 500,
			waiting: options.waiting ?? 20_000,
			defer: options.defer ?? ((flush) => void setImmediate(flush))
		};
	}

	/** Stores the drafts. Resolves after the commit; rejects with what the database refused. */
	record(accountId: string, drafts: Draft[]): Promise<RecordOutcome[]> {
		if (drafts.length === 0) return Promise.resolve([]);
		let line = this.#lines.get(accountId);
		if (line !== undefined && line.drafts + drafts.length > this.#options.waiting)
			return Promise.reject(
				new AppError('unavailable', 'More events wait than can be stored now.', { retryAfter: 1 })
			);
		const isFirst = line === undefined;
		line ??= { waiting: [], drafts: 0 };
		this.#lines.set(accountId, line);
		const { waiting } = line;
		line.drafts += drafts.length;
		const settled = new Promise<RecordOutcome[]>((resolve, reject) => {
			waiting.push({ drafts, resolve, reject });
		});
		const started = line;
		if (isFirst) this.#options.defer(() => void this.#drain(accountId, started));
		return settled;
	}

	/** Sends batch after batch until nothing waits. Never throws. */
	async #drain(accountId: string, line: Line): Promise<void> {
		while (line.waiting.length > 0) {
			const batch = this.#take(line);
			await this.#send(accountId, batch);
			for (const { drafts } of batch) line.drafts -= drafts.length;
		}
		this.#lines.delete(accountId);
	}

	/** The next arrivals that fit one call; at least one. */
	#take(line: Line): Arrival[] {
		let size = 0;
		let count = 0;
		for (const { drafts } of line.waiting) {
			if (count > 0 && size + drafts.length > this.#options.batch) break;
			size += drafts.length;
			count += 1;
		}
		return line.waiting.splice(0, count);
	}

	async #send(accountId: string, batch: Arrival[]): Promise<void> {
		try {
			const outcomes = await this.#record(
				accountId,
				batch.flatMap(({ drafts }) => drafts)
			);
			let at = 0;
			for (const { drafts, resolve } of batch) {
				resolve(outcomes.slice(at, at + drafts.length).map((o, index) => ({ ...o, index })));
				at += drafts.length;
			}
		} catch (error) {
			const isAway = error instanceof AppError && error.code === 'unavailable';
			if (batch.length > 1 && !isAway) {
				for (const arrival of batch) await this.#send(accountId, [arrival]);
				return;
			}
			for (const { reject } of batch) reject(error);
		}
	}
}

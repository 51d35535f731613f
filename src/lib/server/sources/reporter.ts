/**
 * Writes how a source is to the database: soon after a change, counts now and then, one write at a
 * time. A database that is away gets the latest when it is back; counts wait for it.
 */
import type { Quota } from '$lib/platforms/source.ts';
import type { SourceReport, SubscriptionRow } from '$lib/server/backend/statements/sources.ts';
import type { SourceClock } from './clock.ts';

/** A burst of changes is one write. */
const SOON_MS = 50;
const COUNTS_MS = 2_000;
const AGAIN_MS = 5_000;

/** As many as the database keeps. */
const MOST_SESSIONS = 20;

type State = Pick<SourceReport, 'state' | 'session_count' | 'problems'> & {
	readonly rows: readonly SubscriptionRow[];
};

interface Parts {
	clock: SourceClock;
	report(report: SourceReport): Promise<boolean>;
	save(rows: readonly SubscriptionRow[], all: boolean, quota: Quota | null): Promise<void>;
}

export class Reporter {
	readonly #parts: Parts;
	#state: State | null = null;
	#written = '';
	#writtenRows = '';
	#sessions: string[] = [];
	#counts = new Map<string, { received: number; last_event_at: string }>();
	#timer: (() => void) | null = null;
	#timerAt = Infinity;
	#run: Promise<void> = Promise.resolve();
	#isOver = false;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	tell(state: State): void {
		this.#state = state;
		if (this.#isNews(state)) this.#in(SOON_MS);
	}

	/** A session that has just become ours. */
	session(id: string): void {
		this.#sessions.push(id);
		this.#in(SOON_MS);
	}

	count(type: string): void {
		const last_event_at = this.#parts.clock.date().toISOString();
		const received = (this.#counts.get(type)?.received ?? 0) + 1;
		this.#counts.set(type, { received, last_event_at });
		this.#in(COUNTS_MS);
	}

	/** All subscriptions after a reconcile, and the quota; rejects when the database is away. */
	async keepAll(rows: readonly SubscriptionRow[], quota: Quota | null): Promise<void> {
		await this.flush();
		await this.#parts.save(rows, true, quota);
	}

	/** Writes what there is now. */
	flush(): Promise<void> {
		this.#run = this.#run.then(() => this.#write());
		return this.#run;
	}

	async close(): Promise<void> {
		this.#isOver = true;
		this.#timer?.();
		await this.flush();
	}

	#isNews({ rows, ...state }: State): boolean {
		return JSON.stringify(state) !== this.#written || JSON.stringify(rows) !== this.#writtenRows;
	}

	#in(ms: number): void {
		const { clock } = this.#parts;
		const at = clock.now() + ms;
		if (this.#isOver || this.#timerAt <= at) return;
		this.#timer?.();
		this.#timerAt = at;
		this.#timer = clock.after(ms, () => {
			this.#timerAt = Infinity;
			void this.flush();
		});
	}

	async #write(): Promise<void> {
		const state = this.#state;
		if (state === null) return;
		const { rows, ...told } = state;
		const rowsText = JSON.stringify(rows);
		const text = JSON.stringify(told);
		const counts = this.#counts;
		const sessions = this.#sessions;
		if (
			text === this.#written &&
			rowsText === this.#writtenRows &&
			counts.size + sessions.length === 0
		)
			return;
		this.#counts = new Map();
		this.#sessions = [];
		try {
			// Before the counts, which are added to these rows.
			if (rowsText !== this.#writtenRows) await this.#parts.save(rows, false, null);
			this.#writtenRows = rowsText;
			for (const session of sessions.slice(0, -1))
				await this.#parts.report({ ...told, session, counts: {} });
			await this.#parts.report({
				...told,
				session: sessions.at(-1) ?? null,
				counts: Object.fromEntries(counts)
			});
			this.#written = text;
			// What was told meanwhile was compared with what was there before this.
			if (this.#state !== null && this.#isNews(this.#state)) this.#in(SOON_MS);
		} catch {
			// Whoever stores events says that the database is away.
			this.#sessions = [...sessions, ...this.#sessions].slice(-MOST_SESSIONS);
			for (const [type, { received, last_event_at }] of counts) {
				const since = this.#counts.get(type);
				this.#counts.set(type, {
					received: received + (since?.received ?? 0),
					last_event_at: since?.last_event_at ?? last_event_at
				});
			}
			this.#in(AGAIN_MS);
		}
	}
}

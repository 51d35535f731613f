/**
 * Where messages that may be parts of one happening wait: they are stored, and their platform's
 * rule is asked what has become whole, after each arrival and when something is due.
 *
 * Promises:
 * - `gather` resolves after the commit; from then on a part is released or known again, whatever
 *   happens to this process: what it could not settle is due, and the next process settles it.
 * - A happening is released once: a decision counts only if nothing changed since the rule looked
 *   (app.release_gathering), else the rule looks again.
 * - Arrivals during a settling share the next one.
 */
import type { Recorded } from '$lib/platforms/answer.ts';
import { ruleOf, type Decision, type Part } from '$lib/platforms/gather.ts';
import type { Platform } from '$lib/platforms/platform.ts';
import type { Sql } from './backend/database.ts';
import {
	dueGatherings,
	gatherParts,
	readGathering,
	releaseGathering
} from './backend/statements/gatherings.ts';
import type { Log } from './log.ts';

/** What is due sooner is waited for here; the rest comes with `settleDue`. */
const SOON_MS = 10_000;

/** More happenings of one kind than a channel has in minutes: under a flood the oldest are forgotten. */
const REMEMBERED_AT_MOST = 200;

/** Without a rule (its platform is gone from the catalog) each part is what it is by itself. */
const asTheyAre: (
	parts: readonly { id: number; draft: Decision['drafts'][number] }[]
) => Decision = (parts) => ({
	drafts: parts.map(({ draft }) => draft),
	done: parts.map(({ id }, draft) => ({ part: id, event: { draft } })),
	memory: [],
	due_at: null
});

/**
 * Judges what waits under one name and stores what was decided. Resolves, after the commit, with
 * the time at which it is to be judged again (null: not before something arrives).
 */
export async function settleGathering(
	sql: Sql,
	platforms: readonly Platform[],
	accountId: string,
	name: string,
	clock: () => Date
): Promise<Date | null> {
	for (;;) {
		const stored = await readGathering(sql, accountId, name);
		if (stored === null) return null;
		const now = clock();
		const { rev, parts, memory } = stored;
		const rule = ruleOf(platforms, name);
		const decided = rule?.decide({ waiting: parts, memory }, now) ?? asTheyAre(parts);
		const decision = { ...decided, memory: decided.memory.slice(-REMEMBERED_AT_MOST) };
		const outcomes = await releaseGathering(sql, accountId, name, rev, decision, now);
		if (outcomes !== null) return decision.due_at === null ? null : new Date(decision.due_at);
	}
}

interface Parts {
	readonly sql: Sql;
	readonly platforms: readonly Platform[];
	readonly log: Log;
	readonly clock: () => Date;
}

export class Gatherer {
	readonly #parts: Parts;
	readonly #running = new Map<string, { again: boolean; settled: Promise<void> }>();
	readonly #timers = new Map<string, NodeJS.Timeout>();
	/** Names that could not be settled: told once, until they can. */
	readonly #failing = new Set<string>();
	#stopped = false;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** Stores parts. Resolves after the commit; rejects with what the database refused. */
	async gather(accountId: string, parts: readonly Part[]): Promise<Recorded[]> {
		const outcomes = await gatherParts(this.#parts.sql, accountId, parts, this.#parts.clock());
		if (outcomes.includes('gathered'))
			for (const name of new Set(parts.map((part) => part.name)))
				void this.#settle(accountId, name);
		return outcomes.map((outcome) => ({ outcome, event_id: null, seq: null }));
	}

	/** Settles whatever is due, also what another process left behind; answers how many there were. */
	async settleDue(): Promise<number> {
		const due = await dueGatherings(this.#parts.sql, this.#parts.clock());
		await Promise.all(due.map(({ account_id, name }) => this.#settle(account_id, name)));
		return due.length;
	}

	/** Resolves when nothing is being settled any more; what waits is settled by the next process. */
	async stop(): Promise<void> {
		this.#stopped = true;
		for (const timer of this.#timers.values()) clearTimeout(timer);
		await Promise.all([...this.#running.values()].map(({ settled }) => settled));
	}

	/** Never rejects: what could not be settled stays due. */
	#settle(accountId: string, name: string): Promise<void> {
		if (this.#stopped) return Promise.resolve();
		const id = `${accountId} ${name}`;
		const running = this.#running.get(id);
		if (running !== undefined) {
			running.again = true;
			return running.settled;
		}
		const run = { again: false, settled: Promise.resolve() };
		run.settled = this.#run(accountId, name, run).finally(() => this.#running.delete(id));
		this.#running.set(id, run);
		return run.settled;
	}

	async #run(accountId: string, name: string, run: { again: boolean }): Promise<void> {
		const { sql, platforms, log, clock } = this.#parts;
		const id = `${accountId} ${name}`;
		try {
			do {
				run.again = false;
				this.#wake(accountId, name, await settleGathering(sql, platforms, accountId, name, clock));
			} while (run.again);
			this.#failing.delete(id);
		} catch (error) {
			if (this.#failing.has(id)) return;
			this.#failing.add(id);
			log.warn('what belongs together could not be settled and will be tried again', {
				name,
				error
			});
		}
	}

	#wake(accountId: string, name: string, due: Date | null): void {
		const id = `${accountId} ${name}`;
		clearTimeout(this.#timers.get(id));
		this.#timers.delete(id);
		if (due === null || this.#stopped) return;
		const wait_ms = due.getTime() - this.#parts.clock().getTime();
		if (wait_ms > SOON_MS) return;
		const timer = setTimeout(
			() => {
				this.#timers.delete(id);
				void this.#settle(accountId, name);
			},
			Math.max(0, wait_ms)
		);
		this.#timers.set(id, timer);
	}
}

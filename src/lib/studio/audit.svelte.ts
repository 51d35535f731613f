/**
 * The audit log, newest first, read on as it is scrolled. Only the newest question counts: an
 * answer to an older one is dropped.
 */
import { SvelteMap } from 'svelte/reactivity';
import { ApiError, type Api } from './api.ts';
import { askForAudit, wholeLog, type AuditFilter } from './audit-filter.ts';
import type { AuditEntry, AuditPage } from './records-answers.ts';

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class Audit {
	items: AuditEntry[] = $state.raw([]);
	/** True until the first answer, and whenever another question's answer is awaited. */
	loading = $state(true);
	loadingMore = $state(false);
	error: ApiError | null = $state.raw(null);
	hasMore = $derived.by(() => this.#cursor !== null);
	/** Who has been met so far, by id: who can be chosen. */
	readonly actors = new SvelteMap<string, string>();

	#api: { records: Pick<Api['records'], 'audit'> };
	#filter: AuditFilter = wholeLog;
	#cursor: string | null = $state(null);
	#asked = 0;

	constructor(api: { records: Pick<Api['records'], 'audit'> }) {
		this.#api = api;
	}

	/** Asks anew. */
	async load(filter: AuditFilter): Promise<void> {
		this.#filter = filter;
		const asked = ++this.#asked;
		this.loading = true;
		this.loadingMore = false;
		await this.#read(asked, null, ({ items }) => (this.items = items));
		if (asked === this.#asked) this.loading = false;
	}

	reload = (): Promise<void> => this.load(this.#filter);

	/** Reads on, unless it is being done or there is no more. */
	more = async (): Promise<void> => {
		if (this.loading || this.loadingMore || this.#cursor === null) return;
		const asked = this.#asked;
		this.loadingMore = true;
		await this.#read(asked, this.#cursor, ({ items }) => (this.items = this.items.concat(items)));
		if (asked === this.#asked) this.loadingMore = false;
	};

	async #read(
		asked: number,
		cursor: string | null,
		take: (page: AuditPage) => void
	): Promise<void> {
		try {
			const page = await this.#api.records.audit(askForAudit(this.#filter, cursor));
			if (asked !== this.#asked) return;
			take(page);
			this.#cursor = page.next_cursor;
			this.#meet(page.items);
			this.error = null;
		} catch (error) {
			if (asked === this.#asked) this.error = told(error);
		}
	}

	#meet(entries: readonly AuditEntry[]): void {
		for (const { actor_id, actor_name } of entries)
			if (actor_id !== null && actor_name !== null) this.actors.set(actor_id, actor_name);
	}
}

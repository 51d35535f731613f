/**
 * Viewers, those seen last first, read on as the list is scrolled, and the card that is open. Only
 * the newest question counts: an answer to an older one is dropped.
 */
import { ApiError, type Api } from './api.ts';
import type { Viewer, ViewerCard } from './viewers-answers.ts';
import { askForViewers, everybody, type ViewerFilter } from './viewers-filter.ts';

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

type ViewersApi = Pick<Api, 'viewers' | 'viewer' | 'eraseViewer'>;

export class Viewers {
	items: Viewer[] = $state.raw([]);
	/** True until the first answer, and whenever another search's answer is awaited. */
	loading = $state(true);
	loadingMore = $state(false);
	error: ApiError | null = $state.raw(null);
	/** Whether there are more than those read. */
	hasMore = $derived.by(() => this.#cursor !== null);

	card: ViewerCard | null = $state.raw(null);
	cardError: ApiError | null = $state.raw(null);
	cardId: string | null = $state(null);

	#api: ViewersApi;
	#filter: ViewerFilter = everybody;
	#cursor: string | null = $state(null);
	#asked = 0;

	constructor(api: ViewersApi) {
		this.#api = api;
	}

	/** Searches anew. */
	async load(filter: ViewerFilter): Promise<void> {
		this.#filter = filter;
		const asked = ++this.#asked;
		this.loading = true;
		this.loadingMore = false;
		try {
			const page = await this.#api.viewers(askForViewers(filter, null));
			if (asked !== this.#asked) return;
			this.items = page.items;
			this.#cursor = page.next_cursor;
			this.error = null;
		} catch (error) {
			if (asked !== this.#asked) return;
			this.error = told(error);
		}
		this.loading = false;
	}

	reload = (): Promise<void> => this.load(this.#filter);

	/** Reads on, unless it is being done or there is no more. */
	more = async (): Promise<void> => {
		if (this.loading || this.loadingMore || this.#cursor === null) return;
		const asked = this.#asked;
		this.loadingMore = true;
		try {
			const page = await this.#api.viewers(askForViewers(this.#filter, this.#cursor));
			if (asked !== this.#asked) return;
			// Whoever was seen meanwhile has moved to the top, and may come twice.
			const isNew = ({ id }: Viewer) => !this.items.some((known) => known.id === id);
			this.items = [...this.items, ...page.items.filter(isNew)];
			this.#cursor = page.next_cursor;
			this.error = null;
		} catch (error) {
			if (asked !== this.#asked) return;
			this.error = told(error);
		}
		this.loadingMore = false;
	};

	/** Opens a card, or closes it with null. */
	async open(viewerId: string | null): Promise<void> {
		if (viewerId !== this.cardId) this.card = null;
		this.cardId = viewerId;
		this.cardError = null;
		if (viewerId === null) return;
		try {
			const card = await this.#api.viewer(viewerId);
			if (this.cardId === viewerId) this.card = card;
		} catch (error) {
			if (this.cardId === viewerId) this.cardError = told(error);
		}
	}

	/** Erases a person; answers whether that was done. */
	async erase(viewerId: string): Promise<boolean> {
		try {
			await this.#api.eraseViewer(viewerId);
		} catch (error) {
			this.cardError = told(error);
			return false;
		}
		this.items = this.items.filter(({ id }) => id !== viewerId);
		return true;
	}
}

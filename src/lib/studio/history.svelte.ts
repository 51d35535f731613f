/**
 * The event history, newest first, read on as it is scrolled, and the event that is looked at.
 * Only the newest question counts: an answer to an older filter is dropped. It follows what
 * happens; after a gap only its top is asked for again, so that nobody loses their place.
 */
import type { BusMessage, StreamingEvent } from '$lib/bus';
import { ApiError, type Api } from './api.ts';
import type { EventDetail, EventPage } from './answers.ts';
import { mergeEvents, withTop } from './event-list.ts';
import { admits, askFor, emptyFilter, type HistoryFilter } from './history-filter.ts';

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class History {
	events: StreamingEvent[] = $state.raw([]);
	/** How many of them came on top since the list was begun. */
	shift = $state(0);
	total = $state(0);
	totalIsExact = $state(true);
	/** True until the first answer, and whenever another filter's answer is awaited. */
	loading = $state(true);
	loadingMore = $state(false);
	error: ApiError | null = $state.raw(null);
	/** Whether there are older ones than those read. */
	hasMore = $derived.by(() => this.#cursor !== null);

	detail: EventDetail | null = $state.raw(null);
	detailError: ApiError | null = $state.raw(null);
	detailId: string | null = $state(null);

	#api: Pick<Api, 'events' | 'event'>;
	#filter: HistoryFilter = emptyFilter;
	#cursor: number | null = $state(null);
	#asked = 0;

	constructor(api: Pick<Api, 'events' | 'event'>) {
		this.#api = api;
	}

	/** Shows this filter's events from the top. */
	async load(filter: HistoryFilter): Promise<void> {
		this.#filter = filter;
		const asked = ++this.#asked;
		this.loading = true;
		this.loadingMore = false;
		await this.#read(asked, null, (page) => this.#begin(page));
		if (asked === this.#asked) this.loading = false;
	}

	/** Begins again. */
	reload = (): Promise<void> => this.load(this.#filter);

	/** Reads on, unless it is being done or there is no more. */
	more = async (): Promise<void> => {
		if (this.loading || this.loadingMore || this.#cursor === null) return;
		const asked = this.#asked;
		this.loadingMore = true;
		await this.#read(asked, this.#cursor, (page) => {
			this.events = this.events.concat(page.items);
			this.#cursor = page.next_cursor ?? null;
		});
		if (asked === this.#asked) this.loadingMore = false;
	};

	/** Looks what came on top meanwhile; a gap that one page does not bridge begins the list anew. */
	catchUp = async (): Promise<void> => {
		if (this.loading) return this.reload();
		await this.#read(this.#asked, null, (page) => {
			const { events, fresh } = withTop(this.events, page.items);
			if (fresh === page.items.length && page.next_cursor != null) return this.#begin(page);
			this.events = events;
			this.shift += fresh;
			this.#count(page);
		});
	};

	/** Opens an event's details, or closes them with null. */
	async open(eventId: string | null): Promise<void> {
		if (eventId !== this.detailId) this.detail = null;
		this.detailId = eventId;
		this.detailError = null;
		if (eventId === null) return;
		try {
			const detail = await this.#api.event(eventId);
			if (this.detailId === eventId) this.detail = detail;
		} catch (error) {
			if (this.detailId === eventId) this.detailError = told(error);
		}
	}

	/** Follows what happens: new events on top, changed ones everywhere. */
	hear(message: BusMessage): void {
		const before = this.events.length;
		this.events = mergeEvents(this.events, message, (event) => admits(this.#filter, event));
		this.shift += this.events.length - before;
		this.total += this.events.length - before;
		if (message.type === 'STATUS_CHANGED') return;
		const eventId = message.type === 'EVENT_BROADCAST' ? message.event.id : message.play.event_id;
		if (eventId === this.detailId) void this.open(eventId);
	}

	async #read(
		asked: number,
		cursor: number | null,
		take: (page: EventPage) => void
	): Promise<void> {
		try {
			const page = await this.#api.events(askFor(this.#filter, cursor));
			if (asked !== this.#asked) return;
			take(page);
			this.error = null;
		} catch (error) {
			if (asked === this.#asked) this.error = told(error);
		}
	}

	#begin(page: EventPage): void {
		this.events = page.items;
		this.shift = 0;
		this.#cursor = page.next_cursor ?? null;
		this.#count(page);
	}

	#count({ total, total_is_exact }: EventPage): void {
		this.total = total;
		this.totalIsExact = total_is_exact;
	}
}

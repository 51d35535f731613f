/**
 * One page of the event history and the event that is looked at. Only the newest request counts:
 * an answer to an older filter is dropped. The first page follows what happens.
 */
import type { BusMessage, StreamingEvent } from '$lib/bus';
import { ApiError, type Api } from './api.ts';
import type { EventDetail } from './answers.ts';
import { mergeEvents } from './event-list.ts';
import { admits, askFor, emptyFilter, PAGE_SIZE, type HistoryFilter } from './history-filter.ts';

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class History {
	events: StreamingEvent[] = $state.raw([]);
	total = $state(0);
	totalIsExact = $state(true);
	/** True until the first answer, and whenever another filter's answer is awaited. */
	loading = $state(true);
	error: ApiError | null = $state.raw(null);

	detail: EventDetail | null = $state.raw(null);
	detailError: ApiError | null = $state.raw(null);
	detailId: string | null = $state(null);

	pages = $derived(Math.max(1, Math.ceil(this.total / PAGE_SIZE)));

	#api: Pick<Api, 'events' | 'event'>;
	#filter: HistoryFilter = emptyFilter;
	#asked = 0;

	constructor(api: Pick<Api, 'events' | 'event'>) {
		this.#api = api;
	}

	/** Shows this filter's page. */
	async load(filter: HistoryFilter): Promise<void> {
		this.#filter = filter;
		const asked = ++this.#asked;
		this.loading = true;
		try {
			const page = await this.#api.events(askFor(filter));
			if (asked !== this.#asked) return;
			this.events = page.items;
			this.total = page.total;
			this.totalIsExact = page.total_is_exact;
			this.error = null;
		} catch (error) {
			if (asked !== this.#asked) return;
			this.error = told(error);
		}
		this.loading = false;
	}

	/** Fetches the same page again. */
	reload = (): Promise<void> => this.load(this.#filter);

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

	/** Follows what happens: new events on the first page, changed ones everywhere. */
	hear(message: BusMessage): void {
		const before = this.events.length;
		const merged = mergeEvents(this.events, message, (event) => admits(this.#filter, event));
		this.total += merged.length - before;
		this.events = merged.slice(0, PAGE_SIZE);
		if (message.type === 'STATUS_CHANGED') return;
		const eventId = message.type === 'EVENT_BROADCAST' ? message.event.id : message.play.event_id;
		if (eventId === this.detailId) void this.open(eventId);
	}
}

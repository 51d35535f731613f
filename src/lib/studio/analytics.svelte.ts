/** What happened in a time, and what became of it. Only the newest question counts. */
import type { BusMessage } from '$lib/bus';
import { askForFigures, type Span } from './analytics-span.ts';
import { ApiError, type Api } from './api.ts';
import { schedule, type Schedule } from './puller.ts';
import type { EventFigures, OverlayFigures } from './records-answers.ts';

/** How often at most the figures follow what happens. */
const FOLLOW_MS = 2_000;

export interface AnalyticsOptions {
	/** The reader's time zone. */
	ownZone?: string;
	now?: () => number;
	later?: Schedule;
}

type FiguresApi = { records: Pick<Api['records'], 'eventFigures' | 'overlayFigures'> };

export class Analytics {
	/** Null until the first answer. */
	events: EventFigures | null = $state.raw(null);
	overlays: OverlayFigures[] = $state.raw([]);
	loading = $state(true);
	error: ApiError | null = $state.raw(null);
	readonly ownZone: string;

	#api: FiguresApi;
	#now: () => number;
	#later: Schedule;
	#span: Span = { range: '7d', zone: '' };
	#asked = 0;
	#stop: (() => void) | null = null;

	constructor(
		api: FiguresApi,
		{
			ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone,
			now = Date.now,
			later = schedule
		}: AnalyticsOptions = {}
	) {
		this.#api = api;
		this.#now = now;
		this.#later = later;
		this.ownZone = ownZone;
	}

	/** Shows the figures of a time that ends now. */
	async load(span: Span): Promise<void> {
		this.#span = span;
		const asked = ++this.#asked;
		this.loading = true;
		const query = askForFigures(span, this.ownZone, this.#now());
		try {
			const [events, overlays] = await Promise.all([
				this.#api.records.eventFigures(query),
				this.#api.records.overlayFigures(query)
			]);
			if (asked !== this.#asked) return;
			this.events = events;
			this.overlays = overlays;
			this.error = null;
		} catch (error) {
			if (asked !== this.#asked) return;
			this.error = error instanceof ApiError ? error : new ApiError('internal', String(error));
		}
		this.loading = false;
	}

	reload = (): Promise<void> => this.load(this.#span);

	/** Follows what happens: a moment after, however much it is. */
	hear = (message: BusMessage): void => {
		if (message.type === 'STATUS_CHANGED') return;
		this.#stop ??= this.#later(() => {
			this.#stop = null;
			void this.reload();
		}, FOLLOW_MS);
	};

	/** Follows no longer. */
	stop(): void {
		this.#stop?.();
	}
}

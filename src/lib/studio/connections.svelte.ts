/**
 * The platforms, the connected channels and how each one's events come here. The server's messages
 * are hints to look again; what they bring may also change without one (a counter, the time of a
 * next poll), so it is looked at now and then as well.
 */
import type { BusMessage } from '$lib/bus';
import { ApiError, type Api } from './api.ts';
import type { Live } from './live.svelte.ts';
import { Puller, schedule, type Schedule } from './puller.ts';
import { isByHand } from './source-view.ts';
import type { ConnectablePlatform, Connection, SourceReport } from './source-answers.ts';

const LOOK_MS = 5_000;
const subjects = new Set(['connection', 'source', 'channel']);

type ConnectionsApi = Pick<Api, 'platforms' | 'connections' | 'source' | 'reconcile'>;

export interface ConnectionsOptions {
	api: ConnectionsApi;
	live: Pick<Live, 'listen'>;
	later?: Schedule;
}

const told = (error: unknown) =>
	error instanceof ApiError ? error : new ApiError('internal', String(error));

export class Connections {
	/** null until the first answer. */
	platforms: ConnectablePlatform[] | null = $state.raw(null);
	items: Connection[] = $state.raw([]);
	sources: Readonly<Record<string, SourceReport>> = $state.raw({});
	error: ApiError | null = $state.raw(null);
	/** Why one connection's report did not come, by connection. */
	sourceErrors: Readonly<Record<string, ApiError>> = $state.raw({});

	#api: ConnectionsApi;
	#live: ConnectionsOptions['live'];
	#later: Schedule;
	#whole: Puller;
	#reports: Puller;

	constructor({ api, live, later = schedule }: ConnectionsOptions) {
		this.#api = api;
		this.#live = live;
		this.#later = later;
		const fail = (error: unknown) => (this.error = told(error));
		this.#whole = new Puller(() => this.#pull(), fail, later);
		this.#reports = new Puller(() => this.#pullReports(), fail, later);
	}

	/** Watches until the returned function is called. */
	start(): () => void {
		const stopListening = this.#live.listen({
			onMessage: (message) => this.#hear(message),
			onNeedPull: () => this.reload()
		});
		let cancel = () => {};
		const look = () => {
			this.#reports.want();
			cancel = this.#later(look, LOOK_MS);
		};
		this.reload();
		cancel = this.#later(look, LOOK_MS);
		return () => {
			stopListening();
			cancel();
			this.#whole.stop();
			this.#reports.stop();
		};
	}

	/** Fetches everything again. */
	reload = (): void => this.#whole.want();

	of = (platform: string): Connection[] =>
		this.items.filter((connection) => connection.platform === platform);

	/** Makes the platform's subscriptions what they should be; throws `ApiError`. */
	async reconcile(connectionId: string): Promise<void> {
		const report = await this.#api.reconcile(connectionId);
		this.sources = { ...this.sources, [connectionId]: report };
	}

	#hear(message: BusMessage): void {
		if (message.type !== 'STATUS_CHANGED' || !subjects.has(message.subject)) return;
		if (message.subject === 'connection') this.reload();
		else this.#reports.want();
	}

	async #pull(): Promise<void> {
		[this.platforms, this.items] = await Promise.all([
			this.#api.platforms(),
			this.#api.connections()
		]);
		this.error = null;
		this.#reports.want();
	}

	/** One that fails leaves the others, and what was known of it, as they are. */
	async #pullReports(): Promise<void> {
		const sources: Record<string, SourceReport> = {};
		const errors: Record<string, ApiError> = {};
		await Promise.all(
			this.items
				.filter((one) => one.status !== 'disconnected' && !isByHand(one))
				.map(async ({ id }) => {
					const known = this.sources[id];
					if (known !== undefined) sources[id] = known;
					try {
						sources[id] = await this.#api.source(id);
					} catch (error) {
						errors[id] = told(error);
					}
				})
		);
		this.sources = sources;
		this.sourceErrors = errors;
	}
}

/**
 * A consent by code: the person types it on the platform, here we ask the server now and then
 * whether they have. The server asks the platform, at the platform's pace.
 */
import { ApiError, type Api } from './api.ts';
import { schedule, type Schedule } from './puller.ts';
import type { Begun } from './source-answers.ts';

const ASK_MS = 2_000;

export type DeviceState = 'waiting' | 'connected' | 'denied' | 'expired' | 'failed';

export interface DeviceOptions {
	api: Pick<Api, 'authorization'>;
	begun: Begun;
	later?: Schedule;
}

export class DeviceConsent {
	readonly begun: Begun;
	state: DeviceState = $state('waiting');
	/** The platform's or the server's own words for why not. */
	reason: string | null = $state(null);
	#api: DeviceOptions['api'];
	#later: Schedule;

	constructor({ api, begun, later = schedule }: DeviceOptions) {
		this.#api = api;
		this.begun = begun;
		this.#later = later;
	}

	/** Asks until there is an answer or the returned function is called. */
	start(onconnected: () => void): () => void {
		let stopped = false;
		let cancel = () => {};
		const ask = async () => {
			try {
				const { status, reason } = await this.#api.authorization(this.begun.id);
				if (stopped) return;
				if (status !== 'pending') {
					this.state = status;
					this.reason = reason;
					if (status === 'connected') onconnected();
					return;
				}
			} catch (error) {
				if (stopped) return;
				// The server may be starting again: only an answer that it gave ends the waiting.
				if (error instanceof ApiError && (error.code === 'not_found' || error.code === 'gone')) {
					this.state = 'expired';
					return;
				}
			}
			cancel = this.#later(() => void ask(), ASK_MS);
		};
		cancel = this.#later(() => void ask(), ASK_MS);
		return () => {
			stopped = true;
			cancel();
		};
	}
}

/** Asking for a consent from a page: off to the platform by redirect, or a code to be typed there. */
import { ApiError, type Api } from './api.ts';
import { DeviceConsent } from './connections-device.svelte.ts';
import type { Flow, Mode } from './source-answers.ts';

export interface ConsentOptions {
	api: Pick<Api, 'authorize' | 'authorization'>;
	/** Leaves the page. */
	go?: (url: string) => void;
}

export class Consent {
	/** The flow that is being begun. */
	busy: Flow | null = $state(null);
	error: ApiError | null = $state.raw(null);
	device: DeviceConsent | null = $state.raw(null);
	#api: ConsentOptions['api'];
	#go: (url: string) => void;

	constructor({ api, go = (url) => location.assign(url) }: ConsentOptions) {
		this.#api = api;
		this.#go = go;
	}

	async begin(wish: {
		platform: string;
		flow: Flow;
		groups: readonly string[];
		mode?: Mode;
	}): Promise<void> {
		this.busy = wish.flow;
		this.device = null;
		try {
			const begun = await this.#api.authorize(wish);
			this.error = null;
			if (begun.url === null) this.device = new DeviceConsent({ api: this.#api, begun });
			// Stays busy: the page is being left.
			else return this.#go(begun.url);
		} catch (cause) {
			this.error = cause instanceof ApiError ? cause : new ApiError('internal', String(cause));
		}
		this.busy = null;
	}

	stop(): void {
		this.device = null;
	}
}

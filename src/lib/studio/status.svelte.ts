/** Which channels are live. The account's messages are hints to look again. */
import { ApiError, type Api } from './api.ts';
import type { Live } from './live.svelte.ts';
import { Puller, schedule, type Schedule } from './puller.ts';
import type { ChannelStatus } from './status-answers.ts';

export interface StatusOptions {
	api: Pick<Api, 'channelStatus'>;
	live: Pick<Live, 'listen'>;
	later?: Schedule;
}

export class Status {
	/** Null until the first answer. */
	channels: ChannelStatus[] | null = $state.raw(null);
	error: ApiError | null = $state.raw(null);
	#live: StatusOptions['live'];
	#puller: Puller;

	constructor({ api, live, later = schedule }: StatusOptions) {
		this.#live = live;
		const pull = async () => {
			this.channels = await api.channelStatus();
			this.error = null;
		};
		this.#puller = new Puller(
			pull,
			(error) =>
				(this.error = error instanceof ApiError ? error : new ApiError('internal', String(error))),
			later
		);
	}

	/** Watches until the returned function is called. */
	start(): () => void {
		this.#puller.want();
		const stop = this.#live.listen({
			onMessage: (message) => {
				if (
					message.type === 'STATUS_CHANGED' &&
					(message.subject === 'channel' || message.subject === 'connection')
				)
					this.#puller.want();
			},
			onNeedPull: this.#puller.want
		});
		return () => {
			stop();
			this.#puller.stop();
		};
	}
}

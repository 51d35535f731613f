/**
 * What all studio pages share: who is signed in, the connection, the commands given and the
 * catalog of event types. Made once by the studio's layout and handed down by context.
 */
import { createContext } from 'svelte';
import type { Permission } from '$lib/bus';
import { Api, ApiError } from './api.ts';
import type { EventTypeEntry, Me } from './answers.ts';
import { CommandLog } from './command-log.svelte.ts';
import { Live, type LinkState, type OpenLink } from './live.svelte.ts';
import { Monitor } from './monitor.svelte.ts';
import { Secrets } from './secrets.ts';

export interface StudioOptions {
	api: Api;
	openLink: OpenLink;
	secrets?: Secrets;
}

export class Studio {
	readonly api: Api;
	readonly live: Live;
	readonly monitor: Monitor;
	readonly commands: CommandLog;
	readonly secrets: Secrets;

	me: Me | null = $state.raw(null);
	eventTypes: EventTypeEntry[] = $state.raw([]);
	error: ApiError | null = $state.raw(null);
	/** The name of the account that was open here and is this person's no longer. */
	lost: string | null = $state(null);

	account = $derived(this.me?.accounts.find(({ id }) => id === this.me?.account_id) ?? null);

	constructor({ api, openLink, secrets = new Secrets() }: StudioOptions) {
		this.api = api;
		this.secrets = secrets;
		this.live = new Live(openLink);
		this.monitor = new Monitor({ api, live: this.live });
		this.commands = new CommandLog(() => this.monitor.pull());
	}

	/** How the line is; also down when no socket stands and the server does not answer either. */
	get link(): LinkState {
		const { state } = this.live;
		return state !== 'live' && this.monitor.error !== null ? 'down' : state;
	}

	/** Loads who is here, connects and watches until the returned function is called. */
	start(): () => void {
		const stops = [
			this.live.listen({
				onMessage: (message) => this.commands.observe(message),
				// The line is cut when a role changes or membership ends: what one may is asked again.
				onNeedPull: () => void this.#look(),
				onState: (state) => state === 'connecting' && void this.#look()
			}),
			this.monitor.start(),
			this.live.start()
		];
		void this.load();
		return () => stops.forEach((stop) => stop());
	}

	/** Who is here and what kinds of events there are. */
	load = async (): Promise<void> => {
		try {
			this.#meet(await this.api.me());
			// Without an account there is no catalog either.
			if (this.me?.account_id) this.eventTypes = await this.api.eventTypes();
			this.error = null;
		} catch (error) {
			this.error = error instanceof ApiError ? error : new ApiError('internal', String(error));
		}
	};

	/** Whether anything has changed for this person; when it cannot be asked now, it is asked again later. */
	async #look(): Promise<void> {
		if (this.me === null) return;
		const me = await this.api.me().catch(() => null);
		if (me !== null) this.#meet(me);
	}

	#meet(me: Me): void {
		const was = this.account;
		if (was !== null && !me.accounts.some(({ id }) => id === was.id)) this.lost = was.name;
		this.me = me;
	}

	/** Whether the person may; true until it is known, because SQL judges anyway. */
	may = (permission: Permission): boolean => this.me?.permissions.includes(permission) ?? true;
}

export const [useStudio, provideStudio] = createContext<Studio>();

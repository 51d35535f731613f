/**
 * A list of keys of one sort (an overlay's addresses, or API keys) and what can be done to them.
 * A secret is known only right after it was made or rotated; `secretOf` tells it as long as the
 * tab keeps it.
 */
import { SvelteMap } from 'svelte/reactivity';
import { ApiError, type Api } from './api.ts';
import type { Key, KeyMade } from './answers.ts';
import type { Secrets } from './secrets.ts';

export interface KeyDesk {
	list: () => Promise<Key[]>;
	make: (name: string) => Promise<KeyMade>;
}

export class Keys {
	/** Live keys, newest first; null until the first answer. */
	items: Key[] | null = $state.raw(null);
	error: ApiError | null = $state.raw(null);
	/** What is being done right now, by key id, or `new`. */
	busy: string | null = $state(null);
	#known = new SvelteMap<string, string>();

	constructor(
		private desk: KeyDesk,
		private api: Pick<Api, 'rotateKey' | 'revokeKey'>,
		private secrets: Secrets
	) {}

	secretOf = (keyId: string): string | null => this.#known.get(keyId) ?? null;

	async load(): Promise<void> {
		await this.#try(null, async () => {
			const keys = await this.desk.list();
			this.items = keys
				.filter(({ revoked_at }) => revoked_at == null)
				.sort((a, b) => b.created_at.localeCompare(a.created_at));
			for (const { id } of this.items) {
				const secret = this.secrets.readKey(id);
				if (secret !== null) this.#known.set(id, secret);
			}
		});
	}

	make = (name: string) => this.#try('new', async () => this.#keep(await this.desk.make(name)));
	/** Gives a key a new secret; the old one goes on for so many minutes. */
	rotate = (keyId: string, overlapMinutes = 0) =>
		this.#try(keyId, async () => {
			this.forget(keyId);
			await this.#keep(await this.api.rotateKey(keyId, overlapMinutes));
		});
	revoke = (keyId: string) =>
		this.#try(keyId, async () => {
			await this.api.revokeKey(keyId);
			this.forget(keyId);
			await this.load();
		});

	/** The person has it: the tab forgets it. */
	forget = (keyId: string): void => {
		this.secrets.dropKey(keyId);
		this.#known.delete(keyId);
	};

	async #keep({ key, secret, url }: KeyMade): Promise<void> {
		const shown = url ?? secret;
		this.secrets.keepKey(key.id, shown);
		this.#known.set(key.id, shown);
		await this.load();
	}

	/** Answers whether it worked; a refusal is told in `error`. */
	async #try(busy: string | null, run: () => Promise<void>): Promise<boolean> {
		if (busy !== null) this.busy = busy;
		try {
			await run();
			this.error = null;
			return true;
		} catch (error) {
			this.error = error instanceof ApiError ? error : new ApiError('internal', String(error));
			return false;
		} finally {
			if (busy !== null) this.busy = null;
		}
	}
}

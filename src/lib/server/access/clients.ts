/**
 * Which program people consent to: the account's own, else the server's. And to what each sealed
 * thing belongs: it opens for the same account, platform and use only.
 */
import { AppError } from '$lib/bus/error.ts';
import { findPlatform } from '$lib/platforms/catalog.ts';
import type { Client } from '$lib/platforms/call.ts';
import type { Connect } from '$lib/platforms/connect.ts';
import type { Platform } from '$lib/platforms/platform.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import { findClient, type FoundClient } from '$lib/server/backend/statements/clients.ts';
import type { ClientConfig } from '$lib/server/client-config.ts';
import type { Owner, SecretBox } from '$lib/server/secrets.ts';

/** Owners of sealed things. The account's webhook secret is `{account_id, provider: platform}`. */
export const ownerOf = {
	clientSecret: (account_id: string, platform: string): Owner => ({
		account_id,
		provider: `${platform} client_secret`
	}),
	deviceCode: (account_id: string, platform: string): Owner => ({
		account_id,
		provider: `${platform} device_code`
	}),
	/** Bound to the channel too: within an account tokens do not change places either. */
	token: (
		{ account_id, platform, channel_id }: OfChannel,
		use: 'access_token' | 'refresh_token'
	): Owner => ({ account_id, provider: `${platform} ${use} ${channel_id}` }),
	appToken: (account_id: string | null, platform: string, client_id: string): Owner => ({
		account_id: account_id ?? 'server',
		provider: `${platform} app_token ${client_id}`
	})
};

export interface OfChannel {
	readonly account_id: string;
	readonly platform: string;
	readonly channel_id: string;
}

export interface ChosenClient extends Client {
	/** null: the server's own program. */
	readonly account_id: string | null;
}

/** A platform that is connected by consent. Throws `not_found`. */
export function connectable(name: string): Platform & { readonly connect: Connect } {
	const platform = findPlatform(name);
	if (platform?.connect === undefined)
		throw new AppError('not_found', `No platform ${name} is connected by consent here.`);
	return { ...platform, connect: platform.connect };
}

export class Clients {
	readonly #configured: Readonly<Record<string, ClientConfig>>;
	readonly #secrets: SecretBox;
	readonly #sql: Sql;

	constructor(configured: Readonly<Record<string, ClientConfig>>, secrets: SecretBox, sql: Sql) {
		this.#configured = configured;
		this.#secrets = secrets;
		this.#sql = sql;
	}

	/** The server's own program on a platform; null: none is configured. */
	ofServer(platform: string): ChosenClient | null {
		const set = this.#configured[platform];
		if (set === undefined || set.id === null) return null;
		return { id: set.id, secret: set.secret, addresses: set.addresses, account_id: null };
	}

	/** The program of an account; null: there is none. */
	async of(accountId: string, platform: string): Promise<ChosenClient | null> {
		return this.choose(accountId, platform, await findClient(this.#sql, accountId, platform));
	}

	/** The same, with the account's own program already read. Throws when it cannot be opened. */
	choose(accountId: string, platform: string, own: FoundClient | null): ChosenClient | null {
		if (own === null) return this.ofServer(platform);
		const addresses = this.#configured[platform]?.addresses ?? {};
		const { client_id: id, secret_ciphertext: sealed } = own;
		if (sealed === null) return { id, secret: null, addresses, account_id: accountId };
		const secret = this.#secrets.open(sealed, ownerOf.clientSecret(accountId, platform));
		if (secret === null)
			throw new AppError(
				'conflict',
				'The stored client secret cannot be read: was the encryption key replaced? Store the client again.'
			);
		return { id, secret, addresses, account_id: accountId };
	}
}

/**
 * Who a delivery may be for: the live connections to a channel with their secrets opened. A platform
 * that sends a hundred notifications in a second asks the database once: what was found is trusted
 * for a second, which is also how soon a changed secret or a removed connection takes effect. What
 * was not found is never remembered, so a new connection works at once.
 */
import type { Connection } from '$lib/platforms/ingest.ts';
import type { FoundConnection } from './backend/statements/connections.ts';
import type { Log } from './log.ts';
import type { SecretBox } from './secrets.ts';

const TRUSTED_MS = 1_000;
const REMEMBERED = 1_000;

interface Parts {
	/** Asks the database. */
	look(platform: string, channelId: string): Promise<FoundConnection[]>;
	secrets: SecretBox;
	log: Log;
	/** Monotonic milliseconds. */
	now: () => number;
}

export class ConnectionDirectory {
	readonly #parts: Parts;
	readonly #found = new Map<string, { at: number; connections: Promise<Connection[]> }>();

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** The connections to this channel; none for a delivery that names no channel. */
	async find(platform: string, channelId: string | null): Promise<Connection[]> {
		if (channelId === null) return [];
		const name = `${platform} ${channelId}`;
		const known = this.#found.get(name);
		if (known !== undefined && this.#parts.now() - known.at < TRUSTED_MS) return known.connections;
		this.#found.delete(name);
		const connections = this.#look(platform, channelId);
		const oldest = this.#found.keys().next();
		if (this.#found.size >= REMEMBERED && !oldest.done) this.#found.delete(oldest.value);
		const entry = { at: this.#parts.now(), connections };
		this.#found.set(name, entry);
		const forget = () => {
			if (this.#found.get(name) === entry) this.#found.delete(name);
		};
		connections.then(({ length }) => (length === 0 ? forget() : undefined), forget);
		return connections;
	}

	async #look(platform: string, channelId: string): Promise<Connection[]> {
		const { look, secrets, log } = this.#parts;
		const found = await look(platform, channelId);
		return found.flatMap(({ id, account_id, secret_ciphertext }) => {
			// Connected by consent, without webhooks.
			if (secret_ciphertext === null) return [];
			const secret = secrets.open(secret_ciphertext, { account_id, provider: platform });
			if (secret !== null) return [{ id, account_id, secrets: [secret] }];
			log.error(
				'a connection’s secret cannot be read: was the encryption key replaced? Connect it again',
				{ connection: id, platform }
			);
			return [];
		});
	}
}

/**
 * Programs, consents and tokens.
 *
 * - A refresh token of a public client (no secret) serves once and lives 30 days. One of a
 *   confidential client stays the same, unless `rotate` is on: then it, too, serves once.
 * - A consent outlives the token that it came with: webhooks are subscribed with it.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

export interface Client {
	readonly id: string;
	/** null: a public client, for the device code flow only. */
	secret: string | null;
	readonly redirectUris: (string | RegExp)[];
}

export interface Access {
	readonly token: string;
	readonly clientId: string;
	/** null: the program's own. */
	readonly userId: string | null;
	readonly scopes: readonly string[];
	expiresAt: number;
}

interface Refresh {
	readonly clientId: string;
	readonly userId: string;
	readonly scopes: readonly string[];
	readonly expiresAt: number;
}

export interface Granted {
	readonly access_token: string;
	readonly refresh_token: string;
	readonly expires_in: number;
	readonly scope: readonly string[];
	readonly token_type: 'bearer';
}

export const secretWord = (bytes = 15): string => randomBytes(bytes).toString('hex');

export class Tokens {
	readonly clients = new Map<string, Client>();
	/** Whether each refresh gives a new refresh token and ends the old one, for every client. */
	rotate = false;
	/** How long tokens live, in seconds. */
	readonly lifetimes = { user: 4 * 3_600, app: 60 * 86_400, refresh: 30 * 86_400 };

	readonly #clock: Clock;
	readonly #access = new Map<string, Access>();
	readonly #refresh = new Map<string, Refresh>();
	readonly #consents = new Map<string, Set<string>>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	#now = () => this.#clock.now().getTime();

	/** What the user lets the program do; undefined when they never met, or no more. */
	consent = (clientId: string, userId: string): ReadonlySet<string> | undefined =>
		this.#consents.get(`${clientId} ${userId}`);

	grant(clientId: string, userId: string, scopes: readonly string[]): Granted {
		const consent = this.#consents.get(`${clientId} ${userId}`) ?? new Set();
		for (const scope of scopes) consent.add(scope);
		this.#consents.set(`${clientId} ${userId}`, consent);
		return this.#issue(clientId, userId, scopes, secretWord(25));
	}

	#issue(
		clientId: string,
		userId: string,
		scopes: readonly string[],
		refresh_token: string
	): Granted {
		const access_token = secretWord();
		const expires_in = this.lifetimes.user;
		this.#access.set(access_token, {
			token: access_token,
			clientId,
			userId,
			scopes,
			expiresAt: this.#now() + expires_in * 1_000
		});
		this.#refresh.set(refresh_token, {
			clientId,
			userId,
			scopes,
			expiresAt:
				this.clients.get(clientId)?.secret === null
					? this.#now() + this.lifetimes.refresh * 1_000
					: Infinity
		});
		return { access_token, refresh_token, expires_in, scope: scopes, token_type: 'bearer' };
	}

	/** The program's own token. */
	app(clientId: string): { access_token: string; expires_in: number; token_type: 'bearer' } {
		const access_token = secretWord();
		const expires_in = this.lifetimes.app;
		this.#access.set(access_token, {
			token: access_token,
			clientId,
			userId: null,
			scopes: [],
			expiresAt: this.#now() + expires_in * 1_000
		});
		return { access_token, expires_in, token_type: 'bearer' };
	}

	/** New tokens for a refresh token; undefined when it is no good. */
	refresh(client: Client, token: string): Granted | undefined {
		const known = this.#refresh.get(token);
		if (known === undefined || known.clientId !== client.id) return undefined;
		if (known.expiresAt <= this.#now()) return undefined;
		const once = client.secret === null || this.rotate;
		if (once) this.#refresh.delete(token);
		return this.#issue(client.id, known.userId, known.scopes, once ? secretWord(25) : token);
	}

	/** The token, while it is good. */
	find(token: string): Access | undefined {
		const known = this.#access.get(token);
		return known !== undefined && known.expiresAt > this.#now() ? known : undefined;
	}

	revoke(token: string): void {
		this.#access.delete(token);
	}

	/** The access tokens end now, before their time; refreshing still works. */
	endEarly(userId?: string): void {
		for (const access of this.#access.values())
			if (userId === undefined || access.userId === userId) access.expiresAt = 0;
	}

	/** The user takes the consent back: all tokens die. */
	disconnect(clientId: string, userId: string): void {
		this.#consents.delete(`${clientId} ${userId}`);
		for (const tokens of [this.#access, this.#refresh])
			for (const [token, one] of tokens)
				if (one.clientId === clientId && one.userId === userId) tokens.delete(token);
	}
}

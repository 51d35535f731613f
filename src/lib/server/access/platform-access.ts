/**
 * Calls on somebody's behalf. Every call looks at the connection's row first, so that what another
 * process refreshed, revoked or removed is known at once.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Access, Call, CallFailure, CallResult } from '$lib/platforms/call.ts';
import type { Grant } from '$lib/platforms/connect.ts';
import type { ConnectionFeed, HintFeed, Sql } from '$lib/server/backend/index.ts';
import {
	allConnections,
	claimValidations,
	findAccess,
	findAppToken,
	noteValidation,
	recordFetch,
	requireReconnect,
	requireReconnects,
	saveAppToken
} from '$lib/server/backend/statements/access.ts';
import type { ClientConfig } from '$lib/server/client-config.ts';
import type { Log } from '$lib/server/log.ts';
import type { SecretBox } from '$lib/server/secrets.ts';
import { Clients, connectable, ownerOf, type ChosenClient } from './clients.ts';
import { Requests } from './requests.ts';
import { ConnectionTokens, type Held, type Refreshed } from './tokens.ts';

/** A token that ends sooner is refreshed before it is used. */
const EARLY_MS = 2 * 60_000;
const APP_TOKEN_EARLY_MS = 5 * 60_000;
/** Twitch asks for every hour, and other platforms for less. */
const VALIDATE_AFTER_MS = 55 * 60_000;
const VALIDATIONS_AT_ONCE = 50;

export interface AccessParts {
	sql: Sql;
	feed: Pick<HintFeed, 'onReset'> & ConnectionFeed;
	secrets: SecretBox;
	/** The server's programs by platform. */
	clients: Readonly<Record<string, ClientConfig>>;
	log: Log;
	/** Instead of the clocks of this machine and the database. */
	clock?: () => Date;
	/** Monotonic milliseconds. */
	now: () => number;
	random?: () => number;
	/** Waits between tries; by default a timer. */
	wait?: (ms: number) => Promise<unknown>;
}

type Failed = Extract<CallResult<never>, { ok: false }>;

const failed = (failure: CallFailure, reason: string, retry_after_s: number | null = null) =>
	({ ok: false, failure, reason, retry_after_s }) satisfies Failed;

export class PlatformAccess {
	/** For the flows of consent, which use the same clients and the same way out. */
	readonly clients: Clients;
	readonly requests: Requests;
	readonly #parts: AccessParts;
	readonly #tokens: ConnectionTokens;
	readonly #openedAt: Date;
	readonly #appTokens = new Map<string, Promise<CallResult<string>>>();
	readonly #listeners = new Set<(connectionId: string) => void>();
	readonly #leave: (() => void)[];

	constructor(parts: AccessParts) {
		const { sql, feed, secrets, clients, log, now, clock } = parts;
		this.#parts = parts;
		this.clients = new Clients(clients, secrets, sql);
		this.requests = new Requests({
			note: (fetch, at) => recordFetch(sql, fetch, at),
			clock: () => this.#clock(),
			now,
			random: parts.random ?? Math.random,
			...(parts.wait && { wait: parts.wait })
		});
		this.#tokens = new ConnectionTokens({
			...{ sql, secrets, requests: this.requests, log, now },
			clock: () => this.#clock(),
			databaseNow: () => clock?.(),
			...(parts.wait && { wait: parts.wait })
		});
		this.#openedAt = this.#clock();
		this.#leave = [
			feed.onConnection((connectionId) => this.#tell(connectionId)),
			feed.onReset(() => void this.#tellAll())
		];
	}

	/**
	 * Makes the call with the connection's token; a token that ended or was refused is refreshed
	 * once and the call made again. Rate limits, time-out and fetch log included. Never throws for
	 * what the platform or the database does. `unauthorized` means for good: the connection has to
	 * be made again.
	 */
	call<T>(connectionId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>> {
		return orUnavailable(() => this.#call(connectionId, make));
	}

	/** With the program's own token (webhook subscriptions, channels that are not connected). */
	callAsApp<T>(
		accountId: string,
		platform: string,
		make: (access: Access) => Call<T>
	): Promise<CallResult<T>> {
		return orUnavailable(() => this.#callAsApp(accountId, platform, make));
	}

	/**
	 * Notes that the platform took the consent back (told by a socket, a webhook, a check): the
	 * connection is `reconnect_needed`. `reason`: the platform's own word.
	 */
	async revoked(connectionId: string, reason: string): Promise<void> {
		const { sql, clock } = this.#parts;
		await requireReconnect(sql, connectionId, null, reason, clock?.());
	}

	/** The same for all connections to a channel that were granted to this client. */
	async revokedAt(
		platform: string,
		channelId: string,
		clientId: string,
		reason: string
	): Promise<void> {
		const { sql, clock } = this.#parts;
		const channel = { platform, channel_id: channelId, client_id: clientId };
		await requireReconnects(sql, channel, reason, clock?.());
	}

	/**
	 * Tells when a connection was made, changed (mode, groups, status, tokens, secret) or removed,
	 * in this process or another; after the feed was away, once for every connection there is.
	 */
	onChanged(listener: (connectionId: string) => void): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	/**
	 * Asks the platforms whether consents still stand: of all connections that were not asked about
	 * for an hour, and at the first time in this process of all. How many were checked.
	 */
	async validateDue(signal?: AbortSignal): Promise<number> {
		const { sql, clock } = this.#parts;
		const isStopped = () => signal?.aborted === true;
		let checked = 0;
		while (!isStopped()) {
			const hourAgo = this.#clock().getTime() - VALIDATE_AFTER_MS;
			const before = new Date(Math.max(hourAgo, this.#openedAt.getTime()));
			const due = await claimValidations(sql, before, VALIDATIONS_AT_ONCE, clock?.());
			if (due.length === 0) break;
			// One after the other: there is an hour for it.
			for (const id of due) {
				if (isStopped()) break;
				await this.validate(id);
				checked += 1;
			}
		}
		return checked;
	}

	/** Asks whether one connection's consent stands, and shows it when it does not. */
	async validate(connectionId: string): Promise<void> {
		for (let refreshed = false; ; refreshed = true) {
			const held = await this.#held(connectionId);
			if ('ok' in held) return;
			const token = this.#tokens.accessToken(held);
			if (token === null) return;
			const { found, tokens, connect, client } = held;
			const result = await this.requests.make(
				this.#callerOf(held, 'oauth'),
				connect.validate(client, token)
			);
			if (result.ok) {
				const { channel_id, client_id, scopes, expires_in_s } = result.value;
				if (channel_id !== found.channel_id || client_id !== client.id)
					await this.#tokens.end(held, 'other_channel');
				else
					await noteValidation(
						this.#parts.sql,
						found.id,
						tokens.version,
						{ scopes, groups: coveredBy(held, scopes), expires_at: this.#after(expires_in_s) },
						this.#parts.clock?.()
					);
				return;
			}
			if (result.failure !== 'unauthorized') return;
			if (refreshed) return void (await this.#tokens.end(held, 'revoked'));
			const outcome = await this.#tokens.refresh(held);
			if (outcome.state !== 'changed') return;
		}
	}

	/** The sealed tokens of a connection, for their end; null when there are none. */
	async tokensOf(connectionId: string): Promise<{ held: Held; tokens: string[] } | null> {
		const held = await this.#held(connectionId);
		if ('ok' in held) return null;
		const tokens = [this.#tokens.accessToken(held), this.#tokens.refreshToken(held)];
		return { held, tokens: tokens.filter((token) => token !== null) };
	}

	/** Tells the platform that tokens are given up. Best effort: they are deleted here anyway. */
	async revoke({ held, tokens }: { held: Held; tokens: string[] }): Promise<void> {
		for (const token of tokens)
			await orUnavailable(() =>
				this.requests.make(this.#callerOf(held, 'oauth'), held.connect.revoke(held.client, token))
			);
	}

	/** Ends listening; resolves when the fetch log is written. */
	async close(): Promise<void> {
		for (const leave of this.#leave) leave();
		await this.requests.settled();
	}

	async #call<T>(connectionId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>> {
		let refusals = 0;
		let triedEarly = false;
		for (;;) {
			const held = await this.#held(connectionId);
			if ('ok' in held) return held;
			const { tokens, client } = held;
			const left = (tokens.expires_at?.getTime() ?? Infinity) - this.#clock().getTime();
			if (left < EARLY_MS && !triedEarly) {
				triedEarly = true;
				const outcome = await this.#refreshEarly(held, left);
				if (outcome?.state === 'changed') continue;
				if (outcome !== null && left <= 0) return failureOf(outcome);
			}
			const access_token = this.#tokens.accessToken(held);
			if (access_token === null)
				return failed('unauthorized', 'The token cannot be read: was the encryption key replaced?');
			const result = await this.requests.make(
				this.#callerOf(held, held.found.channel_id),
				make({ ...client, access_token })
			);
			if (result.ok || result.failure !== 'unauthorized') return result;
			refusals += 1;
			const outcome =
				refusals > 1 ? await this.#tokens.end(held, 'refused') : await this.#tokens.refresh(held);
			// Also refused with new tokens, which somebody replaced meanwhile: enough for one call.
			if (outcome.state !== 'changed' || refusals > 1)
				return outcome.state === 'changed' ? result : failureOf(outcome);
		}
	}

	/** Refreshes in time; null when there is nothing to refresh with and the token still lives. */
	async #refreshEarly(held: Held, left: number): Promise<Refreshed | null> {
		if (held.tokens.refresh_ciphertext === null && left > 0) return null;
		return this.#tokens.refresh(held);
	}

	/** A connection with its tokens, or why there is none to call with. */
	async #held(connectionId: string): Promise<Held | Failed> {
		const found = await findAccess(this.#parts.sql, connectionId);
		if (found === null) return failed('unauthorized', `There is no connection ${connectionId}.`);
		const { status, status_reason, tokens, account_id, platform } = found;
		if (status !== 'connected')
			return failed(
				'unauthorized',
				`The connection is ${status} (${status_reason ?? 'by its owner'}).`
			);
		if (tokens === null)
			return failed(
				'unauthorized',
				'The channel was connected by a webhook secret: it has no token.'
			);
		const client = this.clients.choose(account_id, platform, found.client);
		// Settings that were forgotten at a start must not cost anybody their consent.
		if (client === null) return failed('unavailable', `No client is configured for ${platform}.`);
		if (client.id !== tokens.client_id) {
			await this.#tokens.end({ found, tokens }, 'client_changed');
			return failed('unauthorized', 'The consent was given to another client.');
		}
		return { found, tokens, connect: connectable(platform).connect, client };
	}

	async #callAsApp<T>(
		accountId: string,
		platform: string,
		make: (access: Access) => Call<T>
	): Promise<CallResult<T>> {
		const client = await this.clients.of(accountId, platform);
		if (client === null) return failed('unavailable', `No client is configured for ${platform}.`);
		if (client.secret === null)
			return failed('forbidden', 'A client without a secret has no token of its own.');
		const program: Program = { accountId, platform, client };
		let refused: string | null = null;
		for (;;) {
			const token = await this.#appToken(program, refused);
			if (!token.ok) return token;
			const result = await this.requests.make(
				this.#programCaller(program, 'app'),
				make({ ...client, access_token: token.value })
			);
			if (result.ok || result.failure !== 'unauthorized' || refused !== null) return result;
			refused = token.value;
		}
	}

	/** The program's token, made when there is none, it ends soon, or it is the one refused. */
	#appToken(program: Program, refused: string | null): Promise<CallResult<string>> {
		const name = `${program.client.account_id} ${program.platform} ${program.client.id}`;
		const running = this.#appTokens.get(name);
		if (running !== undefined) return running;
		const getting = this.#getAppToken(program, refused).finally(() => this.#appTokens.delete(name));
		this.#appTokens.set(name, getting);
		return getting;
	}

	async #getAppToken(program: Program, refused: string | null): Promise<CallResult<string>> {
		const { sql, secrets, clock } = this.#parts;
		const { platform, client } = program;
		const owner = ownerOf.appToken(client.account_id, platform, client.id);
		const stored = await findAppToken(sql, client.account_id, platform, client.id);
		const known = stored === null ? null : secrets.open(stored.ciphertext, owner);
		const left = (stored?.expires_at?.getTime() ?? Infinity) - this.#clock().getTime();
		if (known !== null && known !== refused && left > APP_TOKEN_EARLY_MS)
			return { ok: true, value: known };
		const { connect } = connectable(platform);
		const result: CallResult<Grant> = await this.requests.make(
			this.#programCaller(program, 'oauth'),
			connect.appToken(client)
		);
		if (!result.ok) return result;
		const { access_token, expires_in_s } = result.value;
		await saveAppToken(
			sql,
			{ account_id: client.account_id, platform, client_id: client.id },
			{ ciphertext: secrets.seal(access_token, owner), expires_at: this.#after(expires_in_s) },
			clock?.()
		);
		return { ok: true, value: access_token };
	}

	#callerOf({ found, connect, client }: Held, user: string) {
		const { account_id, platform, id: connection_id } = found;
		return { account_id, platform, connection_id, connect, client, user };
	}

	#programCaller({ accountId, platform, client }: Program, user: string) {
		const { connect } = connectable(platform);
		return { account_id: accountId, platform, connection_id: null, connect, client, user };
	}

	#clock(): Date {
		return this.#parts.clock?.() ?? new Date();
	}

	#after(seconds: number | null): Date | null {
		return seconds === null ? null : new Date(this.#clock().getTime() + seconds * 1_000);
	}

	#tell(connectionId: string): void {
		for (const listener of this.#listeners)
			try {
				listener(connectionId);
			} catch (error) {
				this.#parts.log.error('a listener of connections failed', { error });
			}
	}

	async #tellAll(): Promise<void> {
		try {
			for (const id of await allConnections(this.#parts.sql)) this.#tell(id);
		} catch (error) {
			this.#parts.log.warn('connections cannot be read after the feed was away', { error });
		}
	}
}

interface Program {
	accountId: string;
	platform: string;
	client: ChosenClient;
}

/** The groups of events that these scopes allow. */
const coveredBy = ({ connect }: Pick<Held, 'connect'>, scopes: readonly string[]): string[] =>
	connect.groups
		.filter((group) => group.scopes.every((scope) => scopes.includes(scope)))
		.map(({ id }) => id);

function failureOf(outcome: Exclude<Refreshed, { state: 'changed' }>): Failed {
	return outcome.state === 'ended'
		? failed('unauthorized', `The channel has to be connected again (${outcome.reason}).`)
		: failed('unavailable', outcome.reason, outcome.retry_after_s);
}

/** A database that is away is one more thing that is away for the moment. */
async function orUnavailable<T>(run: () => Promise<CallResult<T>>): Promise<CallResult<T>> {
	try {
		return await run();
	} catch (error) {
		if (error instanceof AppError && error.code !== 'internal')
			return failed('unavailable', error.message, error.retryAfter);
		throw error;
	}
}

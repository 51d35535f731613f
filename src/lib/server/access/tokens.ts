/**
 * The tokens of connections: opened, refreshed, given up.
 *
 * One refresh at a time for each connection, in this process and in all others: whoever refreshes
 * holds a lease in the row, the others wait for what it brings. New tokens are stored before
 * anybody uses them. A refresh token may serve only once, so a refresh whose answer is lost may
 * have cost it: the same token is tried again after a pause, and if the platform then refuses it,
 * the connection has to be made again and says why. A refusal ends the tokens: nothing loops.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallResult } from '$lib/platforms/call.ts';
import type { Connect, Grant } from '$lib/platforms/connect.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	claimRefresh,
	putOffRefresh,
	requireReconnect,
	storeTokens,
	type FoundAccess,
	type NewTokens,
	type SealedTokens
} from '$lib/server/backend/statements/access.ts';
import type { Log } from '$lib/server/log.ts';
import type { SecretBox } from '$lib/server/secrets.ts';
import { ownerOf, type ChosenClient, type OfChannel } from './clients.ts';
import type { Requests } from './requests.ts';

/** Longer than a request may take. */
const LEASE_S = 30;
/** How long others wait for the one who refreshes. */
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 100;
/** New tokens exist only here until they are stored: a database that is away is waited for. */
const STORE_TRIES = 40;
const STORE_PAUSE_MS = 500;
const FIRST_PAUSE_S = 2;
const LONGEST_PAUSE_S = 300;
/** After the platform found the request itself wrong (a client secret that was changed there). */
const REJECTED_PAUSE_S = 60;

/** A connection that has tokens, with its platform and the program they belong to. */
export interface Held {
	readonly found: FoundAccess;
	readonly tokens: SealedTokens;
	readonly connect: Connect;
	readonly client: ChosenClient;
}

/** `changed`: there are other tokens now, or none: look again. */
export type Refreshed =
	| { readonly state: 'changed' }
	| { readonly state: 'ended'; readonly reason: string }
	| { readonly state: 'later'; readonly reason: string; readonly retry_after_s: number };

interface Parts {
	sql: Sql;
	secrets: SecretBox;
	requests: Requests;
	log: Log;
	clock(): Date;
	/** Monotonic milliseconds. */
	now(): number;
	/** Instead of the database's clock. */
	databaseNow(): Date | undefined;
	wait?(ms: number): Promise<unknown>;
}

/** Tokens as they are stored: sealed for their account, platform and channel. */
export function sealGrant(secrets: SecretBox, of: OfChannel, grant: Grant, now: Date): NewTokens {
	const { access_token, refresh_token, expires_in_s } = grant;
	return {
		access_ciphertext: secrets.seal(access_token, ownerOf.token(of, 'access_token')),
		refresh_ciphertext:
			refresh_token === null
				? null
				: secrets.seal(refresh_token, ownerOf.token(of, 'refresh_token')),
		expires_at: expires_in_s === null ? null : new Date(now.getTime() + expires_in_s * 1_000)
	};
}

export class ConnectionTokens {
	readonly #parts: Parts;
	readonly #wait: (ms: number) => Promise<unknown>;
	/** Refreshes of this process, by connection and version. */
	readonly #running = new Map<string, Promise<Refreshed>>();

	constructor(parts: Parts) {
		this.#parts = parts;
		this.#wait = parts.wait ?? ((ms) => pause(ms));
	}

	/** The access token; null when it cannot be opened (the encryption key was replaced). */
	accessToken({ found, tokens }: Held): string | null {
		const owner = ownerOf.token(found, 'access_token');
		return this.#parts.secrets.open(tokens.access_ciphertext, owner);
	}

	/** The refresh token; null when there is none or it cannot be opened. */
	refreshToken({ found, tokens }: Held): string | null {
		if (tokens.refresh_ciphertext === null) return null;
		const owner = ownerOf.token(found, 'refresh_token');
		return this.#parts.secrets.open(tokens.refresh_ciphertext, owner);
	}

	/** Has the tokens refreshed, by whoever comes first. Throws when the database is away. */
	refresh(held: Held): Promise<Refreshed> {
		const name = `${held.found.id} ${held.tokens.version}`;
		const running = this.#running.get(name);
		if (running !== undefined) return running;
		const refreshing = this.#refresh(held).finally(() => this.#running.delete(name));
		this.#running.set(name, refreshing);
		return refreshing;
	}

	/** The consent is gone, as far as these tokens go: told to the account, once. */
	async end({ found, tokens }: Pick<Held, 'found' | 'tokens'>, reason: string): Promise<Refreshed> {
		const { sql, log, databaseNow } = this.#parts;
		const ended = await requireReconnect(sql, found.id, tokens.version, reason, databaseNow());
		// Somebody was quicker: what there is now is to be looked at.
		if (!ended) return { state: 'changed' };
		const { id: connection, platform } = found;
		log.warn('a connection has to be made again', { connection, platform, reason });
		return { state: 'ended', reason };
	}

	async #refresh(held: Held): Promise<Refreshed> {
		const { found, tokens, connect, client } = held;
		const token = this.refreshToken(held);
		if (token === null)
			return this.end(held, tokens.refresh_ciphertext === null ? 'token_ended' : 'unreadable');
		const holder = randomUUID();
		const claim = await this.#claim(held, holder);
		if (typeof claim !== 'number') return claim;
		const result = await this.#parts.requests.make(
			{ ...found, connection_id: found.id, connect, client, user: `${found.channel_id} oauth` },
			connect.refresh(client, token)
		);
		if (result.ok) return this.#store(held, result.value);
		if (result.failure === 'unauthorized')
			return this.end(held, claim > 0 ? 'refresh_lost' : 'refused');
		return this.#putOff(held, holder, claim, result);
	}

	/** How many tries before this one were never answered; or what came instead of our turn. */
	async #claim({ found, tokens }: Held, holder: string): Promise<number | Refreshed> {
		const { sql, now, databaseNow } = this.#parts;
		const until = now() + PATIENCE_MS;
		for (;;) {
			const { outcome, unanswered } = await claimRefresh(
				sql,
				found.id,
				tokens.version,
				holder,
				LEASE_S,
				databaseNow()
			);
			if (outcome === 'claimed') return unanswered;
			if (outcome === 'changed') return { state: 'changed' };
			if (outcome === 'later' || now() >= until)
				return {
					state: 'later',
					reason: 'The token could not be refreshed yet; it is being tried.',
					retry_after_s: FIRST_PAUSE_S
				};
			await this.#wait(LOOK_AGAIN_MS);
		}
	}

	async #store(held: Held, grant: Grant): Promise<Refreshed> {
		const { found, tokens } = held;
		const { sql, secrets, clock, databaseNow, log } = this.#parts;
		const sealed = sealGrant(secrets, found, grant, clock());
		for (let tries = 1; ; tries += 1)
			try {
				const isStored = await storeTokens(sql, found.id, tokens.version, sealed, databaseNow());
				// Disconnected meanwhile: nobody must be left with what came too late.
				if (!isStored) await this.#giveBack(held, grant);
				return { state: 'changed' };
			} catch (error) {
				if (tries === 1)
					log.warn('new tokens cannot be stored yet', { connection: found.id, error });
				if (tries >= STORE_TRIES) throw error;
				await this.#wait(STORE_PAUSE_MS);
			}
	}

	async #giveBack({ found, connect, client }: Held, { access_token }: Grant): Promise<void> {
		const caller = { ...found, connection_id: found.id, connect, client, user: 'oauth' };
		await this.#parts.requests.make(caller, connect.revoke(client, access_token));
	}

	async #putOff(
		{ found, tokens }: Held,
		holder: string,
		unanswered: number,
		{ failure, reason, retry_after_s }: Extract<CallResult<never>, { ok: false }>
	): Promise<Refreshed> {
		const { sql, databaseNow } = this.#parts;
		// An answer that cannot be read may have been new tokens.
		const isUnanswered = failure === 'unavailable' || failure === 'malformed';
		const pauseS =
			retry_after_s ??
			(isUnanswered
				? Math.min(FIRST_PAUSE_S * 2 ** Math.min(unanswered, 20), LONGEST_PAUSE_S)
				: REJECTED_PAUSE_S);
		await putOffRefresh(
			sql,
			found.id,
			tokens.version,
			{ holder, isUnanswered, pauseS },
			databaseNow()
		);
		return { state: 'later', reason, retry_after_s: pauseS };
	}
}

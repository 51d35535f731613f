/** Tokens of connections and programs, and the log of requests. Trusted server only. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { FoundClient } from './clients.ts';
import { Sealed } from './connections.ts';
import { connectionStatuses } from '$lib/platforms/connect.ts';
import { ask } from './refusal.ts';

const Moment = z
	.string()
	.transform((text) => new Date(text))
	.nullable();

const SealedTokens = z.object({
	/** The program they were granted to. */
	client_id: z.string(),
	/** Counts the tokens of this connection. */
	version: z.int(),
	expires_at: Moment,
	access_ciphertext: Sealed,
	refresh_ciphertext: Sealed.nullable()
});
export type SealedTokens = z.infer<typeof SealedTokens>;

const FoundAccess = z.object({
	id: z.uuid(),
	account_id: z.uuid(),
	platform: z.string(),
	channel_id: z.string(),
	status: z.enum(connectionStatuses),
	status_reason: z.string().nullable(),
	tokens: SealedTokens.nullable(),
	/** The account's own program, if it has one. */
	client: FoundClient.nullable()
});
export type FoundAccess = z.infer<typeof FoundAccess>;

/** All that a call on a connection's behalf needs; null: there is no such connection. */
export const findAccess = (
	sql: Sql | TransactionSql,
	connectionId: string
): Promise<FoundAccess | null> =>
	ask(FoundAccess.nullable(), sql`select app.find_access(${connectionId}) as answer`);

/** Every connection there is. */
export const allConnections = (sql: Sql | TransactionSql): Promise<string[]> =>
	ask(
		z.array(z.uuid()),
		sql`select coalesce(jsonb_agg(c.id), '[]') as answer from app.platform_connections c`
	);

const RefreshClaim = z.object({
	outcome: z.enum(['claimed', 'held', 'changed', 'later']),
	/** Earlier tries whose answer never came. */
	unanswered: z.int()
});
export type RefreshClaim = z.infer<typeof RefreshClaim>;

/** Takes the right to refresh the tokens of this version for `leaseS` seconds. */
export const claimRefresh = (
	sql: Sql | TransactionSql,
	connectionId: string,
	version: number,
	holder: string,
	leaseS: number,
	now?: Date
): Promise<RefreshClaim> =>
	ask(
		RefreshClaim,
		sql`select app.claim_refresh(${connectionId}, ${version}, ${holder}, ${leaseS},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export interface NewTokens {
	access_ciphertext: Uint8Array;
	/** null: the old one stays good. */
	refresh_ciphertext: Uint8Array | null;
	expires_at: Date | null;
}

/** Stores what a refresh of `version` brought; false: the connection has other tokens, or none. */
export const storeTokens = (
	sql: Sql | TransactionSql,
	connectionId: string,
	version: number,
	tokens: NewTokens,
	now?: Date
): Promise<boolean> =>
	ask(
		z.boolean(),
		sql`select app.store_tokens(${connectionId}, ${version}, ${tokens.access_ciphertext},
			${tokens.refresh_ciphertext}, ${tokens.expires_at},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Gives the right to refresh back after a try that brought nothing. */
export async function putOffRefresh(
	sql: Sql | TransactionSql,
	connectionId: string,
	version: number,
	{ holder, isUnanswered, pauseS }: { holder: string; isUnanswered: boolean; pauseS: number },
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.put_off_refresh(${connectionId}, ${version}, ${holder}, ${isUnanswered}, ${pauseS},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

/** The consent is gone, while the tokens are of `version` (null: whatever they are). */
export const requireReconnect = (
	sql: Sql | TransactionSql,
	connectionId: string,
	version: number | null,
	reason: string,
	now?: Date
): Promise<boolean> =>
	ask(
		z.boolean(),
		sql`select app.require_reconnect(${connectionId}, ${version}, ${reason},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** A channel's owner took back what they granted to a client; how many connections that ends. */
export const requireReconnects = (
	sql: Sql | TransactionSql,
	channel: { platform: string; channel_id: string; client_id: string },
	reason: string,
	now?: Date
): Promise<number> =>
	ask(
		z.int(),
		sql`select app.require_reconnects(${channel.platform}, ${channel.channel_id},
			${channel.client_id}, ${reason}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Connections whose tokens were last checked before `before`; ours to check for two minutes. */
export const claimValidations = (
	sql: Sql | TransactionSql,
	before: Date,
	limit: number,
	now?: Date
): Promise<string[]> =>
	ask(
		z.array(z.uuid()),
		sql`select app.claim_validations(${before}, ${limit},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export interface Checked {
	scopes: readonly string[];
	/** Groups that these scopes cover. */
	groups: readonly string[];
	expires_at: Date | null;
}

/** Notes that tokens of this version were found good. */
export async function noteValidation(
	sql: Sql | TransactionSql,
	connectionId: string,
	version: number,
	{ scopes, groups, expires_at }: Checked,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.note_validation(${connectionId}, ${version}, ${[...scopes]}, ${[...groups]},
			${expires_at}, coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

const AppToken = z.object({ ciphertext: Sealed, expires_at: Moment });
export type AppToken = z.infer<typeof AppToken>;

/** A program's own token; `accountId` null: the server's program. */
export const findAppToken = (
	sql: Sql | TransactionSql,
	accountId: string | null,
	platform: string,
	clientId: string
): Promise<AppToken | null> =>
	ask(
		AppToken.nullable(),
		sql`select app.find_app_token(${accountId}, ${platform}, ${clientId}) as answer`
	);

export async function saveAppToken(
	sql: Sql | TransactionSql,
	program: { account_id: string | null; platform: string; client_id: string },
	token: { ciphertext: Uint8Array; expires_at: Date | null },
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.save_app_token(${program.account_id}, ${program.platform}, ${program.client_id},
			${token.ciphertext}, ${token.expires_at},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

export interface Fetch {
	account_id: string;
	connection_id: string | null;
	platform: string;
	/** Which request: the call's name. */
	call: string;
	/** null: no answer came. */
	status: number | null;
	/** null: it brought what was asked for. */
	failure: string | null;
	duration_ms: number;
	points_left: number | null;
}

/** Notes how a request went. */
export async function recordFetch(
	sql: Sql | TransactionSql,
	fetch: Fetch,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.record_fetch(${fetch.account_id}, ${fetch.connection_id}, ${fetch.platform},
			${fetch.call}, ${fetch.status}, ${fetch.failure}, ${fetch.duration_ms}, ${fetch.points_left},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

/** Forgets requests made before; how many. */
export const purgeFetchLog = (sql: Sql | TransactionSql, before: Date): Promise<number> =>
	ask(z.int(), sql`select app.purge_fetch_log(${before}) as answer`);

const Purged = z.object({ authorizations: z.int(), app_tokens: z.int() });

/** Forgets consents of yesterday and programs' tokens that have ended. */
export const purgeAccess = (
	sql: Sql | TransactionSql,
	now?: Date
): Promise<z.infer<typeof Purged>> =>
	ask(Purged, sql`select app.purge_access(coalesce(${now ?? null}, clock_timestamp())) as answer`);

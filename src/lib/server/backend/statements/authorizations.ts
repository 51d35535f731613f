/** Consents that were asked for: begun, waited for, ended. Codes come here hashed or sealed. */
import { z } from 'zod';
import type { ConnectFlow, ConnectionMode, Identified } from '$lib/platforms/connect.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { Connection, Sealed } from './connections.ts';
import { ask } from './refusal.ts';

export const authorizationStatuses = [
	'pending',
	'connected',
	'denied',
	'expired',
	'failed'
] as const;
export const AuthorizationStatus = z.enum(authorizationStatuses);
export type AuthorizationStatus = z.infer<typeof AuthorizationStatus>;

export const Authorization = z.object({
	id: z.uuid(),
	account_id: z.uuid(),
	/** Who began it, and alone may end it. */
	actor_kind: z.enum(['member', 'api', 'remote']),
	actor_id: z.uuid(),
	platform: z.string(),
	flow: z.enum(['code', 'device']),
	groups: z.array(z.string()),
	scopes: z.array(z.string()),
	client_id: z.string(),
	redirect_uri: z.string().nullable(),
	device_ciphertext: Sealed.nullable()
});
export type Authorization = z.infer<typeof Authorization>;

const Begun = z.object({ id: z.uuid(), expires_at: z.string() });

export interface NewAuthorization {
	platform: string;
	flow: ConnectFlow;
	mode: ConnectionMode | null;
	groups: readonly string[];
	scopes: readonly string[];
	client_id: string;
	redirect_uri: string | null;
	/** SHA-256 of the state. */
	state_hash: Uint8Array | null;
	device_ciphertext: Uint8Array | null;
	interval_s: number | null;
	lasts_s: number;
}

/** Remembers that a consent is being asked for by whoever acts. */
export const beginAuthorization = (
	sql: Sql | TransactionSql,
	accountId: string,
	begun: NewAuthorization,
	now?: Date
): Promise<z.infer<typeof Begun>> =>
	ask(
		Begun,
		sql`select app.begin_authorization(${accountId}, ${begun.platform}, ${begun.flow}, ${begun.mode},
			${[...begun.groups]}, ${[...begun.scopes]}, ${begun.client_id}, ${begun.redirect_uri},
			${begun.state_hash}, ${begun.device_ciphertext}, ${begun.interval_s}, ${begun.lasts_s},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/**
 * The consent that a state belongs to, which is used up by it.
 * @throws AppError not_found when whoever acts did not begin it; gone when it was used or is old.
 */
export const takeAuthorization = (
	sql: Sql | TransactionSql,
	stateHash: Uint8Array,
	platform: string,
	now?: Date
): Promise<Authorization> =>
	ask(
		Authorization,
		sql`select app.take_authorization(${stateHash}, ${platform},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Device codes to be asked about now, in our hands for `leaseS`; null: of all. Trusted server. */
export const claimDevices = (
	sql: Sql | TransactionSql,
	authorizationId: string | null,
	limit: number,
	leaseS: number,
	now?: Date
): Promise<Authorization[]> =>
	ask(
		z.array(Authorization),
		sql`select app.claim_devices(${authorizationId}, ${limit}, ${leaseS},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Puts a device code back that was not answered yet. Trusted server. */
export async function awaitDevice(
	sql: Sql | TransactionSql,
	authorizationId: string,
	slower: boolean,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.await_device(${authorizationId}, ${slower},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

/** Ends a consent that brought nothing; no effect on one that has ended. Trusted server. */
export async function endAuthorization(
	sql: Sql | TransactionSql,
	authorizationId: string,
	status: Exclude<AuthorizationStatus, 'pending' | 'connected'>,
	reason: string | null,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.end_authorization(${authorizationId}, ${status}, ${reason},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

export interface GrantedConnection {
	channel: Identified;
	scopes: readonly string[];
	/** Those of the wished groups that were granted. */
	groups: readonly string[];
	default_mode: ConnectionMode;
	access_ciphertext: Uint8Array;
	refresh_ciphertext: Uint8Array | null;
	expires_at: Date | null;
	/** For webhooks, should there be none yet. */
	secret_ciphertext: Uint8Array | null;
}

/** Ends a consent that was given; asked as the one who began it. */
export const completeAuthorization = (
	sql: TransactionSql,
	authorizationId: string,
	granted: GrantedConnection,
	now?: Date
): Promise<Connection> =>
	ask(
		Connection,
		sql`select app.complete_authorization(${authorizationId}, ${sql.json({ ...granted.channel })},
			${[...granted.scopes]}, ${[...granted.groups]}, ${granted.default_mode},
			${granted.access_ciphertext}, ${granted.refresh_ciphertext}, ${granted.expires_at},
			${granted.secret_ciphertext}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

const AuthorizationState = z.object({
	platform: z.string(),
	status: AuthorizationStatus,
	reason: z.string().nullable(),
	groups: z.array(z.string()),
	connection: Connection.nullable()
});
export type AuthorizationState = z.infer<typeof AuthorizationState>;

/** How a consent stands, for the one who began it. */
export const getAuthorization = (
	sql: Sql | TransactionSql,
	accountId: string,
	authorizationId: string,
	now?: Date
): Promise<AuthorizationState> =>
	ask(
		AuthorizationState,
		sql`select app.get_authorization(${accountId}, ${authorizationId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

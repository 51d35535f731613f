/** Channels on platforms. Secrets are sealed before they come here and opened after they leave. */
import { z } from 'zod';
import {
	connectionModes,
	connectionStatuses,
	type ConnectionMode
} from '$lib/platforms/connect.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Connection = z.object({
	id: z.uuid(),
	platform: z.string(),
	channel_id: z.string(),
	channel_name: z.string().nullable(),
	login: z.string().nullable(),
	/** An address. */
	picture: z.string().nullable(),
	/** How its events come here. */
	mode: z.enum(connectionModes),
	/** Which events were asked for: ids of the platform's groups. */
	groups: z.array(z.string()),
	/** What the channel's owner consented to, in the platform's words. */
	scopes: z.array(z.string()),
	status: z.enum(connectionStatuses),
	/** Why it needs to be connected again: a stable word of ours, or the platform's own. */
	status_reason: z.string().nullable(),
	token_expires_at: z.string().nullable(),
	/** When the platform last said that the consent stands. */
	validated_at: z.string().nullable(),
	created_at: z.string(),
	updated_at: z.string(),
	last_delivery_at: z.string().nullable()
});
export type Connection = z.infer<typeof Connection>;

/** Sealed bytes, as SQL puts them into documents. */
export const Sealed = z.string().transform((base64) => Buffer.from(base64, 'base64'));

export const FoundConnection = z.object({
	id: z.uuid(),
	account_id: z.uuid(),
	channel_id: z.string(),
	/** null: it takes no webhooks. */
	secret_ciphertext: Sealed.nullable()
});
export type FoundConnection = z.infer<typeof FoundConnection>;

export interface NewConnection {
	platform: string;
	channel_id: string;
	channel_name: string | null;
	secret_ciphertext: Uint8Array;
}

/** Makes a connection, or gives the one of this channel a new secret. */
export const saveConnection = (
	sql: Sql | TransactionSql,
	accountId: string,
	connection: NewConnection,
	now?: Date
): Promise<Connection> =>
	ask(
		Connection,
		sql`select app.save_connection(${accountId}, ${connection.platform}, ${connection.channel_id},
			${connection.channel_name}, ${connection.secret_ciphertext},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export const listConnections = (
	sql: Sql | TransactionSql,
	accountId: string
): Promise<Connection[]> =>
	ask(z.array(Connection), sql`select app.list_connections(${accountId}) as answer`);

/** @throws AppError not_found when the account has no such connection. */
export const getConnection = (
	sql: Sql | TransactionSql,
	accountId: string,
	connectionId: string
): Promise<Connection> =>
	ask(Connection, sql`select app.get_connection(${accountId}, ${connectionId}) as answer`);

export interface ConnectionChange {
	/** null: as it is. */
	mode: ConnectionMode | null;
	groups: string[] | null;
	/** For webhooks, should there be none yet. */
	secret_ciphertext: Uint8Array | null;
}

/** Changes how a connection's events come, or which. */
export const updateConnection = (
	sql: Sql | TransactionSql,
	accountId: string,
	connectionId: string,
	{ mode, groups, secret_ciphertext }: ConnectionChange,
	now?: Date
): Promise<Connection> =>
	ask(
		Connection,
		sql`select app.update_connection(${accountId}, ${connectionId}, ${mode}, ${groups},
			${secret_ciphertext}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Ends a connection; its history stays. Idempotent. */
export const disconnect = (
	sql: Sql | TransactionSql,
	accountId: string,
	connectionId: string,
	now?: Date
): Promise<Connection> =>
	ask(
		Connection,
		sql`select app.disconnect(${accountId}, ${connectionId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Whose secrets may have signed a delivery; `channelId` null: all of the platform. Trusted server. */
export const findConnections = (
	sql: Sql | TransactionSql,
	platform: string,
	channelId: string | null
): Promise<FoundConnection[]> =>
	ask(
		z.array(FoundConnection),
		sql`select app.find_connections(${platform}, ${channelId}) as answer`
	);

/** Notes what became of a delivery. Trusted server. */
export async function recordDelivery(
	sql: Sql | TransactionSql,
	connectionId: string,
	messageId: string | null,
	kind: string,
	outcome: string,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.record_delivery(${connectionId}, ${messageId}, ${kind}, ${outcome},
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

/** Channels on platforms. Secrets are sealed before they come here and opened after they leave. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Connection = z.object({
	id: z.uuid(),
	platform: z.string(),
	channel_id: z.string(),
	channel_name: z.string().nullable(),
	created_at: z.string(),
	updated_at: z.string(),
	last_delivery_at: z.string().nullable()
});
export type Connection = z.infer<typeof Connection>;

export const FoundConnection = z.object({
	id: z.uuid(),
	account_id: z.uuid(),
	channel_id: z.string(),
	secret_ciphertext: z.string().transform((base64) => Buffer.from(base64, 'base64'))
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

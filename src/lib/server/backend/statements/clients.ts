/** An account's own programs on platforms, in place of the server's. Secrets come here sealed. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { Sealed } from './connections.ts';
import { ask } from './refusal.ts';

export const OwnClient = z.object({
	platform: z.string(),
	client_id: z.string(),
	has_secret: z.boolean()
});
export type OwnClient = z.infer<typeof OwnClient>;

export const FoundClient = z.object({
	client_id: z.string(),
	secret_ciphertext: Sealed.nullable()
});
export type FoundClient = z.infer<typeof FoundClient>;

/** Connections that were granted to another program need to be made again. */
export const saveClient = (
	sql: Sql | TransactionSql,
	accountId: string,
	client: { platform: string; client_id: string; secret_ciphertext: Uint8Array | null },
	now?: Date
): Promise<OwnClient> =>
	ask(
		OwnClient,
		sql`select app.save_client(${accountId}, ${client.platform}, ${client.client_id},
			${client.secret_ciphertext}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Back to the server's program, if it has one; whether there was one to remove. */
export const removeClient = (
	sql: Sql | TransactionSql,
	accountId: string,
	platform: string,
	fallbackClientId: string | null,
	now?: Date
): Promise<boolean> =>
	ask(
		z.boolean(),
		sql`select app.remove_client(${accountId}, ${platform}, ${fallbackClientId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export const listClients = (sql: Sql | TransactionSql, accountId: string): Promise<OwnClient[]> =>
	ask(z.array(OwnClient), sql`select app.list_clients(${accountId}) as answer`);

/** Trusted server. */
export const findClient = (
	sql: Sql | TransactionSql,
	accountId: string,
	platform: string
): Promise<FoundClient | null> =>
	ask(FoundClient.nullable(), sql`select app.find_client(${accountId}, ${platform}) as answer`);

/** Idempotency keys. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const IdempotencyClaim = z.object({
	/** Nobody has used the key before: run, then `keepAnswer` in the same transaction. */
	is_new: z.boolean(),
	same_request: z.boolean(),
	/** Sealed, as it was kept. */
	answer: z
		.string()
		.transform((base64) => Buffer.from(base64, 'base64'))
		.nullable()
});
export type IdempotencyClaim = z.infer<typeof IdempotencyClaim>;

/** Takes a key for a request (`requestHash`: SHA-256), waiting for whoever has it in hand. */
export const claimIdempotencyKey = (
	sql: Sql | TransactionSql,
	accountId: string,
	key: string,
	requestHash: Uint8Array,
	now?: Date
): Promise<IdempotencyClaim> =>
	ask(
		IdempotencyClaim,
		sql`select app.claim_idempotency_key(${accountId}, ${key}, ${requestHash},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Keeps the answer of a request whose key was new. */
export async function keepAnswer(
	sql: Sql | TransactionSql,
	accountId: string,
	key: string,
	answer: Uint8Array
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.keep_answer(${accountId}, ${key}, ${answer})::text as answer`
	);
}

/** Forgets keys older than a day; how many. Trusted server. */
export const purgeIdempotencyKeys = (sql: Sql | TransactionSql, now?: Date): Promise<number> =>
	ask(
		z.int(),
		sql`select app.purge_idempotency_keys(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

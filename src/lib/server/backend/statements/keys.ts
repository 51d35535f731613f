/** Keys: their rows, never their secrets. Each function calls the SQL function of that name. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Permission } from '$lib/bus/permission.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const KeyKind = z.enum(['overlay', 'api', 'remote', 'ingest']);
export type KeyKind = z.infer<typeof KeyKind>;

export const Key = z.object({
	id: z.uuid(),
	kind: KeyKind,
	name: z.string(),
	/** The last characters of its secret. */
	hint: z.string(),
	overlay_id: z.uuid().nullable(),
	permissions: z.array(Permission),
	/** What it may do now: less what its creator has lost since. */
	effective_permissions: z.array(Permission),
	/** The member behind it. */
	created_by: z.uuid().nullable(),
	/** The key in whose place it came. */
	rotated_from: z.uuid().nullable(),
	created_at: z.string(),
	last_used_at: z.string().nullable(),
	/** When it stops working, because it was rotated. */
	ends_at: z.string().nullable(),
	revoked_at: z.string().nullable()
});
export type Key = z.infer<typeof Key>;

export const FoundKey = z.object({
	id: z.uuid(),
	kind: KeyKind,
	account_id: z.uuid(),
	overlay_id: z.uuid().nullable(),
	permissions: z.array(Permission),
	created_by: z.uuid().nullable()
});
export type FoundKey = z.infer<typeof FoundKey>;

export interface NewKey {
	kind: KeyKind;
	name: string;
	overlay_id: string | null;
	permissions: Permission[];
	/** SHA-256 of the secret. */
	token_hash: Uint8Array;
	hint: string;
}

/** Makes a key for the member who asks, with at most their own permissions. */
export const createKey = (
	sql: Sql | TransactionSql,
	accountId: string,
	key: NewKey,
	now?: Date
): Promise<Key> =>
	ask(
		Key,
		sql`select app.create_key(${accountId}, ${key.kind}, ${key.name}, ${key.overlay_id},
			${key.permissions}, ${key.token_hash}, ${key.hint},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/**
 * Puts a new secret in the place of a key's, which goes on working for `overlapSeconds`. The answer
 * is a new key with a new id: sessions that were opened with the old secret end with it.
 */
export const rotateKey = (
	sql: Sql | TransactionSql,
	accountId: string,
	keyId: string,
	tokenHash: Uint8Array,
	hint: string,
	overlapSeconds = 0,
	now?: Date
): Promise<Key> =>
	ask(
		Key,
		sql`select app.rotate_key(${accountId}, ${keyId}, ${tokenHash}, ${hint},
			make_interval(secs => ${overlapSeconds}), coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Ends a key; idempotent. */
export const revokeKey = (
	sql: Sql | TransactionSql,
	accountId: string,
	keyId: string,
	now?: Date
): Promise<Key> =>
	ask(
		Key,
		sql`select app.revoke_key(${accountId}, ${keyId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** The account's keys, newest first; of those kinds that whoever asks may handle. */
export const listKeys = (
	sql: Sql | TransactionSql,
	accountId: string,
	kind: KeyKind | null = null,
	overlayId: string | null = null
): Promise<Key[]> =>
	ask(z.array(Key), sql`select app.list_keys(${accountId}, ${kind}, ${overlayId}) as answer`);

/**
 * The kind of a key, for the form of its new secret.
 * @throws AppError not_found when whoever asks handles no such key.
 */
export async function kindOf(
	sql: Sql | TransactionSql,
	accountId: string,
	keyId: string
): Promise<KeyKind> {
	const key = (await listKeys(sql, accountId)).find(({ id }) => id === keyId);
	if (key === undefined) throw new AppError('not_found', `There is no key ${keyId}`);
	return key.kind;
}

/** Who holds the secret with this SHA-256; null when nobody does, or not any more. Trusted server. */
export const findKey = (
	sql: Sql | TransactionSql,
	tokenHash: Uint8Array,
	now?: Date
): Promise<FoundKey | null> =>
	ask(
		FoundKey.nullable(),
		sql`select app.find_key(${tokenHash}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Ends the keys whose overlap is over; answers how many. Trusted server. */
export const endDueKeys = (sql: Sql): Promise<number> =>
	ask(z.int(), sql`select app.end_due_keys() as answer`);

export const Pairing = z.object({
	id: z.uuid(),
	state: z.enum(['waiting', 'paired', 'expired']),
	permissions: z.array(Permission),
	expires_at: z.string(),
	/** The phone's key, once it is paired. */
	key: Key.nullable()
});
export type Pairing = z.infer<typeof Pairing>;

/** Makes a code that a phone turns into a key within a minute. */
export const createPairing = (
	sql: Sql | TransactionSql,
	accountId: string,
	permissions: Permission[],
	codeHash: Uint8Array
): Promise<Pairing> =>
	ask(Pairing, sql`select app.create_pairing(${accountId}, ${permissions}, ${codeHash}) as answer`);

export const getPairing = (
	sql: Sql | TransactionSql,
	accountId: string,
	pairingId: string
): Promise<Pairing> =>
	ask(Pairing, sql`select app.get_pairing(${accountId}, ${pairingId}) as answer`);

/** Turns a code into a key, once, in the name of the member who made the code. Trusted server. */
export const usePairing = (
	sql: Sql | TransactionSql,
	codeHash: Uint8Array,
	name: string,
	key: { hash: Uint8Array; hint: string }
): Promise<Key> =>
	ask(Key, sql`select app.use_pairing(${codeHash}, ${name}, ${key.hash}, ${key.hint}) as answer`);

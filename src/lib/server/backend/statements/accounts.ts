/** Accounts and permissions. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { Permission, Role } from '$lib/bus/permission.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const MyAccount = z.object({
	id: z.uuid(),
	name: z.string(),
	/** Null for a key: it has permissions of its own, but no role. */
	role: Role.nullable(),
	permissions: z.array(Permission),
	/** Where this person works until they choose another. */
	is_default: z.boolean()
});
export type MyAccount = z.infer<typeof MyAccount>;

export const AccountMade = z.object({ account_id: z.uuid(), overlay_id: z.uuid() });
export type AccountMade = z.infer<typeof AccountMade>;

/** Whether the first account has been made. Trusted server. */
export const accountExists = (sql: Sql | TransactionSql): Promise<boolean> =>
	ask(z.boolean(), sql`select app.account_exists() as answer`);

/** Makes an account, its owner and its first overlay, which shows `document`. Trusted server. */
export const createAccount = (
	sql: Sql | TransactionSql,
	name: string,
	ownerId: string,
	document: z.core.util.JSONType,
	now?: Date
): Promise<AccountMade> =>
	ask(
		AccountMade,
		sql`select app.create_account(${name}, ${ownerId}, ${sql.json(document)},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** The accounts of whoever asks. */
export const myAccounts = (sql: Sql | TransactionSql): Promise<MyAccount[]> =>
	ask(z.array(MyAccount), sql`select app.my_accounts() as answer`);

/** Where whoever asks works when they come next; answers their accounts. */
export const setDefaultAccount = (
	sql: Sql | TransactionSql,
	accountId: string
): Promise<MyAccount[]> =>
	ask(z.array(MyAccount), sql`select app.set_default_account(${accountId}) as answer`);

/** Whether whoever asks holds a permission in an account. */
export const hasPermission = (
	sql: Sql | TransactionSql,
	accountId: string,
	permission: Permission
): Promise<boolean> =>
	ask(z.boolean(), sql`select app.has_permission(${accountId}, ${permission}) as answer`);

/**
 * Resolves when whoever asks holds the permission.
 * @throws AppError not_found for a stranger's account, forbidden in one's own.
 */
export async function requirePermission(
	sql: Sql | TransactionSql,
	accountId: string,
	permission: Permission
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.require_permission(${accountId}, ${permission})::text as answer`
	);
}

/** Members. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { Role } from '$lib/bus/permission.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Member = z.object({
	user_id: z.uuid(),
	/** Null where the identity is not known any more. */
	name: z.string().nullable(),
	email: z.string().nullable(),
	role: Role,
	is_you: z.boolean(),
	created_at: z.string()
});
export type Member = z.infer<typeof Member>;

/** Who is not a member any more, and what they were. */
export const Gone = z.object({ user_id: z.uuid(), role: Role });

/** The account's members, owners first. */
export const listMembers = (sql: Sql | TransactionSql, accountId: string): Promise<Member[]> =>
	ask(z.array(Member), sql`select app.list_members(${accountId}) as answer`);

/** Gives a member another role. Nobody their own, nobody more than they have. */
export const changeRole = (
	sql: Sql | TransactionSql,
	accountId: string,
	userId: string,
	role: Role
): Promise<Member> =>
	ask(Member, sql`select app.change_role(${accountId}, ${userId}, ${role}) as answer`);

/** Takes a member out of the account. */
export const removeMember = (sql: Sql | TransactionSql, accountId: string, userId: string) =>
	ask(Gone, sql`select app.remove_member(${accountId}, ${userId}) as answer`);

/** Takes whoever asks out of the account; the last owner stays. */
export const leaveAccount = (sql: Sql | TransactionSql, accountId: string) =>
	ask(Gone, sql`select app.leave_account(${accountId}) as answer`);

/** Makes another member the owner, and whoever asks an administrator. */
export const transferOwnership = (
	sql: Sql | TransactionSql,
	accountId: string,
	userId: string
): Promise<Member> =>
	ask(Member, sql`select app.transfer_ownership(${accountId}, ${userId}) as answer`);

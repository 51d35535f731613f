/** Invitations: their rows, never their secrets. Each function calls the SQL function of that name. */
import { z } from 'zod';
import { Role } from '$lib/bus/permission.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Invitation = z.object({
	id: z.uuid(),
	role: Role,
	/** Whom it is for. */
	note: z.string().nullable(),
	created_by: z.uuid(),
	created_at: z.string(),
	expires_at: z.string(),
	accepted_at: z.string().nullable(),
	accepted_by: z.uuid().nullable(),
	revoked_at: z.string().nullable()
});
export type Invitation = z.infer<typeof Invitation>;

/** What the holder of a link is told before they accept. */
export const InvitationInfo = z.object({
	/** The account's name. */
	account: z.string(),
	role: Role,
	expires_at: z.string(),
	state: z.enum(['open', 'accepted', 'revoked', 'expired'])
});
export type InvitationInfo = z.infer<typeof InvitationInfo>;

export const Accepted = z.object({ account_id: z.uuid(), role: Role });

export interface NewInvitation {
	role: Role;
	note: string | null;
	/** SHA-256 of the link's secret. */
	token_hash: Uint8Array;
	expires_at: Date;
}

export const createInvitation = (
	sql: Sql | TransactionSql,
	accountId: string,
	{ role, note, token_hash, expires_at }: NewInvitation
): Promise<Invitation> =>
	ask(
		Invitation,
		sql`select app.create_invitation(${accountId}, ${role}, ${note}, ${token_hash},
			${expires_at}) as answer`
	);

/** The account's invitations, newest first. */
export const listInvitations = (
	sql: Sql | TransactionSql,
	accountId: string
): Promise<Invitation[]> =>
	ask(z.array(Invitation), sql`select app.list_invitations(${accountId}) as answer`);

/** Ends an invitation that was not accepted; idempotent. */
export const revokeInvitation = (
	sql: Sql | TransactionSql,
	accountId: string,
	invitationId: string
): Promise<Invitation> =>
	ask(Invitation, sql`select app.revoke_invitation(${accountId}, ${invitationId}) as answer`);

/** What a link is worth; null when there is none with this SHA-256. Trusted server. */
export const findInvitation = (
	sql: Sql | TransactionSql,
	tokenHash: Uint8Array
): Promise<InvitationInfo | null> =>
	ask(InvitationInfo.nullable(), sql`select app.find_invitation(${tokenHash}) as answer`);

/** Makes the person who asks a member. */
export const acceptInvitation = (sql: Sql | TransactionSql, tokenHash: Uint8Array) =>
	ask(Accepted, sql`select app.accept_invitation(${tokenHash}) as answer`);

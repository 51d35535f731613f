/** Members, invitations and accounts: the addresses, and what they answer as far as pages read it. */
import { z } from 'zod';
import { Role } from '$lib/bus';
import { listOf } from './answers.ts';
import type { Call } from './api.ts';

export const Member = z.object({
	user_id: z.uuid(),
	name: z.string().nullable(),
	email: z.string().nullable(),
	role: Role,
	is_you: z.boolean(),
	created_at: z.string()
});
export type Member = z.infer<typeof Member>;

export const Invitation = z.object({
	id: z.uuid(),
	role: Role,
	note: z.string().nullable(),
	created_at: z.string(),
	expires_at: z.string(),
	accepted_at: z.string().nullable(),
	accepted_by: z.uuid().nullable(),
	revoked_at: z.string().nullable()
});
export type Invitation = z.infer<typeof Invitation>;

/** The only answer that ever holds an invitation's link. */
export const InvitationMade = z.object({ invitation: Invitation, url: z.string() });

export const InvitationInfo = z.object({
	account: z.string(),
	role: Role,
	expires_at: z.string(),
	state: z.enum(['open', 'accepted', 'revoked', 'expired'])
});
export type InvitationInfo = z.infer<typeof InvitationInfo>;

export interface SignUp {
	name: string;
	email: string;
	password: string;
}

export const peopleCalls = (call: Call) => ({
	members: () => call('GET', '/v1/members', listOf(Member)),
	changeRole: (userId: string, role: Role) =>
		call('PUT', `/v1/members/${userId}`, Member, { role }),
	remove: (userId: string) => call('DELETE', `/v1/members/${userId}`, z.unknown()),
	transfer: (userId: string) => call('POST', `/v1/members/${userId}/transfer`, Member, {}),
	leave: () => call('POST', '/v1/members/leave', z.unknown(), {}),

	invitations: () => call('GET', '/v1/invitations', listOf(Invitation)),
	invite: (wish: { role: Role; note?: string; expires_in_days: number }) =>
		call('POST', '/v1/invitations', InvitationMade, wish),
	revokeInvitation: (id: string) => call('DELETE', `/v1/invitations/${id}`, Invitation),
	invitation: (secret: string) =>
		call('GET', `/v1/invitations/info?secret=${encodeURIComponent(secret)}`, InvitationInfo),
	accept: (secret: string, signUp?: SignUp) =>
		call('POST', '/v1/invitations/accept', z.unknown(), {
			secret,
			...(signUp === undefined ? {} : { sign_up: signUp })
		}),

	/** Works in another account from the next request on; begins there too, if asked. */
	switchAccount: (accountId: string, isDefault = false) =>
		call('PUT', '/v1/accounts/current', z.unknown(), {
			account_id: accountId,
			...(isDefault ? { is_default: true } : {})
		})
});

/**
 * What may be done to whom, and why not: the same rules as SQL's, so that a page can say the reason
 * before anyone tries. SQL judges anyway. Pure.
 */
import { rolePermissions, roles, type Role } from '$lib/bus';
import type { Invitation, Member } from './people-calls.ts';

/** Why something cannot be done; a key below `people.why.`. */
export type Reason = 'self' | 'more' | 'lastOwner' | 'ownerOnly';

/** The roles that may no more than this one: nobody gives or takes what they do not have. */
export const rolesWithin = (mine: Role): Role[] =>
	roles.filter((role) =>
		rolePermissions[role].every((permission) => rolePermissions[mine].includes(permission))
	);

const isWithin = (role: Role, mine: Role): boolean => rolesWithin(mine).includes(role);

/** Why `me` cannot give this member another role, or null. */
export function whyNotChange(member: Member, me: Role): Reason | null {
	if (member.is_you) return 'self';
	return isWithin(member.role, me) ? null : 'more';
}

/** Why this member cannot leave, or null. */
export const whyNotLeave = (me: Member, members: readonly Member[]): Reason | null =>
	me.role === 'owner' && !members.some(({ role, is_you }) => role === 'owner' && !is_you)
		? 'lastOwner'
		: null;

/** Why `me` cannot hand the account to somebody, or null. */
export const whyNotTransfer = (me: Role): Reason | null => (me === 'owner' ? null : 'ownerOnly');

/** What has become of an invitation; `now` in milliseconds since 1970. */
export function stateOf(
	invitation: Invitation,
	now: number
): 'open' | 'accepted' | 'revoked' | 'expired' {
	if (invitation.accepted_at !== null) return 'accepted';
	if (invitation.revoked_at !== null) return 'revoked';
	return Date.parse(invitation.expires_at) <= now ? 'expired' : 'open';
}

/** How a member is called: by name, else by e-mail; null where the identity is not known. */
export const nameOf = ({ name, email }: Pick<Member, 'name' | 'email'>): string | null =>
	name?.trim() || email;

/** Invitations: a link that makes one person a member, once. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { Role } from '$lib/bus/permission.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '$lib/server/auth.ts';
import * as invitations from '$lib/server/backend/statements/invitations.ts';
import { hashKey } from '$lib/server/secrets.ts';
import { switchTo } from './accounts.ts';
import { defineAction, type ActionContext } from './define.ts';
import { Id, listed } from './fields.ts';
import { accountOf, claimsOf } from './principal.ts';

const DAY_MS = 24 * 3600 * 1000;
const Secret = Text(200).min(1);

const create = defineAction({
	id: 'invitations.create',
	summary: 'Makes a link that makes one person a member; it is answered once.',
	method: 'POST',
	path: '/invitations',
	permission: 'members:edit',
	input: z.strictObject({
		role: Role,
		/** Whom it is for, their e-mail for example. Nothing is sent. */
		note: Text(254).trim().min(1).optional(),
		expires_in_days: z.int().min(1).max(30).default(7)
	}),
	output: z.object({ invitation: invitations.Invitation, secret: z.string(), url: z.string() }),
	status: 201,
	run: async ({ as, principal, origin }, { role, note, expires_in_days }) => {
		const secret = `ck_invite_${randomBytes(32).toString('base64url')}`;
		const invitation = await as((sql) =>
			invitations.createInvitation(sql, accountOf(principal), {
				role,
				note: note ?? null,
				token_hash: hashKey(secret),
				expires_at: new Date(Date.now() + expires_in_days * DAY_MS)
			})
		);
		return { invitation, secret, url: `${origin}/join#${secret}` };
	}
});

const list = defineAction({
	id: 'invitations.list',
	summary: 'Lists the invitations, newest first, without their links.',
	method: 'GET',
	path: '/invitations',
	permission: 'members:read',
	input: z.strictObject({}),
	output: listed(invitations.Invitation),
	run: async ({ as, principal }) => ({
		items: await as((sql) => invitations.listInvitations(sql, accountOf(principal)))
	})
});

const revoke = defineAction({
	id: 'invitations.revoke',
	summary: 'Ends an invitation that nobody has accepted.',
	method: 'DELETE',
	path: '/invitations/{id}',
	permission: 'members:edit',
	input: z.strictObject({ id: Id }),
	output: invitations.Invitation,
	run: ({ as, principal }, { id }) =>
		as((sql) => invitations.revokeInvitation(sql, accountOf(principal), id))
});

const noSuch = () => new AppError('not_found', 'There is no such invitation: ask for a new link.');

const info = defineAction({
	id: 'invitations.info',
	summary: 'Tells the holder of a link what it invites to, and nothing of who is there.',
	method: 'GET',
	path: '/invitations/info',
	permission: 'public',
	input: z.strictObject({ secret: Secret }),
	output: invitations.InvitationInfo,
	run: async ({ services }, { secret }) => {
		const found = await invitations.findInvitation(services.database.sql, hashKey(secret));
		if (found === null) throw noSuch();
		return found;
	}
});

const accept = defineAction({
	id: 'invitations.accept',
	summary: 'Makes you a member: as whom you are signed in, or as a new user with a password.',
	method: 'POST',
	path: '/invitations/accept',
	permission: 'public',
	input: z.strictObject({
		secret: Secret,
		/** For who is not signed in. */
		sign_up: z
			.strictObject({
				name: Text(100).trim().min(1),
				email: z.email().max(254),
				password: Text(MAX_PASSWORD).min(MIN_PASSWORD)
			})
			.optional()
	}),
	output: invitations.Accepted,
	run: async (context, { secret, sign_up }) => {
		const hash = hashKey(secret);
		const { principal, answer, origin } = context;
		const accepted =
			principal.kind === 'member'
				? await context.as((sql) => invitations.acceptInvitation(sql, hash))
				: await signUp(context, hash, sign_up);
		answer.append('set-cookie', switchTo(accepted.account_id, origin));
		return accepted;
	}
});

/** A user, their membership and their session; without the membership there is no user either. */
async function signUp(
	{ principal, services, answer }: ActionContext,
	hash: Uint8Array,
	person: { name: string; email: string; password: string } | undefined
) {
	if (principal.kind !== 'anonymous')
		throw new AppError('forbidden', 'An invitation is for a person: come without a key.');
	if (person === undefined)
		throw new AppError('unauthenticated', 'Sign in first, or send sign_up to become a user.');
	const { auth, database } = services;
	const found = await invitations.findInvitation(database.sql, hash);
	if (found === null) throw noSuch();
	if (found.state !== 'open')
		throw new AppError('gone', `This invitation is ${found.state}: ask for a new link.`);
	const user_id = await auth.createUser(person);
	const { name, email, password } = person;
	const fresh = { kind: 'member', user_id, name, email } as const;
	const claims = claimsOf({ ...fresh, account_id: null });
	if (claims === null) throw new Error('A member has claims.');
	try {
		const accepted = await database.as(claims, (sql) => invitations.acceptInvitation(sql, hash));
		// The membership stands: a session that cannot be had now is had by signing in.
		for (const cookie of await auth.signIn({ email, password }).catch(() => []))
			answer.append('set-cookie', cookie);
		return accepted;
	} catch (error) {
		await auth.removeUser(user_id);
		throw error;
	}
}

export const invitationActions = [create, list, revoke, info, accept];

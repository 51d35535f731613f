/** A person's own sign-in: with what, from where, and ending it. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { identityProviders } from '$lib/platforms/sign-in.ts';
import type { SignedIn } from '$lib/server/auth.ts';
import { defineAction } from './define.ts';
import { Id, listed } from './fields.ts';
import type { Principal } from './principal.ts';

const Session = z.object({
	id: z.uuid(),
	is_current: z.boolean(),
	created_at: z.string(),
	last_used_at: z.string(),
	expires_at: z.string(),
	address: z.string().nullable(),
	user_agent: z.string().nullable()
});

/** The person and session behind the request. Throws for programs and pages. */
function personOf(principal: Principal): Pick<SignedIn, 'user_id' | 'session_id'> {
	if (principal.kind !== 'member' || !principal.session_id)
		throw new AppError('forbidden', 'A key has no sessions: sign in.');
	return { user_id: principal.user_id, session_id: principal.session_id };
}

const ways = defineAction({
	id: 'sign_in.ways',
	summary: 'Tells with what one may sign in here.',
	method: 'GET',
	path: '/sign-in',
	permission: 'public',
	input: z.strictObject({}),
	output: z.object({
		password: z.boolean(),
		passkeys: z.boolean(),
		providers: z.array(z.object({ name: z.string(), title: z.string() }))
	}),
	run: async ({ services }) => {
		const { social, oidc } = services.config.signIn;
		const titleOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);
		return {
			password: true,
			passkeys: true,
			providers: [
				...identityProviders
					.filter((name) => social[name] !== undefined)
					.map((name) => ({ name, title: titleOf(name) })),
				...(oidc === null ? [] : [{ name: 'oidc', title: oidc.title }])
			]
		};
	}
});

const security = defineAction({
	id: 'sign_in.mine',
	summary: 'Tells with what you may sign in.',
	method: 'GET',
	path: '/sign-in/mine',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: z.object({
		has_password: z.boolean(),
		has_totp: z.boolean(),
		linked: z.array(z.object({ id: z.string(), provider: z.string(), linked_at: z.string() })),
		passkeys: z.array(
			z.object({ id: z.string(), name: z.string().nullable(), created_at: z.string().nullable() })
		)
	}),
	run: ({ principal, services }) => services.auth.waysIn(personOf(principal).user_id)
});

const list = defineAction({
	id: 'sessions.list',
	summary: 'Lists your sessions, the youngest first.',
	method: 'GET',
	path: '/sessions',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: listed(Session),
	run: async ({ principal, services }) => {
		const { user_id, session_id } = personOf(principal);
		const rows = await services.auth.sessions(user_id);
		return { items: rows.map((row) => ({ ...row, is_current: row.id === session_id })) };
	}
});

const revoke = defineAction({
	id: 'sessions.revoke',
	summary: 'Ends one of your sessions; what it has open closes at once.',
	method: 'DELETE',
	path: '/sessions/{id}',
	permission: 'signed-in',
	input: z.strictObject({ id: Id }),
	output: z.object({ id: z.uuid() }),
	run: async ({ principal, services }, { id }) => {
		const { user_id } = personOf(principal);
		if (!(await services.auth.endSession(user_id, id)))
			throw new AppError('not_found', `There is no session ${id}.`);
		return { id };
	}
});

const revokeAll = defineAction({
	id: 'sessions.revoke_all',
	summary: 'Signs you out everywhere, or everywhere else.',
	method: 'DELETE',
	path: '/sessions',
	permission: 'signed-in',
	input: z.strictObject({ keep_current: z.boolean().default(false) }),
	output: z.object({ ended: z.int() }),
	run: async ({ principal, services }, { keep_current }) => {
		const { user_id, session_id } = personOf(principal);
		return { ended: await services.auth.endSessions(user_id, keep_current ? session_id : null) };
	}
});

export const sessionActions = [ways, security, list, revoke, revokeAll];

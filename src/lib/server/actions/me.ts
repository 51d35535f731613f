/** Who I am here, and the token with which I listen. */
import { z } from 'zod';
import { accountTopic } from '$lib/bus/topic.ts';
import { Permission } from '$lib/bus/permission.ts';
import * as accounts from '$lib/server/backend/statements/accounts.ts';
import { defineAction } from './define.ts';
import { accountOf, claimsOf } from './principal.ts';
import { RealtimeAddress, realtimeAddress } from './realtime.ts';

/** Short, because what it opens is judged when it is used; the client asks again in good time. */
const TOKEN_SECONDS = 3600;

const me = defineAction({
	id: 'me.get',
	summary: 'Tells who asks, which accounts they belong to and what they may do in this one.',
	method: 'GET',
	path: '/me',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: z.object({
		user: z.object({ id: z.uuid(), email: z.string(), name: z.string() }).nullable(),
		accounts: z.array(accounts.MyAccount),
		account_id: z.uuid().nullable(),
		permissions: z.array(Permission),
		locale: z.enum(['en', 'fr'])
	}),
	run: async ({ as, principal, locale }) => {
		const mine = await as((sql) => accounts.myAccounts(sql));
		const account_id = 'account_id' in principal ? principal.account_id : null;
		return {
			user:
				principal.kind === 'member'
					? { id: principal.user_id, email: principal.email, name: principal.name }
					: null,
			accounts: mine,
			account_id,
			permissions: mine.find(({ id }) => id === account_id)?.permissions ?? [],
			locale
		};
	}
});

const realtimeToken = defineAction({
	id: 'realtime.token',
	summary: "Gives a token for the account's Realtime topic.",
	method: 'POST',
	path: '/realtime/token',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: RealtimeAddress.extend({ token: z.string(), expires_in: z.int() }),
	run: async ({ principal, services, origin }) => {
		const account = accountOf(principal);
		const claims = claimsOf(principal);
		return {
			...realtimeAddress(services, origin, accountTopic(account)),
			// Whether it may join that topic is asked when it does.
			token: claims === null ? '' : await services.tokens.mint(claims, TOKEN_SECONDS),
			expires_in: TOKEN_SECONDS
		};
	}
});

export const meActions = [me, realtimeToken];

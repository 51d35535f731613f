/** The accounts of one person: which there are, in which they work now, and where they begin. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import * as accounts from '$lib/server/backend/statements/accounts.ts';
import { ACCOUNT_COOKIE } from '$lib/server/http/cookies.ts';
import { defineAction } from './define.ts';
import { Id, listed } from './fields.ts';

const YEAR_S = 365 * 24 * 3600;

/** The cookie that says in which account a browser works. It opens nothing: membership does. */
export const switchTo = (accountId: string, origin: string): string =>
	[
		`${ACCOUNT_COOKIE}=${accountId}`,
		...['Path=/', `Max-Age=${YEAR_S}`, 'HttpOnly', 'SameSite=Lax'],
		...(origin.startsWith('https:') ? ['Secure'] : [])
	].join('; ');

const list = defineAction({
	id: 'accounts.list',
	summary: 'Lists the accounts that you belong to.',
	method: 'GET',
	path: '/accounts',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: listed(accounts.MyAccount),
	run: async ({ as }) => ({ items: await as((sql) => accounts.myAccounts(sql)) })
});

const use = defineAction({
	id: 'accounts.switch',
	summary:
		'Switches this browser to another of your accounts, and begins there next time if asked.',
	method: 'PUT',
	path: '/accounts/current',
	permission: 'signed-in',
	input: z.strictObject({ account_id: Id, is_default: z.literal(true).optional() }),
	output: accounts.MyAccount,
	run: async ({ as, principal, answer, origin }, { account_id, is_default }) => {
		if (principal.kind !== 'member')
			throw new AppError('forbidden', 'A key belongs to one account and cannot switch.');
		const mine = await as((sql) =>
			is_default ? accounts.setDefaultAccount(sql, account_id) : accounts.myAccounts(sql)
		);
		const account = mine.find(({ id }) => id === account_id);
		if (account === undefined)
			throw new AppError('not_found', `There is no account ${account_id}.`);
		answer.append('set-cookie', switchTo(account_id, origin));
		return account;
	}
});

export const accountsActions = [list, use];

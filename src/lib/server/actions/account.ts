/** The account as a whole: taken along, and deleted. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { deleteAccount, exportRows, exportTables } from '$lib/server/backend/statements/account.ts';
import { noteExport } from '$lib/server/backend/statements/audit.ts';
import { listMembers } from '$lib/server/backend/statements/members.ts';
import { streamed } from '$lib/server/http/streamed.ts';
import { defineAction } from './define.ts';
import { accountOf } from './principal.ts';

const ROWS_AT_ONCE = 500;
const FORMAT = 'cuelight-account-1';

const download = defineAction({
	id: 'account.export',
	summary: 'Downloads everything of the account as JSON, without what opens something.',
	method: 'GET',
	path: '/account/export',
	permission: 'account:manage',
	input: z.strictObject({}),
	output: z.object({
		format: z.literal(FORMAT),
		account_id: z.uuid(),
		members: z.array(z.record(z.string(), z.json())),
		/** By table. */
		tables: z.record(z.string(), z.array(z.record(z.string(), z.json())))
	}),
	run: async ({ as, principal }) => {
		const account = accountOf(principal);
		const { tables, members } = await as(async (sql) => {
			await noteExport(sql, account, 'account');
			return {
				tables: await exportTables(sql, account),
				members: await listMembers(sql, account)
			};
		});
		async function* parts() {
			const head = { format: FORMAT, account_id: account, members };
			yield `${JSON.stringify(head).slice(0, -1)},"tables":{`;
			for (const [index, table] of tables.entries()) {
				yield `${index === 0 ? '' : ','}\n${JSON.stringify(table)}:[`;
				let after: z.core.util.JSONType[] | null = null;
				let isFirst = true;
				do {
					const from: z.core.util.JSONType[] | null = after;
					const page: Awaited<ReturnType<typeof exportRows>> = await as((sql) =>
						exportRows(sql, account, table, from, ROWS_AT_ONCE)
					);
					if (page.rows.length > 0)
						yield `${isFirst ? '' : ','}${page.rows.map((row) => JSON.stringify(row)).join(',\n')}`;
					isFirst = false;
					after = page.after;
				} while (after !== null);
				yield ']';
			}
			yield '}}\n';
		}
		return streamed(parts(), { type: 'application/json', file: 'account.json' });
	}
});

const remove = defineAction({
	id: 'account.delete',
	summary: 'Deletes the account and everything in it, for good; its name has to be typed.',
	method: 'DELETE',
	path: '/account',
	permission: 'account:manage',
	input: z.strictObject({ name: z.string().max(100) }),
	output: z.object({ account_id: z.uuid() }),
	run: async ({ as, principal, services }, { name }) => {
		if (principal.kind !== 'member')
			throw new AppError('forbidden', 'A key cannot delete an account: sign in.');
		const gone = await as((sql) => deleteAccount(sql, accountOf(principal), name));
		services.log.info('an account was deleted', { account: gone.account_id });
		return gone;
	}
});

export const accountActions = [download, remove];

/** An account as a whole: exported and deleted. Each function calls the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

/** The names of the tables that an export holds, in order. */
export const exportTables = (sql: Sql | TransactionSql, accountId: string): Promise<string[]> =>
	ask(z.array(z.string()), sql`select app.export_tables(${accountId}) as answer`);

const Rows = z.object({
	rows: z.array(z.record(z.string(), z.json())),
	/** Where the next rows begin; null at the end. */
	after: z.array(z.json()).nullable()
});

/** The next rows of one table, without whatever opens something. */
export const exportRows = (
	sql: Sql | TransactionSql,
	accountId: string,
	table: string,
	after: z.infer<typeof Rows>['after'],
	limit: number
) =>
	ask(
		Rows,
		sql`select app.export_rows(${accountId}, ${table}, ${after === null ? null : sql.json(after)},
			${limit}) as answer`
	);

/** Deletes an account whose name was typed: nobody reaches it any more, its rows follow. */
export const deleteAccount = (sql: Sql | TransactionSql, accountId: string, name: string) =>
	ask(
		z.object({ account_id: z.uuid() }),
		sql`select app.delete_account(${accountId}, ${name}) as answer`
	);

const ROWS_AT_ONCE = 5_000;

/** Takes away what is left of deleted accounts, in short transactions. Trusted server. */
export async function purgeAccounts(sql: Sql): Promise<number> {
	let gone = 0;
	for (;;) {
		const rows = await ask(z.int(), sql`select app.purge_accounts(${ROWS_AT_ONCE}) as answer`);
		if (rows === 0) return gone;
		gone += rows;
	}
}

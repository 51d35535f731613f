/** The audit log. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const AuditEntry = z.object({
	id: z.int(),
	at: z.string(),
	/** `member`, `api`, `remote`, `ingest`, `overlay`, or `system` for the server itself. */
	actor_kind: z.string(),
	actor_id: z.uuid().nullable(),
	/** Null where the member or key is gone. */
	actor_name: z.string().nullable(),
	/** `key.create`, `member.role`, … */
	action: z.string(),
	target_kind: z.string().nullable(),
	target_id: z.uuid().nullable(),
	detail: z.record(z.string(), z.json())
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = z.object({
	items: z.array(AuditEntry),
	/** The id to read on before; null at the end. */
	next_before: z.int().nullable()
});

export interface AuditFilter {
	search: string | null;
	actor: string | null;
	action: string | null;
	from: string | null;
	to: string | null;
}

/** Entries, newest first, from before `before`. */
export const listAudit = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: AuditFilter,
	before: number | null,
	limit: number
) =>
	ask(
		AuditPage,
		sql`select app.list_audit(${accountId}, ${filter.search}, ${filter.actor}, ${filter.action},
			${filter.from}, ${filter.to}, ${before}, ${limit}) as answer`
	);

/** Notes that the log or the account was taken along. */
export async function noteExport(
	sql: Sql | TransactionSql,
	accountId: string,
	what: 'audit' | 'account'
): Promise<void> {
	await ask(z.unknown(), sql`select app.note_export(${accountId}, ${what})::text as answer`);
}

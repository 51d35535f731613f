/** The audit log: read, searched and taken along. */
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';
import * as audit from '$lib/server/backend/statements/audit.ts';
import { csvLine } from '$lib/server/http/csv.ts';
import { streamed } from '$lib/server/http/streamed.ts';
import { defineAction } from './define.ts';
import { Count, Id, Instant } from './fields.ts';
import { accountOf } from './principal.ts';

const Filter = {
	/** In actions, details and ids, whatever the case. */
	search: Text(200).min(1).optional(),
	actor: Id.optional(),
	/** `key.create`, or `key` for all that begin so. */
	action: z
		.string()
		.max(60)
		.regex(/^[a-z_]+(\.[a-z_]+)*$/, 'must be as in the entries: key.create')
		.optional(),
	from: Instant.optional(),
	to: Instant.optional()
};
const filterOf = (input: {
	[Name in keyof audit.AuditFilter]?: audit.AuditFilter[Name] | undefined;
}): audit.AuditFilter => ({
	search: input.search ?? null,
	actor: input.actor ?? null,
	action: input.action ?? null,
	from: input.from ?? null,
	to: input.to ?? null
});

const list = defineAction({
	id: 'audit.list',
	summary: 'Lists what was done in the account and by whom, newest first.',
	method: 'GET',
	path: '/audit',
	permission: 'audit:read',
	input: z.strictObject({
		...Filter,
		/** `next_cursor` of the answer before. */
		cursor: Count(1, Number.MAX_SAFE_INTEGER).optional(),
		limit: Count(1, 100).default(25)
	}),
	output: z.object({ items: z.array(audit.AuditEntry), next_cursor: z.string().nullable() }),
	polled: true,
	run: async ({ as, principal }, { cursor, limit, ...filter }) => {
		const { items, next_before } = await as((sql) =>
			audit.listAudit(sql, accountOf(principal), filterOf(filter), cursor ?? null, limit)
		);
		return { items, next_cursor: next_before === null ? null : String(next_before) };
	}
});

const ROWS_AT_ONCE = 500;
const columns = [
	...(['id', 'at', 'actor_kind', 'actor_id', 'actor_name', 'action'] as const),
	...(['target_kind', 'target_id', 'detail'] as const)
] as const satisfies (keyof audit.AuditEntry)[];

const download = defineAction({
	id: 'audit.export',
	summary: 'Downloads the audit log, newest first: a line of JSON for each entry, or CSV.',
	method: 'GET',
	path: '/audit/export',
	permission: 'audit:read',
	input: z.strictObject({ ...Filter, format: z.enum(['jsonl', 'csv']).default('jsonl') }),
	output: audit.AuditEntry,
	media: 'application/x-ndjson',
	run: async ({ as, principal }, { format, ...input }) => {
		const account = accountOf(principal);
		const filter = filterOf(input);
		await as((sql) => audit.noteExport(sql, account, 'audit'));
		async function* lines() {
			if (format === 'csv') yield csvLine(columns);
			let before: number | null = null;
			do {
				// Each page is a transaction of its own, in which permission is asked again.
				const { items, next_before } = await as((sql) =>
					audit.listAudit(sql, account, filter, before, ROWS_AT_ONCE)
				);
				yield items
					.map((item) =>
						format === 'csv'
							? csvLine(columns.map((column) => item[column]))
							: `${JSON.stringify(item)}\n`
					)
					.join('');
				before = next_before;
			} while (before !== null);
		}
		return streamed(lines(), {
			type: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
			file: `audit.${format}`
		});
	}
});

export const auditActions = [list, download];

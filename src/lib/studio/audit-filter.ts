/**
 * What the audit page shows, kept in the page's address; times are local there and instants for
 * the server. Pure.
 */
export interface AuditFilter {
	search: string;
	actor: string;
	/** `key.create`, or `key` for all that begin so. */
	action: string;
	/** `2026-11-20T18:30`, local time; empty for no bound. */
	from: string;
	to: string;
}

export const AUDIT_PAGE = 50;
export const wholeLog: AuditFilter = { search: '', actor: '', action: '', from: '', to: '' };

const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ACTION = /^[a-z_]{1,30}(\.[a-z_]{1,29})?$/;
const like = (pattern: RegExp, text: string | null) =>
	text !== null && pattern.test(text) ? text : '';

/** Reads an address; what is not understood counts as not chosen. */
export const readAuditFilter = (query: URLSearchParams): AuditFilter => ({
	search: (query.get('search') ?? '').slice(0, 200),
	actor: like(ID, query.get('actor')),
	action: like(ACTION, query.get('action')),
	from: like(LOCAL_TIME, query.get('from')),
	to: like(LOCAL_TIME, query.get('to'))
});

const told = (entries: Record<string, string>): string =>
	new URLSearchParams(
		Object.entries(entries).flatMap(([name, value]) =>
			value.trim() === '' ? [] : [[name, value.trim()]]
		)
	).toString();

export function auditAddress(filter: AuditFilter): string {
	const query = told({ ...filter });
	return query === '' ? '/studio/audit' : `/studio/audit?${query}`;
}

const instant = (local: string) => (local === '' ? '' : new Date(local).toISOString());
const asked = (filter: AuditFilter, more: Record<string, string>) =>
	told({ ...filter, from: instant(filter.from), to: instant(filter.to), ...more });

/** The query that `/v1/audit` takes. */
export const askForAudit = (filter: AuditFilter, cursor: string | null): string =>
	asked(filter, { cursor: cursor ?? '', limit: String(AUDIT_PAGE) });

/** Where the whole of what is shown can be downloaded. */
export const auditExport = (filter: AuditFilter, format: 'csv' | 'jsonl'): string =>
	`/v1/audit/export?${asked(filter, { format })}`;

export const isAuditNarrowed = (filter: AuditFilter): boolean => told({ ...filter }) !== '';

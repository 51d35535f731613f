/** Pages with cursors that tell nothing to whoever holds them. */
import { refuse, type Answer, type Asked } from '../http.ts';

interface Cursor {
	readonly list: string;
	readonly from: number;
}

const wrap = (cursor: Cursor): string =>
	Buffer.from(JSON.stringify(['v1', cursor.list, cursor.from])).toString('base64url');

function unwrap(text: string): Cursor | null {
	try {
		const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
		if (!Array.isArray(value) || value[0] !== 'v1') return null;
		const [, list, from] = value;
		return typeof list === 'string' && typeof from === 'number' ? { list, from } : null;
	} catch {
		return null;
	}
}

export interface Page<Row> {
	readonly data: Row[];
	readonly pagination: { readonly cursor?: string };
}

export const isAnswer = (value: object): value is Answer => 'status' in value;

/**
 * The page that was asked for, or the refusal.
 * @param list names the list with all its filters: the cursor of another one is refused
 */
export function paged<Row>(
	rows: readonly Row[],
	{ query }: Asked,
	list: string,
	{ size = 20, hasFirst = true } = {}
): Page<Row> | Answer {
	const first = hasFirst ? (query.get('first') ?? String(size)) : String(size);
	if (!/^\d{1,4}$/.test(first) || Number(first) < 1 || (hasFirst && Number(first) > 100))
		return refuse(400, 'The parameter "first" was malformed: the value must be between 1 and 100');
	const after = query.get('after');
	const cursor = after === null || after === '' ? { list, from: 0 } : unwrap(after);
	if (cursor === null || cursor.list !== list) return refuse(400, 'Invalid cursor.');
	const end = cursor.from + Number(first);
	return {
		data: rows.slice(cursor.from, end),
		pagination: end < rows.length ? { cursor: wrap({ list, from: end }) } : {}
	};
}

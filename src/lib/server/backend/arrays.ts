/**
 * PostgreSQL's arrays for the driver. It would fetch their types itself on every new connection,
 * by a query whose failure nobody catches: a database killed at that moment ends the process. The
 * types that we use have fixed numbers, so nothing need be fetched.
 */
import type postgres from 'postgres';

/** Array type, and how one element is read. */
const arrays: readonly [oid: number, read: (text: string) => unknown][] = [
	[1000, (text) => text === 't'], // boolean[]
	[1005, Number], // smallint[]
	[1007, Number], // integer[]
	[1016, String], // bigint[], as the driver gives a bigint
	[1021, Number], // real[]
	[1022, Number], // double precision[]
	[1231, String], // numeric[]
	[1003, String], // name[]
	[1009, String], // text[]
	[1015, String], // varchar[]
	[2951, String], // uuid[]
	[271, String], // xid8[]
	[199, (text) => JSON.parse(text) as unknown], // json[]
	[3807, (text) => JSON.parse(text) as unknown], // jsonb[]
	[1182, (text) => new Date(text)], // date[]
	[1115, (text) => new Date(text)], // timestamp[]
	[1185, (text) => new Date(text)] // timestamptz[]
];

/** For the driver's option `types`. */
export const arrayTypes: Record<string, postgres.PostgresType> = Object.fromEntries(
	arrays.map(([oid, read]) => [
		`array${oid}`,
		{
			to: oid,
			from: [oid],
			serialize: writeArray,
			parse: (text: string) => readArray(text, read)
		}
	])
);

/** `{"a","b",NULL}`; arrays within arrays become further dimensions. */
export function writeArray(value: unknown): string {
	// One that is written already is passed on.
	if (!Array.isArray(value)) return String(value);
	return `{${value.map(writeElement).join(',')}}`;
}

function writeElement(element: unknown): string {
	if (element === null || element === undefined) return 'NULL';
	if (Array.isArray(element)) return writeArray(element);
	const text =
		element instanceof Date
			? element.toISOString()
			: typeof element === 'object'
				? JSON.stringify(element)
				: String(element);
	return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The inverse; `read` makes an element of its text. */
export function readArray(text: string, read: (text: string) => unknown): unknown[] {
	// Bounds other than from 1 come first: [0:1]={…}.
	let at = text.indexOf('{');

	function list(): unknown[] {
		const elements: unknown[] = [];
		at++; // the opening brace
		while (at < text.length && text[at] !== '}') {
			elements.push(text[at] === '{' ? list() : element());
			if (text[at] === ',') at++;
		}
		at++; // the closing brace
		return elements;
	}

	function element(): unknown {
		if (text[at] !== '"') {
			const end = text.slice(at).search(/[,}]/) + at;
			const bare = text.slice(at, end);
			at = end;
			return bare === 'NULL' ? null : read(bare);
		}
		let quoted = '';
		for (at++; at < text.length && text[at] !== '"'; at++) {
			if (text[at] === '\\') at++;
			quoted += text[at];
		}
		at++;
		return read(quoted);
	}

	return list();
}

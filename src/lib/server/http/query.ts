/** Reads a query string strictly: a key given twice or an encoding that is no UTF-8 is a refusal. */
import { AppError } from '$lib/bus/error.ts';

const MAX_LENGTH = 8_192;

const decode = (part: string): string => {
	try {
		return decodeURIComponent(part.replaceAll('+', ' '));
	} catch (cause) {
		throw new AppError('invalid_input', 'The query is not well-formed UTF-8.', { cause });
	}
};

/** `?a=1&b=2` as `{ a: '1', b: '2' }`. Throws `invalid_input`. */
export function readQuery(search: string): Record<string, string> {
	if (search.length > MAX_LENGTH)
		throw new AppError('invalid_input', `The query is longer than ${MAX_LENGTH} characters.`);
	const query = new Map<string, string>();
	for (const pair of search.replace(/^\?/, '').split('&')) {
		if (pair === '') continue;
		const [key = '', ...rest] = pair.split('=');
		const name = decode(key);
		const value = decode(rest.join('='));
		if (query.has(name))
			throw new AppError('invalid_input', `The query gives "${name.slice(0, 60)}" twice.`, {
				issues: [{ path: name.slice(0, 60), message: 'is given twice' }]
			});
		if (value.includes('\u0000') || !value.isWellFormed())
			throw new AppError('invalid_input', 'The query has a character that cannot be stored.');
		query.set(name, value);
	}
	return Object.fromEntries(query);
}

/**
 * JSON as a door reads it: stricter than `JSON.parse`, so that what is stored is what was sent.
 * Refused are things that parsers disagree about or that Postgres cannot keep: a key given twice,
 * `__proto__`, nesting without bound, numbers that would silently change their value, U+0000 and
 * lone surrogates. Each refusal is an `AppError('invalid_input')` that names the place.
 */
import { AppError } from '$lib/bus/error.ts';

/** Deepest nesting of a body. A document inside it has its own, smaller bound. */
export const MAX_DEPTH = 64;

const refuse = (message: string, path = ''): never => {
	throw new AppError('invalid_input', message, { issues: [{ path, message }] });
};

/** One open `{` or `[`; `keys` is null in arrays. */
interface Frame {
	keys: Set<string> | null;
	/** Whether the next string is a key. */
	expectsKey: boolean;
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Looks at the tokens of a text that need not be valid JSON: whatever this lets through,
 * `JSON.parse` judges afterwards. It runs first because nesting has to be bounded before a
 * recursive parser sees it.
 */
function inspect(text: string): void {
	const frames: Frame[] = [];
	for (let at = 0; at < text.length; at++) {
		const frame = frames.at(-1);
		switch (text[at]) {
			case '{':
			case '[':
				if (frames.length === MAX_DEPTH) refuse(`The body nests deeper than ${MAX_DEPTH}.`);
				frames.push(
					text[at] === '{'
						? { keys: new Set(), expectsKey: true }
						: { keys: null, expectsKey: false }
				);
				break;
			case '}':
			case ']':
				frames.pop();
				break;
			case ',':
				if (frame?.keys) frame.expectsKey = true;
				break;
			case ':':
				if (frame) frame.expectsKey = false;
				break;
			case '"': {
				const end = endOfString(text, at);
				const value = readString(text.slice(at, end + 1));
				if (frame?.keys && frame.expectsKey) {
					if (value === '__proto__') refuse('The body has a key "__proto__".', value);
					if (frame.keys.has(value)) refuse(`The body gives the key "${value}" twice.`, value);
					frame.keys.add(value);
				}
				at = end;
				break;
			}
			default: {
				NUMBER.lastIndex = at;
				const number = NUMBER.exec(text)?.[0];
				if (number === undefined) break;
				judgeNumber(number);
				at += number.length - 1;
			}
		}
	}
}

function endOfString(text: string, start: number): number {
	for (let at = start + 1; at < text.length; at++) {
		if (text[at] === '\\') at++;
		else if (text[at] === '"') return at;
	}
	return refuse('The body is not valid JSON: a string does not end.');
}

function readString(literal: string): string {
	if (!literal.includes('\\')) return literal.slice(1, -1);
	let value: unknown;
	try {
		value = JSON.parse(literal);
	} catch {
		return refuse('The body is not valid JSON: a string has a broken escape.');
	}
	if (typeof value !== 'string') return refuse('The body is not valid JSON.');
	if (value.includes('\u0000') || !value.isWellFormed())
		refuse('The body has a character that cannot be stored (U+0000 or a lone surrogate).');
	return value;
}

/** A number that a double cannot hold would come back as another one. */
function judgeNumber(literal: string): void {
	const value = Number(literal);
	if (!Number.isFinite(value)) refuse(`The number ${literal.slice(0, 40)} is too large.`);
	if (/^-?\d+$/.test(literal) && !Number.isSafeInteger(value))
		refuse(`The number ${literal.slice(0, 40)} is too large to be exact: send it as text.`);
}

/** Reads a whole JSON text. Throws `invalid_input` for anything but exactly one sound value. */
export function parseStrictly(text: string): unknown {
	if (text.startsWith('\ufeff')) refuse('The body starts with a byte order mark.');
	inspect(text);
	try {
		return JSON.parse(text);
	} catch {
		return refuse('The body is not valid JSON.');
	}
}

/**
 * Text templates: `{user} gave {count|number} {count|plural:sub:subs}`.
 *
 * A variable in braces, then formats after bars, applied from left to right; a format may take
 * words after colons. `{{` is a brace. There are no conditions, loops or expressions: a template
 * is text with holes, never code, and its result is text, never markup. What it does not
 * understand it leaves as written and explains.
 */

export type Value = string | number | null;
export type Variables = Readonly<Record<string, Value>>;

export interface Filled {
	text: string;
	/** What the author of the template should know, in sentences. */
	problems: string[];
}

/** Longest text that comes out; more is cut. */
export const MAX_LENGTH = 4000;

interface Setting {
	locale: string;
	variables: Variables;
}
type Format = (value: Value, words: readonly string[], setting: Setting) => Value;

/** `null` passes through all of them except `or`: nothing stays nothing. */
const formats: Readonly<Record<string, { about: string; apply: Format }>> = {
	or: {
		about: '{user|or:Someone}: these words when there is no value',
		apply: (value, [words = '']) => (value === null || value === '' ? words : value)
	},
	plural: {
		about: '{count|plural:sub:subs}: the first word for one, the second for other numbers',
		apply: (value, [one = '', many = one], { locale }) => {
			const number = toNumber(value);
			if (number === null) return value === null ? null : many;
			return new Intl.PluralRules(locale).select(number) === 'one' ? one : many;
		}
	},
	number: {
		about: '{amount|number}: 1,234 as the language writes it',
		apply: (value, _, { locale }) => numeric(value, (n) => new Intl.NumberFormat(locale).format(n))
	},
	short: {
		about: '{amount|short}: 12K for 12,345',
		apply: (value, _, { locale }) =>
			numeric(value, (n) =>
				new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(n)
			)
	},
	currency: {
		about:
			'{amount|currency}: with the sign of the currency it was given in, or {amount|currency:EUR}',
		apply: (value, [code], { locale, variables }) =>
			numeric(value, (n) => {
				const currency = code ?? variables.currency;
				return typeof currency === 'string' && /^[a-z]{3}$/i.test(currency)
					? new Intl.NumberFormat(locale, { style: 'currency', currency }).format(n)
					: new Intl.NumberFormat(locale).format(n);
			})
	},
	upper: {
		about: '{user|upper}: in capitals',
		apply: (value, _, { locale }) =>
			value === null ? null : String(value).toLocaleUpperCase(locale)
	},
	lower: {
		about: '{user|lower}: in small letters',
		apply: (value, _, { locale }) =>
			value === null ? null : String(value).toLocaleLowerCase(locale)
	},
	cut: {
		about: '{message|cut:80}: at most so many characters',
		apply: (value, [words]) => {
			const limit = Number(words);
			if (value === null || !Number.isInteger(limit) || limit < 1) return value;
			const letters = [...String(value)];
			return letters.length <= limit ? value : letters.slice(0, limit - 1).join('') + '…';
		}
	}
};

/** Each format with a sentence about it, for the editor. */
export const formatNames: readonly { name: string; about: string }[] = Object.entries(formats).map(
	([name, { about }]) => ({ name, about })
);

// Names are those of data fields; bounded, so that no text makes the search slow.
const HOLE = /\{\{|\{([a-z][a-z0-9_.]{0,60})((?:\|[^{}|]{1,200}){0,8})\}/g;

/** Fills a template. Pure: the same words, values and locale give the same text. */
export function fill(template: string, variables: Variables, locale = 'en'): Filled {
	const problems: string[] = [];
	const text = template.replace(HOLE, (whole: string, name?: string, bars = '') => {
		if (name === undefined) return '{';
		if (!Object.hasOwn(variables, name)) {
			problems.push(`{${name}} is not known here${suggest(name, Object.keys(variables))}`);
			return whole;
		}
		let value: Value = variables[name] ?? null;
		for (const bar of String(bars).split('|').slice(1)) {
			const [key = '', ...words] = bar.split(':');
			const format = Object.hasOwn(formats, key) ? formats[key] : undefined;
			if (format === undefined) {
				problems.push(`"${key}" is not a format${suggest(key, Object.keys(formats))}`);
				return whole;
			}
			value = format.apply(value, words, { locale, variables });
		}
		return value === null ? '' : isolate(String(value));
	});
	const cut = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH).toWellFormed() : text;
	return { text: cut, problems };
}

function toNumber(value: Value): number | null {
	if (value === null || value === '') return null;
	const number = Number(value);
	return Number.isFinite(number) ? number : null;
}

function numeric(value: Value, write: (number: number) => string): Value {
	const number = toNumber(value);
	return number === null ? value : write(number);
}

/** A name written from right to left must not turn the sentence around it: U+2068 … U+2069. */
function isolate(text: string): string {
	return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(
		text
	)
		? `\u2068${text}\u2069`
		: text;
}

/** `: did you mean "user"?` for the nearest known word, else the list of them. */
function suggest(word: string, known: readonly string[]): string {
	const nearest = known
		.map((each) => ({ each, far: distance(word, each) }))
		.sort((a, b) => a.far - b.far)[0];
	if (nearest !== undefined && nearest.far <= 2) return `: did you mean "${nearest.each}"?`;
	return known.length > 0 ? `; known are ${known.join(', ')}` : '';
}

/** How many letters must be put in, taken out or exchanged to make one word of the other. */
function distance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, i) => i);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++)
			next.push(
				Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
			);
		row = next;
	}
	return row[b.length]!;
}

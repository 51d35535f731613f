/**
 * One small typed dictionary: `en` names the keys and their placeholders, every other language
 * must have the same ones (the compiler checks the keys, a test the placeholders). Texts that
 * count have two keys, `….one` and `….other`, chosen by the language's own plural rule.
 */
import { en } from './en.ts';
import { fr } from './fr.ts';

export const locales = ['en', 'fr'] as const;
export type Locale = (typeof locales)[number];

export type TextKey = keyof typeof en;
export type Dictionary = Record<TextKey, string>;
export const dictionaries: Record<Locale, Dictionary> = { en, fr };

/** Names between braces in a text. */
export type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
	? Name | Placeholders<Rest>
	: never;
type Values<Names extends string> = Record<Names, string | number>;
type Arguments<Names extends string> = [Names] extends [never] ? [] : [values: Values<Names>];

/** A key whose text counts something, without its `.one` or `.other`. */
export type CountKey = TextKey extends infer Key
	? Key extends `${infer Stem}.other`
		? Stem
		: never
	: never;

export interface Translate {
	<Key extends TextKey>(key: Key, ...values: Arguments<Placeholders<(typeof en)[Key]>>): string;
}

/** Whether a name made at run time is a key of the dictionary. */
export const isTextKey = (name: string): name is TextKey => Object.hasOwn(en, name);

/** The locale that a BCP 47 tag asks for, English when we do not speak it. */
export function localeOf(tag: string | null | undefined): Locale {
	const language = tag?.toLowerCase().split('-')[0];
	return locales.find((locale) => locale === language) ?? 'en';
}

/** Puts values into a text's braces; a brace without a value stays as it is written. */
export function fill(text: string, values: Record<string, string | number> = {}): string {
	return text.replace(/\{(\w+)\}/g, (braced, name: string) =>
		name in values ? String(values[name]) : braced
	);
}

/** The text of a key, filled. */
export function translator(locale: Locale): Translate {
	return (key, ...values) => fill(dictionaries[locale][key], values[0]);
}

/** The text for a number of things: `{count}` is that number, written the language's way. */
export function counted(
	locale: Locale,
	stem: CountKey,
	count: number,
	values: Record<string, string | number> = {}
): string {
	// French has a third form for millions; it reads like `other`.
	const form = new Intl.PluralRules(locale).select(count) === 'one' ? 'one' : 'other';
	const written = new Intl.NumberFormat(locale).format(count);
	return fill(dictionaries[locale][`${stem}.${form}` as TextKey], { ...values, count: written });
}

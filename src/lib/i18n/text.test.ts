import { describe, expect, it } from 'vitest';
import {
	counted,
	dictionaries,
	fill,
	localeOf,
	locales,
	translator,
	type TextKey
} from './text.ts';

const keysOf = (locale: (typeof locales)[number]) => Object.keys(dictionaries[locale]).sort();
const placeholdersOf = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([one]) => one).sort();

describe.each(locales)('the dictionary %s', (locale) => {
	it('has every key of the English one and no other', () => {
		expect(keysOf(locale)).toEqual(keysOf('en'));
	});

	it('fills the same placeholders in every text', () => {
		const odd = (Object.keys(dictionaries.en) as TextKey[]).filter(
			(key) =>
				placeholdersOf(dictionaries[locale][key] ?? '').join() !==
				placeholdersOf(dictionaries.en[key]).join()
		);
		expect(odd).toEqual([]);
	});

	it('leaves no text empty', () => {
		expect(Object.entries(dictionaries[locale]).filter(([, text]) => text.trim() === '')).toEqual(
			[]
		);
	});

	it('has both forms of every text that counts', () => {
		const keys = new Set(keysOf(locale));
		const twinOf = (key: string) =>
			key.endsWith('.one') ? key.replace(/one$/, 'other') : key.replace(/other$/, 'one');
		const single = [...keys].filter((key) => /\.(one|other)$/.test(key) && !keys.has(twinOf(key)));
		expect(single).toEqual([]);
	});
});

describe('texts', () => {
	it('are filled with values, also in the other language', () => {
		expect(translator('en')('source.quota.text', { used: 2, max: 9 })).toBe('2 of 9 used');
		expect(translator('fr')('source.quota.text', { used: 2, max: 9 })).toBe('2 sur 9 utilisés');
	});

	it('keep a brace that nobody fills', () => {
		expect(fill('{a} and {b}', { a: 1 })).toBe('1 and {b}');
	});

	it('count the way the language does: French says zero in the singular', () => {
		expect(counted('en', 'events.total', 0)).toBe('0 events');
		expect(counted('fr', 'events.total', 0)).toBe('0 évènement');
		expect(counted('en', 'events.total', 1)).toBe('1 event');
		expect(counted('fr', 'events.total', 2)).toBe('2 évènements');
	});

	it('speak English to those whose language is not spoken', () => {
		expect([localeOf('fr-CA'), localeOf('de'), localeOf(undefined)]).toEqual(['fr', 'en', 'en']);
	});
});

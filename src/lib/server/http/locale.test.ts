import { expect, it } from 'vitest';
import { chooseLocale } from './locale.ts';

const choices: [cookie: string | undefined, accept: string | null, locale: 'en' | 'fr'][] = [
	[undefined, null, 'en'],
	['fr', 'en', 'fr'],
	['de', 'fr', 'fr'],
	[undefined, 'fr-CH, fr;q=0.9, en;q=0.8', 'fr'],
	[undefined, 'en;q=0.5, fr', 'fr'],
	[undefined, 'de, es;q=0.9, FR;q=0.1', 'fr'],
	[undefined, 'fr;q=0, en', 'en'],
	[undefined, ';;,,q=;=', 'en'],
	[undefined, 'fr'.repeat(10_000), 'en']
];
for (const [cookie, accept, locale] of choices)
	it(`${cookie ?? 'no choice'} and ${accept?.slice(0, 30) ?? 'no wish'}: ${locale}`, () => {
		expect(chooseLocale(cookie, accept)).toBe(locale);
	});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fill, formatNames, MAX_LENGTH } from './template.ts';

const values = {
	user: 'Night Owl',
	amount: 12345.5,
	currency: 'EUR',
	count: 1,
	months: 12,
	message: null,
	'reward.cost': 500
};

describe('fill', () => {
	const filled: Record<string, string> = {
		'no holes': 'no holes',
		'{user} came': 'Night Owl came',
		'{user|upper}!': 'NIGHT OWL!',
		'{user|upper|cut:6}': 'NIGHT…',
		'{user|cut:40}': 'Night Owl',
		'{message}': '',
		'{message|or:nothing said}': 'nothing said',
		'{message|upper|or:nothing}': 'nothing',
		'{user|or:Someone}': 'Night Owl',
		'{count} {count|plural:sub:subs}': '1 sub',
		'{months} {months|plural:month:months}': '12 months',
		'{message|plural:one:many}': '',
		'{amount|number}': '12,345.5',
		'{amount|short}': '12.3K',
		'{amount|currency}': '€12,345.50',
		'{amount|currency:USD}': '$12,345.50',
		'{amount|currency:money}': '12,345.5',
		'{user|number}': 'Night Owl',
		'{reward.cost} points': '500 points',
		'{{user}': '{user}',
		'a { b } c': 'a { b } c',
		'{User}': '{User}'
	};
	for (const [template, text] of Object.entries(filled))
		it(`${template} → ${text}`, () => {
			expect(fill(template, values)).toEqual({ text, problems: [] });
		});

	const explained: Record<string, [text: string, problem: RegExp]> = {
		'{usr} came': ['{usr} came', /\{usr\} is not known here: did you mean "user"\?/],
		'{viewers}': ['{viewers}', /not known here; known are user, amount/],
		'{user|uper}': ['{user|uper}', /"uper" is not a format: did you mean "upper"\?/],
		'{user|toString}': ['{user|toString}', /not a format/],
		'{constructor}': ['{constructor}', /not known/]
	};
	for (const [template, [text, problem]] of Object.entries(explained))
		it(`explains ${template} and leaves it as written`, () => {
			expect(fill(template, values)).toEqual({ text, problems: [expect.stringMatching(problem)] });
		});

	it('writes numbers and plurals as the language does', () => {
		expect(fill('{amount|number} {count|plural:mois:mois}', values, 'fr').text).toBe(
			'12\u202f345,5 mois'
		);
		// French counts nought as one.
		expect(fill('{n|plural:vue:vues}', { n: 0 }, 'fr').text).toBe('vue');
	});

	it('keeps a name from right to left from turning the sentence', () => {
		expect(fill('{user} gave 5', { user: 'مرحبا' }).text).toBe('\u2068مرحبا\u2069 gave 5');
	});

	it('never fills what a viewer wrote a second time', () => {
		expect(fill('{user}', { user: '{message|upper}', message: 'secret' }).text).toBe(
			'{message|upper}'
		);
	});

	it('cuts what would be endless', () => {
		expect(fill('{user}'.repeat(300), { user: 'x'.repeat(500) }).text).toHaveLength(MAX_LENGTH);
	});

	it('never throws and always gives text', () => {
		const piece = fc.oneof(
			fc.string(),
			fc.constantFrom('{', '}', '|', ':', '{user', '|plural:', '|currency:XYZ}', '{amount|cut:1}')
		);
		fc.assert(
			fc.property(
				fc.array(piece).map((pieces) => pieces.join('')),
				fc.string(),
				(template, user) => {
					const { text } = fill(template, { user, amount: 3 });
					expect(text.length).toBeLessThanOrEqual(MAX_LENGTH);
				}
			)
		);
	});
});

it('each format says what it does, by an example that works', () => {
	for (const { name, about } of formatNames) {
		const example = about.match(/\{[^}]+\}/)?.[0] ?? '';
		expect(example).toContain(`|${name}`);
		expect(fill(example, { user: 'a', count: 1, amount: 1, message: 'm' }).problems).toEqual([]);
	}
});

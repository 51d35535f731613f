import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layout } from './layout.ts';

/** Every letter is half as wide as it is high. */
const measure = (line: string, size: number): number => [...line].length * size * 0.5;
const box = { width: 100, height: 40, size: 20, line_height: 1, wrap: false, fit: null };
const fit = { smallest: 10 };

describe('layout', () => {
	const cases: Record<
		string,
		[text: string, changes: Partial<Parameters<typeof layout>[1]>, lines: string[], size: number]
	> = {
		'leaves what fits': ['short', {}, ['short'], 20],
		'leaves what need not fit': ['much too long for it', {}, ['much too long for it'], 20],
		'shrinks to the largest size that fits': ['twelve chars', { fit }, ['twelve chars'], 16],
		'ends in an ellipsis when the smallest is too large': [
			'abcdefghijklmnopqrstuvwxyz',
			{ fit },
			['abcdefghijklmnopqrs…'],
			10
		],
		'wraps at words': ['one two three', { wrap: true, height: 100 }, ['one two', 'three'], 20],
		'breaks a word that is wider than the box': [
			'abcdefghijklmno',
			{ wrap: true },
			['abcdefghij', 'klmno'],
			20
		],
		'wraps and shrinks together': [
			'one two three four five six',
			{ wrap: true, fit },
			['one two three', 'four five six'],
			15
		],
		'cuts lines that have no room': [
			'aaaa bbbb cccc dddd eeee ffff gggg',
			{ wrap: true, fit: { smallest: 20 } },
			['aaaa bbbb', 'cccc dddd…'],
			20
		],
		'keeps the paragraphs of the template': ['a\nb', {}, ['a', 'b'], 20],
		'wraps scripts without spaces': [
			'李小龍李小龍李小龍李小龍',
			{ wrap: true },
			['李小龍李小龍李小龍李', '小龍'],
			20
		],
		'does not tear a letter outside the basic plane': [
			'🦉'.repeat(30),
			{ fit },
			['🦉'.repeat(19) + '…'],
			10
		]
	};
	for (const [name, [text, changes, lines, size]] of Object.entries(cases))
		it(name, () => {
			expect(layout(text, { ...box, ...changes }, measure)).toEqual({ lines, size });
		});

	it('keeps fitting text inside any box that has room for a letter', () => {
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom('a', 'b', ' ', '-', '李', '🦉'), maxLength: 300 }),
				fc.integer({ min: 20, max: 400 }),
				fc.integer({ min: 12, max: 200 }),
				fc.boolean(),
				(text, width, height, wrap) => {
					const { lines, size } = layout(text, { ...box, width, height, wrap, fit }, measure);
					expect(size).toBeGreaterThanOrEqual(10);
					expect(size * lines.length).toBeLessThanOrEqual(height);
					for (const line of lines) expect(measure(line, size)).toBeLessThanOrEqual(width);
				}
			)
		);
	});
});

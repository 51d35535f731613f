import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Text } from '../bus/index.ts';
import { anyText } from '../../../tests/any-text.ts';
import { foreignInstant, foreignText, storableDocument } from './foreign.ts';

test('any text becomes one that can be stored, not longer than asked', () => {
	const Storable = Text(20);
	fc.assert(
		fc.property(anyText, fc.nat(20), (text, max) => {
			const made = foreignText(text, max);
			expect(Storable.safeParse(made).success).toBe(true);
			expect(made.length).toBeLessThanOrEqual(max);
		})
	);
});

test('text that can be stored and is short enough stays as it is', () => {
	expect(foreignText('añ😀 <b>', 20)).toBe('añ😀 <b>');
});

test('a cut never leaves half a character', () => {
	expect(foreignText('a😀b', 2)).toBe('a');
	expect(foreignText('a😀b', 3)).toBe('a😀');
});

test('an instant is kept as written, anything else is null', () => {
	expect(foreignInstant('2026-05-03T18:15:11.17106713Z')).toBe('2026-05-03T18:15:11.17106713Z');
	for (const other of ['soon', '', 7, null, {}, '2026-02-30T00:00:00Z', '2026-05-03T18:15:11'])
		expect(foreignInstant(other)).toBeNull();
});

test('a document is kept as it came, or not at all', () => {
	expect(storableDocument({ a: [1] })).toEqual({ a: [1] });
	for (const other of [[], null, 'x', { a: '\u0000' }, { a: 'x'.repeat(70_000) }])
		expect(storableDocument(other)).toBeNull();
});

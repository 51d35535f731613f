import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CHUNK, chunksOf } from './chunks.ts';

const list = (length: number) => Array.from({ length }, (_, at) => at);

it('chunks hold every item once, in order, and are of bounded size', () => {
	fc.assert(
		fc.property(fc.nat(400), fc.nat(400), fc.integer({ min: 1, max: 60 }), (length, over, size) => {
			const items = list(length);
			const chunks = chunksOf(items, Math.min(over, length), size);
			expect(chunks.flatMap((chunk) => chunk.items)).toEqual(items);
			expect(chunks.every((chunk) => chunk.items.length <= size)).toBe(true);
			expect(new Set(chunks.map(({ key }) => key)).size).toBe(chunks.length);
		})
	);
});

it('what comes on top or at the end leaves the chunks between as they are', () => {
	const before = list(CHUNK * 3);
	const after = ['new', 'newer', ...before, ...list(7)];
	const grown = new Map(chunksOf<string | number>(after, 2).map((one) => [one.key, one.items]));
	for (const { key, items } of chunksOf(before)) expect(grown.get(key)).toEqual(items);
});

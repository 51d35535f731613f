import { describe, expect, it } from 'vitest';
import { readArray, writeArray } from './arrays.ts';

describe('arrays for the driver', () => {
	it.each([
		[[], '{}'],
		[['a', 'b c', ''], '{"a","b c",""}'],
		[['say "hi"', 'back\\slash', '{brace},'], '{"say \\"hi\\"","back\\\\slash","{brace},"}'],
		[[null, 'NULL'], '{NULL,"NULL"}'],
		[
			[
				['a', 'b'],
				['c', 'd']
			],
			'{{"a","b"},{"c","d"}}'
		]
	])('%j is written and read back', (value, text) => {
		expect(writeArray(value)).toBe(text);
		expect(readArray(text, String)).toEqual(value);
	});

	it('reads what PostgreSQL leaves unquoted, and other bounds', () => {
		expect(readArray('{1,NULL,3}', Number)).toEqual([1, null, 3]);
		expect(readArray('[0:1]={7,8}', Number)).toEqual([7, 8]);
		expect(readArray('{t,f}', (text) => text === 't')).toEqual([true, false]);
	});

	it('writes numbers, booleans, times and documents', () => {
		expect(writeArray([1, true, new Date(0), { a: '"' }])).toBe(
			'{"1","true","1970-01-01T00:00:00.000Z","{\\"a\\":\\"\\\\\\"\\"}"}'
		);
	});

	it('passes on what is an array literal already', () => {
		expect(writeArray('{1,2}')).toBe('{1,2}');
	});
});

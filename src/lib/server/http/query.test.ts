import { expect, it } from 'vitest';
import { readQuery } from './query.ts';

it('reads names and values', () => {
	expect(readQuery('?a=1&b=x%20y+z&c=&d&e=1=2')).toEqual({
		a: '1',
		b: 'x y z',
		c: '',
		d: '',
		e: '1=2'
	});
	expect(readQuery('')).toEqual({});
	expect(readQuery('?')).toEqual({});
});

it('keeps a hostile name an ordinary one', () => {
	const query = readQuery('?__proto__=1');
	expect(Object.keys(query)).toEqual(['__proto__']);
	expect(Object.getPrototypeOf({ ...query })).toBe(Object.prototype);
});

for (const search of ['?a=1&a=2', '?a=1&%61=2', '?a=%C0%AF', '?a=%zz', '?a=%00', '?a=%ED%A0%80'])
	it(`refuses ${search}`, () => {
		expect(() => readQuery(search)).toThrow(/The query/);
	});

it('refuses a query without measure', () => {
	expect(() => readQuery('?a=' + 'x'.repeat(10_000))).toThrow(/longer/);
});

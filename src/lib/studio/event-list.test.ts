import { describe, expect, it } from 'vitest';
import { amountIn, messageIn, nameIn } from './event-list.ts';

describe('who an event is about', () => {
	it.each([
		[{ user: { id: '1', login: 'ann', name: 'Ann', picture: null } }, 'Ann'],
		[{ user: { login: 'ann', name: '' } }, 'ann'],
		[{ user: 'Ann' }, 'Ann'],
		[{ user: null }, null],
		[{ name: 'High score' }, 'High score'],
		[{ title: 'Finals' }, 'Finals'],
		[{ user: ['x'], name: 7 }, null],
		[{}, null]
	])('%j is %s', (data, name) => {
		expect(nameIn({ data })).toBe(name);
	});
});

describe('what an event says', () => {
	it('is its message, unless that is empty', () => {
		expect(messageIn({ data: { message: 'hi' } })).toBe('hi');
		expect(messageIn({ data: { message: '  ' } })).toBeNull();
		expect(messageIn({ data: { message: { text: 'hi' } } })).toBeNull();
	});

	it('is the one number that matters', () => {
		expect(amountIn({ data: { count: 1, bits: 100 } })).toEqual({ of: 'bits', value: 100 });
		expect(amountIn({ data: { viewers: 'many' } })).toBeNull();
	});
});

import { expect, it } from 'vitest';
import { groundOf, initials } from './initials.ts';

const cases: Record<string, string> = {
	'Night Owl': 'NO',
	ann: 'A',
	ann_b_c: 'AB',
	'': '?',
	___: '?',
	李小龍: '李',
	'🦉 owl': 'O',
	'-x': 'X'
};
for (const [name, letters] of Object.entries(cases))
	it(`"${name}" → ${letters}`, () => {
		expect(initials(name)).toBe(letters);
	});

it('a name always has the same ground, and names have different ones', () => {
	expect(groundOf('Ann')).toEqual(groundOf('Ann'));
	const grounds = 'abcdefghijkl'.split('').map((name) => JSON.stringify(groundOf(name)));
	expect(new Set(grounds).size).toBeGreaterThan(3);
});

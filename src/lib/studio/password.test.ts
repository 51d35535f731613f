import { expect, it } from 'vitest';
import { strengthOf } from './password.ts';

it.each([
	['', 0],
	['seven77', 0],
	['aaaaaaaaaaaa', 1],
	['password', 1],
	['owner2026', 1],
	['tr4mpoline', 2],
	['curtain up at eight', 4],
	['Zq7!mvR2#tLw9', 4]
])('“%s” has strength %i', (password, strength) => {
	expect(strengthOf(password, ['owner@example.com', 'The Old Vic', 'password'])).toBe(strength);
});

import { expect, it } from 'vitest';
import { innerAddress } from './inner-address.ts';

it.each(['/studio', '/studio/events?search=a&page=2', '/studio?x#y', '/join'])(
	'goes on to %s',
	(wish) => {
		expect(innerAddress(wish)).toBe(wish);
	}
);

it.each([
	null,
	'',
	'/',
	'/studios',
	'//evil.example/studio',
	'https://evil.example/studio',
	'/\\evil.example',
	'/studio/../auth/sign-out',
	'javascript:alert(1)'
])('sends nobody to %s', (wish) => {
	expect(innerAddress(wish)).toBeNull();
});

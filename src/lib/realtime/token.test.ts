import { expect, test } from 'vitest';
import { manualClock } from '$lib/player/clock.ts';
import { keepToken, lifeOf } from './token.ts';

const jwt = (claims: object) =>
	`e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

test('the life of a token is from its issue to its expiry, in milliseconds', () => {
	expect(lifeOf(jwt({ iat: 1_000, exp: 4_600, name: 'é' }))).toBe(3_600_000);
});

test.each(['', 'nonsense', 'a.b.c', jwt([]), jwt({ exp: 5 })])(
	'a token that does not say (%s) lives for a minute',
	(token) => {
		expect(lifeOf(token)).toBe(60_000);
	}
);

test('one token serves all who ask, until a part of its life is over', async () => {
	const clock = manualClock();
	let asked = 0;
	const token = keepToken(() => {
		asked += 1;
		return Promise.resolve(jwt({ iat: 1, exp: 101, asked }));
	}, clock);
	await Promise.all([token(), token(), token()]);
	clock.advance(19_999);
	await token();
	expect(asked).toBe(1);
	clock.advance(1);
	await token();
	expect(asked).toBe(2);
	await token({ fresh: true });
	expect(asked).toBe(3);
});

test('a source that fails is asked again', async () => {
	let fails = true;
	const token = keepToken(
		() => (fails ? Promise.reject(new Error('away')) : Promise.resolve('token')),
		manualClock()
	);
	await expect(token()).rejects.toThrow('away');
	fails = false;
	await expect(token()).resolves.toBe('token');
});

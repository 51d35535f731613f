/** The door's own counting, with a time that is told: what is behind it only says yes or no. */
import { beforeEach, expect, it } from 'vitest';
import { AppError } from '$lib/bus/error.ts';
import type { Auth } from '$lib/server/auth.ts';
import { AuthDoor } from './auth.ts';

const MINUTE = 60_000;
let now = 0;
let door: AuthDoor;

const unused = () => Promise.reject(new Error('not asked here'));
/** Knows one password. */
const auth: Auth = {
	handle: async (request) => {
		const { password } = (await request.json()) as { password: string };
		return new Response('{}', { status: password === 'right' ? 200 : 401 });
	},
	...{ whoIs: unused, establishUser: unused, createUser: unused, removeUser: unused },
	...{ signIn: unused, sessions: unused, endSession: unused, endSessions: unused, waysIn: unused }
};
beforeEach(() => {
	now = 0;
	door = new AuthDoor({ auth, isInvited: () => Promise.resolve(false), now: () => now });
});

/** The status that an attempt is answered with. */
async function attempt(address: string, password: string, email = 'a@example.com') {
	const request = new Request('http://127.0.0.1/auth/sign-in/email', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ email, password })
	});
	try {
		return (await door.answer(request, '/sign-in/email', address)).status;
	} catch (error) {
		if (error instanceof AppError) return error.status;
		throw error;
	}
}

it('ten failures a minute, and thirty in a quarter of an hour, shut the door to an address', async () => {
	for (let minute = 0; minute < 3; minute++) {
		for (let i = 0; i < 10; i++) expect(await attempt('1.1.1.1', 'wrong')).toBe(401);
		expect(await attempt('1.1.1.1', 'right')).toBe(429);
		now += MINUTE + 1;
	}
	// Locked out, though the last minute saw no failure.
	expect(await attempt('1.1.1.1', 'right')).toBe(429);
	expect(await attempt('2.2.2.2', 'right')).toBe(200);
	now += 15 * MINUTE;
	expect(await attempt('1.1.1.1', 'right')).toBe(200);
});

it('an attack from everywhere shuts out strangers, and not the owner', async () => {
	expect(await attempt('9.9.9.9', 'right')).toBe(200);
	for (let i = 0; i < 100; i++) expect(await attempt(`10.0.0.${i}`, 'wrong')).toBe(401);
	expect(await attempt('10.0.1.1', 'wrong')).toBe(429);
	expect(await attempt('10.0.1.2', 'right')).toBe(429);
	expect(await attempt('9.9.9.9', 'right')).toBe(200);
	expect(await attempt('10.0.1.2', 'right', 'b@example.com')).toBe(200);
});

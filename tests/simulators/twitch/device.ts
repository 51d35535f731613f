/**
 * The device code flow: a code for the person, a code for the program, and a page where the person
 * types theirs. `decide` answers for the person.
 */
import type { Clock } from './clock.ts';
import { refuseOAuth, type Answer, type Asked } from './http.ts';
import { activatePage, consentPage, donePage } from './pages.ts';
import { secretWord, type Client, type Tokens } from './tokens.ts';
import { knownScopes } from './types.ts';
import type { World } from './world.ts';

interface Device {
	readonly userCode: string;
	readonly clientId: string;
	readonly scopes: readonly string[];
	readonly expiresAt: number;
	polledAt: number;
	state: 'pending' | 'denied' | { readonly userId: string };
}

export class DeviceFlow {
	/** Seconds, as the answer of `/device` says. */
	expiresIn = 1_800;
	interval = 5;
	/** Whether polling faster than the interval is told off. Twitch does not say that it does. */
	isStrictInterval = false;
	/** So many polls are answered `slow_down`. */
	slowDowns = 0;
	readonly #devices = new Map<string, Device>();
	readonly #clock: Clock;
	readonly #tokens: Tokens;
	readonly #world: World;

	constructor(clock: Clock, tokens: Tokens, world: World) {
		this.#clock = clock;
		this.#tokens = tokens;
		this.#world = world;
	}

	start(form: URLSearchParams, origin: string): Answer {
		const client = this.#tokens.clients.get(form.get('client_id') ?? '');
		if (client === undefined) return refuseOAuth(400, 'invalid client');
		const scopes = (form.get('scopes') ?? '').split(' ').filter(Boolean);
		if (scopes.some((scope) => !knownScopes.has(scope))) return refuseOAuth(400, 'invalid scope');
		const device_code = secretWord(20);
		const user_code = secretWord(4).toUpperCase();
		this.#devices.set(device_code, {
			userCode: user_code,
			clientId: client.id,
			scopes,
			expiresAt: this.#clock.now().getTime() + this.expiresIn * 1_000,
			polledAt: 0,
			state: 'pending'
		});
		return {
			status: 200,
			body: {
				device_code,
				expires_in: this.expiresIn,
				interval: this.interval,
				user_code,
				verification_uri: `${origin}/activate?device-code=${user_code}`
			}
		};
	}

	token(client: Client, form: URLSearchParams): Answer {
		const code = form.get('device_code') ?? '';
		const device = this.#devices.get(code);
		if (device === undefined || device.clientId !== client.id)
			return refuseOAuth(400, 'invalid device code');
		const scopes = (form.get('scopes') ?? '').split(' ').filter(Boolean);
		if (scopes.toSorted().join(' ') !== device.scopes.toSorted().join(' '))
			return refuseOAuth(400, 'invalid scopes');
		const now = this.#clock.now().getTime();
		if (device.expiresAt <= now) return refuseOAuth(400, 'invalid device code');
		const isEarly = now - device.polledAt < this.interval * 900;
		device.polledAt = now;
		if (this.slowDowns > 0 || (this.isStrictInterval && isEarly)) {
			this.slowDowns = Math.max(0, this.slowDowns - 1);
			return refuseOAuth(400, 'slow_down');
		}
		if (device.state === 'pending') return refuseOAuth(400, 'authorization_pending');
		this.#devices.delete(code);
		if (device.state === 'denied') return refuseOAuth(400, 'access_denied');
		return {
			status: 200,
			body: this.#tokens.grant(client.id, device.state.userId, device.scopes)
		};
	}

	/** The person's answer: who allows it, or null for no. False when nothing waits for that code. */
	decide(userCode: string, userId: string | null): boolean {
		const device = this.#waiting(userCode);
		if (device === undefined) return false;
		device.state = userId === null ? 'denied' : { userId };
		return true;
	}

	/** The page `/activate`. */
	page(asked: Asked): Answer {
		const code = asked.query.get('device-code') ?? '';
		if (asked.method === 'POST') {
			const form = new URLSearchParams(asked.body);
			const user = this.#world.userBy(form.get('user') ?? '');
			const allowed = form.get('decision') === 'allow' && user !== undefined;
			const found = this.decide(code, allowed ? user.id : null);
			return { status: found ? 200 : 404, body: donePage(found, allowed) };
		}
		const device = this.#waiting(code);
		if (device === undefined) return { status: 200, body: activatePage(code !== '') };
		const people = [...this.#world.users.values()];
		return { status: 200, body: consentPage(`Is ${code} on your device?`, device.scopes, people) };
	}

	#waiting = (userCode: string): Device | undefined =>
		[...this.#devices.values()].find(
			(device) =>
				device.userCode === userCode.toUpperCase().replaceAll('-', '').trim() &&
				device.state === 'pending' &&
				device.expiresAt > this.#clock.now().getTime()
		);
}

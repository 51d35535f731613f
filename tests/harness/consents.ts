/**
 * The simulated Twitch as tests of access need it: who consents to what, and what goes wrong with
 * which request. Real HTTP all the way.
 */
import { randomUUID } from 'node:crypto';
import { startTwitch, type Fault, type TwitchSimulator } from '../simulators/twitch/index.ts';

export interface PlatformUser {
	id: string;
	login: string;
}

export interface ConsentPlatform {
	readonly client: { id: string; secret: string | null };
	/** Variables that point the product here. */
	readonly env: Record<string, string>;
	readonly interval_s: number;
	/** Makes somebody known. */
	meet(user: PlatformUser): PlatformUser;
	/** Requests to paths that begin so, so far. */
	count(path?: string): number;
	/** The next requests to a path meet these, in order. */
	fault(path: string, ...faults: Fault[]): void;
	/** Keeps the answer to the next request to a path back until the function is called. */
	hold(path: string): () => void;
	/** The owner consents in the browser: what the platform sends it back with. */
	approve(
		url: string,
		user: PlatformUser,
		scopes?: string[]
	): Promise<{ code: string; state: string }>;
	/** The owner allows (null: declines) what a device asked for. */
	answerDevice(userCode: string, user: PlatformUser | null): void;
	/** Makes tokens of this user void. */
	revoke(user: PlatformUser, what?: 'access' | 'all'): void;
	readonly simulator: TwitchSimulator;
	stop(): Promise<void>;
}

/** Longer than any test. */
const HELD_MS = 3_600_000;

/** Starts one. `isPublic`: its client has no secret, and its refresh tokens serve once. */
export async function startConsentPlatform({
	isPublic = false,
	interval_s = 5
} = {}): Promise<ConsentPlatform> {
	const simulator = await startTwitch();
	const { script, tokens, oauth, clock, records, world } = simulator;
	// Of its own: what one test leaves behind belongs to another program than the next one's.
	const client = {
		...(isPublic ? simulator.publicClient : simulator.client),
		id: randomUUID()
	};
	tokens.clients.set(client.id, client);
	oauth.device.interval = interval_s;
	const meet = ({ id, login }: PlatformUser) => {
		world.meet(id, login, login.toUpperCase());
		return { id, login };
	};
	return {
		simulator,
		client,
		interval_s,
		env: {
			...simulator.env,
			TWITCH_CLIENT_ID: client.id,
			TWITCH_CLIENT_SECRET: client.secret ?? ''
		},
		meet,
		count: (path = '') => records.requests(path).length,
		fault(path, ...faults) {
			for (const fault of faults) script.fail(path, fault);
		},
		hold(path) {
			script.fail(path, { delayMs: HELD_MS });
			return () => clock.advance(HELD_MS);
		},
		async approve(url, user, scopes) {
			const asked = new URL(url);
			if (scopes !== undefined) asked.searchParams.set('scope', scopes.join(' '));
			asked.searchParams.set('auto_allow', meet(user).id);
			const { headers } = await fetch(asked, { redirect: 'manual' });
			const { searchParams } = new URL(headers.get('location') ?? '');
			return {
				code: searchParams.get('code') ?? '',
				state: searchParams.get('state') ?? ''
			};
		},
		answerDevice(userCode, user) {
			if (!oauth.device.decide(userCode, user === null ? null : meet(user).id))
				throw new Error(`No device shows ${userCode}`);
		},
		revoke(user, what = 'all') {
			if (what === 'access') tokens.endEarly(user.id);
			else tokens.disconnect(client.id, user.id);
		},
		stop: () => simulator.stop()
	};
}

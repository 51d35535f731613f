/**
 * One token for all who ask, renewed well before it ends. supabase-js asks for it with every beat,
 * and not every source behind it remembers what it gave.
 */
import type { Clock } from '$lib/player/clock.ts';
import type { TokenSource } from './carrier.ts';

/** Life of a token that does not say. */
const UNKNOWN_LIFE_MS = 60_000;
/**
 * The source may itself have kept the token for a while, and local calendars are wrong often
 * enough not to be asked, so only this part of the whole life is counted on.
 */
const SAFE_PART = 0.2;

export function keepToken(source: TokenSource, clock: Clock): TokenSource {
	let kept: { token: string; until: number } | null = null;
	let asking: Promise<string> | null = null;

	async function ask(fresh: boolean): Promise<string> {
		const token = await source({ fresh });
		kept = { token, until: clock.now() + lifeOf(token) * SAFE_PART };
		return token;
	}
	return async ({ fresh = false } = {}) => {
		if (asking) return asking;
		if (!fresh && kept !== null && clock.now() < kept.until) return kept.token;
		asking = ask(fresh).finally(() => {
			asking = null;
		});
		return asking;
	};
}

/** Milliseconds from issue to expiry, by the token's own `iat` and `exp`. Verifies nothing. */
export function lifeOf(jwt: string): number {
	try {
		const body = jwt.split('.')[1] ?? '';
		const bytes = Uint8Array.from(atob(body.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
			letter.charCodeAt(0)
		);
		const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
		if (typeof claims !== 'object' || claims === null) return UNKNOWN_LIFE_MS;
		const { iat, exp } = { iat: 0, exp: 0, ...claims };
		return exp > iat && iat > 0 ? (exp - iat) * 1000 : UNKNOWN_LIFE_MS;
	} catch {
		return UNKNOWN_LIFE_MS;
	}
}

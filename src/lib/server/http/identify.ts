/**
 * Establishes who asks. An `Authorization` header decides alone: a request that carries one is
 * never helped out by a cookie. What it carries is a key (`ck_api_…`, `ck_remote_…`, `ck_ingest_…`) or an overlay
 * page's session; a member comes by cookie. A key once found is trusted for at most a second, and
 * not past its revocation.
 */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { ANONYMOUS, type Principal } from '$lib/server/actions/principal.ts';
import { SESSION_COOKIE, type Auth } from '$lib/server/auth.ts';
import type { Database, Revocation } from '$lib/server/backend/index.ts';
import { myAccounts } from '$lib/server/backend/statements/accounts.ts';
import { findKey } from '$lib/server/backend/statements/keys.ts';
import { hashKey, kindOfKey } from '$lib/server/secrets.ts';
import type { Tokens } from '$lib/server/tokens.ts';
import { FailureLimiter } from './limiter.ts';

const KEY_TRUSTED_MS = 1_000;
const KEYS_REMEMBERED = 1_000;

export type FoundKey = NonNullable<Awaited<ReturnType<typeof findKey>>>;

const OverlayClaims = z.object({
	kind: z.literal('overlay'),
	key_id: z.uuid(),
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	exp: z.number()
});

export interface IdentifyDeps {
	database: Database;
	auth: Auth;
	tokens: Tokens;
	/** Monotonic milliseconds. */
	now: () => number;
}

export class Doorkeeper {
	readonly #deps: IdentifyDeps;
	readonly #keys = new Map<string, { at: number; key: FoundKey }>();
	/** Wrong keys and tokens by address. */
	readonly #wrong: FailureLimiter;

	constructor(deps: IdentifyDeps) {
		this.#deps = deps;
		this.#wrong = new FailureLimiter({ failures: 100, window_ms: 60_000, now: deps.now });
	}

	/** Forgets a revoked key at once. */
	forget(revocation: Revocation): void {
		for (const [hash, { key }] of this.#keys)
			if ('key_id' in revocation && key.id === revocation.key_id) this.#keys.delete(hash);
	}

	/** The principal of a request. Throws `unauthenticated`, `too_many_requests`, `unavailable`. */
	async identify(headers: Headers, address: string, accountCookie?: string): Promise<Principal> {
		const authorization = headers.get('authorization');
		if (authorization !== null) return this.#byBearer(authorization, address);
		if (SESSION_COOKIE.test(headers.get('cookie') ?? ''))
			return this.#byCookie(headers, accountCookie);
		return ANONYMOUS;
	}

	/** The live key that a secret is, or a refusal that counts as a failure of the address. */
	async key(secret: string, address: string): Promise<FoundKey> {
		if (kindOfKey(secret) === null) throw this.#refuse(address);
		const hash = hashKey(secret);
		const name = hash.toString('base64');
		const known = this.#keys.get(name);
		if (known !== undefined && this.#deps.now() - known.at < KEY_TRUSTED_MS) return known.key;
		this.#keys.delete(name);
		const key = await findKey(this.#deps.database.sql, hash);
		if (key === null) throw this.#refuse(address);
		const oldest = this.#keys.keys().next();
		if (this.#keys.size >= KEYS_REMEMBERED && !oldest.done) this.#keys.delete(oldest.value);
		this.#keys.set(name, { at: this.#deps.now(), key });
		return key;
	}

	/** After too many failures the answer is 429; a right key is never refused for them. */
	#refuse(address: string): AppError {
		this.#wrong.fail(address);
		try {
			this.#wrong.check(address);
		} catch (error) {
			if (error instanceof AppError) return error;
		}
		return new AppError('unauthenticated', 'The key or session is not valid, or not any more.');
	}

	async #byBearer(authorization: string, address: string): Promise<Principal> {
		const credential = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization)?.[1];
		if (credential === undefined) throw this.#refuse(address);
		if (!credential.startsWith('ck_')) return this.#bySession(credential, address);
		const key = await this.key(credential, address);
		if (key.kind === 'overlay')
			throw new AppError(
				'unauthenticated',
				'A key of an overlay opens its page only: exchange it at /v1/overlay/session.'
			);
		return { kind: key.kind, key_id: key.id, account_id: key.account_id };
	}

	async #bySession(jwt: string, address: string): Promise<Principal> {
		const claims = await this.#deps.tokens.verify(jwt).catch(() => null);
		// Tokens of members and programs open the Realtime socket only.
		const overlay = OverlayClaims.safeParse(claims);
		if (!overlay.success) throw this.#refuse(address);
		const { exp, ...rest } = overlay.data;
		return { ...rest, expires_at: exp * 1000 };
	}

	async #byCookie(headers: Headers, accountCookie: string | undefined): Promise<Principal> {
		const user = await this.#deps.auth.whoIs(headers);
		if (user === null) return ANONYMOUS;
		const member = { kind: 'member', ...user, account_id: null } as const;
		const accounts = await this.#deps.database.as(
			{ sub: user.user_id, role: 'authenticated', aud: 'authenticated', kind: 'member' },
			(sql) => myAccounts(sql)
		);
		const active =
			accounts.find(({ id }) => id === accountCookie) ??
			accounts.find(({ is_default }) => is_default) ??
			accounts[0];
		return { ...member, account_id: active?.id ?? null };
	}
}

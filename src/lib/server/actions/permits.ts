/**
 * Asks SQL whether a principal holds a permission, for the few actions whose effect does not run
 * as the principal. A yes is trusted for at most a second, and not past a revocation.
 */
import type { Permission } from '$lib/bus/permission.ts';
import type { Revocation } from '$lib/server/backend/index.ts';
import { requirePermission } from '$lib/server/backend/statements/accounts.ts';
import type { ActionContext } from './define.ts';
import { accountOf, claimsOf } from './principal.ts';

const TRUSTED_MS = 1_000;
const REMEMBERED = 1_000;

export class Permits {
	readonly #now: () => number;
	readonly #given = new Map<string, { at: number; sub: string }>();

	/** `now`: monotonic milliseconds. */
	constructor(now: () => number) {
		this.#now = now;
	}

	/** Throws `forbidden` or `not_found` when the principal lacks it. */
	async require(context: ActionContext, permission: Permission): Promise<void> {
		const account = accountOf(context.principal);
		const sub = claimsOf(context.principal)?.sub ?? '';
		const name = `${sub} ${account} ${permission}`;
		const given = this.#given.get(name);
		if (given !== undefined && this.#now() - given.at < TRUSTED_MS) return;
		this.#given.delete(name);
		await context.as((sql) => requirePermission(sql, account, permission));
		const oldest = this.#given.keys().next();
		if (this.#given.size >= REMEMBERED && !oldest.done) this.#given.delete(oldest.value);
		this.#given.set(name, { at: this.#now(), sub });
	}

	/** Forgets what a revoked key or removed member was allowed. */
	forget(revocation: Revocation): void {
		// Of whom a session was is not told; it is asked again, which is cheap.
		if ('session_id' in revocation) return this.#given.clear();
		const revoked = 'key_id' in revocation ? revocation.key_id : revocation.user_id;
		for (const [name, { sub }] of this.#given) if (sub === revoked) this.#given.delete(name);
	}
}

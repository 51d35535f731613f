/**
 * `Idempotency-Key`: a write that is sent again with the same key is not done again, and answers
 * what the first answered. The key's row, the effect and the kept answer share one transaction, so
 * a crash leaves all or nothing, and of fifty at once the others wait for the first and then read
 * its answer. Answers are kept for a day, sealed, because some hold a secret that is shown once.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import type { Action } from '$lib/server/actions/define.ts';
import { accountOf, claimsOf, type Principal } from '$lib/server/actions/principal.ts';
import type { Database, TransactionSql } from '$lib/server/backend/index.ts';
import { claimIdempotencyKey, keepAnswer } from '$lib/server/backend/statements/idempotency.ts';
import type { SecretBox } from '$lib/server/secrets.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** The request's key, or null. Throws `invalid_input` for one that is not 1–255 visible characters. */
export function readIdempotencyKey(headers: Headers): string | null {
	const key = headers.get('idempotency-key');
	if (key === null) return null;
	if (!KEY.test(key))
		throw new AppError('invalid_input', 'The Idempotency-Key must be 1 to 255 visible characters.');
	return key;
}

export interface Repeatable {
	database: Database;
	secrets: SecretBox;
	principal: Principal;
	action: Action;
	path: string;
	key: string;
	/** The body as sent: another body under the same key is another request. */
	body: string;
}

/** Runs `run` once for its key; answers what it answered, now or the first time. */
export async function runOnce(
	{ database, secrets, principal, action, path, key, body }: Repeatable,
	run: (sql: TransactionSql) => Promise<unknown>
): Promise<unknown> {
	const claims = claimsOf(principal);
	const account_id = accountOf(principal);
	if (claims === null) throw new AppError('unauthenticated', 'Sign in or send a key.');
	const hash = createHash('sha256').update(`${action.id}\n${path}\n${body}`).digest();
	const owner = { account_id, provider: `idempotency ${claims.sub} ${key}` };
	return database.as(claims, async (sql) => {
		const claim = await claimIdempotencyKey(sql, account_id, key, hash);
		if (claim.is_new) {
			const answer = await run(sql);
			await keepAnswer(sql, account_id, key, secrets.seal(JSON.stringify(answer), owner));
			return answer;
		}
		if (!claim.same_request)
			throw new AppError(
				'idempotency_mismatch',
				'This Idempotency-Key came before with another request: use a new one.'
			);
		const kept = claim.answer === null ? null : secrets.open(claim.answer, owner);
		if (kept === null)
			throw new AppError('conflict', 'The first answer for this Idempotency-Key cannot be read.');
		return z.json().parse(JSON.parse(kept));
	});
}

/**
 * Calls an action for somebody: whom its address is for at all, the transaction it runs in, and
 * the `Idempotency-Key` that makes it run once. Every face comes this way, so that none has a rule
 * of its own.
 */
import { AppError } from '$lib/bus/error.ts';
import type { TransactionSql } from '$lib/server/backend/index.ts';
import { runOnce } from '$lib/server/http/idempotency.ts';
import type { Action, ActionContext, Audience } from './define.ts';
import { claimsOf, type Principal } from './principal.ts';

/** Who calls and from where: everything of a context that the request itself decides. */
export type Caller = Omit<ActionContext, 'as' | 'answer'>;

export interface Call {
	readonly action: Action;
	readonly caller: Caller;
	readonly input: unknown;
	/** Headers of the answer, for actions that add to them. */
	readonly answer: Headers;
	/** Present when a write came with a key: where it was sent to and what was sent. */
	readonly once: { key: string; path: string; body: string } | null;
}

/** Does what was asked. Throws `AppError` and what the database throws. */
export async function callAction({ action, caller, input, answer, once }: Call): Promise<unknown> {
	const { principal, services } = caller;
	admit(action.permission, principal);
	// Pages' reports are idempotent by themselves, and nobody owns a key before sign-in.
	if (once === null || action.permission === 'public' || principal.kind === 'overlay')
		return action.handle(contextOf(caller, answer), input);
	const { database, secrets } = services;
	return runOnce({ database, secrets, principal, action, ...once }, (transaction) =>
		action.handle(contextOf(caller, answer, transaction), input)
	);
}

/** Turns away principals that an address is not for. What they may do there is SQL's to say. */
export function admit(audience: Audience, principal: Principal): void {
	if (audience === 'public') return;
	if (principal.kind === 'anonymous')
		throw new AppError('unauthenticated', 'Sign in, or send a key as "Authorization: Bearer …".');
	const isPage = principal.kind === 'overlay';
	if (isPage !== (audience === 'overlay'))
		throw new AppError(
			'forbidden',
			isPage
				? 'An overlay page may only use the addresses below /v1/overlay.'
				: 'Only an overlay page may do this, with its own session.'
		);
}

function contextOf(caller: Caller, answer: Headers, transaction?: TransactionSql): ActionContext {
	const { principal, services } = caller;
	return {
		...caller,
		answer,
		as: async (run) => {
			if (transaction !== undefined) return run(transaction);
			const claims = claimsOf(principal);
			if (claims === null) throw new AppError('unauthenticated', 'Sign in or send a key.');
			return services.database.as(claims, run);
		}
	};
}

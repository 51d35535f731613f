/**
 * Who asks. Established once per request from a cookie, a key or a token, and handed to SQL as
 * claims: SQL alone decides what they may do, so nothing here holds permissions.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Claims } from '$lib/server/backend/index.ts';

export type Principal =
	| { kind: 'anonymous' }
	/** Signed in with a browser session; `account_id` is the account they work in now. */
	| {
			kind: 'member';
			user_id: string;
			/** Absent where there is none yet: setup and sign-up act for a person who just came. */
			session_id?: string | null;
			account_id: string | null;
			name: string;
			email: string;
	  }
	/** A program (`ck_api_…`), a phone (`ck_remote_…`), or what only brings events (`ck_ingest_…`). */
	| { kind: 'api' | 'remote' | 'ingest'; key_id: string; account_id: string }
	/** One overlay's page, by the session it got for its key. `expires_at`: milliseconds. */
	| {
			kind: 'overlay';
			key_id: string;
			account_id: string;
			overlay_id: string;
			expires_at: number;
	  };

export const ANONYMOUS: Principal = { kind: 'anonymous' };

/** The claims that SQL judges by; null for nobody. */
export function claimsOf(principal: Principal): Claims | null {
	const common = { role: 'authenticated', aud: 'authenticated' } as const;
	switch (principal.kind) {
		case 'anonymous':
			return null;
		case 'member':
			return {
				...common,
				sub: principal.user_id,
				kind: 'member',
				...(principal.session_id ? { session_id: principal.session_id } : {})
			};
		case 'api':
		case 'remote':
		case 'ingest':
			return {
				...common,
				sub: principal.key_id,
				kind: principal.kind,
				key_id: principal.key_id,
				account_id: principal.account_id
			};
		case 'overlay':
			return {
				...common,
				sub: principal.key_id,
				kind: 'overlay',
				key_id: principal.key_id,
				account_id: principal.account_id,
				overlay_id: principal.overlay_id
			};
	}
}

/** The account that the principal works in. Throws when there is none. */
export function accountOf(principal: Principal): string {
	if (principal.kind === 'anonymous')
		throw new AppError('unauthenticated', 'Sign in, or send a key as "Authorization: Bearer …".');
	if (principal.account_id === null)
		throw new AppError('forbidden', 'You belong to no account yet: ask its owner to invite you.');
	return principal.account_id;
}

/** The overlay whose page asks. Throws for everyone else. */
export function overlayOf(principal: Principal): string {
	if (principal.kind !== 'overlay')
		throw new AppError('forbidden', 'Only an overlay page may do this, with its own session.');
	return principal.overlay_id;
}

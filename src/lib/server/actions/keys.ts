/** Keys of programs, and what is the same for keys of every kind: rotate and revoke. */
import { z } from 'zod';
import { Permission } from '$lib/bus/permission.ts';
import * as keys from '$lib/server/backend/statements/keys.ts';
import { makeKey, type FreshKey } from '$lib/server/secrets.ts';
import { defineAction } from './define.ts';
import { Id, listed, Name } from './fields.ts';
import { accountOf } from './principal.ts';

/** The only answer that ever holds a secret; `url` is the page that an overlay's key opens. */
export const KeyMade = z.object({ key: keys.Key, secret: z.string(), url: z.string().optional() });

/** The address for OBS. The key is in the fragment: no log, proxy or Referer ever sees it. */
export const overlayUrl = (origin: string, secret: string): string => `${origin}/overlay#${secret}`;

export const keyMade = (key: keys.Key, { secret }: FreshKey, origin: string) => ({
	key,
	secret,
	...(key.kind === 'overlay' ? { url: overlayUrl(origin, secret) } : {})
});

const list = defineAction({
	id: 'keys.list',
	summary: 'Lists the keys that you may handle, without their secrets: all, or those of one kind.',
	method: 'GET',
	path: '/keys',
	permission: 'keys:edit',
	input: z.strictObject({ kind: keys.KeyKind.optional() }),
	output: listed(keys.Key),
	run: async ({ as, principal }, { kind }) => ({
		items: await as((sql) => keys.listKeys(sql, accountOf(principal), kind ?? null))
	})
});

const create = defineAction({
	id: 'keys.create',
	summary: 'Makes a key with at most your own permissions; its secret is answered once.',
	method: 'POST',
	path: '/keys',
	permission: 'keys:edit',
	input: z
		.strictObject({
			name: Name,
			/** `ingest` brings events in and may nothing else. */
			kind: z.enum(['api', 'ingest']).default('api'),
			/** Needed for an API key. */
			permissions: z.array(Permission).min(1).max(50).optional()
		})
		.refine(({ kind, permissions }) => (kind === 'api') === (permissions !== undefined), {
			path: ['permissions'],
			message: 'are what an API key may do; an ingest key takes none'
		}),
	output: KeyMade,
	status: 201,
	run: async ({ as, principal, origin }, { kind, name, permissions }) => {
		const fresh = makeKey(kind);
		const key = await as((sql) =>
			keys.createKey(sql, accountOf(principal), {
				...{ kind, name },
				overlay_id: null,
				permissions: [...new Set(permissions ?? (['events:create'] as const))],
				token_hash: fresh.hash,
				hint: fresh.hint
			})
		);
		return keyMade(key, fresh, origin);
	}
});

const rotate = defineAction({
	id: 'keys.rotate',
	summary:
		'Gives a key a new secret; the old one goes on for the overlap, or stops working at once.',
	method: 'POST',
	path: '/keys/{id}/rotate',
	permission: 'keys:edit',
	input: z.strictObject({
		id: Id,
		/** At most a week. */
		overlap_minutes: z
			.int()
			.min(0)
			.max(7 * 24 * 60)
			.default(0)
	}),
	output: KeyMade,
	run: async ({ as, principal, origin }, { id, overlap_minutes }) => {
		const account = accountOf(principal);
		const { key, fresh } = await as(async (sql) => {
			const kind = await keys.kindOf(sql, account, id);
			const fresh = makeKey(kind);
			const { hash, hint } = fresh;
			const key = await keys.rotateKey(sql, account, id, hash, hint, overlap_minutes * 60);
			return { key, fresh };
		});
		return keyMade(key, fresh, origin);
	}
});

const revoke = defineAction({
	id: 'keys.revoke',
	summary: 'Ends a key; its connections are closed at once.',
	method: 'DELETE',
	path: '/keys/{id}',
	permission: 'keys:edit',
	input: z.strictObject({ id: Id }),
	output: keys.Key,
	run: ({ as, principal }, { id }) => as((sql) => keys.revokeKey(sql, accountOf(principal), id))
});

export const keyActions = [list, create, rotate, revoke];

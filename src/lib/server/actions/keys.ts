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
	summary: 'Lists the API keys, without their secrets.',
	method: 'GET',
	path: '/keys',
	permission: 'keys:edit',
	input: z.strictObject({}),
	output: listed(keys.Key),
	run: async ({ as, principal }) => ({
		items: await as((sql) => keys.listKeys(sql, accountOf(principal), 'api', null))
	})
});

const create = defineAction({
	id: 'keys.create',
	summary: 'Makes an API key with at most your own permissions; its secret is answered once.',
	method: 'POST',
	path: '/keys',
	permission: 'keys:edit',
	input: z.strictObject({
		name: Name,
		permissions: z.array(Permission).min(1).max(50)
	}),
	output: KeyMade,
	status: 201,
	run: async ({ as, principal, origin }, { name, permissions }) => {
		const fresh = makeKey('api');
		const key = await as((sql) =>
			keys.createKey(sql, accountOf(principal), {
				kind: 'api',
				name,
				overlay_id: null,
				permissions: [...new Set(permissions)],
				token_hash: fresh.hash,
				hint: fresh.hint
			})
		);
		return keyMade(key, fresh, origin);
	}
});

const rotate = defineAction({
	id: 'keys.rotate',
	summary: 'Gives a key a new secret; the old one stops working at once.',
	method: 'POST',
	path: '/keys/{id}/rotate',
	permission: 'keys:edit',
	input: z.strictObject({ id: Id }),
	output: KeyMade,
	run: async ({ as, principal, origin }, { id }) => {
		const account = accountOf(principal);
		const { key, fresh } = await as(async (sql) => {
			const kind = await keys.kindOf(sql, account, id);
			const fresh = makeKey(kind);
			return { key: await keys.rotateKey(sql, account, id, fresh.hash, fresh.hint), fresh };
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

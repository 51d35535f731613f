/** Phones: a code on the screen, good for a minute and once, becomes a key in the hand. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';
import { Permission } from '$lib/bus/permission.ts';
import * as keys from '$lib/server/backend/statements/keys.ts';
import { hashKey, makeKey } from '$lib/server/secrets.ts';
import { defineAction } from './define.ts';
import { Id, Name } from './fields.ts';
import { KeyMade, keyMade } from './keys.ts';
import { accountOf } from './principal.ts';

/** What a remote is for. */
const USUAL = [
	...(['events:read', 'events:userinfo', 'queue:control', 'plays:approve'] as const),
	'overlays:read'
] as const satisfies Permission[];

const create = defineAction({
	id: 'keys.pairings.create',
	summary:
		'Makes a code to pair a phone with: to be shown as a QR code, good once, for 60 seconds.',
	method: 'POST',
	path: '/keys/pairings',
	permission: 'keys:edit',
	input: z.strictObject({
		/** At most your own; without them, what a remote usually needs. */
		permissions: z.array(Permission).min(1).max(50).optional()
	}),
	output: z.object({ pairing: keys.Pairing, code: z.string(), url: z.string() }),
	status: 201,
	run: async ({ as, principal, origin }, { permissions }) => {
		const code = randomBytes(24).toString('base64url');
		const pairing = await as((sql) =>
			keys.createPairing(
				sql,
				accountOf(principal),
				[...new Set(permissions ?? USUAL)],
				hashKey(code)
			)
		);
		// In the fragment: no log, proxy or Referer ever sees it.
		return { pairing, code, url: `${origin}/remote#pair=${code}` };
	}
});

const get = defineAction({
	id: 'keys.pairings.get',
	summary: 'Tells whether a phone has used a code.',
	method: 'GET',
	path: '/keys/pairings/{id}',
	permission: 'keys:edit',
	input: z.strictObject({ id: Id }),
	output: keys.Pairing,
	polled: true,
	run: ({ as, principal }, { id }) => as((sql) => keys.getPairing(sql, accountOf(principal), id))
});

const pair = defineAction({
	id: 'keys.pair',
	summary: 'Turns a code into a key of the phone that read it; its secret is answered once.',
	method: 'POST',
	path: '/keys/pair',
	permission: 'public',
	input: z.strictObject({ code: Text(100).min(1), name: Name }),
	output: KeyMade.extend({ account_id: z.uuid() }),
	status: 201,
	run: async ({ services, origin, address }, { code, name }) => {
		const fresh = makeKey('remote');
		const key = await services.database.sql.begin((sql) =>
			keys.usePairing(sql, hashKey(code), name, fresh)
		);
		const { account_id } = await services.doorkeeper.key(fresh.secret, address);
		return { ...keyMade(key, fresh, origin), account_id };
	}
});

export const pairingActions = [create, get, pair];

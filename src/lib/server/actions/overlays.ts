/** Overlays and the keys that open their pages. */
import { z } from 'zod';
import * as keys from '$lib/server/backend/statements/keys.ts';
import * as overlays from '$lib/server/backend/statements/overlays.ts';
import { makeKey } from '$lib/server/secrets.ts';
import { defineAction } from './define.ts';
import { Id, listed, Name } from './fields.ts';
import { KeyMade, keyMade } from './keys.ts';
import { accountOf } from './principal.ts';

const list = defineAction({
	id: 'overlays.list',
	summary: 'Lists the overlays.',
	method: 'GET',
	path: '/overlays',
	polled: true,
	permission: 'overlays:read',
	input: z.strictObject({}),
	output: listed(overlays.OverlaySummary),
	run: async ({ as, principal }) => ({
		items: await as((sql) => overlays.listOverlays(sql, accountOf(principal)))
	})
});

const get = defineAction({
	id: 'overlays.get',
	summary: 'Reads an overlay with its document.',
	method: 'GET',
	path: '/overlays/{id}',
	polled: true,
	permission: 'overlays:read',
	input: z.strictObject({ id: Id }),
	output: overlays.Overlay,
	run: ({ as, principal }, { id }) =>
		as((sql) => overlays.getOverlay(sql, accountOf(principal), id))
});

const listKeys = defineAction({
	id: 'overlays.keys.list',
	summary: "Lists an overlay's keys, without their secrets.",
	method: 'GET',
	path: '/overlays/{id}/keys',
	permission: 'overlays:keys',
	input: z.strictObject({ id: Id }),
	output: listed(keys.Key),
	run: async ({ as, principal }, { id }) => ({
		items: await as((sql) => keys.listKeys(sql, accountOf(principal), 'overlay', id))
	})
});

const createKey = defineAction({
	id: 'overlays.keys.create',
	summary: 'Makes a key for an overlay; its address is answered once.',
	method: 'POST',
	path: '/overlays/{id}/keys',
	permission: 'overlays:keys',
	input: z.strictObject({ id: Id, name: Name }),
	output: KeyMade,
	status: 201,
	run: async ({ as, principal, origin }, { id, name }) => {
		const fresh = makeKey('overlay');
		const key = await as((sql) =>
			keys.createKey(sql, accountOf(principal), {
				kind: 'overlay',
				name,
				overlay_id: id,
				permissions: [],
				token_hash: fresh.hash,
				hint: fresh.hint
			})
		);
		return keyMade(key, fresh, origin);
	}
});

export const overlayActions = [list, get, listKeys, createKey];

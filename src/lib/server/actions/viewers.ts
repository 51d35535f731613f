/** The people who follow, subscribe and moderate, as far as platforms told. */
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';
import * as viewers from '$lib/server/backend/statements/viewers.ts';
import { defineAction } from './define.ts';
import { Count, Id } from './fields.ts';
import { accountOf } from './principal.ts';

const list = defineAction({
	id: 'viewers.list',
	summary: 'Lists viewers, those seen last first, by name, platform or what they are now.',
	method: 'GET',
	path: '/viewers',
	permission: 'events:userinfo',
	polled: true,
	input: z.strictObject({
		search: Text(100).min(1).optional(),
		platform: z
			.string()
			.regex(/^[a-z][a-z0-9_]{0,49}$/)
			.optional(),
		role: z.enum(viewers.viewerStandings).optional(),
		cursor: z.string().max(100).optional(),
		limit: Count(1, 200).default(50)
	}),
	output: viewers.ViewerPage,
	run: ({ as, principal }, filter) =>
		as((sql) => viewers.listViewers(sql, accountOf(principal), filter))
});

const get = defineAction({
	id: 'viewers.get',
	summary: 'Shows all that is known of a viewer: follows, subscriptions, roles, events.',
	method: 'GET',
	path: '/viewers/{id}',
	permission: 'events:userinfo',
	input: z.strictObject({ id: Id }),
	output: viewers.ViewerCard,
	run: ({ as, principal }, { id }) => as((sql) => viewers.getViewer(sql, accountOf(principal), id))
});

const erase = defineAction({
	id: 'viewers.erase',
	summary:
		'Erases a person: all that is recorded of them, and their names and words in the events, which stay without them.',
	method: 'DELETE',
	path: '/viewers/{id}',
	permission: 'events:delete',
	input: z.strictObject({ id: Id }),
	output: viewers.ErasedViewer,
	run: ({ as, principal }, { id }) =>
		as((sql) => viewers.eraseViewer(sql, accountOf(principal), id))
});

export const viewerActions = [list, get, erase];

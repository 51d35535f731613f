/**
 * Which events an overlay wants, on which lane and under which condition. Of the subscriptions
 * that match an event (pattern, class, condition) the longest pattern decides; one whose condition
 * is not met does not match, so a wider pattern may still want the event.
 */
import { z } from 'zod';
import { Condition } from '$lib/bus/condition.ts';
import { EventClass } from '$lib/bus/event.ts';
import * as subscriptions from '$lib/server/backend/statements/subscriptions.ts';
import { defineAction } from './define.ts';
import { Id } from './fields.ts';
import { accountOf } from './principal.ts';

const Pattern = z
	.string()
	.max(100)
	.regex(
		/^(\*|[a-z][a-z0-9_]*:(\*|[a-z][a-z0-9_]*))$/,
		'must look like platform:action, platform:* or *'
	);

const Wanted = z.strictObject({
	pattern: Pattern,
	classes: z
		.array(EventClass)
		.min(1)
		.max(4)
		.refine((classes) => new Set(classes).size === classes.length, 'names a class twice')
		.default(['animated', 'alert', 'data']),
	lane: z
		.string()
		.regex(/^[a-z][a-z0-9_-]{0,39}$/, 'must be a word in lower case, of at most 40 letters')
		.default('main'),
	condition: Condition.nullable().default(null)
});

const get = defineAction({
	id: 'subscriptions.get',
	summary: 'Reads which events an overlay wants, in the order in which they decide.',
	method: 'GET',
	path: '/subscriptions/{overlay_id}',
	polled: true,
	permission: 'overlays:read',
	input: z.strictObject({ overlay_id: Id }),
	output: subscriptions.Subscriptions,
	run: ({ as, principal }, { overlay_id }) =>
		as((sql) => subscriptions.getSubscriptions(sql, accountOf(principal), overlay_id))
});

const set = defineAction({
	id: 'subscriptions.set',
	summary: 'Says which events an overlay wants, in place of all that was said before.',
	method: 'PUT',
	path: '/subscriptions/{overlay_id}',
	permission: 'overlays:edit',
	input: z.strictObject({
		overlay_id: Id,
		items: z.array(Wanted).max(100)
	}),
	output: subscriptions.Subscriptions,
	run: ({ as, principal }, { overlay_id, items }) =>
		as((sql) => subscriptions.setSubscriptions(sql, accountOf(principal), overlay_id, items))
});

export const subscriptionActions = [get, set];

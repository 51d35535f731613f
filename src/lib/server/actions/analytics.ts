/** What happened, and what became of it on the overlays, counted. Tests are in neither. */
import { z } from 'zod';
import { EventType } from '$lib/bus/event.ts';
import * as analytics from '$lib/server/backend/statements/analytics.ts';
import { defineAction } from './define.ts';
import { Instant, ListOf, PlatformName } from './fields.ts';
import { accountOf } from './principal.ts';

const TimeZone = z
	.string()
	.max(64)
	// A name and no offset: those mean the opposite to some.
	.regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/, 'must be the name of a time zone, like Europe/Vienna')
	.refine((name) => {
		try {
			return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
		} catch {
			return false;
		}
	}, 'must be the name of a time zone, like Europe/Vienna');

const Span = {
	/** Counted in whole quarters of an hour; unless given, 30 days until now. */
	from: Instant.optional(),
	to: Instant.optional(),
	time_zone: TimeZone.default('UTC'),
	interval: z.enum(['hour', 'day']).default('day')
};

const ofEvents = defineAction({
	id: 'analytics.events',
	summary: 'Counts events by type, platform, hour of the day, and over time.',
	method: 'GET',
	path: '/analytics/events',
	permission: 'events:read',
	input: z.strictObject({
		...Span,
		types: ListOf(EventType, 50).optional(),
		platform: ListOf(PlatformName, 20).optional()
	}),
	output: analytics.EventAnalytics,
	run: ({ as, principal }, filter) =>
		as((sql) => analytics.eventAnalytics(sql, accountOf(principal), filter))
});

const ofOverlays = defineAction({
	id: 'analytics.overlays',
	summary: 'Counts what became of plays on each overlay, and how soon they were seen.',
	method: 'GET',
	path: '/analytics/overlays',
	permission: 'events:read',
	input: z.strictObject(Span),
	output: analytics.OverlayAnalytics,
	run: ({ as, principal }, filter) =>
		as((sql) => analytics.overlayAnalytics(sql, accountOf(principal), filter))
});

export const analyticsActions = [ofEvents, ofOverlays];

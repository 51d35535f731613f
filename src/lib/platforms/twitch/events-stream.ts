/** The stream itself: ads, live or not, title and category. */
import { z } from 'zod';
import { defineEventType } from '../platform.ts';
import { bo, count, instant, somebody } from './events-parts.ts';

export const adBreak = defineEventType({
	type: 'twitch:ad_break',
	class: 'alert',
	title: 'Ad break',
	description: 'An ad break began. Twitch does not tell its end: it follows from the length.',
	duration_ms: 6_000,
	priority: 'normal',
	data: z.object({
		seconds: count,
		is_automatic: z.boolean(),
		/** Who asked for it; null: Twitch did. */
		requester: somebody,
		started_at: instant,
		ends_at: instant
	}),
	sample: {
		seconds: 60,
		is_automatic: false,
		requester: bo,
		started_at: '2026-05-03T18:30:00Z',
		ends_at: '2026-05-03T18:31:00.000Z'
	}
});

export const streamOnline = defineEventType({
	type: 'twitch:stream_online',
	class: 'system',
	title: 'Stream online',
	description: 'The stream went live.',
	duration_ms: null,
	priority: 'normal',
	data: z.object({
		/** Twitch's id of this stream. */
		id: z.string().nullable(),
		/** `live`, `playlist`, `watch_party`, `premiere`, `rerun`. */
		kind: z.string(),
		started_at: instant
	}),
	sample: { id: '4001', kind: 'live', started_at: '2026-05-03T18:00:00Z' }
});
export const streamOffline = defineEventType({
	type: 'twitch:stream_offline',
	class: 'system',
	title: 'Stream offline',
	description: 'The stream ended.',
	duration_ms: null,
	priority: 'normal',
	data: z.object({}),
	sample: {}
});
export const streamUpdate = defineEventType({
	type: 'twitch:stream_update',
	class: 'system',
	title: 'Stream updated',
	description: 'The title, the category or the language of the channel changed.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		title: z.string(),
		language: z.string().nullable(),
		category: z.object({ id: z.string().nullable(), name: z.string() }).nullable(),
		/** Content classification, in Twitch's words. */
		labels: z.array(z.string())
	}),
	sample: {
		title: 'Slow evening',
		language: 'en',
		category: { id: '509658', name: 'Just Chatting' },
		labels: []
	}
});

export const streamTypes = [adBreak, streamOnline, streamOffline, streamUpdate];

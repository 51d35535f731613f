/**
 * What viewers give: follows, bits, raids, donations; subscriptions and gifts stand in
 * events-subscriptions.ts.
 */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { ann, count, cy, dana, Fragment, instant, somebody } from './events-parts.ts';
import * as subscriptions from './events-subscriptions.ts';

export * from './events-subscriptions.ts';

export const follower = defineEventType({
	type: 'twitch:follower',
	class: 'animated',
	title: 'Follow',
	description: 'A viewer followed the channel.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({ user: Viewer, followed_at: instant }),
	sample: { user: ann, followed_at: '2026-05-03T18:15:11.17106713Z' }
});

export const cheer = defineEventType({
	type: 'twitch:cheer',
	class: 'animated',
	title: 'Cheer',
	description: 'A viewer, named or anonymous, cheered with bits.',
	duration_ms: 6_000,
	priority: 'normal',
	data: z.object({
		/** null: the viewer stays anonymous. */
		user: somebody,
		bits: z.int().positive(),
		message: z.string()
	}),
	sample: { user: cy, bits: 100, message: 'Cheer100 nice one' }
});

export const powerUp = defineEventType({
	type: 'twitch:power_up',
	class: 'animated',
	title: 'Power-up',
	description: 'A viewer spent bits on a power-up: an effect, a celebration, a giant emote.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		bits: count,
		/** `message_effect`, `celebration`, `gigantify_an_emote`, or `custom`. */
		kind: z.string(),
		/** The title that the streamer gave a custom one. */
		title: z.string().nullable(),
		emote_id: z.string().nullable(),
		message: z.string(),
		fragments: z.array(Fragment)
	}),
	sample: {
		user: cy,
		bits: 30,
		kind: 'gigantify_an_emote',
		title: null,
		emote_id: 'emotesv2_abc',
		message: 'lumenHi',
		fragments: [{ type: 'emote', text: 'lumenHi', emote_id: 'emotesv2_abc', bits: null }]
	}
});

export const raid = defineEventType({
	type: 'twitch:raid',
	class: 'animated',
	title: 'Raid',
	description: 'Another channel sent its viewers here.',
	duration_ms: 10_000,
	priority: 'high',
	data: z.object({
		/** The raiding channel. */
		user: Viewer,
		viewers: count
	}),
	sample: { user: dana, viewers: 42 }
});

export const charityDonation = defineEventType({
	type: 'twitch:charity_donation',
	class: 'animated',
	title: 'Charity donation',
	description: 'A viewer donated to the charity that the channel collects for.',
	duration_ms: 8_000,
	priority: 'high',
	data: z.object({
		user: Viewer,
		charity: z.string(),
		/** In the currency's unit: 5.5 is five and a half. */
		amount: z.number().nonnegative(),
		/** ISO 4217. */
		currency: z.string(),
		message: z.string()
	}),
	sample: { user: ann, charity: 'Trees', amount: 5.5, currency: 'EUR', message: '' }
});

export const eventTypes = [
	follower,
	...subscriptions.subscriptionTypes,
	...[cheer, powerUp, raid, charityDonation]
];

/** From this many bits on a cheer goes before others. */
export const LARGE_CHEER = 1_000;

/**
 * The event types that Twitch brings: the shape of `data`, and how each is shown by default.
 *
 * A gift of N subscriptions reaches us as one `channel.subscription.gift` and N
 * `channel.subscribe` with `is_gift`. The gift is the alert (`twitch:gift_sub`); each recipient
 * is a `twitch:subscribe` of class `data`, which overlays can count and list but never play.
 */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';

/** 1, 2 or 3 (Prime counts as 1); null when Twitch names a tier that does not exist yet. */
const tier = z.int().positive().nullable();

const bo = { id: '2002', login: 'bo', name: 'Bo', picture: null };
const text = 'eight months already, hello everyone!';

export const follower = defineEventType({
	type: 'twitch:follower',
	class: 'animated',
	title: 'Follow',
	description: 'A viewer followed the channel.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({ user: Viewer, followed_at: z.string().nullable() }),
	sample: {
		user: { id: '2001', login: 'ann', name: 'Ann', picture: null },
		followed_at: '2026-05-03T18:15:11.17106713Z'
	}
});

export const subscribe = defineEventType({
	type: 'twitch:subscribe',
	class: 'animated',
	title: 'Subscription',
	description: 'A viewer subscribed. Recipients of gifts come as data and are not shown again.',
	duration_ms: 7_000,
	priority: 'normal',
	data: z.object({ user: Viewer, tier, is_gift: z.boolean() }),
	sample: { user: bo, tier: 1, is_gift: false }
});

export const giftSub = defineEventType({
	type: 'twitch:gift_sub',
	class: 'animated',
	title: 'Gifted subscriptions',
	description: 'A viewer, named or anonymous, gave subscriptions to others.',
	duration_ms: 8_000,
	priority: 'high',
	data: z.object({
		/** null: the giver stays anonymous. */
		user: Viewer.nullable(),
		tier,
		count: z.int().nonnegative(),
		/** All that this viewer ever gave in this channel; null when they hide it. */
		total: z.int().nonnegative().nullable()
	}),
	sample: { user: bo, tier: 1, count: 5, total: 25 }
});

export const resub = defineEventType({
	type: 'twitch:resub',
	class: 'animated',
	title: 'Resubscription',
	description: 'A viewer shared that they stay subscribed, mostly with a message.',
	duration_ms: 8_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		tier,
		/** Months in all, the new one included. */
		months: z.int().nonnegative().nullable(),
		/** Months without a break; null when the viewer does not share it. */
		streak_months: z.int().nonnegative().nullable(),
		/** Months paid for at once. */
		duration_months: z.int().nonnegative().nullable(),
		message: z.string(),
		/** Positions as Twitch gives them, which its documents do not define: search the text nearby. */
		emotes: z.array(z.object({ id: z.string(), begin: z.int(), end: z.int() }))
	}),
	sample: {
		user: bo,
		tier: 2,
		months: 8,
		streak_months: 8,
		duration_months: 1,
		message: text,
		emotes: []
	}
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
		user: Viewer.nullable(),
		bits: z.int().positive(),
		message: z.string()
	}),
	sample: {
		user: { id: '2003', login: 'cy', name: 'Cy', picture: null },
		bits: 100,
		message: 'Cheer100 nice one'
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
		viewers: z.int().nonnegative()
	}),
	sample: { user: { id: '3001', login: 'dana', name: 'Dana', picture: null }, viewers: 42 }
});

export const reward = defineEventType({
	type: 'twitch:reward',
	class: 'animated',
	title: 'Channel points reward',
	description: 'A viewer redeemed a custom reward for channel points.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		reward: z.object({
			id: z.string().nullable(),
			title: z.string(),
			cost: z.int().nonnegative().nullable(),
			prompt: z.string().nullable()
		}),
		/** What the viewer typed; empty when the reward asks for nothing. */
		message: z.string(),
		/** `unfulfilled`, `fulfilled`, `canceled` or `unknown`, as it was when redeemed. */
		status: z.string().nullable()
	}),
	sample: {
		user: bo,
		reward: { id: 'rw-1', title: 'Drink water', cost: 500, prompt: 'Stay healthy' },
		message: '',
		status: 'unfulfilled'
	}
});

export const eventTypes = [follower, subscribe, giftSub, resub, cheer, raid, reward];

/** From this many bits on a cheer goes before others. */
export const LARGE_CHEER = 1_000;

/** What the channel does: hype trains, polls, predictions, goals, ads, and the stream itself. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { bo, count, cy, instant, somebody } from './events-parts.ts';

const train = z.object({
	id: z.string(),
	level: count,
	/** All that was contributed. */
	total: count,
	/** `regular`, `treasure`, `golden_kappa`. */
	kind: z.string().nullable(),
	/** Together with other channels. */
	is_shared: z.boolean(),
	top_contributions: z.array(z.object({ user: Viewer, kind: z.string(), total: count })),
	started_at: instant
});
const trainUnderway = train.extend({
	/** Towards the next level. */
	progress: count,
	goal: count,
	expires_at: instant
});
const trainSample = {
	id: 'HT1',
	level: 2,
	total: 1_600,
	kind: 'regular',
	is_shared: false,
	top_contributions: [
		{ user: cy, kind: 'bits', total: 600 },
		{ user: bo, kind: 'subscription', total: 1_000 }
	],
	started_at: '2026-05-03T18:30:00.1Z'
};
const underwaySample = {
	...trainSample,
	progress: 100,
	goal: 1_800,
	expires_at: '2026-05-03T18:35:00.1Z'
};

export const hypeTrain = defineEventType({
	type: 'twitch:hype_train',
	class: 'animated',
	title: 'Hype train',
	description: 'A hype train began.',
	duration_ms: 8_000,
	priority: 'high',
	data: trainUnderway.extend({
		all_time_high_level: count.nullable(),
		all_time_high_total: count.nullable()
	}),
	sample: { ...underwaySample, all_time_high_level: 4, all_time_high_total: 9_000 }
});
export const hypeTrainProgress = defineEventType({
	type: 'twitch:hype_train_progress',
	class: 'data',
	title: 'Hype train progress',
	description: 'Somebody contributed to the hype train.',
	duration_ms: null,
	priority: 'low',
	data: trainUnderway,
	sample: underwaySample
});
export const hypeTrainEnd = defineEventType({
	type: 'twitch:hype_train_end',
	class: 'data',
	title: 'Hype train ended',
	description: 'A hype train ended, with what it reached.',
	duration_ms: null,
	priority: 'normal',
	data: train.extend({ ended_at: instant, cooldown_ends_at: instant }),
	sample: {
		...trainSample,
		ended_at: '2026-05-03T18:36:00Z',
		cooldown_ends_at: '2026-05-03T19:36:00Z'
	}
});

const goal = z.object({
	id: z.string(),
	/** `follow`, `subscription` (tier points), `subscription_count` (heads), `new_bit` … */
	kind: z.string(),
	description: z.string(),
	current: count,
	target: count,
	started_at: instant
});
const goalSample = {
	id: 'G1',
	kind: 'follow',
	description: 'A hundred!',
	current: 42,
	target: 100,
	started_at: '2026-05-01T18:00:00Z'
};

export const goalBegin = defineEventType({
	type: 'twitch:goal',
	class: 'data',
	title: 'Goal',
	description: 'The channel set itself a goal.',
	duration_ms: null,
	priority: 'low',
	data: goal,
	sample: goalSample
});
export const goalProgress = defineEventType({
	type: 'twitch:goal_progress',
	class: 'data',
	title: 'Goal progress',
	description: 'A goal of the channel came nearer, or moved away.',
	duration_ms: null,
	priority: 'low',
	data: goal,
	sample: { ...goalSample, current: 43 }
});
export const goalEnd = defineEventType({
	type: 'twitch:goal_end',
	class: 'animated',
	title: 'Goal ended',
	description: 'A goal ended. It is shown when it was achieved, else it comes as data.',
	duration_ms: 8_000,
	priority: 'high',
	data: goal.extend({ is_achieved: z.boolean(), ended_at: instant }),
	sample: { ...goalSample, current: 100, is_achieved: true, ended_at: '2026-05-03T18:40:00Z' }
});

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

export const eventTypes = [
	...[hypeTrain, hypeTrainProgress, hypeTrainEnd, goalBegin, goalProgress, goalEnd, adBreak],
	...[streamOnline, streamOffline, streamUpdate]
];

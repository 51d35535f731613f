/** What the channel reaches: hype trains and goals; ads and the stream stand in events-stream.ts. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { bo, count, cy, instant } from './events-parts.ts';
import * as stream from './events-stream.ts';

export * from './events-stream.ts';

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

export const eventTypes = [
	...[hypeTrain, hypeTrainProgress, hypeTrainEnd, goalBegin, goalProgress, goalEnd],
	...stream.streamTypes
];

/** What viewers decide together: polls and predictions. Progress is data; results are shown. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { bo, count, cy, instant } from './events-parts.ts';

const poll = z.object({
	id: z.string(),
	title: z.string(),
	choices: z.array(
		z.object({ id: z.string(), title: z.string(), votes: count, channel_points_votes: count })
	),
	/** Points for an additional vote; null: none can be bought. */
	points_per_vote: count.nullable(),
	started_at: instant
});
const pollUnderway = poll.extend({ ends_at: instant });
const choice = (id: string, title: string, votes: number) => ({
	...{ id, title, votes },
	channel_points_votes: 0
});
const pollSample = (yes: number, no: number) => ({
	id: 'PO1',
	title: 'One more round?',
	choices: [choice('c1', 'Yes', yes), choice('c2', 'No', no)],
	points_per_vote: null,
	started_at: '2026-05-03T18:30:00Z'
});

export const pollBegin = defineEventType({
	type: 'twitch:poll',
	class: 'alert',
	title: 'Poll',
	description: 'A poll began.',
	duration_ms: 8_000,
	priority: 'normal',
	data: pollUnderway,
	sample: { ...pollSample(0, 0), ends_at: '2026-05-03T18:32:00Z' }
});
export const pollProgress = defineEventType({
	type: 'twitch:poll_progress',
	class: 'data',
	title: 'Poll progress',
	description: 'Viewers voted in a poll.',
	duration_ms: null,
	priority: 'low',
	data: pollUnderway,
	sample: { ...pollSample(12, 5), ends_at: '2026-05-03T18:32:00Z' }
});
export const pollEnd = defineEventType({
	type: 'twitch:poll_end',
	class: 'alert',
	title: 'Poll result',
	description: 'A poll ended, with its result. Hidden ones come as data.',
	duration_ms: 8_000,
	priority: 'normal',
	data: poll.extend({
		/** `completed`, `terminated` (ended early) or `archived` (hidden). */
		status: z.string(),
		/** The choices with the most votes: several when it is a draw, none when nobody voted. */
		winner_ids: z.array(z.string()),
		ended_at: instant
	}),
	sample: {
		...pollSample(31, 12),
		status: 'completed',
		winner_ids: ['c1'],
		ended_at: '2026-05-03T18:32:00Z'
	}
});

const prediction = z.object({
	id: z.string(),
	title: z.string(),
	outcomes: z.array(
		z.object({
			id: z.string(),
			title: z.string(),
			/** `blue` or `pink`. */
			color: z.string().nullable(),
			users: count,
			points: count,
			top_predictors: z.array(z.object({ user: Viewer, points_used: count, points_won: count }))
		})
	),
	started_at: instant
});
const outcome = (id: string, title: string, color: string, points: number) => ({
	...{ id, title, color, points },
	users: points === 0 ? 0 : 1,
	top_predictors: [] as { user: Viewer; points_used: number; points_won: number }[]
});
const predictionSample = (yes: number, no: number) => ({
	id: 'PR1',
	title: 'Will we win?',
	outcomes: [outcome('o1', 'Yes', 'blue', yes), outcome('o2', 'No', 'pink', no)],
	started_at: '2026-05-03T18:30:00Z'
});
const won = { user: bo, points_used: 1_000, points_won: 1_500 };
const lost = { user: cy, points_used: 500, points_won: 0 };

export const predictionBegin = defineEventType({
	type: 'twitch:prediction',
	class: 'alert',
	title: 'Prediction',
	description: 'A prediction began.',
	duration_ms: 8_000,
	priority: 'normal',
	data: prediction.extend({ locks_at: instant }),
	sample: { ...predictionSample(0, 0), locks_at: '2026-05-03T18:35:00Z' }
});
export const predictionProgress = defineEventType({
	type: 'twitch:prediction_progress',
	class: 'data',
	title: 'Prediction progress',
	description: 'Viewers took part in a prediction.',
	duration_ms: null,
	priority: 'low',
	data: prediction.extend({ locks_at: instant }),
	sample: { ...predictionSample(1_000, 500), locks_at: '2026-05-03T18:35:00Z' }
});
export const predictionLock = defineEventType({
	type: 'twitch:prediction_lock',
	class: 'data',
	title: 'Prediction locked',
	description: 'Nobody can take part in a prediction any more.',
	duration_ms: null,
	priority: 'normal',
	data: prediction.extend({ locked_at: instant }),
	sample: { ...predictionSample(1_000, 500), locked_at: '2026-05-03T18:35:00Z' }
});
export const predictionEnd = defineEventType({
	type: 'twitch:prediction_end',
	class: 'alert',
	title: 'Prediction result',
	description: 'A prediction was decided, or called off.',
	duration_ms: 8_000,
	priority: 'normal',
	data: prediction.extend({
		/** `resolved` or `canceled`. */
		status: z.string(),
		/** null when it was called off. */
		winning_outcome_id: z.string().nullable(),
		ended_at: instant
	}),
	sample: {
		...predictionSample(1_000, 500),
		outcomes: [
			{ ...outcome('o1', 'Yes', 'blue', 1_000), top_predictors: [won] },
			{ ...outcome('o2', 'No', 'pink', 500), top_predictors: [lost] }
		],
		status: 'resolved',
		winning_outcome_id: 'o1',
		ended_at: '2026-05-03T18:41:00Z'
	}
});

export const eventTypes = [
	...[pollBegin, pollProgress, pollEnd],
	...[predictionBegin, predictionProgress, predictionLock, predictionEnd]
];

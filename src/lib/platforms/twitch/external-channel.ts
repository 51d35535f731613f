/** Hype trains, polls, predictions, goals, ads and the stream as Twitch sends them. */
import { z } from 'zod';
import {
	Count,
	countOrNought,
	Fields,
	flag,
	Id,
	list,
	optional,
	optionalCount,
	optionalId,
	optionalText,
	Words
} from './external.ts';

const train = z.object({
	id: Id,
	total: Count,
	level: Count,
	type: optionalText(50),
	is_shared_train: flag,
	top_contributions: list(Fields, 20),
	started_at: optionalText(60)
});
export const HypeTrain = train.extend({
	progress: countOrNought,
	goal: countOrNought,
	expires_at: optionalText(60),
	all_time_high_level: optionalCount,
	all_time_high_total: optionalCount
});
export const HypeTrainEnd = train.extend({
	ended_at: optionalText(60),
	cooldown_ends_at: optionalText(60)
});
export const Contribution = z.object({ type: Words(50), total: Count });

export const Poll = z.object({
	id: Id,
	title: Words(300),
	choices: list(
		z.object({
			id: Id,
			title: Words(300),
			votes: countOrNought,
			channel_points_votes: countOrNought
		}),
		20
	),
	channel_points_voting: optional(z.object({ is_enabled: flag, amount_per_vote: optionalCount })),
	started_at: optionalText(60),
	ends_at: optionalText(60),
	ended_at: optionalText(60),
	status: optionalText(50)
});

export const Prediction = z.object({
	id: Id,
	title: Words(300),
	outcomes: list(
		z.object({
			id: Id,
			title: Words(300),
			color: optionalText(20),
			users: countOrNought,
			channel_points: countOrNought,
			top_predictors: list(Fields, 10)
		}),
		20
	),
	started_at: optionalText(60),
	locks_at: optionalText(60),
	locked_at: optionalText(60),
	ended_at: optionalText(60),
	status: optionalText(50).transform((status) => (status === 'cancelled' ? 'canceled' : status)),
	// Empty when there is none.
	winning_outcome_id: optionalId
});
/** null for those who lost or were refunded. */
export const Predictor = z.object({
	channel_points_used: countOrNought,
	channel_points_won: countOrNought
});

export const Goal = z.object({
	id: Id,
	type: Words(50),
	description: optionalText(500),
	current_amount: Count,
	target_amount: Count,
	started_at: optionalText(60),
	is_achieved: flag,
	ended_at: optionalText(60)
});

export const AdBreak = z.object({
	duration_seconds: Count,
	started_at: optionalText(60),
	is_automatic: flag
});

export const StreamOnline = z.object({
	id: optionalId,
	type: optionalText(50),
	started_at: optionalText(60)
});
export const StreamOffline = z.object({});
export const ChannelUpdate = z.object({
	title: Words(500),
	language: optionalText(20),
	category_id: optionalId,
	category_name: optionalText(200),
	content_classification_labels: list(Words(100), 50)
});

/** Readers of polls and predictions. Keys: see the top of normalize.ts. */
import { foreignInstant } from '../platform.ts';
import * as events from './events-votes.ts';
import * as external from './external-channel.ts';
import { asData, draft, reader, viewerIn, type Read } from './reading.ts';
import type { z } from 'zod';

type Poll = z.output<typeof external.Poll>;

const pollOf = ({ id, title, choices, channel_points_voting: points, started_at }: Poll) => ({
	...{ id, title, choices },
	points_per_vote: points?.is_enabled ? points.amount_per_vote : null,
	started_at: foreignInstant(started_at)
});
const votesIn = ({ choices }: Poll) => choices.reduce((votes, choice) => votes + choice.votes, 0);

const pollBegin = reader(external.Poll, (event, notification) =>
	draft(
		notification,
		events.pollBegin,
		{ ...pollOf(event), ends_at: foreignInstant(event.ends_at) },
		{ business: ['poll', event.id], external_id: event.id }
	)
);
const pollProgress = reader(external.Poll, (event, notification) =>
	draft(
		notification,
		events.pollProgress,
		{ ...pollOf(event), ends_at: foreignInstant(event.ends_at) },
		// Votes only ever become more.
		{ business: ['poll_progress', event.id, votesIn(event)], external_id: event.id }
	)
);
/** Twitch may tell an end twice: completed, and then archived. That is one end. */
const pollEnd = reader(external.Poll, (event, notification) => {
	const { id, status } = event;
	const most = Math.max(0, ...event.choices.map(({ votes }) => votes));
	const data = {
		...pollOf(event),
		status: status ?? 'completed',
		winner_ids: event.choices
			.filter(({ votes }) => votes === most && most > 0)
			.map((choice) => choice.id),
		ended_at: foreignInstant(event.ended_at)
	};
	return draft(notification, events.pollEnd, data, {
		business: ['poll_end', id],
		external_id: id,
		...(status === 'archived' ? asData : {})
	});
});

type Prediction = z.output<typeof external.Prediction>;

const predictionOf = ({ id, title, outcomes, started_at }: Prediction) => ({
	...{ id, title },
	outcomes: outcomes.map((outcome) => ({
		id: outcome.id,
		title: outcome.title,
		color: outcome.color,
		users: outcome.users,
		points: outcome.channel_points,
		top_predictors: outcome.top_predictors.flatMap((fields) => {
			const user = viewerIn(fields);
			const predictor = external.Predictor.safeParse(fields);
			return user === null || !predictor.success
				? []
				: [
						{
							user,
							points_used: predictor.data.channel_points_used,
							points_won: predictor.data.channel_points_won
						}
					];
		})
	})),
	started_at: foreignInstant(started_at)
});
const pointsIn = ({ outcomes }: Prediction) =>
	outcomes.reduce((points, outcome) => points + outcome.channel_points, 0);

const predictionBegin = reader(external.Prediction, (event, notification) =>
	draft(
		notification,
		events.predictionBegin,
		{ ...predictionOf(event), locks_at: foreignInstant(event.locks_at) },
		{ business: ['prediction', event.id], external_id: event.id }
	)
);
const predictionProgress = reader(external.Prediction, (event, notification) =>
	draft(
		notification,
		events.predictionProgress,
		{ ...predictionOf(event), locks_at: foreignInstant(event.locks_at) },
		// Points are never taken back before the end.
		{ business: ['prediction_progress', event.id, pointsIn(event)], external_id: event.id }
	)
);
const predictionLock = reader(external.Prediction, (event, notification) =>
	draft(
		notification,
		events.predictionLock,
		{ ...predictionOf(event), locked_at: foreignInstant(event.locked_at) },
		{ business: ['prediction_lock', event.id], external_id: event.id }
	)
);
const predictionEnd = reader(external.Prediction, (event, notification) => {
	const status = event.status ?? 'resolved';
	const data = {
		...predictionOf(event),
		status,
		winning_outcome_id: status === 'canceled' ? null : event.winning_outcome_id,
		ended_at: foreignInstant(event.ended_at)
	};
	return draft(notification, events.predictionEnd, data, {
		business: ['prediction_end', event.id],
		external_id: event.id
	});
});

export const readers: readonly (readonly [type: string, read: Read])[] = [
	['channel.poll.begin', pollBegin],
	['channel.poll.progress', pollProgress],
	['channel.poll.end', pollEnd],
	['channel.prediction.begin', predictionBegin],
	['channel.prediction.progress', predictionProgress],
	['channel.prediction.lock', predictionLock],
	['channel.prediction.end', predictionEnd]
];

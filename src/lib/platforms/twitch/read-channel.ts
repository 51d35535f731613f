/** Readers of hype trains, goals, ads and the stream. Keys: see the top of normalize.ts. */
import { foreignInstant } from '../platform.ts';
import * as events from './events-channel.ts';
import * as external from './external-channel.ts';
import { asData, bucket, draft, reader, second, viewerIn, type Read } from './reading.ts';
import type { z } from 'zod';

type Train = Omit<z.output<typeof external.HypeTrainEnd>, 'ended_at' | 'cooldown_ends_at'>;

const trainOf = (event: Train) => ({
	id: event.id,
	level: event.level,
	total: event.total,
	kind: event.type,
	is_shared: event.is_shared_train,
	top_contributions: event.top_contributions.flatMap((fields) => {
		const user = viewerIn(fields);
		const contribution = external.Contribution.safeParse(fields);
		return user === null || !contribution.success
			? []
			: [{ user, kind: contribution.data.type, total: contribution.data.total }];
	}),
	started_at: foreignInstant(event.started_at)
});

const underway = (event: z.output<typeof external.HypeTrain>) => ({
	...trainOf(event),
	progress: event.progress,
	goal: event.goal,
	expires_at: foreignInstant(event.expires_at)
});

const trainBegin = reader(external.HypeTrain, (event, notification) => {
	const { all_time_high_level, all_time_high_total } = event;
	const data = { ...underway(event), all_time_high_level, all_time_high_total };
	return draft(notification, events.hypeTrain, data, {
		business: ['hype_train', event.id],
		external_id: event.id
	});
});
const trainProgress = reader(external.HypeTrain, (event, notification) =>
	draft(notification, events.hypeTrainProgress, underway(event), {
		business: ['hype_train_progress', event.id, event.level, event.total],
		external_id: event.id
	})
);
const trainEnd = reader(external.HypeTrainEnd, (event, notification) => {
	const data = {
		...trainOf(event),
		ended_at: foreignInstant(event.ended_at),
		cooldown_ends_at: foreignInstant(event.cooldown_ends_at)
	};
	return draft(notification, events.hypeTrainEnd, data, {
		business: ['hype_train_end', event.id],
		external_id: event.id
	});
});

const goalOf = (event: z.output<typeof external.Goal>) => ({
	id: event.id,
	kind: event.type,
	description: event.description ?? '',
	current: event.current_amount,
	target: event.target_amount,
	started_at: foreignInstant(event.started_at)
});
const goalBegin = reader(external.Goal, (event, notification) =>
	draft(notification, events.goalBegin, goalOf(event), {
		business: ['goal', event.id],
		external_id: event.id
	})
);
const goalProgress = reader(external.Goal, (event, notification) =>
	draft(notification, events.goalProgress, goalOf(event), {
		// A goal may fall and rise again: only the same moment is the same fact.
		business: [
			...['goal_progress', event.id, event.current_amount],
			bucket(notification.timestamp, 10)
		],
		external_id: event.id
	})
);
const goalEnd = reader(external.Goal, (event, notification) => {
	const { is_achieved } = event;
	const data = { ...goalOf(event), is_achieved, ended_at: foreignInstant(event.ended_at) };
	return draft(notification, events.goalEnd, data, {
		business: ['goal_end', event.id],
		external_id: event.id,
		...(is_achieved ? {} : asData)
	});
});

const adBreak = reader(external.AdBreak, (event, notification) => {
	const { duration_seconds: seconds, is_automatic } = event;
	const started_at = foreignInstant(event.started_at) ?? foreignInstant(notification.timestamp);
	const start = started_at ?? notification.timestamp;
	const data = {
		...{ seconds, is_automatic, started_at },
		requester: viewerIn(notification.event, 'requester_user'),
		ends_at: foreignInstant(laterBy(start, seconds))
	};
	return draft(notification, events.adBreak, data, {
		business: ['ad_break', second(start)],
		occurred_at: started_at
	});
});

/** null when that is beyond the calendar. */
function laterBy(instant: string, seconds: number): string | null {
	const later = new Date(Date.parse(instant) + seconds * 1_000);
	return Number.isNaN(later.getTime()) ? null : later.toISOString();
}

const streamOnline = reader(external.StreamOnline, (event, notification) => {
	const { id } = event;
	const started_at = foreignInstant(event.started_at);
	return draft(
		notification,
		events.streamOnline,
		{ id, kind: event.type ?? 'live', started_at },
		{
			business: ['stream_online', id ?? second(started_at ?? notification.timestamp)],
			external_id: id ?? notification.message_id,
			occurred_at: started_at ?? foreignInstant(notification.timestamp)
		}
	);
});
const streamOffline = reader(external.StreamOffline, (_event, notification) =>
	draft(
		notification,
		events.streamOffline,
		{},
		{ business: ['stream_offline', bucket(notification.timestamp, 10)] }
	)
);
const streamUpdate = reader(external.ChannelUpdate, (event, notification) => {
	const { title, language, category_id, category_name } = event;
	const category =
		category_id === null && !category_name ? null : { id: category_id, name: category_name ?? '' };
	const data = { title, language, category, labels: event.content_classification_labels };
	return draft(notification, events.streamUpdate, data, {
		// Back and forth within two seconds does not occur; the same told twice does.
		business: [
			...['stream_update', bucket(notification.timestamp, 2), category_id ?? ''],
			title.slice(0, 200).toWellFormed()
		]
	});
});

export const readers: readonly (readonly [type: string, read: Read])[] = [
	['channel.hype_train.begin', trainBegin],
	['channel.hype_train.progress', trainProgress],
	['channel.hype_train.end', trainEnd],
	['channel.goal.begin', goalBegin],
	['channel.goal.progress', goalProgress],
	['channel.goal.end', goalEnd],
	['channel.ad_break.begin', adBreak],
	['stream.online', streamOnline],
	['stream.offline', streamOffline],
	['channel.update', streamUpdate]
];

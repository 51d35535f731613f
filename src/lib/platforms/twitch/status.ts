/**
 * Whether a channel on Twitch is live. `/streams` lists live channels only, so absence is the
 * answer "offline"; it is cached and lags behind `stream.online` and `stream.offline` by minutes.
 *
 * Source: dev.twitch.tv/docs/api/reference#get-streams, #get-games.
 */
import { z } from 'zod';
import type { DraftInput } from '../../bus/index.ts';
import type { Access, HttpRequest } from '../call.ts';
import type { Category, ChannelStatusSource, LiveStream } from '../channel-status.ts';
import { foreignInstant, foreignText } from '../platform.ts';
import { readAnswer } from './answers.ts';
import { streamOffline, streamOnline } from './events-channel.ts';
import { keyOf, second } from './reading.ts';

/** A box picture of this size is big enough for every list. */
const PICTURE = { width: '144', height: '192' };

const Text = (max: number) =>
	z
		.string()
		.nullish()
		.catch(null)
		// Twitch writes what is not set as empty text.
		.transform((text) => (text ? foreignText(text, max) : null));

const Stream = z
	.object({
		id: Text(100),
		user_id: z.string().regex(/^\d{1,20}$/),
		type: z.string().nullish(),
		title: Text(500),
		game_id: Text(100),
		game_name: Text(200),
		viewer_count: z.int().nonnegative().max(2_000_000_000).nullish().catch(null),
		started_at: z.string().nullish().catch(null)
	})
	.transform((stream): LiveStream => ({
		channel_id: stream.user_id,
		stream_id: stream.id,
		started_at: foreignInstant(stream.started_at),
		title: stream.title,
		category: stream.game_name,
		category_id: stream.game_id,
		viewer_count: stream.viewer_count ?? null
	}));

const Streams = z.object({ data: z.array(Stream) }).transform(({ data }) => data);

const Games = z
	.object({
		data: z.array(
			z
				.object({ id: z.string().min(1).max(100), name: z.string(), box_art_url: Text(1_500) })
				.transform(({ id, name, box_art_url }): Category => ({
					id,
					name: foreignText(name, 200),
					picture:
						box_art_url?.replace('{width}', PICTURE.width).replace('{height}', PICTURE.height) ??
						null
				}))
		)
	})
	.transform(({ data }) => data);

const get = (
	access: Access,
	path: string,
	query: readonly (readonly [string, string])[]
): HttpRequest => ({
	method: 'GET',
	url: `${access.addresses.api ?? ''}${path}?${new URLSearchParams(
		query.map(([name, value]) => [name, value])
	).toString()}`,
	headers: { authorization: `Bearer ${access.access_token}`, 'client-id': access.id },
	body: null
});

/** The draft of a stream's event that was found by asking. */
const found = ({ type, class: eventClass, priority }: typeof streamOnline | typeof streamOffline) =>
	({
		event_type: type,
		class: eventClass,
		platform: 'twitch',
		origin: 'poll',
		priority
	}) satisfies Partial<DraftInput>;

export const status: ChannelStatusSource = {
	interval_s: 60,
	batch: 100,
	patience: { grace_s: 120, absences: 3, lag_s: 600 },
	streams: (access, channelIds) => ({
		name: 'twitch.streams',
		request: get(access, '/streams', [
			['first', '100'],
			...channelIds.map((id) => ['user_id', id] as const)
		]),
		read: (answer, now) => readAnswer(answer, now, Streams)
	}),
	categories: (access, ids) => ({
		name: 'twitch.games',
		request: get(
			access,
			'/games',
			ids.map((id) => ['id', id] as const)
		),
		read: (answer, now) => readAnswer(answer, now, Games)
	}),
	onlineDraft: (channelId, { stream_id, started_at }) => ({
		...found(streamOnline),
		external_id: stream_id,
		// As the message of `stream.online` has it, so that whichever comes second is a duplicate.
		business_key:
			stream_id === null && started_at === null
				? null
				: keyOf(channelId, ['stream_online', stream_id ?? second(started_at ?? '')]),
		data: { id: stream_id, kind: 'live', started_at },
		occurred_at: started_at
	}),
	offlineDraft: (channelId, { stream_id, started_at }, now) => ({
		...found(streamOffline),
		external_id: stream_id,
		// The end of this very stream, once; `stream.offline` itself does not say of which.
		business_key:
			stream_id === null && started_at === null
				? null
				: keyOf(channelId, ['stream_ended', stream_id ?? second(started_at ?? '')]),
		data: {},
		occurred_at: now.toISOString()
	})
};

/**
 * The capability of telling whether a channel is live: the calls that ask, how much patience the
 * platform's answers need, and the events that are recorded of a stream that was found by asking.
 * Judging what was seen is the server's (`server/status/machine.ts`).
 */
import type { DraftInput } from '../bus/index.ts';
import type { Access, Call } from './call.ts';

/** What a platform tells of a stream; null: not told. */
export interface StreamFacts {
	/** The platform's own name of this stream. */
	readonly stream_id: string | null;
	readonly started_at: string | null;
	readonly title: string | null;
	readonly category: string | null;
	readonly category_id: string | null;
	readonly viewer_count: number | null;
}

export interface LiveStream extends StreamFacts {
	readonly channel_id: string;
}

export interface Category {
	readonly id: string;
	readonly name: string;
	/** Address of a picture. */
	readonly picture: string | null;
}

/** How far answers are believed. All in seconds. */
export interface StatusPatience {
	/** A stream that is no longer listed ends after this long … */
	readonly grace_s: number;
	/** … and not before it was missing this often in a row. */
	readonly absences: number;
	/**
	 * How long the list may lag behind an event: a stream that an event announced may be missing,
	 * one that an event ended may still be listed.
	 */
	readonly lag_s: number;
}

export interface ChannelStatusSource {
	/** How often to ask, in seconds. */
	readonly interval_s: number;
	/** Channels, or categories, in one call. */
	readonly batch: number;
	readonly patience: StatusPatience;
	/** Which of these channels are live; the others are not. */
	streams(access: Access, channelIds: readonly string[]): Call<readonly LiveStream[]>;
	categories(access: Access, ids: readonly string[]): Call<readonly Category[]>;
	/** The event of a stream that was found live: the same fact as the platform's own message. */
	onlineDraft(channelId: string, stream: StreamFacts): DraftInput;
	/** The event of a stream that was found to have ended, some time before `now`. */
	offlineDraft(channelId: string, stream: StreamFacts, now: Date): DraftInput;
}

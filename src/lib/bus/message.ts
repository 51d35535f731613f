/**
 * What travels on a topic. Every message is a hint: the row is the truth, and a reader that
 * sees a hole (`seq` for events, `rev` for an overlay's queue) pulls instead of guessing.
 * Clients never send on a channel.
 */
import { z } from 'zod';
import { StreamingEvent } from './event.ts';
import { Play, PlayWithEvent } from './status.ts';

/** The account's life: a restored database starts a new one, and cursors of the old are void. */
const envelope = {
	epoch: z.string(),
	/** Database time of the transaction, ISO 8601. For people to read; never for durations. */
	at: z.string()
};

/** An overlay's queue changed; `rev` counts its changes 1, 2, 3 … without holes. */
const playMessage = {
	...envelope,
	overlay_id: z.uuid(),
	rev: z.int().positive(),
	play: PlayWithEvent
};

/** Something happened. On an overlay's topic only events routed to it, with the play they became. */
export const EventBroadcast = z.object({
	type: z.literal('EVENT_BROADCAST'),
	...envelope,
	event: StreamingEvent,
	/** On `overlay:` topics: the queue's rev and the play made for this overlay, if any. */
	overlay_id: z.uuid().optional(),
	rev: z.int().positive().optional(),
	play: Play.nullable().optional(),
	/** On `account:` topics: the plays made, one for each overlay that wanted it. */
	plays: z.array(Play.extend({ rev: z.int().positive() })).optional()
});

/** A play was claimed, held, requeued, reordered: any change that the names below do not say. */
export const PlayChanged = z.object({ type: z.literal('PLAY_CHANGED'), ...playMessage });
/** Take this play off the screen now. */
export const AnimationCancel = z.object({ type: z.literal('ANIMATION_CANCEL'), ...playMessage });
/** A new play of an event shown before. */
export const AnimationReplay = z.object({ type: z.literal('ANIMATION_REPLAY'), ...playMessage });
/** The leading page painted the first frame. */
export const AnimationStarted = z.object({ type: z.literal('ANIMATION_STARTED'), ...playMessage });
/** A play ended: completed, skipped, expired or failed. */
export const AnimationEnded = z.object({ type: z.literal('ANIMATION_ENDED'), ...playMessage });
/** A play was cancelled (the account's view of ANIMATION_CANCEL). */
export const AnimationCancelled = z.object({
	type: z.literal('ANIMATION_CANCELLED'),
	...playMessage
});

/** Pause, resume, leader change, key revoked, document published: state beside plays and events. */
export const StatusChanged = z.object({
	type: z.literal('STATUS_CHANGED'),
	...envelope,
	/** Which state: `queue` (pause), `leader`, `key`, `document`, `channel`, `account`, `connection`, `spotify`. */
	subject: z.string(),
	overlay_id: z.uuid().nullable(),
	rev: z.int().positive().nullable(),
	state: z.record(z.string(), z.json())
});

export const BusMessage = z.discriminatedUnion('type', [
	EventBroadcast,
	PlayChanged,
	AnimationCancel,
	AnimationReplay,
	AnimationStarted,
	AnimationEnded,
	AnimationCancelled,
	StatusChanged
]);
export type BusMessage = z.infer<typeof BusMessage>;
export type EventBroadcast = z.infer<typeof EventBroadcast>;
export type StatusChanged = z.infer<typeof StatusChanged>;
export type PlayMessage = Exclude<BusMessage, EventBroadcast | StatusChanged>;

/**
 * The answer to a pull by an overlay page: everything it needs to be whole again.
 * `plays` is the full set of playing plays and the head of the waiting ones, so it replaces what
 * the page believed; `events` are the data events after `cursor`, oldest first, never a partial
 * recovery: `recovered: false` says that the cursor was too old or of another epoch and that
 * `events` starts afresh.
 */
export const OverlayState = z.object({
	epoch: z.string(),
	recovered: z.boolean(),
	/** Highest seq of the account: the page's new cursor when `more` is false. */
	top_seq: z.int().nonnegative(),
	cursor: z.int().nonnegative(),
	more: z.boolean(),
	rev: z.int().nonnegative(),
	paused: z.boolean(),
	/** Which instance leads and sounds; null when the lease is free. */
	leader_id: z.uuid().nullable(),
	plays: z.array(PlayWithEvent),
	events: z.array(StreamingEvent)
});
export type OverlayState = z.infer<typeof OverlayState>;

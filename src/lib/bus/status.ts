/**
 * Plays: one showing of one event on one overlay, and the moves it may make.
 *
 *   held ──▶ queued ──▶ playing ──▶ completed
 *     │        │  ▲        │ ├────▶ skipped
 *     │        │  └────────┤ ├────▶ cancelled
 *     └────────┴─▶ cancelled, skipped, expired, failed
 *
 * `playing → queued` happens only when the page that claimed the play vanished before it said
 * `started`; the next claim raises `attempt`. Terminal states never change.
 */
import { z } from 'zod';
import { StreamingEvent, Priority } from './event.ts';

export const playStatuses = [
	'held',
	'queued',
	'playing',
	'completed',
	'cancelled',
	'skipped',
	'expired',
	'failed'
] as const;
export const PlayStatus = z.enum(playStatuses);
export type PlayStatus = z.infer<typeof PlayStatus>;

/** From each status, the statuses it may become. SQL holds the same table; a test compares them. */
export const transitions: Record<PlayStatus, readonly PlayStatus[]> = {
	held: ['queued', 'cancelled', 'skipped', 'expired', 'failed'],
	queued: ['held', 'playing', 'completed', 'cancelled', 'skipped', 'expired', 'failed'],
	playing: ['queued', 'completed', 'cancelled', 'skipped', 'failed'],
	completed: [],
	cancelled: [],
	skipped: [],
	expired: [],
	failed: []
};

/** Whether a play in this status has reached its end. */
export const isTerminal = (status: PlayStatus): boolean => transitions[status].length === 0;

/** Whether a play may move from one status to another. */
export const mayBecome = (from: PlayStatus, to: PlayStatus): boolean =>
	transitions[from].includes(to);

export const playReasons = ['live', 'replay', 'test'] as const;
export const PlayReason = z.enum(playReasons);
export type PlayReason = z.infer<typeof PlayReason>;

/** One showing, as pages and studio see it. */
export const Play = z.object({
	id: z.uuid(),
	event_id: z.uuid(),
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	/** The event's seq; with priority it gives the order within a lane. */
	seq: z.int().positive(),
	priority: Priority,
	lane: z.string(),
	status: PlayStatus,
	reason: PlayReason,
	/** 1 for the first showing of the event on this overlay, then 2, 3 … for replays. */
	play_no: z.int().positive(),
	/** How often it was claimed; above 1 a page died with it in hand. 0 while never claimed. */
	attempt: z.int().nonnegative(),
	duration_ms: z.int().positive(),
	/** The instance that leads this play, while playing. */
	instance_id: z.uuid().nullable(),
	/** Milliseconds since it was claimed, by the database's clock, when this message was made. */
	elapsed_ms: z.number().nonnegative().nullable(),
	/** Why it ended as it did, in one stable word or a short sentence. */
	outcome: z.string().nullable(),
	created_at: z.string(),
	started_at: z.string().nullable(),
	ended_at: z.string().nullable()
});
export type Play = z.infer<typeof Play>;

/** A play with the event it shows: what a page needs to paint. */
export const PlayWithEvent = Play.extend({ event: StreamingEvent });
export type PlayWithEvent = z.infer<typeof PlayWithEvent>;

/**
 * The event's status from the statuses of its plays: active if any plays, pending if any waits,
 * completed if any completed, cancelled otherwise. An event that no overlay wanted is completed.
 */
export function deriveEventStatus(plays: readonly PlayStatus[]) {
	if (plays.includes('playing')) return 'active';
	if (plays.some((status) => status === 'held' || status === 'queued')) return 'pending';
	if (plays.length === 0 || plays.includes('completed')) return 'completed';
	return 'cancelled';
}

/** Queues, commands and pages. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { EventStatus } from '$lib/bus/event.ts';
import { OverlayState } from '$lib/bus/message.ts';
import { PlayWithEvent } from '$lib/bus/status.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const Instance = z.object({
	id: z.uuid(),
	last_seen_at: z.string(),
	visible: z.boolean().nullable(),
	user_agent: z.string().nullable(),
	leads: z.boolean()
});
export type Instance = z.infer<typeof Instance>;

export const OverlayQueue = z.object({
	overlay_id: z.uuid(),
	name: z.string(),
	rev: z.int().nonnegative(),
	/** By itself or with its account. */
	paused: z.boolean(),
	leader_id: z.uuid().nullable(),
	instances: z.array(Instance),
	playing: z.array(PlayWithEvent),
	/** The first 50, in order. */
	waiting: z.array(PlayWithEvent),
	waiting_count: z.int().nonnegative(),
	/** The last 20 that ended, newest first. */
	recent: z.array(PlayWithEvent)
});
export type OverlayQueue = z.infer<typeof OverlayQueue>;

export const Queue = z.object({
	epoch: z.string(),
	top_seq: z.int().nonnegative(),
	/** The whole account. */
	paused: z.boolean(),
	overlays: z.array(OverlayQueue)
});
export type Queue = z.infer<typeof Queue>;

export const Cancelled = z.object({
	event_id: z.uuid(),
	/** Only when one play was to be cancelled. */
	play_id: z.uuid().optional(),
	/** The plays that this command cancelled. */
	cancelled: z.array(z.uuid()),
	/** Nothing was open any more. */
	already: z.boolean(),
	status: EventStatus
});
export type Cancelled = z.infer<typeof Cancelled>;

export const Replayed = z.object({
	event_id: z.uuid(),
	plays: z.array(PlayWithEvent),
	status: EventStatus
});
export type Replayed = z.infer<typeof Replayed>;

export const Skipped = z.object({ overlay_id: z.uuid(), skipped: z.array(z.uuid()) });
export type Skipped = z.infer<typeof Skipped>;

export const Paused = z.object({
	/** Null: the whole account. */
	overlay_id: z.uuid().nullable(),
	paused: z.boolean(),
	changed: z.boolean()
});
export type Paused = z.infer<typeof Paused>;

export const Heartbeat = z.object({
	leads: z.boolean(),
	leader_id: z.uuid().nullable(),
	lease_version: z.int().nonnegative(),
	lease_ms: z.number().nonnegative(),
	rev: z.int().nonnegative(),
	next_in_ms: z.int().positive()
});
export type Heartbeat = z.infer<typeof Heartbeat>;

export const Reported = z.object({
	accepted: z.boolean(),
	reason: z.string().nullable(),
	/** Null when the overlay has no such play. */
	play: PlayWithEvent.nullable(),
	rev: z.int().nonnegative()
});
export type Reported = z.infer<typeof Reported>;

/** What a page tells about itself. */
export interface PageFacts {
	visible?: boolean | undefined;
	muted?: boolean | undefined;
	protocol?: string | undefined;
	user_agent?: string | null | undefined;
}

export interface Report {
	play_id: string;
	instance_id: string;
	attempt: number;
	report: 'started' | 'ended' | 'failed';
	detail?: {
		missing?: string[] | undefined;
		error?: string | undefined;
		delay_ms?: number | undefined;
	};
}

export const getQueue = (
	sql: Sql | TransactionSql,
	accountId: string,
	now?: Date
): Promise<Queue> =>
	ask(
		Queue,
		sql`select app.get_queue(${accountId}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Takes an event off every screen and out of every line; idempotent. */
export const cancelEvent = (
	sql: Sql | TransactionSql,
	accountId: string,
	eventId: string,
	now?: Date
): Promise<Cancelled> =>
	ask(
		Cancelled,
		sql`select app.cancel_event(${accountId}, ${eventId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export const cancelPlay = (
	sql: Sql | TransactionSql,
	accountId: string,
	playId: string,
	now?: Date
): Promise<Cancelled> =>
	ask(
		Cancelled,
		sql`select app.cancel_play(${accountId}, ${playId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Shows an event again on one overlay, or (null) on every one that had it. */
export const replayEvent = (
	sql: Sql | TransactionSql,
	accountId: string,
	eventId: string,
	overlayId: string | null,
	now?: Date
): Promise<Replayed> =>
	ask(
		Replayed,
		sql`select app.replay_event(${accountId}, ${eventId}, ${overlayId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Ends what an overlay shows on one lane, or (null) on all. */
export const skip = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string,
	lane: string | null,
	now?: Date
): Promise<Skipped> =>
	ask(
		Skipped,
		sql`select app.skip(${accountId}, ${overlayId}, ${lane},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Nothing new starts, on one overlay or (null) on all. */
export const pause = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string | null,
	now?: Date
): Promise<Paused> =>
	ask(
		Paused,
		sql`select app.pause(${accountId}, ${overlayId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export const resume = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string | null,
	now?: Date
): Promise<Paused> =>
	ask(
		Paused,
		sql`select app.resume(${accountId}, ${overlayId},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Everything a page needs to be whole; `epoch` null starts afresh. */
export const pullOverlay = (
	sql: Sql | TransactionSql,
	overlayId: string,
	epoch: string | null,
	cursor: number | null,
	limit: number,
	now?: Date
): Promise<OverlayState> =>
	ask(
		OverlayState,
		sql`select app.pull_overlay(${overlayId}, ${epoch}, ${cursor}, ${limit},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** A page says that it lives; renews, takes or leaves the lead. */
export const heartbeat = (
	sql: Sql | TransactionSql,
	overlayId: string,
	instanceId: string,
	facts: PageFacts,
	now?: Date
): Promise<Heartbeat> =>
	ask(
		Heartbeat,
		sql`select app.heartbeat(${overlayId}, ${instanceId}, ${sql.json({ ...facts })},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** The play of a lane, for the page that leads; null when there is none or it does not lead. */
export const claimNext = (
	sql: Sql | TransactionSql,
	overlayId: string,
	instanceId: string,
	lane: string,
	now?: Date
): Promise<PlayWithEvent | null> =>
	ask(
		PlayWithEvent.nullable(),
		sql`select app.claim_next(${overlayId}, ${instanceId}, ${lane},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** What became of a play. Repeating a report changes nothing; a late one is believed or refused. */
export const reportPlay = (
	sql: Sql | TransactionSql,
	overlayId: string,
	{ play_id, instance_id, attempt, report, detail }: Report,
	now?: Date
): Promise<Reported> =>
	ask(
		Reported,
		sql`select app.report_play(${overlayId}, ${play_id}, ${instance_id}, ${attempt}, ${report},
			${detail === undefined ? null : sql.json({ ...detail })},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Ends what pages left behind, starts what was scheduled; how many plays moved. Trusted server. */
export const settlePlays = (sql: Sql | TransactionSql, now?: Date): Promise<number> =>
	ask(z.int(), sql`select app.settle_plays(coalesce(${now ?? null}, clock_timestamp())) as answer`);

/** Forgets messages that can no longer be replayed; how many. Trusted server. */
export const purgeRealtimeMessages = (sql: Sql | TransactionSql, now?: Date): Promise<number> =>
	ask(
		z.int(),
		sql`select app.purge_realtime_messages(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

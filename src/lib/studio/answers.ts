/**
 * What `/v1` answers, as far as the studio reads it. Built from the bus's own shapes; parsed at
 * the one door (`api.ts`) and trusted after it. Unknown fields are dropped, so that a newer
 * server may say more.
 */
import { z } from 'zod';
import {
	EventClass,
	Permission,
	Play,
	PlayStatus,
	PlayWithEvent,
	Role,
	StreamingEvent
} from '$lib/bus';

export const Instance = z.object({
	id: z.uuid(),
	last_seen_at: z.string(),
	visible: z.boolean().nullish(),
	leads: z.boolean(),
	user_agent: z.string().nullish()
});
export type Instance = z.infer<typeof Instance>;

export const OverlayQueue = z.object({
	overlay_id: z.uuid(),
	name: z.string(),
	rev: z.int().nonnegative(),
	paused: z.boolean(),
	leader_id: z.uuid().nullable(),
	instances: z.array(Instance),
	playing: z.array(PlayWithEvent),
	waiting: z.array(PlayWithEvent),
	waiting_count: z.int().nonnegative(),
	recent: z.array(PlayWithEvent)
});
export type OverlayQueue = z.infer<typeof OverlayQueue>;

export const QueueAnswer = z.object({
	epoch: z.string(),
	top_seq: z.int().nonnegative(),
	paused: z.boolean(),
	overlays: z.array(OverlayQueue)
});
export type QueueAnswer = z.infer<typeof QueueAnswer>;

export const Me = z.object({
	user: z.object({ id: z.string(), email: z.string(), name: z.string().nullish() }).nullable(),
	accounts: z.array(
		z.object({
			id: z.uuid(),
			name: z.string(),
			role: Role.nullish(),
			/** Where this person begins. */
			is_default: z.boolean().default(false)
		})
	),
	account_id: z.uuid().nullable(),
	permissions: z.array(Permission)
});
export type Me = z.infer<typeof Me>;

export const RealtimeGrant = z.object({
	token: z.string(),
	expires_in: z.number(),
	url: z.string(),
	key: z.string(),
	topic: z.string()
});
export type RealtimeGrant = z.infer<typeof RealtimeGrant>;

export const EventPage = z.object({
	items: z.array(StreamingEvent),
	page: z.int().positive(),
	limit: z.int().positive(),
	total: z.int().nonnegative(),
	total_is_exact: z.boolean(),
	/** What to pass as `cursor` for older ones; null at the end. */
	next_cursor: z.int().nullish()
});
export type EventPage = z.infer<typeof EventPage>;

export const Transition = z.object({
	at: z.string(),
	from_status: PlayStatus.nullable(),
	to_status: PlayStatus,
	actor_kind: z.string().nullish(),
	actor_id: z.string().nullish(),
	reason: z.string().nullish()
});
export type Transition = z.infer<typeof Transition>;

export const EventDetail = StreamingEvent.extend({
	raw: z.record(z.string(), z.json()).nullable(),
	plays: z.array(Play.extend({ transitions: z.array(Transition).default([]) })).default([])
});
export type EventDetail = z.infer<typeof EventDetail>;

export const EventTypeEntry = z.object({
	type: z.string(),
	class: EventClass,
	title: z.string(),
	description: z.string().nullish(),
	platform: z.string().nullish()
});
export type EventTypeEntry = z.infer<typeof EventTypeEntry>;

export const OverlaySummary = z.object({
	id: z.uuid(),
	name: z.string(),
	width: z.int().nullish(),
	height: z.int().nullish()
});
export type OverlaySummary = z.infer<typeof OverlaySummary>;

export const Key = z.object({
	id: z.uuid(),
	kind: z.string(),
	name: z.string(),
	hint: z.string().nullish(),
	overlay_id: z.uuid().nullish(),
	permissions: z.array(z.string()).nullish(),
	/** What it may do now: less what its maker has lost since. */
	effective_permissions: z.array(z.string()).nullish(),
	created_at: z.string(),
	last_used_at: z.string().nullish(),
	/** When it stops working, because it was rotated. */
	ends_at: z.string().nullish(),
	revoked_at: z.string().nullish()
});
export type Key = z.infer<typeof Key>;

/** The only answer that ever holds a key's secret. */
export const KeyMade = z.object({ key: Key, secret: z.string(), url: z.string().nullish() });
export type KeyMade = z.infer<typeof KeyMade>;

/** A test alert is an ordinary recorded event: its id is how the studio follows it. */
export const TestAnswer = z.object({ event_id: z.uuid() });

export const SetupAnswer = z.object({
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	overlay_url: z.string(),
	api_key: z.string(),
	webhook_url: z.string()
});
export type SetupAnswer = z.infer<typeof SetupAnswer>;

/** Some lists come bare, some in an envelope with pages: both are read. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
	z.union([z.array(item), z.object({ items: z.array(item) }).transform((list) => list.items)]);

/** Viewers. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { StreamingEvent } from '$lib/bus/event.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const viewerRoles = ['moderator', 'vip'] as const;
/** What lists are narrowed to: what a viewer is now. */
export const viewerStandings = ['follower', 'subscriber', ...viewerRoles] as const;

export const Viewer = z.object({
	id: z.uuid(),
	platform: z.string(),
	platform_user_id: z.string(),
	login: z.string(),
	name: z.string(),
	picture: z.string().nullable(),
	first_seen_at: z.string(),
	last_seen_at: z.string(),
	/** Null: does not follow now, as far as is known. */
	followed_at: z.string().nullable(),
	/** Null: is not subscribed now, as far as is known. */
	subscription: z
		.object({ tier: z.int().nullable(), is_gift: z.boolean(), started_at: z.string() })
		.nullable(),
	roles: z.array(z.enum(viewerRoles))
});
export type Viewer = z.infer<typeof Viewer>;

export const ViewerPage = z.object({
	items: z.array(Viewer),
	/** Asks for the next page; null on the last one. */
	next_cursor: z.string().nullable()
});
export type ViewerPage = z.infer<typeof ViewerPage>;

/** Everything newest first. */
export const ViewerCard = Viewer.extend({
	follow_history: z.array(z.object({ action: z.enum(['follow', 'unfollow']), at: z.string() })),
	subscriptions: z.array(
		z.object({
			tier: z.int().nullable(),
			is_gift: z.boolean(),
			gifter: z.object({ id: z.uuid(), login: z.string(), name: z.string() }).nullable(),
			started_at: z.string(),
			ended_at: z.string().nullable()
		})
	),
	role_history: z.array(
		z.object({
			role: z.enum(viewerRoles),
			granted_at: z.string(),
			revoked_at: z.string().nullable()
		})
	),
	/** By event type. */
	counts: z.record(z.string(), z.int()),
	/** Needs `events:read`; empty without it. */
	last_events: z.array(StreamingEvent)
});
export type ViewerCard = z.infer<typeof ViewerCard>;

export const ErasedViewer = z.object({ viewer_id: z.uuid(), events: z.int().nonnegative() });

export interface ViewerFilter {
	search?: string | undefined;
	platform?: string | undefined;
	role?: (typeof viewerStandings)[number] | undefined;
	cursor?: string | undefined;
	limit?: number | undefined;
}

/** Viewers, those seen last first. */
export const listViewers = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: ViewerFilter
): Promise<ViewerPage> =>
	ask(ViewerPage, sql`select app.list_viewers(${accountId}, ${sql.json({ ...filter })}) as answer`);

export const getViewer = (
	sql: Sql | TransactionSql,
	accountId: string,
	viewerId: string
): Promise<ViewerCard> =>
	ask(ViewerCard, sql`select app.get_viewer(${accountId}, ${viewerId}) as answer`);

/** Erases a person from an account: their records, and their names and words in its events. */
export const eraseViewer = (
	sql: Sql | TransactionSql,
	accountId: string,
	viewerId: string,
	now?: Date
): Promise<z.infer<typeof ErasedViewer>> =>
	ask(
		ErasedViewer,
		sql`select app.erase_viewer(${accountId}, ${viewerId}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

/** What `/v1/viewers` answers: see `answers.ts`. */
import { z } from 'zod';
import { StreamingEvent } from '$lib/bus';

/** What lists are narrowed to. */
export const standings = ['follower', 'subscriber', 'moderator', 'vip'] as const;
export type Standing = (typeof standings)[number];

export const Viewer = z.object({
	id: z.uuid(),
	platform: z.string(),
	platform_user_id: z.string(),
	login: z.string(),
	name: z.string(),
	picture: z.string().nullable(),
	first_seen_at: z.string(),
	last_seen_at: z.string(),
	followed_at: z.string().nullable(),
	subscription: z
		.object({ tier: z.int().nullable(), is_gift: z.boolean(), started_at: z.string() })
		.nullable(),
	roles: z.array(z.string())
});
export type Viewer = z.infer<typeof Viewer>;

export const ViewerPage = z.object({
	items: z.array(Viewer),
	next_cursor: z.string().nullable()
});
export type ViewerPage = z.infer<typeof ViewerPage>;

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
		z.object({ role: z.string(), granted_at: z.string(), revoked_at: z.string().nullable() })
	),
	counts: z.record(z.string(), z.int()),
	last_events: z.array(StreamingEvent)
});
export type ViewerCard = z.infer<typeof ViewerCard>;

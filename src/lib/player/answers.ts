/** What the server answers to an overlay page, parsed at the door. Unknown fields are dropped: an old page must bear a newer server. */
import { z } from 'zod';
import { Play, PlayWithEvent } from '../bus/index.ts';

/** Answer of `POST /v1/overlay/session`: the key became a short-lived token. */
export const OverlaySession = z.object({
	/** JWT for realtime and for the other calls. */
	token: z.string().min(1),
	/** Seconds. */
	expires_in: z.number().positive(),
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	name: z.string(),
	revision: z.int().nonnegative(),
	/** The overlay document; its own schema reads it. */
	document: z.json(),
	realtime: z.object({ url: z.string(), key: z.string(), topic: z.string() }),
	server: z.object({ version: z.string() })
});
export type OverlaySession = z.infer<typeof OverlaySession>;

/** Answer of `POST /v1/overlay/heartbeat`: who leads, and when to call again. */
export const HeartbeatAnswer = z.object({
	leads: z.boolean(),
	leader_id: z.uuid().nullable(),
	lease_version: z.int(),
	lease_ms: z.number().positive(),
	/** The queue's rev: higher than what the page knows means that hints were lost. */
	rev: z.int().nonnegative(),
	next_in_ms: z.number().positive()
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

/** Answer of `POST /v1/overlay/claim`: the play that this page now leads, or null. */
export const ClaimAnswer = z.object({ play: PlayWithEvent.nullable() });
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

/** Answer of `POST /v1/overlay/report`; refused reports are answers too, never errors. */
export const ReportAnswer = z.object({
	accepted: z.boolean(),
	reason: z.string().nullish(),
	play: Play.nullish(),
	rev: z.int().nonnegative().nullish()
});
export type ReportAnswer = z.infer<typeof ReportAnswer>;

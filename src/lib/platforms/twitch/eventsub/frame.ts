/**
 * What comes over the EventSub WebSocket: one JSON document a frame. Keys that are not known are let
 * through, as Twitch adds some without notice.
 * Source: dev.twitch.tv/docs/eventsub/handling-websocket-events.
 */
import { z } from 'zod';
import { foreignText } from '../../platform.ts';

const Word = z
	.string()
	.min(1)
	.transform((text) => foreignText(text, 200));

const metadata = { message_id: Word, message_timestamp: z.string().max(60).catch('') };

const Welcome = z.object({
	metadata: z.object({ ...metadata, message_type: z.literal('session_welcome') }),
	payload: z.object({
		session: z.object({
			id: Word,
			keepalive_timeout_seconds: z.number().positive().max(3_600).nullish().catch(null)
		})
	})
});

const Keepalive = z.object({
	metadata: z.object({ ...metadata, message_type: z.literal('session_keepalive') })
});

const Reconnect = z.object({
	metadata: z.object({ ...metadata, message_type: z.literal('session_reconnect') }),
	payload: z.object({
		session: z.object({ reconnect_url: z.url({ protocol: /^wss?$/ }).max(4_000) })
	})
});

const subscription = z.object({
	id: Word,
	type: Word,
	status: z.string().max(200).catch('unknown'),
	condition: z.record(z.string(), z.unknown()).catch({})
});

const Notification = z.object({
	metadata: z.object({ ...metadata, message_type: z.literal('notification') }),
	payload: z.object({
		subscription,
		event: z.record(z.string(), z.unknown()).nullish().catch(null)
	})
});

const Revocation = z.object({
	metadata: z.object({ ...metadata, message_type: z.literal('revocation') }),
	payload: z.object({ subscription })
});

// The most frequent first: they are tried in this order.
const Frame = z.union([Notification, Keepalive, Welcome, Reconnect, Revocation]);
export type Frame = z.infer<typeof Frame>;

/** The frame, or null for what is none of them. Never throws. */
export function readFrame(text: string): Frame | null {
	try {
		return Frame.safeParse(JSON.parse(text)).data ?? null;
	} catch {
		return null;
	}
}

/** Chat: what is said, what is taken back, and what Twitch itself writes there. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { ann, bo, count, cy, Fragment } from './events-parts.ts';

const hello = { type: 'text', text: 'hello', emote_id: null, bits: null };

export const chat = defineEventType({
	type: 'twitch:chat',
	class: 'data',
	title: 'Chat message',
	description: 'Somebody wrote in chat.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		/** Names the message, also when it is taken back. */
		message_id: z.string(),
		user: Viewer,
		message: z.string(),
		/** Its pieces in order; their texts joined are the message. */
		fragments: z.array(Fragment),
		/** `#RRGGBB`; null: the viewer chose none. */
		color: z.string().nullable(),
		badges: z.array(z.object({ set: z.string(), id: z.string(), info: z.string() })),
		/** `text`, `channel_points_highlighted`, `user_intro`, `power_ups_gigantified_emote` … */
		kind: z.string(),
		/** Bits cheered with it; null: none. */
		bits: count.nullable(),
		reply_to: z.object({ message_id: z.string(), user: Viewer, message: z.string() }).nullable(),
		/** Shared chat: the channel that it was written in, when that is another one. */
		source: Viewer.nullable()
	}),
	sample: {
		message_id: 'cm-1',
		user: ann,
		message: 'hello',
		fragments: [hello],
		color: '#1e90ff',
		badges: [{ set: 'subscriber', id: '6', info: '8' }],
		kind: 'text',
		bits: null,
		reply_to: null,
		source: null
	}
});

export const chatMessageDelete = defineEventType({
	type: 'twitch:chat_message_delete',
	class: 'data',
	title: 'Chat message deleted',
	description: 'A moderator took back a chat message.',
	duration_ms: null,
	priority: 'normal',
	data: z.object({ message_id: z.string(), user: Viewer }),
	sample: { message_id: 'cm-1', user: ann }
});
export const chatClear = defineEventType({
	type: 'twitch:chat_clear',
	class: 'data',
	title: 'Chat cleared',
	description: 'A moderator cleared the chat.',
	duration_ms: null,
	priority: 'normal',
	data: z.object({}),
	sample: {}
});
export const chatClearUserMessages = defineEventType({
	type: 'twitch:chat_clear_user_messages',
	class: 'data',
	title: "Viewer's messages cleared",
	description: 'All chat messages of a viewer were taken back.',
	duration_ms: null,
	priority: 'normal',
	data: z.object({ user: Viewer }),
	sample: { user: cy }
});

export const announcement = defineEventType({
	type: 'twitch:announcement',
	class: 'data',
	title: 'Announcement',
	description: 'The streamer or a moderator announced something in chat.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		user: Viewer,
		message: z.string(),
		fragments: z.array(Fragment),
		/** `PRIMARY`, `BLUE`, `GREEN`, `ORANGE`, `PURPLE`. */
		color: z.string().nullable()
	}),
	sample: { user: bo, message: 'hello', fragments: [hello], color: 'PRIMARY' }
});

export const watchStreak = defineEventType({
	type: 'twitch:watch_streak',
	class: 'animated',
	title: 'Watch streak',
	description: 'A viewer shared how many streams in a row they have watched.',
	duration_ms: 5_000,
	priority: 'low',
	data: z.object({
		user: Viewer,
		streams: count,
		points_awarded: count.nullable(),
		message: z.string()
	}),
	sample: { user: ann, streams: 5, points_awarded: 450, message: '' }
});

export const bitsBadge = defineEventType({
	type: 'twitch:bits_badge',
	class: 'data',
	title: 'Bits badge',
	description: 'A viewer reached the next badge for cheering.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		user: Viewer,
		/** Bits in all that the badge stands for. */
		bits: count
	}),
	sample: { user: cy, bits: 1_000 }
});

export const raidCancelled = defineEventType({
	type: 'twitch:raid_cancelled',
	class: 'data',
	title: 'Raid called off',
	description: 'The raid that this channel prepared was called off.',
	duration_ms: null,
	priority: 'low',
	data: z.object({ user: Viewer }),
	sample: { user: bo }
});

export const eventTypes = [
	...[chat, chatMessageDelete, chatClear, chatClearUserMessages],
	...[announcement, watchStreak, bitsBadge, raidCancelled]
];

/** Readers of chat messages and of what takes them back. Keys: see the top of normalize.ts. */
import { viewerIn, bucket, draft, fragmentsOf, reader, type Read } from './reading.ts';
import * as events from './events-chat.ts';
import * as external from './external-chat.ts';
import { notice } from './read-notices.ts';

const message = reader(external.ChatMessage, (event, notification) => {
	const user = viewerIn(notification.event, 'chatter_user');
	if (user === null) return 'chatter_user_id';
	const { message_id, color } = event;
	const source = viewerIn(notification.event, 'source_broadcaster_user');
	const data = {
		...{ message_id, user, message: event.message.text },
		fragments: fragmentsOf(event.message),
		color: color || null,
		badges: event.badges.map(({ set_id, id, info }) => ({ set: set_id, id, info })),
		kind: event.message_type ?? 'text',
		bits: event.cheer?.bits ?? null,
		reply_to: replyIn(event.reply),
		source: source?.id === notification.channel_id ? null : source
	};
	const { draft: made } = draft(notification, events.chat, data, {
		business: null,
		external_id: message_id
	});
	// Shared chat brings what one person typed once for each channel: the source's id names it, on
	// all channels of the account.
	const name = event.source_message_id ?? message_id;
	return { draft: { ...made, business_key: `twitch:chat:${name}` } };
});

function replyIn(reply: Record<string, unknown> | null) {
	const parent = external.Reply.safeParse(reply);
	const user = reply === null ? null : viewerIn(reply, 'parent_user');
	if (!parent.success || user === null) return null;
	const { parent_message_id, parent_message_body } = parent.data;
	return { message_id: parent_message_id, user, message: parent_message_body ?? '' };
}

const messageDelete = reader(external.MessageDelete, ({ message_id }, notification) => {
	const user = viewerIn(notification.event, 'target_user');
	if (user === null) return 'target_user_id';
	return draft(
		notification,
		events.chatMessageDelete,
		{ message_id, user },
		{ business: ['chat_message_delete', message_id] }
	);
});

const clear = reader(external.Clear, (_event, notification) =>
	draft(
		notification,
		events.chatClear,
		{},
		{ business: ['chat_clear', bucket(notification.timestamp, 2)] }
	)
);

const clearUserMessages = reader(external.Clear, (_event, notification) => {
	const user = viewerIn(notification.event, 'target_user');
	if (user === null) return 'target_user_id';
	return draft(
		notification,
		events.chatClearUserMessages,
		{ user },
		{ business: ['chat_clear_user', user.id, bucket(notification.timestamp, 2)] }
	);
});

export const readers: readonly (readonly [type: string, read: Read])[] = [
	['channel.chat.message', message],
	['channel.chat.notification', notice],
	['channel.chat.message_delete', messageDelete],
	['channel.chat.clear', clear],
	['channel.chat.clear_user_messages', clearUserMessages]
];

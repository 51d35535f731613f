/**
 * What the readers of all types share: from a notification's event to a draft, or to the reason why
 * there is none.
 */
import type { DraftInput, JsonObject } from '../../bus/index.ts';
import type { Arrival } from '../gather.ts';
import {
	foreignInstant,
	storableDocument,
	type EventTypeDefinition,
	type Viewer
} from '../platform.ts';
import { optionalId, optionalText, type Message } from './external.ts';
import type { z } from 'zod';

/** One notification, already proven genuine. */
export interface Notification {
	readonly type: string;
	readonly message_id: string;
	/** RFC 3339, when Twitch sent it. */
	readonly timestamp: string;
	readonly channel_id: string;
	readonly event: Record<string, unknown>;
}

export type Normalized = { readonly draft: Arrival } | { readonly ignored: string };
export type Read = (notification: Notification) => Normalized;

interface Schema<Event> {
	safeParse(
		value: unknown
	):
		| { success: true; data: Event }
		| { success: false; error: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

/** Joins a schema and what is made of it; an answered string names an essential field that is missing. */
export function reader<Event>(
	schema: Schema<Event>,
	make: (event: Event, notification: Notification) => Normalized | string
): Read {
	return (notification) => {
		const lacking = (field: string) => ({ ignored: `${notification.type} without ${field}` });
		const event = schema.safeParse(notification.event);
		if (!event.success)
			return lacking(event.error.issues.map(({ path }) => path.join('.')).join(', '));
		const made = make(event.data, notification);
		return typeof made === 'string' ? lacking(made) : made;
	};
}

/** `business`: what names the fact within the channel; null when nothing does. */
export function draft<Data extends JsonObject>(
	{ message_id, channel_id, timestamp, event }: Notification,
	definition: EventTypeDefinition<Data>,
	data: Data,
	{
		business,
		...rest
	}: Partial<Omit<Arrival, 'data'>> & { business: readonly (string | number)[] | null }
): { draft: Arrival } {
	return {
		draft: {
			event_type: definition.type,
			class: definition.class,
			platform: 'twitch',
			origin: 'live',
			external_id: message_id,
			transport_key: `twitch:${message_id}`,
			business_key: business === null ? null : keyOf(channel_id, business),
			data,
			raw: storableDocument(event),
			priority: definition.priority,
			duration_ms: definition.duration_ms,
			occurred_at: foreignInstant(timestamp),
			...rest
		}
	};
}

/** The name of a fact in a channel, the same on every road. */
export const keyOf = (channelId: string, business: readonly (string | number)[]): string =>
	['twitch', channelId, ...business].join(':');

/** An event of a type that is shown otherwise, as data: counted and listed, never shown. */
export const asData: Pick<DraftInput, 'class' | 'duration_ms' | 'cancelable' | 'replayable'> = {
	class: 'data',
	duration_ms: null,
	cancelable: false,
	replayable: false
};

/**
 * Whoever the fields `{prefix}_id`, `_login` and `_name` name; when login or display name is
 * missing the other stands in. null when there is no id: nobody, or somebody anonymous.
 */
export function viewerIn(
	fields: Readonly<Record<string, unknown>>,
	prefix = 'user'
): Viewer | null {
	const id = optionalId.parse(fields[`${prefix}_id`]);
	if (id === null) return null;
	const told = {
		login: optionalText(100).parse(fields[`${prefix}_login`]),
		name: optionalText(100).parse(fields[`${prefix}_name`])
	};
	const login = told.login || told.name?.toLowerCase() || id;
	return { id, login, name: told.name || login, picture: null };
}

/** The pieces of a message as events have them. */
export const fragmentsOf = (message: z.output<typeof Message> | null) =>
	(message?.fragments ?? []).map(({ type, text, emote, cheermote }) => ({
		type,
		text,
		emote_id: emote?.id ?? null,
		bits: cheermote?.bits ?? null
	}));

/** The whole second of an instant, in UTC. */
export const second = (instant: string): string =>
	new Date(Math.floor(Date.parse(instant) / 1_000) * 1_000).toISOString();

/** Which stretch of so many seconds an instant falls into. */
export const bucket = (instant: string, seconds: number): string =>
	String(Math.floor(Date.parse(instant) / (seconds * 1_000)));

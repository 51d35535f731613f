/**
 * From Twitch's notifications to drafts: a table from EventSub type to a pure function.
 *
 * Business keys name the fact, so that the same fact under another message id (a second
 * subscription, another transport, a poll) is one event, and yet a second fact is never swallowed:
 *
 * - follow      who and the second of `followed_at` (a poll's answer knows no fractions)
 * - redemption  its id
 * - gift        giver and their running total, which grows with each gift; giver anonymous or
 *               total hidden: nothing names the fact, so no key
 * - sub, resub  who, tier and the minute: Twitch sends both for one purchase that is shared at
 *               once, and that is one alert; shared later, the message is an alert of its own
 * - raid        raiding channel and the minute: raids take longer than that to prepare
 * - cheer       who, bits, text and ten seconds: nobody types the same cheer again that fast;
 *               anonymous: no key, they may be two people
 *
 * All but the first three have no id and no time of their own, so the message's timestamp stands
 * in. When a copy falls on the other side of a boundary both are shown: shown twice is the lesser
 * harm, a paid cheer that vanishes the greater.
 */
import type { DraftInput, JsonObject } from '../../bus/index.ts';
import {
	foreignInstant,
	storableDocument,
	type EventTypeDefinition,
	type Viewer
} from '../platform.ts';
import * as events from './events.ts';
import * as external from './external.ts';

/** One notification, already proven genuine. */
export interface Notification {
	readonly type: string;
	readonly message_id: string;
	/** RFC 3339, when Twitch sent it. */
	readonly timestamp: string;
	readonly channel_id: string;
	readonly event: Record<string, unknown>;
}

export type Normalized = { readonly draft: DraftInput } | { readonly ignored: string };

/** Turns a notification into a draft, or says why there is none. Never throws. */
export function normalize(notification: Notification): Normalized {
	const read = readers.get(notification.type);
	if (read === undefined) return { ignored: `${notification.type} is not a type Cuelight reads` };
	return read(notification);
}

type Read = (notification: Notification) => Normalized;

const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
	[
		'channel.follow',
		reader(external.Follow, (event, notification) => {
			const user = viewer(event);
			if (user === null) return 'user_id';
			const followed_at = foreignInstant(event.followed_at);
			return draft(
				notification,
				events.follower,
				{ user, followed_at },
				{
					business: followed_at === null ? null : ['follow', user.id, second(followed_at)],
					occurred_at: followed_at
				}
			);
		})
	],
	[
		'channel.subscribe',
		reader(external.Subscribe, (event, notification) => {
			const user = viewer(event);
			if (user === null) return 'user_id';
			const { is_gift } = event;
			const gift: Partial<DraftInput> = is_gift
				? { class: 'data', duration_ms: null, cancelable: false, replayable: false }
				: {};
			return draft(
				notification,
				events.subscribe,
				{ user, tier: tier(event.tier), is_gift },
				{
					business: subscription(is_gift ? 'received' : 'sub', user, event.tier, notification),
					...gift
				}
			);
		})
	],
	[
		'channel.subscription.gift',
		reader(external.SubscriptionGift, (event, notification) => {
			const user = event.is_anonymous ? null : viewer(event);
			const data = {
				user,
				tier: tier(event.tier),
				count: event.total,
				total: event.cumulative_total
			};
			const named = user !== null && data.total !== null;
			return draft(notification, events.giftSub, data, {
				business: named ? ['gift', user.id, String(data.total)] : null
			});
		})
	],
	[
		'channel.subscription.message',
		reader(external.SubscriptionMessage, (event, notification) => {
			const user = viewer(event);
			if (user === null) return 'user_id';
			const data = {
				user,
				tier: tier(event.tier),
				months: event.cumulative_months,
				streak_months: event.streak_months,
				duration_months: event.duration_months,
				message: event.message?.text ?? '',
				emotes: event.message?.emotes ?? []
			};
			return draft(notification, events.resub, data, {
				business: subscription('sub', user, event.tier, notification)
			});
		})
	],
	[
		'channel.cheer',
		reader(external.Cheer, (event, notification) => {
			const user = event.is_anonymous ? null : viewer(event);
			const data = { user, bits: event.bits, message: event.message ?? '' };
			const moment = bucket(notification.timestamp, 10);
			// The key is bounded; texts that differ only after 200 characters within ten seconds do not occur.
			const text = data.message.slice(0, 200).toWellFormed();
			return draft(notification, events.cheer, data, {
				business: user === null ? null : ['cheer', user.id, String(data.bits), moment, text],
				...(data.bits >= events.LARGE_CHEER ? { priority: 'high' } : {})
			});
		})
	],
	[
		'channel.raid',
		reader(external.Raid, (event, notification) => {
			const user = viewer({
				user_id: event.from_broadcaster_user_id,
				user_login: event.from_broadcaster_user_login,
				user_name: event.from_broadcaster_user_name
			});
			if (user === null) return 'from_broadcaster_user_id';
			// The same EventSub type also tells of our own raids on others: no alert on our screen.
			if (user.id === notification.channel_id) return { ignored: 'the channel raids another one' };
			return draft(
				notification,
				events.raid,
				{ user, viewers: event.viewers },
				{
					business: ['raid', user.id, bucket(notification.timestamp, 60)]
				}
			);
		})
	],
	[
		'channel.channel_points_custom_reward_redemption.add',
		reader(external.Redemption, (event, notification) => {
			const user = viewer(event);
			if (user === null) return 'user_id';
			const data = {
				user,
				reward: event.reward,
				message: event.user_input ?? '',
				status: event.status
			};
			return draft(notification, events.reward, data, {
				business: ['redemption', event.id],
				external_id: event.id,
				occurred_at: foreignInstant(event.redeemed_at)
			});
		})
	]
]);

/** The EventSub types that become events. */
export const readTypes: readonly string[] = [...readers.keys()];

interface Schema<Event> {
	safeParse(
		value: unknown
	):
		| { success: true; data: Event }
		| { success: false; error: { issues: readonly { path: readonly PropertyKey[] }[] } };
}

/** Joins a schema and what is made of it; an answered string names an essential field that is missing. */
function reader<Event>(
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

function draft<Data extends JsonObject>(
	notification: Notification,
	definition: EventTypeDefinition<Data>,
	data: Data,
	{ business, ...rest }: Partial<DraftInput> & { business: readonly string[] | null }
): Normalized {
	return {
		draft: {
			event_type: definition.type,
			class: definition.class,
			platform: 'twitch',
			origin: 'live',
			external_id: notification.message_id,
			transport_key: `twitch:${notification.message_id}`,
			business_key:
				business === null ? null : ['twitch', notification.channel_id, ...business].join(':'),
			data,
			raw: storableDocument(notification.event),
			priority: definition.priority,
			duration_ms: definition.duration_ms,
			occurred_at: foreignInstant(notification.timestamp),
			...rest
		}
	};
}

/** Twitch gives login and display name; when one is missing the other stands in. */
function viewer(user: {
	user_id: string | null;
	user_login: string | null;
	user_name: string | null;
}): Viewer | null {
	if (user.user_id === null) return null;
	const login = user.user_login || user.user_name?.toLowerCase() || user.user_id;
	return { id: user.user_id, login, name: user.user_name || login, picture: null };
}

/** `1000` → 1; null for what is not a tier known today. */
function tier(value: string | null): number | null {
	return value !== null && /^[1-9]000$/.test(value) ? Number(value[0]) : null;
}

function subscription(
	kind: string,
	user: Viewer,
	tierName: string | null,
	{ timestamp }: Notification
): string[] {
	return [kind, user.id, String(tier(tierName)), bucket(timestamp, 60)];
}

/** The whole second of an instant, in UTC. */
function second(instant: string): string {
	return new Date(Math.floor(Date.parse(instant) / 1_000) * 1_000).toISOString();
}

/** Which stretch of so many seconds an instant falls into. */
function bucket(instant: string, seconds: number): string {
	return String(Math.floor(Date.parse(instant) / (seconds * 1_000)));
}

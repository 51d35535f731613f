/**
 * Helix, as far as keeping events coming needs it: subscriptions of EventSub, and the lists that
 * are polled for what a socket missed.
 * Source: dev.twitch.tv/docs/api/reference, dev.twitch.tv/docs/eventsub/manage-subscriptions.
 */
import { z } from 'zod';
import type { Access, Call, CallResult, HttpRequest, Page } from '../call.ts';
import type {
	ActualSubscription,
	Member,
	Quota,
	SubscriptionPage,
	Target,
	WantedSubscription
} from '../source.ts';
import { foreignInstant, foreignText } from '../platform.ts';
import { readAnswer, refusalOf } from './answers.ts';

const PAGE_SIZE = '100';

const Text = z
	.string()
	.max(500)
	.nullish()
	.catch(null)
	.transform((text) => foreignText(text ?? '', 100));
const Id = z
	.union([z.string().min(1).max(100), z.int().transform(String)])
	.transform((id) => foreignText(id, 100));
const Cursor = z
	.object({ cursor: z.string().min(1).max(2_000).nullish() })
	.nullish()
	.catch(null)
	.transform((pagination) => pagination?.cursor ?? null);
const Total = z.int().nonnegative().nullish().catch(null);

const statuses: Readonly<Record<string, ActualSubscription['status']>> = {
	enabled: 'enabled',
	webhook_callback_verification_pending: 'pending',
	webhook_callback_verification_failed: 'failed',
	notification_failures_exceeded: 'failed',
	authorization_revoked: 'revoked',
	user_removed: 'revoked',
	moderator_removed: 'revoked',
	chat_user_banned: 'revoked',
	version_removed: 'revoked',
	beta_maintenance: 'revoked'
};

const Subscription = z
	.object({
		id: Id,
		status: z.string().max(100),
		type: z.string().max(200),
		version: z.union([z.string().max(20), z.int().transform(String)]),
		condition: z.record(z.string(), z.unknown()).catch({}),
		cost: z.int().nonnegative().catch(0),
		created_at: z.string().max(60).catch(''),
		transport: z
			.object({
				session_id: z.string().optional(),
				callback: z.string().optional()
			})
			.catch({})
	})
	.transform(({ status, condition, transport, ...rest }): ActualSubscription => ({
		...rest,
		// Sockets' ends are told by a dozen words that all begin alike.
		status: statuses[status] ?? (status.startsWith('websocket_') ? 'lost' : 'failed'),
		reason: status,
		condition: Object.fromEntries(
			// Unused keys are echoed as empty text.
			Object.entries(condition).flatMap(([key, value]) =>
				typeof value === 'string' && value !== '' ? [[key, value]] : []
			)
		),
		to: transport.session_id ?? transport.callback ?? null
	}));

const quota = { total: Total, total_cost: Total, max_total_cost: Total };

const quotaOf = (answer: { [Key in keyof typeof quota]?: number | null | undefined }): Quota => ({
	total: answer.total ?? 0,
	total_cost: answer.total_cost ?? 0,
	max_total_cost: answer.max_total_cost ?? 0
});

const Subscriptions = z
	.object({ data: z.array(Subscription), pagination: Cursor, ...quota })
	.transform(({ data, pagination, ...rest }): SubscriptionPage => ({
		items: data,
		cursor: pagination,
		total: rest.total ?? null,
		quota: quotaOf(rest)
	}));

const Created = z
	.object({ data: z.tuple([Subscription], z.unknown()), ...quota })
	.transform(({ data: [subscription], ...rest }) => ({ subscription, quota: quotaOf(rest) }));

const User = z.object({ user_id: Id, user_login: Text, user_name: Text });

function request(
	access: Access,
	method: HttpRequest['method'],
	path: string,
	query: Readonly<Record<string, string | null>>,
	body: unknown = null
): HttpRequest {
	const search = new URLSearchParams(
		Object.entries(query).flatMap(([key, value]) => (value === null ? [] : [[key, value]]))
	).toString();
	return {
		method,
		url: `${access.addresses.api ?? ''}${path}${search === '' ? '' : `?${search}`}`,
		headers: {
			authorization: `Bearer ${access.access_token}`,
			'client-id': access.id,
			...(body === null ? {} : { 'content-type': 'application/json' })
		},
		body: body === null ? null : JSON.stringify(body)
	};
}

/** The user's own with a user token; all of the program, of this channel, with the program's. */
export const listSubscriptions = (
	access: Access,
	channelId: string | null,
	cursor: string | null
): Call<SubscriptionPage> => ({
	name: 'twitch.list_subscriptions',
	request: request(access, 'GET', '/eventsub/subscriptions', {
		user_id: channelId,
		after: cursor
	}),
	read: (answer, now) => readAnswer(answer, now, Subscriptions)
});

export const createSubscription = (
	access: Access,
	{ type, version, condition }: WantedSubscription,
	target: Target
): Call<{ subscription: ActualSubscription; quota: Quota }> => ({
	name: 'twitch.create_subscription',
	request: request(
		access,
		'POST',
		'/eventsub/subscriptions',
		{},
		{ type, version, condition, transport: target }
	),
	read: (answer, now) => readAnswer(answer, now, Created)
});

/** One that is gone already is as good as removed. */
export const removeSubscription = (access: Access, id: string): Call<null> => ({
	name: 'twitch.remove_subscription',
	request: request(access, 'DELETE', '/eventsub/subscriptions', { id }),
	read: (answer, now): CallResult<null> =>
		answer.status === 204 || answer.status === 200 || answer.status === 404
			? { ok: true, value: null }
			: refusalOf(answer, now)
});

/** A list of users of a channel, 100 a page. */
const members = (
	name: string,
	path: string,
	entry: z.ZodType<Member>
): ((access: Access, channelId: string, cursor: string | null) => Call<Page<Member>>) => {
	const list = z
		.object({ data: z.array(entry), pagination: Cursor, total: Total })
		.transform(({ data, pagination, total }) => ({
			items: data,
			cursor: pagination,
			total: total ?? null
		}));
	return (access, channelId, cursor) => ({
		name: `twitch.${name}`,
		request: request(access, 'GET', path, {
			broadcaster_id: channelId,
			first: PAGE_SIZE,
			after: cursor
		}),
		read: (answer, now) => readAnswer(answer, now, list)
	});
};

const member = (
	{ user_id, user_login, user_name }: z.infer<typeof User>,
	since: string | null = null,
	about: Member['about'] = {}
): Member => ({
	id: user_id,
	login: user_login || user_name,
	name: user_name || user_login,
	since,
	about
});

/** Newest first. Without the right: an empty list. */
export const followers = members(
	'followers',
	'/channels/followers',
	User.extend({ followed_at: z.string().nullish().catch(null) }).transform(
		({ followed_at, ...user }) => member(user, foreignInstant(followed_at))
	)
);

export const subscribers = members(
	'subscribers',
	'/subscriptions',
	User.extend({ tier: Text, is_gift: z.boolean().catch(false) }).transform(
		({ tier, is_gift, ...user }) => member(user, null, { tier, is_gift })
	)
);

export const moderators = members(
	'moderators',
	'/moderation/moderators',
	User.transform((user) => member(user))
);

export const vips = members(
	'vips',
	'/channels/vips',
	User.transform((user) => member(user))
);

/**
 * `/eventsub/subscriptions`: making, listing and deleting subscriptions.
 * Source: dev.twitch.tv/docs/api/reference, dev.twitch.tv/docs/eventsub/manage-subscriptions.
 */
import { jsonOf, refuse, type Answer } from '../http.ts';
import type { Sockets } from '../sockets.ts';
import { conditionKey, written, type Subscription, type Subscriptions } from '../subscriptions.ts';
import type { Access, Tokens } from '../tokens.ts';
import type { Webhooks } from '../webhooks.ts';
import type { World } from '../world.ts';
import { readWish, transportOf, type Wish } from './wish.ts';
import type { Endpoint } from './index.ts';
import { isAnswer, paged } from './paging.ts';
import { eventSubTypes } from '../types.ts';

export interface EventSubRules {
	/** WebSocket connections with enabled subscriptions, for each program and user. */
	maxConnections: number;
	maxPerConnection: number;
	maxAlike: number;
	maxCostWebSocket: number;
	maxCostWebhook: number;
	/** Rows on a page of the list; Twitch does not say how many. */
	pageSize: number;
}

export const eventSubRules = (): EventSubRules => ({
	maxConnections: 3,
	maxPerConnection: 300,
	maxAlike: 3,
	maxCostWebSocket: 10,
	maxCostWebhook: 10_000,
	pageSize: 100
});

export interface EventSubParts {
	readonly rules: EventSubRules;
	readonly subscriptions: Subscriptions;
	readonly sockets: Sockets;
	readonly webhooks: Webhooks;
	readonly tokens: Tokens;
	readonly world: World;
}

const statusWords =
	/^(enabled|webhook_callback_verification_(pending|failed)|notification_failures_exceeded|authorization_revoked|moderator_removed|user_removed|chat_user_banned|version_removed|beta_maintenance|websocket_(disconnected|failed_ping_pong|received_inbound_traffic|connection_unused|internal_error|network_timeout|network_error|failed_to_reconnect))$/;

export function eventSubEndpoints(parts: EventSubParts): Readonly<Record<string, Endpoint>> {
	const { rules, subscriptions, sockets, webhooks } = parts;

	const totals = ({ clientId, userId }: Access) => {
		const all = subscriptions.of(clientId, userId);
		const enabled = all.filter(({ status }) => status === 'enabled');
		return {
			total: all.length,
			total_cost: enabled.reduce((sum, { cost }) => sum + cost, 0),
			max_total_cost: userId === null ? rules.maxCostWebhook : rules.maxCostWebSocket
		};
	};

	return {
		'POST /eventsub/subscriptions': ({ asked, access }) => {
			const wish = readWish(jsonOf(asked));
			if (isAnswer(wish)) return wish;
			const transport = transportOf(wish, access, sockets, webhooks.rules);
			if (isAnswer(transport)) return transport;
			const refusal =
				consentRefusal(wish, access, parts) ?? limitRefusal(wish, access, parts, totals(access));
			if (refusal !== null) return refusal;
			if (transport.method === 'websocket') {
				transport.session.clientId = access.clientId;
				transport.session.userId = access.userId;
			}
			const made = subscriptions.add({
				...wish,
				clientId: access.clientId,
				userId: access.userId,
				transport,
				status:
					transport.method === 'websocket' ? 'enabled' : 'webhook_callback_verification_pending'
			});
			const body = { data: [written(made)], ...totals(access) };
			if (transport.method === 'webhook') webhooks.verify(made);
			return { status: 202, body };
		},
		'GET /eventsub/subscriptions': ({ asked, access }) => {
			const { query } = asked;
			const names = ['status', 'type', 'user_id', 'subscription_id', 'conduit_id'];
			const filters = names.filter((name) => query.has(name));
			const [filter] = filters;
			if (filters.length > 1 || (filter && query.getAll(filter).length > 1))
				return refuse(400, 'specify at most one filter query parameter');
			const value = query.get(filter ?? '') ?? '';
			if (filter === 'status' && !statusWords.test(value)) return refuse(400, 'invalid status');
			if (filter === 'type' && eventSubTypes[value] === undefined)
				return refuse(400, 'invalid type');
			const rows = subscriptions.of(access.clientId, access.userId).filter((one) => {
				if (filter === undefined) return true;
				if (filter === 'status') return one.status === value;
				if (filter === 'type') return one.type === value;
				if (filter === 'subscription_id') return one.id === value;
				return filter === 'user_id' && Object.values(one.condition).includes(value);
			});
			const list = `eventsub ${access.clientId} ${access.userId} ${filter} ${value}`;
			const page = paged(rows.map(written), asked, list, {
				size: rules.pageSize,
				hasFirst: false
			});
			return isAnswer(page) ? page : { status: 200, body: { ...totals(access), ...page } };
		},
		'DELETE /eventsub/subscriptions': ({ asked, access }) => {
			const id = asked.query.get('id') ?? '';
			if (id === '') return refuse(400, 'missing parameter id');
			const known = subscriptions.all.get(id);
			if (known?.clientId !== access.clientId || known.userId !== access.userId)
				return refuse(404, 'subscription does not exist');
			subscriptions.all.delete(id);
			return { status: 204 };
		}
	};
}

/** Whether the person whom it is about lets the program know this. */
function consentRefusal(
	wish: Wish,
	access: Access,
	{ tokens, world }: EventSubParts
): Answer | null {
	const refusal = refuse(403, 'subscription missing proper authorization');
	const { condition, rule } = wish;
	if (rule.webhookOnly) return condition['client_id'] === access.clientId ? null : refusal;
	if (rule.scopes.length === 0) return null;
	const who = condition[rule.consentOf] ?? '';
	const broadcaster = condition['broadcaster_user_id'] ?? '';
	const isModerator = who === broadcaster || world.channel(broadcaster).moderators.has(who);
	if (rule.consentOf === 'moderator_user_id' && !isModerator) return refusal;
	// Over WebSocket the token itself must be theirs and carry the consent.
	if (access.userId !== null && access.userId !== who) return refusal;
	const consent =
		access.userId === null ? tokens.consent(access.clientId, who) : new Set(access.scopes);
	if (!rule.scopes.some((scope) => consent?.has(scope))) return refusal;
	if (access.userId !== null || rule.consentOf !== 'user_id') return null;
	const owner = tokens.consent(access.clientId, broadcaster);
	const mayRead = consent?.has('user:bot') && (isModerator || owner?.has('channel:bot'));
	return mayRead ? null : refusal;
}

function limitRefusal(
	wish: Wish,
	access: Access,
	{ rules, subscriptions }: EventSubParts,
	totals: { total_cost: number; max_total_cost: number }
): Answer | null {
	const live = ({ status }: Subscription) =>
		status === 'enabled' || status === 'webhook_callback_verification_pending';
	const mine = [...subscriptions.all.values()].filter(
		(one) => one.clientId === access.clientId && live(one)
	);
	const alike = mine.filter(
		({ type, version, condition }) =>
			type === wish.type &&
			version === wish.version &&
			conditionKey(condition) === conditionKey(wish.condition)
	);
	const [twin] = alike.filter(({ transport }) =>
		transport.method === 'websocket'
			? transport.session.id === wish.transport['session_id']
			: transport.callback === wish.transport['callback']
	);
	if (twin !== undefined) return refuse(409, 'subscription already exists', { id: twin.id });
	if (alike.length >= rules.maxAlike)
		return refuse(429, 'subscription type and condition limit exceeded');
	const cost = subscriptions.costOf(access.clientId, wish.type, wish.condition);
	if (totals.total_cost + cost > totals.max_total_cost)
		return refuse(429, 'subscription total cost limit exceeded');
	if (access.userId === null) return null;
	const sessions = mine
		.filter(({ userId }) => userId === access.userId)
		.flatMap(({ transport }) => (transport.method === 'websocket' ? [transport.session] : []));
	const here = sessions.filter(({ id }) => id === wish.transport['session_id']).length;
	if (here >= rules.maxPerConnection)
		return refuse(429, 'number of subscriptions for this websocket transport limit exceeded');
	if (here === 0 && new Set(sessions).size >= rules.maxConnections)
		return refuse(429, 'number of websocket transports limit exceeded');
	return null;
}

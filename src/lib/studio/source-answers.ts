/** What `/v1` answers about connections and how their events come here: see `answers.ts`. */
import { z } from 'zod';

const names = z.array(z.string());
export const Mode = z.enum(['websocket', 'webhook', 'relay', 'poll']);
export type Mode = z.infer<typeof Mode>;
export const Flow = z.enum(['code', 'device']);
export type Flow = z.infer<typeof Flow>;

export const EventGroup = z.object({
	id: z.string(),
	title: z.string(),
	description: z.string(),
	scopes: names,
	is_default: z.boolean(),
	event_types: names
});
export type EventGroup = z.infer<typeof EventGroup>;

export const ConnectablePlatform = z.object({
	name: z.string(),
	title: z.string(),
	/** Those that the present client can be used in. */
	flows: z.array(Flow),
	is_configured: z.boolean(),
	client_id: z.string().nullable(),
	/** Whose it is: a server's cannot be forgotten here. */
	client_of: z.enum(['account', 'server']).nullish(),
	redirect_uri: z.string().nullable(),
	groups: z.array(EventGroup),
	modes: z.array(Mode),
	takes_webhooks: z.boolean(),
	webhook_url: z.string().nullable()
});
export type ConnectablePlatform = z.infer<typeof ConnectablePlatform>;

export const Connection = z.object({
	id: z.uuid(),
	platform: z.string(),
	channel_id: z.string(),
	channel_name: z.string().nullish(),
	login: z.string().nullish(),
	picture: z.string().nullish(),
	mode: Mode,
	groups: names,
	scopes: names,
	status: z.enum(['connected', 'reconnect_needed', 'disconnected']),
	status_reason: z.string().nullish(),
	last_delivery_at: z.string().nullish()
});
export type Connection = z.infer<typeof Connection>;

export const Begun = z.object({
	id: z.string(),
	flow: Flow,
	url: z.string().nullable(),
	user_code: z.string().nullable(),
	verification_uri: z.string().nullable(),
	expires_at: z.string(),
	interval_s: z.number().nullable()
});
export type Begun = z.infer<typeof Begun>;

export const Authorization = z.object({
	status: z.enum(['pending', 'connected', 'denied', 'expired', 'failed']),
	reason: z.string().nullable()
});
export type Authorization = z.infer<typeof Authorization>;

export const Subscription = z.object({
	type: z.string(),
	version: z.string().nullish(),
	/** `enabled`, `pending`, `missing`, `revoked` or `failed`; a newer server may know more. */
	status: z.string(),
	reason: z.string().nullish(),
	cost: z.number().nullish(),
	last_event_at: z.string().nullish(),
	last_poll_at: z.string().nullish(),
	last_poll_agreed: z.boolean().nullish(),
	missed: z.int().nonnegative()
});
export type Subscription = z.infer<typeof Subscription>;

export const SourcePoll = z.object({
	name: z.string(),
	every_s: z.number().nullish(),
	last_at: z.string().nullish(),
	next_at: z.string().nullish(),
	last_error: z.string().nullish(),
	missed: z.int().nonnegative()
});
export type SourcePoll = z.infer<typeof SourcePoll>;

export const SourceProblem = z.object({
	code: z.string(),
	text: z.string(),
	way_out: z.string().nullish(),
	since: z.string().nullish()
});
export type SourceProblem = z.infer<typeof SourceProblem>;

export const SourceReport = z.object({
	connection_id: z.uuid(),
	mode: Mode,
	state: z.enum(['live', 'connecting', 'polling', 'waiting', 'stopped', 'problem']),
	since: z.string().nullable(),
	last_event_at: z.string().nullable(),
	subscriptions: z.array(Subscription),
	quota: z
		.object({
			total: z.number().nullish(),
			total_cost: z.number(),
			max_total_cost: z.number(),
			at: z.string().nullish()
		})
		.nullable(),
	polls: z.array(SourcePoll),
	reliability: z.object({
		/** Came by itself. */
		received: z.int().nonnegative(),
		/** Only a list of the platform knew of it. */
		missed: z.int().nonnegative(),
		since: z.string().nullable()
	}),
	problems: z.array(SourceProblem)
});
export type SourceReport = z.infer<typeof SourceReport>;

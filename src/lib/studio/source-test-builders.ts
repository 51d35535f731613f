/** Platforms, connections and reports for tests: valid as they come, changed by spreads. */
import type {
	ConnectablePlatform,
	Connection,
	SourceReport,
	Subscription
} from './source-answers.ts';
import { AT, uuid } from './test-builders.ts';

export const CONNECTION = uuid(40);

export const aPlatform = (change: Partial<ConnectablePlatform> = {}): ConnectablePlatform => ({
	name: 'stage',
	title: 'Stage',
	flows: ['code', 'device'],
	is_configured: true,
	client_id: 'client-one',
	client_of: 'account',
	redirect_uri: 'https://studio.example/connect/stage/callback',
	groups: [
		{
			id: 'follows',
			title: 'Follows',
			description: 'Who follows the channel.',
			scopes: ['read:followers'],
			is_default: true,
			event_types: ['stage:follower']
		},
		{
			id: 'raids',
			title: 'Raids',
			description: 'Other channels that come.',
			scopes: [],
			is_default: true,
			event_types: ['stage:raid']
		},
		{
			id: 'chat',
			title: 'Chat',
			description: 'Every message.',
			scopes: ['read:chat'],
			is_default: false,
			event_types: ['stage:chat']
		}
	],
	modes: ['websocket', 'webhook', 'poll'],
	takes_webhooks: true,
	webhook_url: 'https://studio.example/webhooks/stage',
	...change
});

export const aConnection = (change: Partial<Connection> = {}): Connection => ({
	id: CONNECTION,
	platform: 'stage',
	channel_id: '314159',
	channel_name: 'OldVic',
	login: 'oldvic',
	picture: null,
	mode: 'websocket',
	groups: ['follows', 'raids'],
	scopes: ['read:followers'],
	status: 'connected',
	status_reason: null,
	last_delivery_at: AT,
	...change
});

export const aSubscription = (change: Partial<Subscription> = {}): Subscription => ({
	type: 'channel.follow',
	version: '2',
	status: 'enabled',
	reason: null,
	cost: 0,
	last_event_at: AT,
	last_poll_at: AT,
	last_poll_agreed: true,
	missed: 0,
	...change
});

export const aReport = (change: Partial<SourceReport> = {}): SourceReport => ({
	connection_id: CONNECTION,
	mode: 'websocket',
	state: 'live',
	since: AT,
	last_event_at: AT,
	subscriptions: [aSubscription(), aSubscription({ type: 'channel.raid', last_poll_at: null })],
	quota: { total: 2, total_cost: 1, max_total_cost: 10, at: AT },
	polls: [
		{ name: 'followers', every_s: 60, last_at: AT, next_at: AT, last_error: null, missed: 2 }
	],
	reliability: { received: 412, missed: 2, since: AT },
	problems: [],
	...change
});

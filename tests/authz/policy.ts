/**
 * Who may do what: the one oracle of the authorization matrix. It is written down by hand and
 * compared with what the running system offers: an operation that is only here or only there fails.
 *
 * What a refusal looks like is the same everywhere: 401 for nobody, 403 for what one may not do in
 * an account to which one belongs, 404 for everything that is not one's own, whether it exists or not.
 */
import type { Permission } from '../../src/lib/bus/permission.ts';
import type { ObjectKind } from './world.ts';

/**
 * `anyone`: also nobody. `signed-in`: whoever has an identity, in whatever account. `member`: belongs
 * to the account. `page`: an overlay's page.
 */
export type Who = Permission | 'anyone' | 'signed-in' | 'member' | 'page';

export interface Rule {
	who: Who;
	/** Needed besides. */
	also?: Permission;
	/** Does as well as `who`. */
	or?: Permission;
	/** The object is looked for with this permission, before the other is asked. */
	finds?: Permission;
	/** The operation names one of these, and only one's own is found. */
	object?: ObjectKind;
	/** The object is looked for before the permission is asked: a foreign one is not found by anybody. */
	objectFirst?: true;
	/** For people only; what a key hears that holds the permission. */
	person?: 403 | 404;
	/** That it is for people is said before anything is looked up. */
	personFirst?: true;
	/** Only for who is in an account at all. */
	inAccount?: true;
	/** Only the account that was made first on the server. */
	operator?: true;
	/** Tables that it may write, beside the audit log and the hints it sends. None: it only reads. */
	writes?: readonly string[];
	/** What it says when it is allowed; by default that it was done. */
	status?: number;
	/** What a public address says to a wrong secret, by who asks. */
	says?: Readonly<Record<'person' | 'other' | 'anonymous', number>>;
	/** What some hear instead, by their names. */
	except?: Readonly<Record<string, number>>;
	/** Tables that it writes as the server itself, which cannot be undone. */
	commits?: readonly string[];
	/** Its effect is no transaction of the principal's, so only refusals can be tried and undone. */
	onlyRefusals?: true;
}

export interface RestRule extends Rule {
	/** Query of a GET, body of the rest; `id` is the object where it is not in the path. */
	input?: (id: string, accountName: string) => Readonly<Record<string, unknown>>;
	/** Parameters of the path that are no object. */
	path?: Readonly<Record<string, string>>;
	/** What the OpenAPI document says, where it cannot say it all. */
	documented?: string;
}

const queue = [
	...[
		'app.plays',
		'app.play_transitions',
		'app.overlay_queues',
		'app.platform_events',
		'app.accounts'
	]
];
const recording = [...queue, 'app.event_keys', 'app.platform_events'];
const keys = ['app.keys', 'app.invitations', 'app.pairings'];
const emitted = { event_type: 'custom:word' };
const password = 'correct horse battery';
const connection = {
	...{ platform: 'twitch', channel_id: '12345', secret: '0123456789abcdef' }
};
const client = { client_id: 'abcdefghij0123456789abcdefghij', client_secret: null };
const instance_id = '6f1c3b5e-0000-4000-8000-000000000001';
const kind = {
	...{ type: 'custom:kind', title: 'Kind', description: '', class: 'animated', duration_ms: null },
	...{ priority: 'normal', schema: null, sample: {} }
};
const span = JSON.stringify({ time_zone: 'UTC', interval: 'day' });
const beat = { instance_id, visible: true, protocol: '1' };

/** By method and path of the OpenAPI document. */
export const rest: Readonly<Record<string, RestRule>> = {
	'GET /events': { who: 'events:read' },
	'GET /events/export': { who: 'events:read' },
	'GET /events/{id}': { who: 'events:read', object: 'event' },
	'POST /events': {
		...{ who: 'events:create', status: 201, writes: recording, input: () => emitted }
	},
	'POST /events/emit': {
		...{ who: 'events:create', status: 201, writes: recording, input: () => emitted }
	},
	'POST /events/test': {
		...{ who: 'events:create', status: 201, writes: recording },
		input: () => ({ event_type: 'twitch:follower' })
	},
	'PUT /events/{id}/cancel': { who: 'queue:control', object: 'event', writes: queue },
	'POST /events/{id}/replay': { who: 'queue:control', object: 'event', writes: queue },
	// Who is in no account is shown what is built in.
	'GET /event-types': { who: 'events:read', or: 'events:create', documented: 'signed-in' },
	'POST /event-types': {
		...{ who: 'overlays:edit', status: 201, writes: ['app.event_types'] },
		input: () => ({ type: 'custom:fresh', title: 'Fresh' })
	},
	'PUT /event-types/{name}': {
		...{ who: 'overlays:edit', path: { name: 'kind' }, writes: ['app.event_types'] },
		input: () => ({ title: 'Changed' })
	},
	'DELETE /event-types/{name}': {
		...{ who: 'overlays:edit', path: { name: 'kind' }, writes: ['app.event_types'] }
	},
	'GET /event-templates': { who: 'events:read', or: 'events:create' },
	'POST /event-templates': {
		...{ who: 'overlays:edit', status: 201, writes: ['app.event_templates'] },
		input: () => ({ name: 'Fresh', event_type: 'custom:word' })
	},
	'PUT /event-templates/{id}': {
		...{ who: 'overlays:edit', object: 'template', writes: ['app.event_templates'] },
		input: () => ({ name: 'Changed', event_type: 'custom:word' })
	},
	'DELETE /event-templates/{id}': {
		...{ who: 'overlays:edit', object: 'template', writes: ['app.event_templates'] }
	},
	'GET /subscriptions/{overlay_id}': { who: 'overlays:read', object: 'overlay' },
	'PUT /subscriptions/{overlay_id}': {
		...{ who: 'overlays:edit', also: 'overlays:read', object: 'overlay' },
		...{ writes: ['app.event_subscriptions'], input: () => ({ items: [{ pattern: '*' }] }) }
	},
	'GET /analytics/events': { who: 'events:read' },
	'GET /analytics/overlays': { who: 'events:read' },
	'GET /queue': { who: 'events:read' },
	'POST /queue/pause': {
		...{ who: 'queue:control', object: 'overlay', writes: queue },
		input: (overlay_id) => ({ overlay_id })
	},
	'POST /queue/resume': {
		...{ who: 'queue:control', object: 'overlay', writes: queue },
		input: (overlay_id) => ({ overlay_id })
	},
	'POST /queue/skip': {
		...{ who: 'queue:control', object: 'overlay', writes: queue },
		input: (overlay_id) => ({ overlay_id })
	},
	'POST /plays/{id}/cancel': { who: 'queue:control', object: 'play', writes: queue },
	'GET /overlays': { who: 'overlays:read' },
	'GET /overlays/{id}': { who: 'overlays:read', object: 'overlay' },
	'GET /overlays/{id}/keys': { who: 'overlays:keys', object: 'overlay' },
	'POST /overlays/{id}/keys': {
		...{ who: 'overlays:keys', object: 'overlay', person: 403, status: 201, writes: keys },
		input: () => ({ name: 'OBS' })
	},
	'GET /keys': { who: 'keys:edit', input: () => ({ kind: 'api' }) },
	'POST /keys': {
		...{ who: 'keys:edit', person: 403, status: 201, writes: keys },
		input: () => ({ name: 'Program', permissions: ['events:read'] })
	},
	'POST /keys/{id}/rotate': {
		...{ who: 'keys:edit', finds: 'keys:edit', object: 'key', person: 403, writes: keys },
		// Who handles the keys of overlays alone does not see this one.
		except: { 'key with overlays:keys alone': 404 }
	},
	'DELETE /keys/{id}': { who: 'keys:edit', object: 'key', objectFirst: true, writes: keys },
	'POST /keys/pairings': {
		...{ who: 'keys:edit', person: 403, status: 201, writes: keys },
		input: () => ({ permissions: ['events:read'] })
	},
	'GET /keys/pairings/{id}': { who: 'keys:edit', object: 'pairing' },
	'POST /keys/pair': {
		...{ who: 'anyone', input: () => ({ code: 'a-guess', name: 'Phone' }) },
		says: { person: 404, other: 404, anonymous: 404 }
	},
	'GET /members': { who: 'members:read' },
	'PUT /members/{id}': {
		...{ who: 'members:edit', object: 'member', person: 403, writes: ['app.members'] },
		input: () => ({ role: 'administrator' })
	},
	'DELETE /members/{id}': {
		...{ who: 'members:edit', object: 'member', person: 403, writes: ['app.members', ...keys] }
	},
	'POST /members/leave': {
		...{ who: 'member', person: 404, writes: ['app.members', ...keys] }
	},
	'POST /members/{id}/transfer': {
		...{ who: 'account:manage', object: 'member', person: 403, writes: ['app.members'] }
	},
	'POST /invitations': {
		...{ who: 'members:edit', person: 403, status: 201, writes: keys },
		input: () => ({ role: 'moderator' })
	},
	'GET /invitations': { who: 'members:read' },
	'DELETE /invitations/{id}': {
		...{ who: 'members:edit', object: 'invitation', person: 403, writes: keys }
	},
	'GET /invitations/info': {
		...{ who: 'anyone', input: () => ({ secret: 'ck_invite_guess' }) },
		says: { person: 404, other: 404, anonymous: 404 }
	},
	'POST /invitations/accept': {
		...{ who: 'anyone', input: () => ({ secret: 'ck_invite_guess' }) },
		says: { person: 404, other: 403, anonymous: 401 },
		except: { 'owner whose session ended': 403 }
	},
	'GET /accounts': { who: 'signed-in' },
	'PUT /accounts/current': {
		...{ who: 'member', object: 'account', person: 403 },
		input: (account_id) => ({ account_id })
	},
	'GET /sign-in': { who: 'anyone' },
	'GET /sign-in/mine': { who: 'signed-in', person: 403 },
	'GET /sessions': { who: 'signed-in', person: 403 },
	'DELETE /sessions/{id}': {
		...{ who: 'signed-in', object: 'session', person: 403, commits: ['app.audit_log'] }
	},
	'DELETE /sessions': { who: 'signed-in', person: 403, onlyRefusals: true },
	'GET /audit': { who: 'audit:read' },
	'GET /audit/export': { who: 'audit:read', writes: [] },
	'GET /account/export': { who: 'account:manage', also: 'members:read', writes: [] },
	'DELETE /account': {
		...{ who: 'account:manage', person: 403, personFirst: true },
		input: (_id, name) => ({ name }),
		writes: [
			...['app.account_deletions', 'app.keys', 'app.platform_connections', 'app.members'],
			...['identity."user"', 'identity.session', 'app.pending_authorizations']
		]
	},
	'GET /connections': { who: 'connections:read' },
	'POST /connections': {
		...{ who: 'connections:edit', status: 201, writes: ['app.platform_connections'] },
		input: () => connection
	},
	'POST /connections/authorize': {
		...{ who: 'connections:edit', person: 403, status: 201 },
		writes: ['app.pending_authorizations'],
		input: () => ({ platform: 'twitch', flow: 'code' })
	},
	'GET /connections/authorize/{id}': { who: 'connections:edit', object: 'authorization' },
	'PUT /connections/{id}': {
		...{ who: 'connections:edit', finds: 'connections:read', object: 'connection' },
		...{ writes: ['app.platform_connections'] }
	},
	'DELETE /connections/{id}': {
		...{ who: 'connections:edit', finds: 'connections:read', object: 'connection' },
		...{ writes: ['app.platform_connections'] }
	},
	'GET /connections/{id}/source': { who: 'connections:read', object: 'connection' },
	'POST /connections/{id}/reconcile': {
		// Without consent there is nothing to look at.
		...{ who: 'connections:edit', object: 'connection', status: 409 }
	},
	'GET /platforms': { who: 'connections:read' },
	'PUT /platforms/{platform}/client': {
		...{ who: 'connections:edit', path: { platform: 'twitch' }, input: () => client },
		writes: ['app.platform_clients']
	},
	'DELETE /platforms/{platform}/client': {
		...{ who: 'connections:edit', path: { platform: 'twitch' }, writes: [] }
	},
	'GET /me': { who: 'signed-in' },
	'POST /realtime/token': { who: 'signed-in', inAccount: true },
	'POST /setup': {
		who: 'anyone',
		input: () => ({ token: 'a-guess', email: 'x@example.com', password, account: 'Guessed' }),
		says: { person: 403, other: 403, anonymous: 403 }
	},
	'POST /overlay/session': {
		...{ who: 'anyone', input: () => ({ key: 'ck_overlay_guess' }) },
		says: { person: 401, other: 401, anonymous: 401 }
	},
	'GET /overlay/state': { who: 'page' },
	'POST /overlay/heartbeat': {
		...{ who: 'page', input: () => beat, writes: ['app.overlay_instances', ...queue] }
	},
	'POST /overlay/claim': { who: 'page', input: () => ({ instance_id, lane: 'main' }) },
	'POST /overlay/report': {
		// Of a play that is not its own it hears that it is unknown.
		who: 'page',
		input: () => ({ instance_id, play_id: instance_id, attempt: 1, report: 'ended' })
	},
	'GET /stream': { who: 'events:read', also: 'events:userinfo' },
	'GET /overlay/events': { who: 'page' },
	'GET /tasks': { who: 'connections:read' },
	'POST /tasks/{name}/run': {
		...{ who: 'account:manage', operator: true, path: { name: 'a_task' }, writes: ['app.tasks'] }
	},
	'PUT /tasks/{name}': {
		...{ who: 'account:manage', operator: true, path: { name: 'a_task' }, writes: ['app.tasks'] },
		input: () => ({ is_enabled: false })
	},
	'GET /viewers': { who: 'events:userinfo' },
	'GET /viewers/{id}': { who: 'events:userinfo', object: 'viewer' },
	'DELETE /viewers/{id}': { who: 'events:delete', object: 'viewer', writes: ['app.viewers'] },
	'GET /channel-status': { who: 'spotify:read' },
	'GET /spotify/manual-connect': { who: 'spotify:read' },
	'POST /spotify/manual-connect': { who: 'spotify:worker', writes: ['app.spotify_manual'] },
	'DELETE /spotify/manual-connect': { who: 'spotify:worker', writes: [] }
};

/** Each root field says what the address of REST says; a subscription what the stream says. */
export const graphql: Readonly<Record<string, keyof typeof rest>> = {
	'Query.events': 'GET /events',
	'Query.event': 'GET /events/{id}',
	'Query.eventTypes': 'GET /event-types',
	'Query.eventTemplates': 'GET /event-templates',
	'Query.subscriptions': 'GET /subscriptions/{overlay_id}',
	'Query.eventAnalytics': 'GET /analytics/events',
	'Query.overlayAnalytics': 'GET /analytics/overlays',
	'Mutation.setSubscriptions': 'PUT /subscriptions/{overlay_id}',
	'Query.queue': 'GET /queue',
	'Query.overlays': 'GET /overlays',
	'Query.overlay': 'GET /overlays/{id}',
	'Query.connections': 'GET /connections',
	'Query.me': 'GET /me',
	'Query.channelStatus': 'GET /channel-status',
	'Query.spotifyManualStatus': 'GET /spotify/manual-connect',
	'Mutation.emitEvent': 'POST /events/emit',
	'Mutation.testEvent': 'POST /events/test',
	'Mutation.cancelEvent': 'PUT /events/{id}/cancel',
	'Mutation.replayEvent': 'POST /events/{id}/replay',
	'Mutation.cancelPlay': 'POST /plays/{id}/cancel',
	'Mutation.skip': 'POST /queue/skip',
	'Mutation.pause': 'POST /queue/pause',
	'Mutation.resume': 'POST /queue/resume',
	'Mutation.startSpotifyManual': 'POST /spotify/manual-connect',
	'Mutation.stopSpotifyManual': 'DELETE /spotify/manual-connect',
	'Subscription.events': 'GET /stream',
	'Subscription.playChanges': 'GET /stream',
	'Subscription.statusChanged': 'GET /stream'
};

export interface SqlRule extends Rule {
	/** Also for the overlay's own page. */
	orPage?: true;
	/** SQL of arguments that are not plain from their names. */
	args?: Readonly<Record<string, string>>;
	/** Finds nobody's secret: what a right caller hears. */
	refuses?: string;
}

/** Functions that a token may execute. `p_account` is the account, another id the object. */
export const functions: Readonly<Record<string, SqlRule>> = {
	accept_invitation: { who: 'signed-in', person: 403, refuses: 'CU404' },
	begin_authorization: {
		...{ who: 'connections:edit', person: 403, writes: ['app.pending_authorizations'] },
		args: {
			...{ p_platform: `'twitch'`, p_flow: `'code'`, p_mode: 'null', p_groups: `'{}'` },
			...{ p_scopes: `'{}'`, p_client_id: `'client'`, p_redirect_uri: `'http://localhost/'` },
			...{ p_state_hash: `sha256('state')`, p_device_ciphertext: 'null', p_interval_s: 'null' },
			p_lasts_s: '600'
		}
	},
	cancel_event: { who: 'queue:control', object: 'event', writes: queue },
	cancel_play: { who: 'queue:control', object: 'play', writes: queue },
	change_role: {
		...{ who: 'members:edit', object: 'member', person: 403, writes: ['app.members'] },
		args: { p_role: `'administrator'` }
	},
	claim_idempotency_key: {
		...{ who: 'member', writes: ['app.idempotency_keys'] },
		args: { p_key: `'a-key'`, p_request_hash: `sha256('request')` }
	},
	claim_next: { who: 'page', args: { p_instance: `'${instance_id}'`, p_lane: `'main'` } },
	complete_authorization: {
		...{ who: 'connections:edit', object: 'authorization', objectFirst: true },
		writes: ['app.platform_connections', 'app.connection_tokens', 'app.pending_authorizations'],
		args: {
			...{ p_channel: `'{"channel_id":"777","name":"A","login":"a"}'`, p_scopes: `'{}'` },
			...{ p_groups: `'{}'`, p_default_mode: `'relay'`, p_access_ciphertext: `'x'` },
			...{ p_refresh_ciphertext: `'x'`, p_expires_at: 'null', p_secret_ciphertext: 'null' }
		}
	},
	create_event_type: {
		...{ who: 'overlays:edit', writes: ['app.event_types'] },
		args: { p_type: `'${JSON.stringify({ ...kind, type: 'custom:fresh' })}'` }
	},
	update_event_type: {
		...{ who: 'overlays:edit', writes: ['app.event_types'] },
		args: { p_type: `'${JSON.stringify(kind)}'` }
	},
	delete_event_type: {
		...{ who: 'overlays:edit', writes: ['app.event_types'], args: { p_type: `'custom:kind'` } }
	},
	list_event_types: { who: 'events:read', or: 'events:create' },
	find_event_type: { who: 'events:create', args: { p_type: `'custom:kind'` } },
	list_event_templates: { who: 'events:read', or: 'events:create' },
	find_event_template: { who: 'events:create', object: 'template' },
	save_event_template: {
		...{ who: 'overlays:edit', object: 'template', writes: ['app.event_templates'] },
		args: { p_form: `'{"name":"Changed","event_type":"custom:word","data":{}}'` }
	},
	delete_event_template: {
		...{ who: 'overlays:edit', object: 'template', writes: ['app.event_templates'] }
	},
	get_subscriptions: { who: 'overlays:read', object: 'overlay' },
	set_subscriptions: {
		...{ who: 'overlays:edit', also: 'overlays:read', object: 'overlay' },
		writes: ['app.event_subscriptions'],
		args: { p_items: `'[{"pattern":"*","classes":["alert"],"lane":"main","condition":null}]'` }
	},
	event_analytics: { who: 'events:read', args: { p_filter: `'${span}'` } },
	overlay_analytics: { who: 'events:read', args: { p_filter: `'${span}'` } },
	list_upcoming: { who: 'events:read', args: { p_filter: `'{}'` } },
	create_invitation: {
		...{ who: 'members:edit', person: 403, writes: keys },
		args: {
			...{ p_role: `'moderator'`, p_note: 'null', p_token_hash: `sha256('invitation')` },
			p_expires_at: `now() + interval '1 day'`
		}
	},
	create_key: {
		...{ who: 'keys:edit', person: 403, writes: keys },
		args: {
			...{ p_kind: `'api'`, p_name: `'Program'`, p_overlay: 'null', p_permissions: `'{}'` },
			...{ p_token_hash: `sha256('key')`, p_hint: `'abcd'` }
		}
	},
	create_pairing: {
		...{ who: 'keys:edit', person: 403, writes: keys },
		args: { p_permissions: `'{}'`, p_code_hash: `sha256('code')` }
	},
	delete_account: {
		...{ who: 'account:manage', person: 403, writes: rest['DELETE /account']?.writes ?? [] },
		args: { p_name: '(select name from authz.names where id = p_account)' }
	},
	disconnect: {
		...{ who: 'connections:edit', object: 'connection', writes: ['app.platform_connections'] }
	},
	emit_events: {
		...{ who: 'events:create', writes: recording },
		args: {
			p_drafts: `'[{"event_type":"custom:word","class":"animated","platform":"custom","data":{},"origin":"manual"}]'`
		}
	},
	erase_viewer: { who: 'events:delete', object: 'viewer', writes: ['app.viewers'] },
	export_rows: {
		who: 'account:manage',
		args: { p_table: `'overlays'`, p_after: 'null', p_limit: '10' }
	},
	export_tables: { who: 'account:manage' },
	get_authorization: { who: 'connections:edit', object: 'authorization' },
	get_connection: { who: 'connections:read', object: 'connection' },
	get_event: { who: 'events:read', object: 'event' },
	get_overlay: { who: 'overlays:read', object: 'overlay' },
	get_pairing: { who: 'keys:edit', object: 'pairing' },
	get_queue: { who: 'events:read' },
	get_source: { who: 'connections:read', object: 'connection' },
	get_spotify_manual: { who: 'spotify:read' },
	get_status: { who: 'spotify:read' },
	get_viewer: { who: 'events:userinfo', object: 'viewer' },
	// Answers no.
	has_permission: { who: 'signed-in', args: { p_permission: `'events:read'` } },
	heartbeat: {
		...{ who: 'page', writes: ['app.overlay_instances', ...queue] },
		args: { p_instance: `'${instance_id}'`, p_facts: `'{"visible":true}'` }
	},
	// Nobody has claimed this one.
	keep_answer: {
		...{ who: 'signed-in', refuses: 'CU409' },
		args: { p_key: `'unclaimed'`, p_answer: `'x'` }
	},
	leave_account: { who: 'member', person: 404, writes: ['app.members', ...keys] },
	list_audit: {
		who: 'audit:read',
		args: {
			...{ p_search: 'null', p_actor: 'null', p_action: 'null', p_from: 'null', p_to: 'null' },
			...{ p_before: 'null', p_limit: '10' }
		}
	},
	list_clients: { who: 'connections:read' },
	list_connections: { who: 'connections:read' },
	list_events: { who: 'events:read', args: { p_filter: `'{"limit":10}'` } },
	list_invitations: { who: 'members:read' },
	list_keys: { who: 'keys:edit', args: { p_kind: `'api'` } },
	list_members: { who: 'members:read' },
	list_overlays: { who: 'overlays:read' },
	list_tasks: { who: 'connections:read' },
	list_viewers: { who: 'events:userinfo', args: { p_filter: `'{"limit":10}'` } },
	// Answers no: what it says of every topic to everybody is tried beside.
	may_join: { who: 'signed-in', args: { p_topic: `'account:x'`, p_extension: `'broadcast'` } },
	my_accounts: { who: 'signed-in' },
	note_export: { who: 'audit:read', writes: [], args: { p_what: `'audit'` } },
	overlay_document: { who: 'page' },
	pause: { who: 'queue:control', object: 'overlay', writes: queue },
	permitted_accounts: { who: 'signed-in', args: { p_permission: `'events:read'` } },
	pull_events: {
		// Without events:userinfo nobody is named in it.
		who: 'events:read',
		args: { p_epoch: 'null', p_cursor: '0', p_limit: '10' }
	},
	pull_overlay: {
		...{ who: 'overlays:read', also: 'events:userinfo', orPage: true, object: 'overlay' },
		args: { p_epoch: 'null', p_cursor: '0', p_limit: '10' }
	},
	remove_client: {
		...{ who: 'connections:edit', writes: [] },
		args: { p_platform: `'twitch'`, p_fallback_client_id: 'null' }
	},
	remove_member: {
		...{ who: 'members:edit', object: 'member', person: 403, writes: ['app.members', ...keys] }
	},
	replay_event: {
		...{ who: 'queue:control', object: 'event', writes: queue, args: { p_overlay: 'null' } }
	},
	report_play: {
		who: 'page',
		args: {
			p_play: `'${instance_id}'`,
			...{ p_instance: `'${instance_id}'`, p_attempt: '1', p_report: `'ended'`, p_detail: `'{}'` }
		}
	},
	request_reconcile: {
		...{ who: 'connections:edit', object: 'connection', refuses: 'CU409' }
	},
	require_permission: { who: 'events:read', args: { p_permission: `'events:read'` } },
	resume: { who: 'queue:control', object: 'overlay', writes: queue },
	revoke_invitation: {
		...{ who: 'members:edit', object: 'invitation', person: 403, writes: keys }
	},
	revoke_key: { who: 'keys:edit', object: 'key', objectFirst: true, writes: keys },
	rotate_key: {
		...{ who: 'keys:edit', object: 'key', objectFirst: true, person: 403, writes: keys },
		args: { p_token_hash: `sha256('next')`, p_hint: `'abcd'`, p_overlap: `'0'` }
	},
	run_task: {
		...{ who: 'account:manage', operator: true, writes: ['app.tasks'] },
		args: { p_name: `'a_task'` }
	},
	save_client: {
		...{ who: 'connections:edit', writes: ['app.platform_clients'] },
		args: { p_platform: `'twitch'`, p_client_id: `'client'`, p_secret_ciphertext: 'null' }
	},
	save_connection: {
		...{ who: 'connections:edit', writes: ['app.platform_connections'] },
		args: {
			...{ p_platform: `'twitch'`, p_channel_id: `'777'`, p_channel_name: 'null' },
			p_secret_ciphertext: `'x'`
		}
	},
	set_default_account: { who: 'member', person: 404, writes: ['app.members'] },
	set_task_enabled: {
		...{ who: 'account:manage', operator: true, writes: ['app.tasks'] },
		args: { p_name: `'a_task'`, p_is_enabled: 'false' }
	},
	skip: { who: 'queue:control', object: 'overlay', writes: queue, args: { p_lane: 'null' } },
	start_spotify_manual: { who: 'spotify:worker', writes: ['app.spotify_manual'] },
	stop_spotify_manual: { who: 'spotify:worker', writes: [] },
	take_authorization: {
		...{ who: 'signed-in', refuses: 'CU404' },
		args: { p_state_hash: `sha256('a guess')`, p_platform: `'twitch'` }
	},
	transfer_ownership: {
		...{ who: 'account:manage', object: 'member', person: 403, writes: ['app.members'] }
	},
	update_connection: {
		...{ who: 'connections:edit', object: 'connection', writes: ['app.platform_connections'] },
		args: { p_mode: 'null', p_groups: 'null', p_secret_ciphertext: 'null' }
	}
};

/** Tables whose rows a token may read, by the permission in the row's account. No other verb anywhere. */
export const tables: Readonly<Record<string, Permission | 'signed-in'>> = {
	'app.accounts': 'events:read',
	'app.audit_log': 'audit:read',
	'app.current_followers': 'events:userinfo',
	'app.event_subscriptions': 'overlays:read',
	'app.follower_history': 'events:userinfo',
	'app.members': 'members:read',
	'app.overlay_instances': 'overlays:read',
	'app.overlay_queues': 'overlays:read',
	'app.overlays': 'overlays:read',
	'app.permissions': 'signed-in',
	'app.play_transitions': 'events:read',
	'app.plays': 'events:read',
	'app.role_permissions': 'signed-in',
	'app.roles': 'signed-in',
	'app.viewer_roles': 'events:userinfo',
	'app.viewer_subscriptions': 'events:userinfo',
	'app.viewers': 'events:userinfo'
};

/** Realtime topics: heard with both permissions; an overlay's also by its own page. Nobody sends. */
export const topics: Readonly<Record<string, readonly [Permission, Permission]>> = {
	account: ['events:read', 'events:userinfo'],
	overlay: ['overlays:read', 'events:userinfo']
};

/** Everything below `src/routes`: what it is behind. */
export const routes: Readonly<Record<string, 'rest' | 'graphql' | 'public' | 'secret' | 'member'>> =
	{
		'(app)/+layout.server.ts': 'public',
		'(app)/+page.server.ts': 'public',
		'(app)/docs/+page.server.ts': 'public',
		'(app)/join/+page.server.ts': 'public',
		'(app)/studio/+layout.server.ts': 'member',
		'.well-known/jwks.json/+server.ts': 'public',
		'api/[...path]/+server.ts': 'rest',
		'api/openapi.json/+server.ts': 'public',
		'auth/[...path]/+server.ts': 'secret',
		'connect/[platform]/callback/+server.ts': 'secret',
		'graphql/+server.ts': 'graphql',
		'healthz/+server.ts': 'public',
		'overlay/+page.ts': 'public',
		'readyz/+server.ts': 'public',
		'realtime/v1/[...path]/+server.ts': 'secret',
		'v1/[...path]/+server.ts': 'rest',
		'v1/openapi.json/+server.ts': 'public',
		'webhooks/[platform]/+server.ts': 'secret'
	};

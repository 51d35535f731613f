/**
 * Twitch's OAuth: the authorization code flow, the device code flow (RFC 8628 in Twitch's
 * spelling), and what is done with the tokens afterwards.
 *
 * - A public client (no secret) has the device code flow only; its refresh tokens serve once.
 * - `scope` is an array in answers, text with spaces in requests (`scopes` for devices).
 * - Checking a token takes `Authorization: OAuth …`, Helix takes `Bearer …` and `Client-Id`.
 *
 * Source: dev.twitch.tv/docs/authentication (getting-tokens-oauth, refresh-tokens,
 * validate-tokens, revoke-tokens).
 */
import { z } from 'zod';
import type { Call, CallResult, Client, HttpAnswer, HttpRequest } from '../call.ts';
import type { Connect, DevicePoll, EventGroup, Grant } from '../connect.ts';
import { budget, failed, messageOf, readAnswer, refusalOf } from './answers.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const Token = z.string().min(1).max(2_000);
const Scopes = z
	.union([z.array(z.string()), z.string().transform((text) => text.split(' ').filter(Boolean))])
	.nullish()
	.transform((scopes) => scopes ?? []);
/** 0 stands for a token that does not end. */
const Seconds = z
	.number()
	.nonnegative()
	.nullish()
	.transform((seconds) => seconds || null);

const Granted = z
	.object({
		access_token: Token,
		refresh_token: Token.nullish(),
		expires_in: Seconds,
		scope: Scopes
	})
	.transform(({ access_token, refresh_token, expires_in, scope }) => ({
		access_token,
		refresh_token: refresh_token ?? null,
		expires_in_s: expires_in,
		scopes: scope
	}));

const DeviceStarted = z
	.object({
		device_code: Token,
		user_code: z.string().min(1).max(50),
		verification_uri: z.url({ protocol: /^https?$/ }),
		expires_in: z.number().positive(),
		interval: z.number().positive().default(5)
	})
	.transform(({ expires_in, interval, ...rest }) => ({
		...rest,
		expires_in_s: expires_in,
		interval_s: Math.ceil(interval)
	}));

const Validated = z
	.object({ client_id: z.string(), user_id: z.string(), scopes: Scopes, expires_in: Seconds })
	.transform(({ client_id, user_id, scopes, expires_in }) => ({
		channel_id: user_id,
		client_id,
		scopes,
		expires_in_s: expires_in
	}));

const Users = z
	.object({
		data: z.tuple([
			z.object({
				id: z.string().regex(/^\d{1,20}$/),
				login: z.string(),
				display_name: z.string(),
				profile_image_url: z.string().optional()
			})
		])
	})
	.transform(({ data: [{ id, login, display_name, profile_image_url }] }) => ({
		channel_id: id,
		login,
		name: display_name || login,
		picture: profile_image_url || null
	}));

const form = (url: string, fields: Record<string, string | null>): HttpRequest => ({
	method: 'POST',
	url,
	headers: { 'content-type': 'application/x-www-form-urlencoded' },
	body: new URLSearchParams(
		Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
	).toString()
});

const address = (client: Client, path: string) => `${client.addresses.id ?? ''}${path}`;

/** A request to `/token`, with the client's secret when it has one. */
const tokenCall = (
	name: string,
	client: Client,
	fields: Record<string, string>,
	read: (answer: HttpAnswer, now: Date) => CallResult<Grant>
): Call<Grant> => ({
	name: `twitch.${name}`,
	request: form(address(client, '/token'), {
		client_id: client.id,
		client_secret: client.secret,
		...fields
	}),
	read
});

const readGrant = (answer: HttpAnswer, now: Date) => readAnswer(answer, now, Granted);

/** The consent is gone for good: 401, or 400 about the token itself. Other 400s are our mistake. */
function readRefresh(answer: HttpAnswer, now: Date): CallResult<Grant> {
	const said = messageOf(answer) ?? '';
	if (answer.status === 401 || (answer.status === 400 && /invalid .*token/i.test(said)))
		return failed('unauthorized', said || `HTTP ${answer.status}`);
	return readGrant(answer, now);
}

/** Until the streamer has answered, `/token` says 400 and why in its message. */
function readDevice(answer: HttpAnswer, now: Date): CallResult<DevicePoll> {
	const granted = readGrant(answer, now);
	if (granted.ok) return { ok: true, value: { state: 'granted', grant: granted.value } };
	if (answer.status === 400 || answer.status === 403)
		switch ((messageOf(answer) ?? '').trim().toLowerCase().replaceAll(' ', '_')) {
			case 'authorization_pending':
				return { ok: true, value: { state: 'pending' } };
			case 'slow_down':
				return { ok: true, value: { state: 'slow_down' } };
			case 'access_denied':
				return { ok: true, value: { state: 'denied' } };
			// The second: unknown to Twitch by now, as it ended or was used.
			case 'expired_token':
			case 'invalid_device_code':
				return { ok: true, value: { state: 'expired' } };
		}
	return granted;
}

const readNothing = (answer: HttpAnswer, now: Date): CallResult<null> =>
	answer.status >= 200 && answer.status <= 299 ? { ok: true, value: null } : refusalOf(answer, now);

/** How Twitch is connected, for these groups of events. */
export const connectBy = (groups: readonly EventGroup[]): Connect => ({
	client: {
		id: 'TWITCH_CLIENT_ID',
		secret: 'TWITCH_CLIENT_SECRET',
		addresses: {
			api: { variable: 'TWITCH_API_URL', address: 'https://api.twitch.tv/helix' },
			id: { variable: 'TWITCH_ID_URL', address: 'https://id.twitch.tv/oauth2' },
			eventsub: {
				variable: 'TWITCH_EVENTSUB_URL',
				address: 'wss://eventsub.wss.twitch.tv/ws'
			}
		},
		idForm: z.string().regex(/^[\w-]{5,100}$/, 'must be the Client ID of a Twitch application'),
		secretForm: z
			.string()
			.regex(/^[\w-]{5,200}$/, 'must be the Client Secret of a Twitch application')
	},
	groups,
	flows: ['code', 'device'],
	modes: ['websocket', 'webhook', 'poll'],
	needsSecret: ['code'],
	budget,
	authorizeUrl(client, { redirect_uri, scopes, state }) {
		const query = new URLSearchParams({
			response_type: 'code',
			client_id: client.id,
			redirect_uri,
			scope: scopes.join(' '),
			state,
			// Asks even when the channel consented before: the browser may be signed in as somebody else.
			force_verify: 'true'
		});
		return `${address(client, '/authorize')}?${query.toString()}`;
	},
	exchangeCode: (client, { code, redirect_uri }) =>
		tokenCall(
			'exchange_code',
			client,
			{ code, grant_type: 'authorization_code', redirect_uri },
			readGrant
		),
	startDevice: (client, scopes) => ({
		name: 'twitch.start_device',
		request: form(address(client, '/device'), { client_id: client.id, scopes: scopes.join(' ') }),
		read: (answer, now) => readAnswer(answer, now, DeviceStarted)
	}),
	pollDevice: (client, { device_code, scopes }) => ({
		name: 'twitch.poll_device',
		request: form(address(client, '/token'), {
			client_id: client.id,
			scopes: scopes.join(' '),
			device_code,
			grant_type: DEVICE_GRANT
		}),
		read: readDevice
	}),
	refresh: (client, refresh_token) =>
		tokenCall('refresh', client, { grant_type: 'refresh_token', refresh_token }, readRefresh),
	validate: (client, access_token) => ({
		name: 'twitch.validate',
		request: {
			method: 'GET',
			url: address(client, '/validate'),
			headers: { authorization: `OAuth ${access_token}` },
			body: null
		},
		read: (answer, now) => readAnswer(answer, now, Validated)
	}),
	revoke: (client, token) => ({
		name: 'twitch.revoke',
		request: form(address(client, '/revoke'), { client_id: client.id, token }),
		// 400: it was no good any more, which is what was wanted.
		read: (answer, now) =>
			answer.status === 400 ? { ok: true, value: null } : readNothing(answer, now)
	}),
	appToken: (client) =>
		tokenCall('app_token', client, { grant_type: 'client_credentials' }, readGrant),
	identify: (access) => ({
		name: 'twitch.identify',
		request: {
			method: 'GET',
			url: `${access.addresses.api ?? ''}/users`,
			headers: { authorization: `Bearer ${access.access_token}`, 'client-id': access.id },
			body: null
		},
		read: (answer, now) => readAnswer(answer, now, Users)
	})
});

import { expect, it, describe } from 'vitest';
import type { Call, HttpAnswer } from '../call.ts';
import { connectBy } from './connect.ts';

const now = new Date('2026-05-03T18:20:00Z');
const connect = connectBy([]);
const client = {
	id: 'a-client',
	secret: 'a secret & more',
	addresses: { id: 'https://id.test/oauth2', api: 'https://api.test/helix', eventsub: 'wss://e' }
};
const publicClient = { ...client, secret: null };

const answer = (
	status: number,
	body: unknown,
	headers: Record<string, string> = {}
): HttpAnswer => ({
	status,
	headers,
	body: typeof body === 'string' ? body : JSON.stringify(body)
});
const read = <T>(call: Call<T>, ...given: Parameters<typeof answer>) =>
	call.read(answer(...given), now);
const fields = (call: Call<unknown>) =>
	Object.fromEntries(new URLSearchParams(call.request.body ?? ''));

const exchange = connect.exchangeCode(client, { code: 'c', redirect_uri: 'http://x/cb?a=1' });
const device = connect.startDevice(publicClient, ['a:b', 'c:d']);
const poll = connect.pollDevice(publicClient, { device_code: 'dev', scopes: ['a:b'] });
const refresh = connect.refresh(publicClient, 'a+b/c==');
const validate = connect.validate(client, 'tok');
const revoke = connect.revoke(client, 'tok');
const app = connect.appToken(client);
const identify = connect.identify({ ...client, access_token: 'tok' });

describe('requests', () => {
	it('send the streamer to the consent with scopes, state and the address to come back to', () => {
		const url = new URL(
			connect.authorizeUrl(client, {
				redirect_uri: 'http://localhost:4517/connect/twitch/callback',
				scopes: ['bits:read', 'user:read:chat'],
				state: 's&t'
			})
		);
		expect(url.origin + url.pathname).toBe('https://id.test/oauth2/authorize');
		expect(Object.fromEntries(url.searchParams)).toEqual({
			response_type: 'code',
			client_id: 'a-client',
			redirect_uri: 'http://localhost:4517/connect/twitch/callback',
			scope: 'bits:read user:read:chat',
			state: 's&t',
			force_verify: 'true'
		});
	});

	it.each([
		[
			exchange,
			'/token',
			{ code: 'c', grant_type: 'authorization_code', redirect_uri: 'http://x/cb?a=1' },
			true
		],
		[device, '/device', { scopes: 'a:b c:d' }, false],
		[
			poll,
			'/token',
			{
				device_code: 'dev',
				scopes: 'a:b',
				grant_type: 'urn:ietf:params:oauth:grant-type:device_code'
			},
			false
		],
		[refresh, '/token', { grant_type: 'refresh_token', refresh_token: 'a+b/c==' }, false],
		[revoke, '/revoke', { token: 'tok' }, false],
		[app, '/token', { grant_type: 'client_credentials' }, true]
	] as const)('$0.name is a form', (call, path, expected, withSecret) => {
		expect(call.request).toMatchObject({
			method: 'POST',
			url: `https://id.test/oauth2${path}`,
			headers: { 'content-type': 'application/x-www-form-urlencoded' }
		});
		expect(fields(call)).toEqual({
			client_id: 'a-client',
			...(withSecret ? { client_secret: client.secret } : {}),
			...expected
		});
	});

	it('refresh of a client with a secret sends it', () => {
		expect(fields(connect.refresh(client, 'r'))).toMatchObject({ client_secret: client.secret });
	});

	it('validate says OAuth, identify says Bearer and the client', () => {
		expect(validate.request).toMatchObject({
			method: 'GET',
			url: 'https://id.test/oauth2/validate',
			headers: { authorization: 'OAuth tok' }
		});
		expect(identify.request).toMatchObject({
			method: 'GET',
			url: 'https://api.test/helix/users',
			headers: { authorization: 'Bearer tok', 'client-id': 'a-client' }
		});
	});
});

describe('answers', () => {
	it('a grant, with scopes as list, as text, or none', () => {
		const granted = { access_token: 'x', expires_in: 14400, token_type: 'bearer' };
		expect(read(exchange, 200, { ...granted, refresh_token: 'r', scope: ['a', 'b'] })).toEqual({
			ok: true,
			value: { access_token: 'x', refresh_token: 'r', expires_in_s: 14400, scopes: ['a', 'b'] }
		});
		expect(read(exchange, 200, { ...granted, scope: 'a b' })).toMatchObject({
			value: { refresh_token: null, scopes: ['a', 'b'] }
		});
		expect(read(app, 200, { ...granted, expires_in: 0, scope: null })).toMatchObject({
			value: { expires_in_s: null, scopes: [] }
		});
	});

	it('a device code', () => {
		const started = {
			device_code: 'd',
			user_code: 'ABCD-1234',
			verification_uri: 'https://www.twitch.tv/activate?device-code=ABCD1234',
			expires_in: 1800,
			interval: 5
		};
		expect(read(device, 200, started)).toEqual({
			ok: true,
			value: {
				device_code: 'd',
				user_code: 'ABCD-1234',
				verification_uri: 'https://www.twitch.tv/activate?device-code=ABCD1234',
				expires_in_s: 1800,
				interval_s: 5
			}
		});
		expect(
			read(device, 200, { ...started, verification_uri: 'javascript:alert(1)' })
		).toMatchObject({ ok: false, failure: 'malformed' });
	});

	it.each([
		['authorization_pending', 'pending'],
		['Authorization pending', 'pending'],
		['slow_down', 'slow_down'],
		['access_denied', 'denied'],
		['expired_token', 'expired'],
		['invalid device code', 'expired']
	])('a device that says %s is %s', (message, state) => {
		expect(read(poll, 400, { status: 400, message })).toEqual({ ok: true, value: { state } });
	});

	it('a device that was granted, and one that is refused for another reason', () => {
		expect(
			read(poll, 200, { access_token: 'x', refresh_token: 'r', expires_in: 10, scope: ['a'] })
		).toMatchObject({ value: { state: 'granted', grant: { access_token: 'x' } } });
		expect(read(poll, 400, { status: 400, message: 'invalid client' })).toMatchObject({
			ok: false,
			failure: 'rejected',
			reason: 'invalid client'
		});
		expect(read(poll, 502, 'oops')).toMatchObject({ failure: 'unavailable', reason: 'HTTP 502' });
	});

	it.each([
		[400, 'Invalid refresh token', 'unauthorized'],
		[401, 'Unauthorized', 'unauthorized'],
		[400, 'missing client secret', 'rejected'],
		[403, 'invalid client secret', 'forbidden'],
		[500, 'later', 'unavailable']
	])('a refresh refused by %i %s is %s', (status, message, failure) => {
		expect(read(refresh, status, { status, message })).toMatchObject({
			ok: false,
			failure,
			reason: message
		});
	});

	it('a check tells whose token it is; a program’s own token is nobody’s', () => {
		const checked = { client_id: 'a-client', login: 'ann', scopes: ['a'], user_id: '7' };
		expect(read(validate, 200, { ...checked, expires_in: 100 })).toEqual({
			ok: true,
			value: { channel_id: '7', client_id: 'a-client', scopes: ['a'], expires_in_s: 100 }
		});
		expect(read(validate, 200, { client_id: 'a', scopes: null, expires_in: 9 })).toMatchObject({
			failure: 'malformed'
		});
		expect(read(validate, 401, { status: 401, message: 'invalid access token' })).toMatchObject({
			failure: 'unauthorized'
		});
	});

	it('a token that was no good any more is as good as revoked', () => {
		expect(read(revoke, 200, '')).toEqual({ ok: true, value: null });
		expect(read(revoke, 400, { status: 400, message: 'Invalid token' })).toMatchObject({
			ok: true
		});
		expect(read(revoke, 404, { status: 404, message: 'client' })).toMatchObject({
			failure: 'not_found'
		});
	});

	it('whose channel it is', () => {
		const user = { id: '7', login: 'ann', display_name: 'Ann', profile_image_url: 'https://p/x' };
		expect(read(identify, 200, { data: [user] })).toEqual({
			ok: true,
			value: { channel_id: '7', login: 'ann', name: 'Ann', picture: 'https://p/x' }
		});
		expect(read(identify, 200, { data: [] })).toMatchObject({ failure: 'malformed' });
		expect(read(identify, 200, '<html>')).toMatchObject({ failure: 'malformed' });
		expect(read(identify, 302, '')).toMatchObject({ failure: 'malformed' });
	});

	it.each([
		[401, 'Invalid OAuth token', {}, 'unauthorized', null],
		[401, 'Missing scope: bits:read', {}, 'forbidden', null],
		[404, 'gone', {}, 'not_found', null],
		[409, 'there', {}, 'conflict', null],
		[429, 'slow', { 'retry-after': '7' }, 'rate_limited', 7],
		[429, 'slow', { 'ratelimit-reset': String(now.getTime() / 1000 + 12) }, 'rate_limited', 12],
		[429, 'slow', {}, 'rate_limited', null],
		[503, 'later', { 'retry-after': '2' }, 'unavailable', 2],
		[400, 'bad', {}, 'rejected', null]
	] as const)('%i %s', (status, message, headers, failure, retry_after_s) => {
		expect(read(identify, status, { status, message }, headers)).toEqual({
			ok: false,
			failure,
			reason: message,
			retry_after_s
		});
	});

	it('what Twitch says is shortened and made storable', () => {
		const result = read(identify, 400, { message: `\u0000${'x'.repeat(500)}` });
		expect(result).toMatchObject({ ok: false, reason: `\ufffd${'x'.repeat(199)}` });
	});

	it('each tells what is left of the bucket', () => {
		const headers = {
			'ratelimit-limit': '800',
			'ratelimit-remaining': '799',
			'ratelimit-reset': '1777832400'
		};
		expect(connect.budget(answer(200, '', headers))).toEqual({
			limit: 800,
			remaining: 799,
			reset_at: new Date(1777832400_000)
		});
		expect(connect.budget(answer(200, '', { ...headers, 'ratelimit-reset': '' }))).toBeNull();
		expect(connect.budget(answer(200, ''))).toBeNull();
	});
});

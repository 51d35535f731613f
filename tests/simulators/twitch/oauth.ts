/**
 * `id.twitch.tv/oauth2`: token, validate, revoke, and the authorization code flow. The device code
 * flow stands in device.ts.
 * Source: dev.twitch.tv/docs/authentication.
 */
import type { Clock } from './clock.ts';
import { DeviceFlow } from './device.ts';
import { formOf, header, refuseOAuth, type Answer, type Asked } from './http.ts';
import { consentPage } from './pages.ts';
import { secretWord, type Client, type Tokens } from './tokens.ts';
import { knownScopes } from './types.ts';
import type { World } from './world.ts';

const CODE_LIVES_MS = 600_000;

interface Code {
	readonly clientId: string;
	readonly redirectUri: string;
	readonly userId: string;
	readonly scopes: readonly string[];
	readonly expiresAt: number;
}

export class OAuth {
	/** Who allows at once, without a page; null: people press the button. */
	autoAllow: string | null = null;
	readonly device: DeviceFlow;
	readonly #codes = new Map<string, Code>();
	readonly #clock: Clock;
	readonly #tokens: Tokens;
	readonly #world: World;

	constructor(clock: Clock, tokens: Tokens, world: World) {
		this.#clock = clock;
		this.#tokens = tokens;
		this.#world = world;
		this.device = new DeviceFlow(clock, tokens, world);
	}

	handle(asked: Asked): Answer {
		const path = asked.path.replace(/^\/oauth2/, '');
		if (path === '/authorize') return this.#authorize(asked);
		if (path === '/validate' && asked.method === 'GET') return this.#validate(asked);
		if (asked.method !== 'POST') return refuseOAuth(404, 'not found');
		if (path === '/token') return this.#token(formOf(asked));
		if (path === '/device') return this.device.start(formOf(asked), asked.origin);
		if (path === '/revoke') return this.#revoke(formOf(asked));
		return refuseOAuth(404, 'not found');
	}

	/** `auto_allow=<user>` and `auto_deny=1` in the query answer for the person. */
	#authorize(asked: Asked): Answer {
		const { query } = asked;
		const client = this.#tokens.clients.get(query.get('client_id') ?? '');
		if (client === undefined) return refuseOAuth(400, 'invalid client');
		const redirectUri = query.get('redirect_uri') ?? '';
		if (!isRegistered(client, redirectUri))
			return refuseOAuth(400, 'Parameter redirect_uri does not match registered URI');
		const state = query.get('state');
		const back = (fields: Record<string, string>): Answer => {
			const url = new URL(redirectUri);
			for (const [name, value] of Object.entries(fields)) url.searchParams.set(name, value);
			if (state !== null) url.searchParams.set('state', state);
			return { status: 302, headers: { location: url.href } };
		};
		if (query.get('response_type') !== 'code')
			return back({
				error: 'unsupported_response_type',
				error_description: 'response_type must be code'
			});
		const scopes = (query.get('scope') ?? '').split(' ').filter(Boolean);
		const unknown = scopes.find((scope) => !knownScopes.has(scope));
		if (unknown !== undefined)
			return back({
				error: 'invalid_scope',
				error_description: `invalid scope requested: '${unknown}'`
			});
		const answer = asked.method === 'POST' ? new URLSearchParams(asked.body) : null;
		if (query.has('auto_deny') || answer?.get('decision') === 'deny')
			return back({
				error: 'access_denied',
				error_description: 'The user denied you access'
			});
		const who = answer?.get('user') ?? query.get('auto_allow') ?? this.autoAllow;
		const user = who === null ? undefined : this.#world.userBy(who);
		if (user === undefined)
			return {
				status: 200,
				body: consentPage('A program asks for your consent', scopes, [
					...this.#world.users.values()
				])
			};
		const code = secretWord();
		this.#codes.set(code, {
			clientId: client.id,
			redirectUri,
			userId: user.id,
			scopes,
			expiresAt: this.#clock.now().getTime() + CODE_LIVES_MS
		});
		return back({ code, scope: scopes.join(' ') });
	}

	#token(form: URLSearchParams): Answer {
		if (!form.get('client_id')) return refuseOAuth(400, 'missing client id');
		const client = this.#tokens.clients.get(form.get('client_id') ?? '');
		if (client === undefined) return refuseOAuth(400, 'invalid client');
		const grant = form.get('grant_type');
		if (grant === 'urn:ietf:params:oauth:grant-type:device_code')
			return this.device.token(client, form);
		const secret = form.get('client_secret');
		// A public client has no secret to show, and may refresh only.
		const isPublic = client.secret === null && grant === 'refresh_token';
		if (!isPublic) {
			if (!secret) return refuseOAuth(400, 'missing client secret');
			if (secret !== client.secret) return refuseOAuth(403, 'invalid client secret');
		}
		switch (grant) {
			case 'authorization_code':
				return this.#exchange(client, form);
			case 'refresh_token': {
				const granted = this.#tokens.refresh(client, form.get('refresh_token') ?? '');
				return granted === undefined
					? refuseOAuth(400, 'Invalid refresh token')
					: { status: 200, body: granted };
			}
			case 'client_credentials':
				return { status: 200, body: this.#tokens.app(client.id) };
			default:
				return refuseOAuth(400, 'missing or invalid grant type');
		}
	}

	#exchange(client: Client, form: URLSearchParams): Answer {
		const given = form.get('code') ?? '';
		const code = this.#codes.get(given);
		// Whoever asks with it: a code serves once.
		this.#codes.delete(given);
		if (
			code === undefined ||
			code.clientId !== client.id ||
			code.expiresAt <= this.#clock.now().getTime()
		)
			return refuseOAuth(400, 'Invalid authorization code');
		if (form.get('redirect_uri') !== code.redirectUri)
			return refuseOAuth(400, 'Parameter redirect_uri does not match registered URI');
		return { status: 200, body: this.#tokens.grant(client.id, code.userId, code.scopes) };
	}

	#validate(asked: Asked): Answer {
		const [, token = ''] = /^(?:OAuth|Bearer) (\S+)$/.exec(header(asked, 'authorization')) ?? [];
		const access = this.#tokens.find(token);
		if (access === undefined) return refuseOAuth(401, 'invalid access token');
		const left = Math.floor((access.expiresAt - this.#clock.now().getTime()) / 1_000);
		const user = access.userId === null ? undefined : this.#world.users.get(access.userId);
		return {
			status: 200,
			body: {
				client_id: access.clientId,
				...(user && { login: user.login, user_id: user.id }),
				scopes: access.scopes,
				expires_in: left
			}
		};
	}

	#revoke(form: URLSearchParams): Answer {
		const clientId = form.get('client_id') ?? '';
		if (clientId === '') return refuseOAuth(400, 'missing client id');
		if (!this.#tokens.clients.has(clientId)) return refuseOAuth(404, 'client does not exist');
		const access = this.#tokens.find(form.get('token') ?? '');
		if (access === undefined || access.clientId !== clientId)
			return refuseOAuth(400, 'Invalid token');
		this.#tokens.revoke(access.token);
		return { status: 200 };
	}
}

const isRegistered = ({ redirectUris }: Client, uri: string): boolean =>
	URL.canParse(uri) &&
	redirectUris.some((one) => (typeof one === 'string' ? one === uri : one.test(uri)));

/**
 * A platform's OAuth and one list, over real HTTP, for tests of access: small, strict where the
 * product must be right, and breakable request by request. It spells as Twitch documents.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlatformUser {
	id: string;
	login: string;
}

interface Token {
	user: PlatformUser | null;
	scopes: string[];
}

export interface Asked {
	path: string;
	form: Record<string, string>;
	authorization: string;
}

interface Reply {
	status: number;
	body: unknown;
	headers?: Record<string, string>;
}

/** Instead of an answer: `drop` before anything happened, `lose` after it did. */
type Fault = Reply | 'drop' | 'lose';

export interface ConsentPlatform {
	readonly client: { id: string; secret: string };
	/** Variables that point the product here. */
	readonly env: Record<string, string>;
	readonly asked: Asked[];
	/** Requests to a path, so far. */
	count(path: string): number;
	/** The next requests to a path meet these, in order. */
	fault(path: string, ...faults: Fault[]): void;
	/** Waits with the answers to a path until the function that it answers with is called. */
	hold(path: string): () => void;
	/** The owner consents in the browser: what the platform sends it back with. */
	approve(url: string, user: PlatformUser, scopes?: string[]): { code: string; state: string };
	/** The owner answers a device's code. */
	answerDevice(userCode: string, user: PlatformUser | null): void;
	/** A device's code has been asked about too often, or is too old: said at the next question. */
	sayOfDevice(userCode: string, message: string): void;
	/** Makes tokens of this user void. */
	revoke(user: PlatformUser, what?: 'access' | 'all'): void;
	readonly interval_s: number;
	/** Every secret ever given out. */
	readonly secrets: string[];
	stop(): Promise<void>;
}

/** Starts one. `isPublic`: its client has no secret, and its refresh tokens serve once. */
export async function startConsentPlatform({
	isPublic = false,
	interval_s = 5
} = {}): Promise<ConsentPlatform> {
	const client = { id: `client-${randomUUID().slice(0, 8)}`, secret: isPublic ? '' : randomUUID() };
	const asked: Asked[] = [];
	const faults = new Map<string, Fault[]>();
	const held = new Map<string, Promise<void>>();
	const codes = new Map<string, Token & { redirect_uri: string }>();
	const devices = new Map<
		string,
		Token & { user_code: string; message: string | null; isAnswered: boolean }
	>();
	const access = new Map<string, Token>();
	const refresh = new Map<string, Token>();
	const secrets: string[] = [];

	const fresh = (kind: string) => {
		const secret = `${kind}-${randomUUID()}`;
		secrets.push(secret);
		return secret;
	};
	function grant({ user, scopes }: Token, used?: string): Reply {
		const token = fresh('access');
		access.set(token, { user, scopes });
		const isRotated = isPublic || used === undefined;
		const refresh_token = user === null ? undefined : isRotated ? fresh('refresh') : used;
		if (isPublic && used !== undefined) refresh.delete(used);
		if (refresh_token !== undefined) refresh.set(refresh_token, { user, scopes });
		const body = { access_token: token, refresh_token, expires_in: 14_400, token_type: 'bearer' };
		return { status: 200, body: { ...body, scope: scopes } };
	}
	const refuse = (status: number, message: string): Reply => ({
		status,
		body: { status, message }
	});

	function token(form: Record<string, string>): Reply {
		if (form.client_id !== client.id) return refuse(400, 'invalid client');
		const isDevice = form.grant_type?.endsWith(':device_code');
		if (!isPublic && !isDevice && form.client_secret !== client.secret)
			return refuse(403, 'invalid client secret');
		switch (form.grant_type) {
			case 'authorization_code': {
				const code = codes.get(form.code ?? '');
				codes.delete(form.code ?? '');
				if (code === undefined || code.redirect_uri !== form.redirect_uri)
					return refuse(400, 'Invalid authorization code');
				return grant(code);
			}
			case 'refresh_token': {
				const old = refresh.get(form.refresh_token ?? '');
				if (old === undefined) return refuse(400, 'Invalid refresh token');
				return grant(old, form.refresh_token);
			}
			case 'client_credentials':
				return grant({ user: null, scopes: [] });
			default: {
				const device = devices.get(form.device_code ?? '');
				if (device === undefined) return refuse(400, 'invalid device code');
				const { message } = device;
				device.message = null;
				if (message !== null) return refuse(400, message);
				if (!device.isAnswered) return refuse(400, 'authorization_pending');
				devices.delete(form.device_code ?? '');
				return device.user === null ? refuse(400, 'access_denied') : grant(device);
			}
		}
	}

	function answer({ path, form, authorization }: Asked): Reply {
		const [scheme, value = ''] = authorization.split(' ');
		switch (path) {
			case '/oauth2/token':
				return token(form);
			case '/oauth2/device': {
				const device_code = fresh('device');
				const user_code = randomUUID().slice(0, 8).toUpperCase();
				const scopes = (form.scopes ?? '').split(' ').filter(Boolean);
				devices.set(device_code, {
					user: null,
					...{ scopes, user_code, message: null, isAnswered: false }
				});
				const verification_uri = `https://platform.test/activate?device-code=${user_code}`;
				const expires_in = 1_800;
				return {
					status: 200,
					body: { device_code, user_code, verification_uri, expires_in, interval: interval_s }
				};
			}
			case '/oauth2/revoke':
				return access.delete(form.token ?? '') || refresh.delete(form.token ?? '')
					? { status: 200, body: '' }
					: refuse(400, 'Invalid token');
			case '/oauth2/validate': {
				const known = scheme === 'OAuth' ? access.get(value) : undefined;
				if (known === undefined) return refuse(401, 'invalid access token');
				const { user, scopes } = known;
				const who = user && { user_id: user.id, login: user.login };
				return { status: 200, body: { client_id: client.id, scopes, expires_in: 7_200, ...who } };
			}
			case '/helix/users':
			case '/helix/things': {
				const known = scheme === 'Bearer' ? access.get(value) : undefined;
				if (known === undefined) return refuse(401, 'Invalid OAuth token');
				const { id = '', login = '' } = known.user ?? {};
				const user = { id, login, display_name: login.toUpperCase() };
				return { status: 200, body: { data: [{ ...user, profile_image_url: `https://p/${id}` }] } };
			}
			default:
				return refuse(404, 'no such address');
		}
	}

	async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const parts: Uint8Array[] = [];
		for await (const part of request) parts.push(part as Uint8Array);
		const path = new URL(request.url ?? '', 'http://x').pathname;
		const form = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
		const one = { path, form, authorization: request.headers.authorization ?? '' };
		asked.push(one);
		await held.get(path);
		const fault = faults.get(path)?.shift();
		if (fault === 'drop') return void request.socket.destroy();
		const reply = fault === undefined || fault === 'lose' ? answer(one) : fault;
		if (fault === 'lose') return void request.socket.destroy();
		response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
		response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
	}

	const server = createServer((request, response) => void serve(request, response));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const deviceOf = (userCode: string) => {
		const device = [...devices.values()].find(({ user_code }) => user_code === userCode);
		if (device === undefined) throw new Error(`No device shows ${userCode}`);
		return device;
	};
	return {
		client,
		env: {
			TWITCH_API_URL: `${origin}/helix`,
			TWITCH_ID_URL: `${origin}/oauth2`,
			// Nobody answers there: these tests are about consents.
			TWITCH_EVENTSUB_URL: `${origin.replace('http', 'ws')}/ws`,
			TWITCH_CLIENT_ID: client.id,
			TWITCH_CLIENT_SECRET: client.secret
		},
		asked,
		interval_s,
		secrets,
		count: (path) => asked.filter((one) => one.path === path).length,
		fault: (path, ...more) => void faults.set(path, [...(faults.get(path) ?? []), ...more]),
		hold(path) {
			let release = () => {};
			held.set(path, new Promise((resolve) => (release = resolve)));
			return () => {
				held.delete(path);
				release();
			};
		},
		approve(url, user, scopes) {
			const { searchParams } = new URL(url);
			const code = fresh('code');
			codes.set(code, {
				user,
				scopes: scopes ?? (searchParams.get('scope') ?? '').split(' ').filter(Boolean),
				redirect_uri: searchParams.get('redirect_uri') ?? ''
			});
			return { code, state: searchParams.get('state') ?? '' };
		},
		answerDevice(userCode, user) {
			Object.assign(deviceOf(userCode), { user, isAnswered: true });
		},
		sayOfDevice(userCode, message) {
			deviceOf(userCode).message = message;
		},
		revoke(user, what = 'all') {
			for (const [token, of] of access) if (of.user?.id === user.id) access.delete(token);
			if (what === 'all')
				for (const [token, of] of refresh) if (of.user?.id === user.id) refresh.delete(token);
		},
		stop: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			})
	};
}

/**
 * The services of one process behind a real port: REST, sign-in and sockets, asked by browsers
 * with cookies of their own and by programs. First run is done: `owner` is signed in.
 */
import { getRequest, setResponse } from '@sveltejs/kit/node';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { z } from 'zod';
import { answer } from '../../src/lib/server/http.ts';
import { asProblem } from '../../src/lib/server/http/auth.ts';
import { ACCOUNT_COOKIE } from '../../src/lib/server/http/cookies.ts';
import { problemResponse } from '../../src/lib/server/http/problem.ts';
import { startServices, stopServices, type Services } from '../../src/lib/server/services.ts';
import { freePort } from '../harness/ports.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

export type Json = z.core.util.JSONType;
export const PASSWORD = 'correct horse battery';

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	body: Record<string, Json>;
}

/** Somebody with a cookie jar, or with a key. */
export class Caller {
	readonly #origin: string;
	readonly #jar = new Map<string, string>();
	readonly #key: string | null;

	constructor(origin: string, key: string | null = null) {
		this.#origin = origin;
		this.#key = key;
	}

	get headers(): Record<string, string> {
		if (this.#key !== null) return { authorization: `Bearer ${this.#key}` };
		return { cookie: [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ') };
	}

	/** The answer as it comes, its cookies kept. */
	async fetch(path: string, init: RequestInit = {}): Promise<Response> {
		const response = await fetch(new URL(path, this.#origin), {
			redirect: 'manual',
			...init,
			headers: { ...this.headers, ...Object.fromEntries(new Headers(init.headers)) }
		});
		for (const cookie of response.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
			if (value === '' || /max-age=0/i.test(cookie)) this.#jar.delete(name);
			else this.#jar.set(name, value);
		}
		return response;
	}

	async ask(method: string, path: string, body?: Json): Promise<Answer> {
		const response = await this.fetch(path, {
			method,
			...(body === undefined
				? {}
				: { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
		});
		const text = await response.text();
		const parsed = z
			.preprocess((value) => {
				try {
					return JSON.parse(String(value)) as unknown;
				} catch {
					return {};
				}
			}, z.record(z.string(), z.json()).catch({}))
			.parse(text);
		return { status: response.status, headers: response.headers, text, body: parsed };
	}

	/** Forgets its cookies, as another browser of the same person. */
	forget(): void {
		this.#jar.clear();
	}
}

export interface Doors {
	origin: string;
	db: TestDatabase;
	services: Services;
	owner: Caller;
	account_id: string;
	overlay_id: string;
	overlay_url: string;
	browser(): Caller;
	program(key: string): Caller;
	/** A member with this role, who came by an invitation and is signed in. */
	join(role: string, email: string): Promise<{ caller: Caller; user_id: string }>;
	close(): Promise<void>;
}

const Setup = z.object({ account_id: z.string(), overlay_id: z.string(), overlay_url: z.string() });

/** Starts everything on a fresh database and makes the account "Mine" of owner@example.com. */
export async function startDoors(env: Record<string, string> = {}): Promise<Doors> {
	const port = await freePort();
	const origin = `http://127.0.0.1:${port}`;
	const dataDir = await mkdtemp(join(tmpdir(), 'cuelight-doors-'));
	const db = await testDatabase();
	Object.assign(process.env, {
		...{ DATABASE_URL: db.url, CUELIGHT_DATA: dataDir, ORIGIN: origin, CUELIGHT_LOG: 'warn' },
		...env
	});
	const services = await startServices();
	const server = createServer((incoming, outgoing) => {
		void (async () => {
			const request = await getRequest({ request: incoming, base: origin });
			await setResponse(outgoing, await respond(services, request));
		})();
	});
	server.on('upgrade', (request, socket, head) => {
		if (!services.realtime.handleUpgrade(request, socket, head)) socket.destroy();
	});
	server.listen(port, '127.0.0.1');
	await once(server, 'listening');

	const owner = new Caller(origin);
	const made = await owner.ask('POST', '/v1/setup', {
		...{ token: services.setup.waiting ?? '', email: 'owner@example.com' },
		...{ password: PASSWORD, account: 'Mine' }
	});
	const setup = Setup.parse(made.body);
	return {
		...{ origin, db, services, owner },
		...setup,
		browser: () => new Caller(origin),
		program: (key) => new Caller(origin, key),
		async join(role, email) {
			const { body } = await owner.ask('POST', '/v1/invitations', { role });
			const caller = new Caller(origin);
			await caller.ask('POST', '/v1/invitations/accept', {
				secret: body.secret ?? null,
				sign_up: { name: email.split('@')[0] ?? '', email, password: PASSWORD }
			});
			const me = await caller.ask('GET', '/v1/me');
			return {
				caller,
				user_id: z.object({ user: z.object({ id: z.uuid() }) }).parse(me.body).user.id
			};
		},
		async close() {
			await stopServices();
			server.closeAllConnections();
			server.close();
			await db.close();
			await rm(dataDir, { recursive: true, force: true });
		}
	};
}

/** One request: who asks, then which door. */
async function respond(services: Services, request: Request): Promise<Response> {
	const url = new URL(request.url);
	const address = '127.0.0.1';
	const requestId = 'a-request';
	try {
		const account = new RegExp(`${ACCOUNT_COOKIE}=([^;]+)`).exec(
			request.headers.get('cookie') ?? ''
		);
		const path = url.pathname.replace(/^\/(v1|auth)/, '');
		if (url.pathname.startsWith('/auth/'))
			return await asProblem(
				await services.authDoor.answer(request, path, address),
				requestId,
				path
			);
		const principal = await services.doorkeeper.identify(request.headers, address, account?.[1]);
		return await answer({
			...{ request, path, search: url.search, principal, services, address, requestId },
			...{ origin: url.origin, locale: 'en' }
		});
	} catch (error) {
		return problemResponse(error, requestId);
	}
}

/** A socket on a topic, by a member's or program's own token. */
export class Listener {
	readonly #socket: WebSocket;
	readonly events: string[] = [];
	/** Whether it is on the topic now. */
	joined = false;

	private constructor(socket: WebSocket, topic: string) {
		this.#socket = socket;
		const Frame = z.object({
			topic: z.string(),
			event: z.string(),
			payload: z.record(z.string(), z.unknown())
		});
		socket.on('message', (data: Buffer) => {
			const frame = Frame.parse(JSON.parse(data.toString()));
			if (frame.topic !== topic) return;
			if (frame.event === 'phx_reply' && frame.payload.status === 'ok') this.joined = true;
			if (frame.event === 'phx_close' || frame.event === 'phx_error') this.joined = false;
			this.events.push(frame.event);
		});
		socket.on('close', () => (this.joined = false));
		socket.on('error', () => (this.joined = false));
	}

	/** Joins with the token that the caller gets; resolves when it was answered. */
	static async join(
		caller: Caller,
		token?: string
	): Promise<{ listener: Listener; token: string }> {
		const { body } = await caller.ask('POST', '/v1/realtime/token', {});
		const given = z
			.object({ url: z.string(), topic: z.string(), key: z.string(), token: z.string() })
			.parse(body);
		const used = token ?? given.token;
		const url = new URL('/realtime/v1/websocket', given.url);
		url.protocol = 'ws:';
		url.search = new URLSearchParams({ apikey: given.key, vsn: '1.0.0' }).toString();
		const topic = `realtime:${given.topic}`;
		const socket = new WebSocket(url);
		const listener = new Listener(socket, topic);
		await once(socket, 'open');
		const config = { private: true, broadcast: {}, presence: { key: '' } };
		socket.send(
			JSON.stringify({
				...{ topic, event: 'phx_join', ref: '1', join_ref: '1' },
				payload: { config, access_token: used }
			})
		);
		while (listener.events.length === 0) await once(socket, 'message');
		return { listener, token: used };
	}

	close(): void {
		this.#socket.terminate();
	}
}

/** The account's stream: whether it still flows. */
export async function openStream(caller: Caller): Promise<{ ended: () => boolean }> {
	const response = await caller.fetch('/v1/stream');
	if (response.status !== 200) throw new Error(`stream: ${response.status}`);
	let ended = false;
	void response.text().then(
		() => (ended = true),
		() => (ended = true)
	);
	return { ended: () => ended };
}

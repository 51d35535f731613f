/**
 * Broadcasting without a socket, as supabase-js does it: `POST …/api/broadcast` (a batch; what
 * `channel.send` falls back to) and `POST …/api/broadcast/<topic>/events/<event>` (one message;
 * `channel.httpSend`). 202 means handed to whoever listens now; nothing is stored.
 */
import { z } from 'zod';
import { AuthorizationUnavailable } from './authorizer.ts';
import type { Core } from './core.ts';
import { isTopicName, type TopicName } from './hub.ts';
import { payloadBytes } from './limits.ts';
import { identityOfKey, TokenRefused, type Identity } from './token.ts';
import type { UpgradeDeps } from './upgrade.ts';
import { isRecord, MalformedFrame, parseJson, type Broadcast, type JsonRecord } from './wire.ts';

const ROUTE = /\/api\/broadcast(?:\/([^/]+)\/events\/([^/]+))?\/?$/;
const MAX_EVENT = 255;

const TopicText = z.string().refine(isTopicName, 'is not a topic name');
const EventText = z.string().min(1).max(MAX_EVENT);
const Batch = z.object({
	messages: z
		.array(
			z.object({
				topic: TopicText,
				event: EventText,
				payload: z.custom<JsonRecord>(isRecord, 'must be an object'),
				private: z.boolean().nullish()
			})
		)
		.max(100)
});
const Single = z.object({ topic: TopicText, event: EventText });

interface Message {
	topic: TopicName;
	broadcast: Broadcast;
}

class Refused extends Error {
	readonly status: number;
	readonly headers: Record<string, string>;
	constructor(status: number, message: string, headers: Record<string, string> = {}) {
		super(message);
		this.status = status;
		this.headers = headers;
	}
}

/** The body, never more of it than `most` bytes. */
async function read(request: Request, most: number): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of request.body ?? []) {
		length += part.length;
		if (length > most) throw new Refused(413, `The body is larger than ${most} bytes`);
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function json(body: Buffer): unknown {
	try {
		return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body));
	} catch (error) {
		const detail = error instanceof MalformedFrame ? error.message : 'it is not UTF-8';
		throw new Refused(400, `The body is not valid: ${detail}`);
	}
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
	const read = schema.safeParse(value);
	if (read.success) return read.data;
	const issue = read.error.issues[0];
	throw new Refused(
		422,
		`${issue?.path.join('.') || 'The body'}: ${issue?.message ?? 'not valid'}`
	);
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		throw new Refused(400, 'The address is not valid');
	}
}

export function createRest(core: Core, { apiKeys, allowOrigin }: UpgradeDeps) {
	const { limits, clock, rates, hub, authorizer } = core;

	async function identityOf(headers: Headers): Promise<Identity> {
		const bearer = /^Bearer (\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
		const key = bearer ?? headers.get('apikey');
		if (!key) throw new Refused(401, 'Unauthorized');
		// Without a session the client sends its API key as bearer.
		const role = Object.hasOwn(apiKeys, key) ? apiKeys[key] : undefined;
		if (role !== undefined) return identityOfKey(role);
		try {
			return await core.identify(key);
		} catch (error) {
			if (error instanceof TokenRefused) throw new Refused(401, 'Unauthorized');
			throw error;
		}
	}

	function countRequest(): void {
		const now = clock.now();
		if (rates.requests.take(limits.requestsPerSecond, now)) return;
		throw new Refused(429, 'Too many requests', {
			'x-rate-rolling': String(rates.requests.average(now)),
			'x-rate-limit': String(limits.requestsPerSecond),
			'x-rate-limit-remaining': '0'
		});
	}

	function checked(broadcast: Broadcast): Broadcast {
		if (broadcast.body.length <= payloadBytes(limits)) return broadcast;
		throw new Refused(422, 'Payload size exceeds tenant limit');
	}

	async function batch(request: Request): Promise<Message[]> {
		const body = json(await read(request, limits.frameBytes));
		return parse(Batch, body).messages.map(({ topic, event, payload, ...message }) => ({
			topic: { name: topic, private: message.private ?? false },
			broadcast: checked({
				event,
				body: Buffer.from(JSON.stringify(payload)),
				encoding: 'json',
				meta: null
			})
		}));
	}

	async function single(request: Request, topic: string, event: string): Promise<Message> {
		const named = parse(Single, { topic: decoded(topic), event: decoded(event) });
		const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
		if (type !== 'application/json' && type !== 'application/octet-stream')
			throw new Refused(415, 'Send application/json or application/octet-stream');
		const body = await read(request, limits.frameBytes);
		if (type === 'application/json') json(body);
		return {
			topic: {
				name: named.topic,
				private: new URL(request.url).searchParams.get('private') === 'true'
			},
			broadcast: checked({
				event: named.event,
				body,
				encoding: type === 'application/json' ? 'json' : 'binary',
				meta: null
			})
		};
	}

	/** Sends those that the identity may send; false when some were left out. */
	async function publish(identity: Identity, messages: readonly Message[]): Promise<boolean> {
		const writable = new Map<string, boolean>();
		let all = true;
		for (const { topic, broadcast } of messages) {
			let may = topic.private ? writable.get(topic.name) : !limits.privateOnly;
			if (may === undefined) {
				may = await authorizer.write(identity, topic.name, 'broadcast');
				writable.set(topic.name, may);
			}
			if (may) hub.publish(topic, broadcast);
			else all = false;
		}
		return all;
	}

	async function answer(request: Request): Promise<Response> {
		const route = ROUTE.exec(new URL(request.url).pathname);
		if (route === null) throw new Refused(404, 'There is nothing at this address');
		if (request.method !== 'POST')
			throw new Refused(405, 'Broadcasts are POSTed', { allow: 'POST, OPTIONS' });
		countRequest();
		const identity = await identityOf(request.headers);
		const [, topic, event] = route;
		if (topic === undefined || event === undefined) await publish(identity, await batch(request));
		else if (!(await publish(identity, [await single(request, topic, event)])))
			throw new Refused(403, 'Unauthorized');
		return new Response(null, { status: 202 });
	}

	/** Headers by name: a `*` never covers `Authorization` in browsers. */
	const cors = (origin: string | null): Record<string, string> =>
		origin === null
			? {}
			: {
					'access-control-allow-origin': origin,
					'access-control-allow-methods': 'POST, OPTIONS',
					'access-control-allow-headers': 'apikey, authorization, content-type, x-client-info',
					'access-control-max-age': '600',
					vary: 'Origin'
				};

	/** Answers a request to `/realtime/v1/api/broadcast…`; never throws. */
	return async function handle(request: Request): Promise<Response> {
		const origin = request.headers.get('origin');
		const host = request.headers.get('host') ?? new URL(request.url).host;
		if (origin !== null && !allowOrigin(origin, host))
			return Response.json({ message: 'Origin not allowed' }, { status: 403 });
		const headers = cors(origin);
		if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers });
		try {
			const response = await answer(request);
			for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
			return response;
		} catch (error) {
			if (error instanceof Refused)
				return Response.json(
					{ message: error.message },
					{ status: error.status, headers: { ...headers, ...error.headers } }
				);
			if (error instanceof AuthorizationUnavailable)
				return Response.json({ message: error.reason }, { status: 503, headers });
			core.log.error('realtime: a REST broadcast failed', { error });
			return Response.json({ message: 'Something went wrong here' }, { status: 500, headers });
		}
	};
}

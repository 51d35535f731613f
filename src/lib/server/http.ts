/**
 * REST from the action table. Everything that is the same for all addresses is here, once: finding
 * the action, who may come at all, reading the input strictly, repeating under an
 * `Idempotency-Key`, and turning every refusal into a problem document. Nothing a client sends
 * makes a 5xx; a database that is away makes a 503 with `Retry-After`.
 */
import { AppError } from '$lib/bus/error.ts';
import { admit, callAction, type Caller } from './actions/call.ts';
import type { Action } from './actions/define.ts';
import { actions } from './actions/index.ts';
import type { Principal } from './actions/principal.ts';
import { refusalOf } from './backend/statements/refusal.ts';
import { asObject, readJsonText } from './http/body.ts';
import { etagOf, isKnown } from './http/etag.ts';
import { readIdempotencyKey } from './http/idempotency.ts';
import type { Locale } from './http/locale.ts';
import { problemResponse } from './http/problem.ts';
import { readQuery } from './http/query.ts';
import { bucketsOf } from './http/rates.ts';
import { createRouter, MethodNotAllowed } from './http/route.ts';
import type { Services } from './services.ts';

const route = createRouter(actions);

export interface Asked {
	request: Request;
	/** Path below /v1 or /api, with a leading slash. */
	path: string;
	search: string;
	principal: Principal;
	services: Services;
	origin: string;
	locale: Locale;
	address: string;
	requestId: string;
}

/** Answers one API request. Never throws. */
export async function answer(asked: Asked): Promise<Response> {
	const { principal, services, address } = asked;
	const { headers, refusal } = services.rates.take(bucketsOf(principal, address));
	const response =
		refusal === null
			? await dispatch(asked).catch((thrown: unknown) => refuse(asked, thrown))
			: refuse(asked, refusal);
	for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
	return response;
}

function refuse({ services, requestId, path }: Asked, thrown: unknown): Response {
	// Also what the driver throws when a transaction cannot even begin.
	const error = refusalOf(thrown);
	const expected = error instanceof AppError && error.code !== 'internal';
	if (!expected) services.log.error('a request failed', { request: requestId, path, error });
	const response = problemResponse(error, requestId);
	if (error instanceof MethodNotAllowed) response.headers.set('allow', error.allow);
	return response;
}

async function dispatch(asked: Asked): Promise<Response> {
	const { request, path } = asked;
	const { action, params } = route(request.method, path);
	// Before anything is read of a body: strangers do not get to send one.
	admit(action.permission, asked.principal);
	const query = readQuery(asked.search);
	const body = action.method === 'GET' ? '' : await readJsonText(request);
	const headers = new Headers({ 'cache-control': 'no-store', 'x-request-id': asked.requestId });
	const key = action.method === 'GET' ? null : readIdempotencyKey(request.headers);
	const result = await callAction({
		action,
		caller: callerOf(asked),
		input: combine(action, params, query, asObject(body)),
		answer: headers,
		once: key === null ? null : { key, path, body }
	});

	if (result instanceof Response) {
		if (request.method !== 'HEAD') return withHeaders(result, headers);
		await result.body?.cancel();
		return new Response(null, { status: result.status, headers: result.headers });
	}
	headers.set('content-type', action.media);
	const text = JSON.stringify(result);
	if (action.polled) {
		const etag = etagOf(text);
		headers.set('etag', etag);
		// Kept by nobody but the one who asked, and asked about before each use.
		headers.set('cache-control', 'private, no-cache');
		headers.set('vary', 'authorization, cookie, accept-language');
		if (isKnown(request.headers.get('if-none-match'), etag))
			return new Response(null, { status: 304, headers });
	}
	return new Response(request.method === 'HEAD' ? null : text, { status: action.status, headers });
}

/** What the request says about its caller, for every face. */
export function callerOf({ request, ...asked }: Omit<Asked, 'path' | 'search'>): Caller {
	const { principal, services, origin, locale, address } = asked;
	return {
		principal,
		services,
		origin,
		locale,
		address,
		userAgent: (request.headers.get('user-agent') ?? '').slice(0, 300),
		signal: request.signal,
		lastEventId: request.headers.get('last-event-id')
	};
}

/** One object from path, query and body. A field in the wrong place is an unknown field. */
function combine(
	action: Action,
	params: Readonly<Record<string, string>>,
	query: Readonly<Record<string, string>>,
	body: Readonly<Record<string, unknown>>
): Record<string, unknown> {
	const fields = action.method === 'GET' ? query : body;
	const stray = Object.keys(action.method === 'GET' ? body : query).concat(
		Object.keys(fields).filter((key) => Object.hasOwn(params, key))
	);
	if (stray.length > 0)
		throw new AppError('invalid_input', `${stray[0]?.slice(0, 60)}: is not a known field`, {
			issues: stray.map((path) => ({ path: path.slice(0, 60), message: 'is not a known field' }))
		});
	return { ...fields, ...params };
}

function withHeaders(response: Response, headers: Headers): Response {
	for (const [name, value] of headers)
		if (!response.headers.has(name)) response.headers.append(name, value);
	return response;
}

/**
 * REST from the action table. Everything that is the same for all addresses is here, once: finding
 * the action, who may come at all, reading the input strictly, repeating under an
 * `Idempotency-Key`, and turning every refusal into a problem document. Nothing a client sends
 * makes a 5xx; a database that is away makes a 503 with `Retry-After`.
 */
import { AppError } from '$lib/bus/error.ts';
import type { Action, ActionContext, Audience } from './actions/define.ts';
import { actions } from './actions/index.ts';
import { claimsOf, type Principal } from './actions/principal.ts';
import type { TransactionSql } from './backend/index.ts';
import { refusalOf } from './backend/statements/refusal.ts';
import { asObject, readJsonText } from './http/body.ts';
import { readIdempotencyKey, runOnce } from './http/idempotency.ts';
import type { Locale } from './http/locale.ts';
import { problemResponse } from './http/problem.ts';
import { readQuery } from './http/query.ts';
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
	try {
		return await dispatch(asked);
	} catch (thrown) {
		// Also what the driver throws when a transaction cannot even begin.
		const error = refusalOf(thrown);
		const expected = error instanceof AppError && error.code !== 'internal';
		if (!expected)
			asked.services.log.error('a request failed', {
				request: asked.requestId,
				path: asked.path,
				error
			});
		const response = problemResponse(error, asked.requestId);
		if (error instanceof MethodNotAllowed) response.headers.set('allow', error.allow);
		return response;
	}
}

async function dispatch(asked: Asked): Promise<Response> {
	const { request, principal, services } = asked;
	const { action, params } = route(request.method, asked.path);
	admit(action.permission, principal);
	const query = readQuery(asked.search);
	const text = action.method === 'GET' ? '' : await readJsonText(request);
	const input = combine(action, params, query, asObject(text));
	const headers = new Headers({ 'cache-control': 'no-store', 'x-request-id': asked.requestId });
	const key = action.method === 'GET' ? null : readIdempotencyKey(request.headers);

	// Pages' reports are idempotent by themselves, and nobody owns a key before sign-in.
	const keeps = key !== null && action.permission !== 'public' && principal.kind !== 'overlay';
	const result = keeps
		? await runOnce(
				{ ...services, principal, action, path: asked.path, key, body: text },
				(transaction) => action.handle(contextOf(asked, headers, transaction), input)
			)
		: await action.handle(contextOf(asked, headers), input);

	if (result instanceof Response) {
		if (request.method !== 'HEAD') return withHeaders(result, headers);
		await result.body?.cancel();
		return new Response(null, { status: result.status, headers: result.headers });
	}
	headers.set('content-type', 'application/json');
	const body = request.method === 'HEAD' ? null : JSON.stringify(result);
	return new Response(body, { status: action.status, headers });
}

/** Turns away principals that an address is not for. What they may do there is SQL's to say. */
function admit(audience: Audience, principal: Principal): void {
	if (audience === 'public') return;
	if (principal.kind === 'anonymous')
		throw new AppError('unauthenticated', 'Sign in, or send a key as "Authorization: Bearer …".');
	const isPage = principal.kind === 'overlay';
	if (isPage !== (audience === 'overlay'))
		throw new AppError(
			'forbidden',
			isPage
				? 'An overlay page may only use the addresses below /v1/overlay.'
				: 'Only an overlay page may do this, with its own session.'
		);
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

function contextOf(asked: Asked, answer: Headers, transaction?: TransactionSql): ActionContext {
	const { principal, services, origin, locale, address, request } = asked;
	return {
		principal,
		services,
		origin,
		locale,
		address,
		answer,
		userAgent: (request.headers.get('user-agent') ?? '').slice(0, 300),
		signal: request.signal,
		lastEventId: request.headers.get('last-event-id'),
		as: async (run) => {
			if (transaction !== undefined) return run(transaction);
			const claims = claimsOf(principal);
			if (claims === null) throw new AppError('unauthenticated', 'Sign in or send a key.');
			return services.database.as(claims, run);
		}
	};
}

function withHeaders(response: Response, headers: Headers): Response {
	for (const [name, value] of headers)
		if (!response.headers.has(name)) response.headers.append(name, value);
	return response;
}

/**
 * GraphQL over the action table. The request is read as strictly as REST's: JSON under the same
 * limit, counted against the same quotas, judged by the same origin policy before it comes here.
 * Loaded when the first query comes, so that a start does not wait for it.
 */
import { dev } from '$app/environment';
import { createYoga } from 'graphql-yoga';
import { AppError } from '$lib/bus/error.ts';
import { actions } from '$lib/server/actions/index.ts';
import { refusalOf } from '$lib/server/backend/statements/refusal.ts';
import { callerOf, type Asked } from '$lib/server/http.ts';
import { asObject, readJsonText } from '$lib/server/http/body.ts';
import { readIdempotencyKey } from '$lib/server/http/idempotency.ts';
import { problemOf } from '$lib/server/http/problem.ts';
import { readQuery } from '$lib/server/http/query.ts';
import { bucketsOf, type Standing } from '$lib/server/http/rates.ts';
import { MethodNotAllowed } from '$lib/server/http/route.ts';
import type { Log } from '$lib/server/log.ts';
import type { GraphqlContext } from './builder.ts';
import { limitPlugins } from './limits.ts';
import { graphqlError, maskError, oneMapper } from './refusal.ts';
import { createSchema } from './schema.ts';

const TYPE = 'application/graphql-response+json';

/** `hides`: whether strangers may not read the schema. */
export const createGraphql = (log: Log, hides: boolean) =>
	createYoga<GraphqlContext>({
		schema: createSchema(actions),
		graphqlEndpoint: '/graphql',
		plugins: [...limitPlugins(hides), oneMapper(log)],
		maskedErrors: { maskError: maskError(log) },
		// No page of its own: it would load from elsewhere. No batches: each request is counted.
		graphiql: false,
		landingPage: false,
		batching: false,
		multipart: false,
		cors: false,
		logging: false,
		// What SvelteKit takes for an answer is the platform's own Response.
		fetchAPI: { Request, Response, Headers, ReadableStream, URL, TextEncoder, TextDecoder }
	});

let yoga: ReturnType<typeof createGraphql> | undefined;

/** Answers a request to /graphql. Never throws. */
export async function answerGraphql(asked: Omit<Asked, 'path'>): Promise<Response> {
	const { principal, services, address, requestId } = asked;
	const buckets = bucketsOf(principal, address);
	let standing: Standing = services.rates.take(buckets);
	const answer = new Headers();
	let response: Response;
	try {
		if (standing.refusal !== null) throw standing.refusal;
		const request = await judge(asked.request, asked.search);
		let isPaid = true;
		const context: GraphqlContext = {
			caller: callerOf(asked),
			requestId,
			key: readIdempotencyKey(asked.request.headers),
			answer,
			take() {
				if (isPaid) {
					isPaid = false;
					return null;
				}
				return (standing = services.rates.take(buckets));
			}
		};
		yoga ??= createGraphql(services.log, !dev);
		response = await yoga.handleRequest(request, context);
	} catch (thrown) {
		response = refuse(thrown, asked);
	}
	for (const [name, value] of [...answer, ...Object.entries(standing.headers)])
		response.headers.append(name, value);
	response.headers.set('cache-control', 'no-store');
	response.headers.set('x-request-id', requestId);
	return response;
}

/** Lets through what may be read as GraphQL. Throws `AppError` for everything else. */
async function judge(request: Request, search: string): Promise<Request> {
	const query = readQuery(search);
	if (request.method === 'GET') return request;
	if (request.method !== 'POST') throw new MethodNotAllowed(['GET', 'POST']);
	const body = await readJsonText(request);
	if (typeof asObject(body).query !== 'string')
		throw new AppError('invalid_input', 'query: send the query as text.');
	if (Object.keys(query).length > 0)
		throw new AppError('invalid_input', 'Send the query in the body, not in the address.');
	const { url, method, headers, signal } = request;
	return new Request(url, { method, headers, body, signal });
}

/** A request that no query came of: the status says why, the body as GraphQL clients read it. */
function refuse(thrown: unknown, { services, requestId }: Omit<Asked, 'path'>): Response {
	const error = refusalOf(thrown);
	if (!(error instanceof AppError))
		services.log.error('a request failed', { request: requestId, path: '/graphql', error });
	const refusal = graphqlError(error, requestId);
	const { status, code } = problemOf(error, requestId);
	const headers = new Headers({ 'content-type': TYPE });
	const { retryAfter } = refusal.extensions;
	if (typeof retryAfter === 'number') headers.set('retry-after', String(retryAfter));
	if (error instanceof MethodNotAllowed) headers.set('allow', error.allow);
	if (code === 'payload_too_large') headers.set('connection', 'close');
	return new Response(JSON.stringify({ errors: [refusal] }), { status, headers });
}

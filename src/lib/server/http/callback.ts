/**
 * Where a platform sends the browser back to after a consent. The browser ends on the connections
 * page whatever came; `failed` says why by the code of the refusal:
 *
 *   unauthenticated  nobody is signed in here    forbidden    declined, or no longer permitted
 *   not_found        begun in another session    gone         used already, or older than ten minutes
 *   conflict         the platform refuses        unavailable  the platform or the database is away
 */
import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '$lib/bus/error.ts';
import { refusalOf } from '$lib/server/backend/statements/refusal.ts';
import { services } from '$lib/server/services.ts';
import { MethodNotAllowed } from './route.ts';

/** One value of the query, of a length that our own and platforms' values have. */
function value(url: URL, name: string): string | null {
	const values = url.searchParams.getAll(name);
	const [first] = values;
	return values.length === 1 && first !== undefined && first !== '' && first.length <= 1_000
		? first
		: null;
}

/** Answers /connect/{platform}/callback. */
export async function callback({
	request,
	params,
	url,
	locals
}: Pick<RequestEvent, 'request' | 'params' | 'url' | 'locals'>): Promise<Response> {
	// HEAD must not use up a state: browsers and link checkers send it ahead.
	if (request.method !== 'GET') throw new MethodNotAllowed(['GET']);
	const running = services();
	// The session belongs to the address that the browser was on before, and the state with it.
	if (url.hostname === 'localhost' && locals.principal.kind === 'anonymous')
		return seeOther(Object.assign(new URL(url), { hostname: '127.0.0.1' }).href);
	const state = value(url, 'state');
	try {
		if (state === null) throw new AppError('not_found', 'No state came.');
		const connection = await running.consents.finishCode(locals.principal, params.platform ?? '', {
			state,
			code: value(url, 'code'),
			error: value(url, 'error')
		});
		return leadTo(`connected=${connection.id}`);
	} catch (thrown) {
		const error = refusalOf(thrown);
		const code = error instanceof AppError ? error.code : 'internal';
		if (code === 'internal')
			running.log.error('a consent could not be finished', { request: locals.requestId, error });
		return leadTo(`failed=${code}`);
	}
}

const leadTo = (outcome: string) => seeOther(`/studio/connections?${outcome}`);

const seeOther = (location: string) =>
	new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });

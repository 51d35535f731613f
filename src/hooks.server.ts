/**
 * What is true of every request, in this order: it has an id; it names a host that is ours (421);
 * a browser that changes something comes from one of our pages (403); who asks is established.
 * Every answer carries the headers that keep browsers careful.
 */
import { building, dev } from '$app/environment';
import { AppError } from '$lib/bus/error.ts';
import { translator } from '$lib/i18n/text.ts';
import { ANONYMOUS, type Principal } from '$lib/server/actions/principal.ts';
import { SESSION_COOKIE } from '$lib/server/auth.ts';
import { refusalOf } from '$lib/server/backend/statements/refusal.ts';
import { ACCOUNT_COOKIE } from '$lib/server/http/cookies.ts';
import { chooseLocale, LOCALE_COOKIE, type Locale } from '$lib/server/http/locale.ts';
import { problemResponse } from '$lib/server/http/problem.ts';
import { answersFor, mayChange } from '$lib/server/origin.ts';
import { services, startServices } from '$lib/server/services.ts';
import type { Handle, HandleServerError, RequestEvent, ServerInit } from '@sveltejs/kit';
import { randomBytes } from 'node:crypto';

export const init: ServerInit = async () => {
	if (!building) await startServices();
};

/** Addresses of programs: their refusals are problem documents, never pages. */
const MACHINE = /^\/(?:v1|api|graphql|auth|webhooks|realtime|healthz|readyz|\.well-known)(?:\/|$)/;
/** Judged by a signature or by nothing at all: a cookie means nothing there. */
const WITHOUT_SESSION = /^\/(?:webhooks|healthz|readyz|\.well-known|realtime)(?:\/|$)/;

const headers: Readonly<Record<string, string>> = {
	'x-content-type-options': 'nosniff',
	'referrer-policy': 'no-referrer',
	'cross-origin-opener-policy': 'same-origin',
	'cross-origin-resource-policy': 'same-origin',
	'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()'
};

export const handle: Handle = async ({ event, resolve }) => {
	const { request, locals, url, cookies } = event;
	locals.requestId = randomBytes(9).toString('base64url');
	locals.locale = chooseLocale(cookies.get(LOCALE_COOKIE), request.headers.get('accept-language'));
	locals.principal = ANONYMOUS;
	const isMachine = MACHINE.test(url.pathname);
	let response: Response;
	try {
		if (!building) locals.principal = await admit(event);
		response = await resolve(event, {
			transformPageChunk: ({ html }) => html.replace('%lang%', locals.locale)
		});
		if (isMachine) response = asMachineAnswer(response, locals.requestId);
	} catch (thrown) {
		const error = refusalOf(thrown);
		if (!(error instanceof AppError)) throw thrown;
		response =
			isMachine || error.code !== 'unavailable'
				? problemResponse(error, locals.requestId)
				: waitingPage(locals.locale);
	}
	for (const [name, value] of Object.entries(headers))
		if (!response.headers.has(name)) response.headers.set(name, value);
	if (!response.headers.has('x-request-id')) response.headers.set('x-request-id', locals.requestId);
	return response;
};

/** Judges where a request comes from, then who sends it. Throws `AppError`. */
async function admit({
	request,
	url,
	cookies,
	getClientAddress
}: RequestEvent): Promise<Principal> {
	const running = services();
	const host = request.headers.get('host');
	if (!answersFor(running.policy, host))
		throw new AppError(
			'misdirected',
			'This server does not answer for that host. Open it by its own address, or set ORIGIN to the public one.'
		);
	if (WITHOUT_SESSION.test(url.pathname)) return ANONYMOUS;
	const usesCookie = SESSION_COOKIE.test(request.headers.get('cookie') ?? '');
	// A foreign page cannot make a browser send an Authorization header without asking first.
	if (!request.headers.has('authorization') && !mayChange(running.policy, request, usesCookie))
		throw new AppError('forbidden', 'This request comes from a page of another site.');
	return running.doorkeeper.identify(
		request.headers,
		getClientAddress(),
		cookies.get(ACCOUNT_COOKIE)
	);
}

/** What a person sees while the database is away: it comes back by itself, and so does the page. */
function waitingPage(locale: Locale): Response {
	const text = translator(locale)('error.unavailable');
	const html = `<!doctype html><html lang="${locale}"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Cuelight</title><p>${text}</p></html>`;
	return new Response(html, {
		status: 503,
		headers: { 'content-type': 'text/html', 'cache-control': 'no-store', 'retry-after': '2' }
	});
}

/** Kit's own refusals (no such route, a path that is no UTF-8) in the form programs read. */
function asMachineAnswer(response: Response, requestId: string): Response {
	const isPlain = !/json|event-stream/.test(response.headers.get('content-type') ?? '');
	if (response.status < 400 || !isPlain) return response;
	const code = response.status === 405 ? 'method_not_allowed' : 'not_found';
	const problem = problemResponse(
		new AppError(response.status >= 500 ? 'internal' : code, 'There is no such address.'),
		requestId
	);
	const allow = response.headers.get('allow');
	if (allow !== null) problem.headers.set('allow', allow);
	return problem;
}

export const handleError: HandleServerError = ({ error, event, status }) => {
	const requestId = event.locals.requestId ?? '';
	const log = globalThis.__cuelight?.services?.log;
	if (status >= 500 && !(error instanceof AppError)) {
		if (dev || !log) console.error(error);
		else log.error('a page failed', { request: requestId, path: event.url.pathname, error });
	}
	return { message: status === 404 ? 'Not found' : `Something went wrong (${requestId})` };
};

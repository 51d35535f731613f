/**
 * The door to better-auth: three addresses, everything else below /auth is not there. Bodies are
 * read as strictly as the API's, so that nothing reaches the database that it cannot store, and
 * refusals become problem documents. Failed sign-ins are counted.
 */
import { z } from 'zod';
import { AppError, errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { MAX_PASSWORD, type Auth } from '$lib/server/auth.ts';
import { asObject, readJsonText } from './body.ts';
import { FailureLimiter } from './limiter.ts';
import { parseInput, problemResponse } from './problem.ts';
import { MethodNotAllowed } from './route.ts';

const MAX_BYTES = 16 * 1024;
const WINDOW_MS = 60_000;
/** From one address for one e-mail: others who know the e-mail must not be able to lock its owner out. */
const FAILURES_EACH = 10;
/** From one address for all e-mails. */
const FAILURES_ALL = 50;

const SignIn = z.strictObject({
	email: z.email().max(254),
	password: Text(MAX_PASSWORD).min(1),
	rememberMe: z.boolean().optional()
});
const Nothing = z.strictObject({});

interface Address {
	method: 'GET' | 'POST';
	target: string;
	body: z.ZodType | null;
}

/** Path below /auth: its method, better-auth's own path, and its body. */
const addresses = new Map<string, Address>([
	['/sign-in/email', { method: 'POST', target: '/auth/sign-in/email', body: SignIn }],
	['/sign-out', { method: 'POST', target: '/auth/sign-out', body: Nothing }],
	['/session', { method: 'GET', target: '/auth/get-session', body: null }],
	['/get-session', { method: 'GET', target: '/auth/get-session', body: null }]
]);

export class AuthDoor {
	readonly #auth: Auth;
	readonly #each: FailureLimiter;
	readonly #all: FailureLimiter;

	/** `now`: monotonic milliseconds. */
	constructor(auth: Auth, now: () => number) {
		this.#auth = auth;
		this.#each = new FailureLimiter({ failures: FAILURES_EACH, window_ms: WINDOW_MS, now });
		this.#all = new FailureLimiter({ failures: FAILURES_ALL, window_ms: WINDOW_MS, now });
	}

	/** Answers a request below /auth. Throws `AppError`. */
	async answer(request: Request, path: string, address: string): Promise<Response> {
		const entry = addresses.get(path);
		if (entry === undefined) throw new AppError('not_found', `No address /auth${path}.`);
		const method = request.method === 'HEAD' ? 'GET' : request.method;
		if (method !== entry.method) throw new MethodNotAllowed([entry.method]);
		const url = new URL(entry.target, request.url);
		const headers = new Headers();
		for (const name of ['cookie', 'user-agent']) {
			const value = request.headers.get(name);
			if (value !== null) headers.set(name, value);
		}
		if (entry.body === null) return this.#auth.handle(new Request(url, { headers }));

		const input = parseInput(entry.body, asObject(await readJsonText(request, MAX_BYTES)));
		headers.set('content-type', 'application/json');
		const ask = () =>
			this.#auth.handle(new Request(url, { method, headers, body: JSON.stringify(input) }));
		const email = SignIn.safeParse(input).data?.email.toLowerCase();
		return email === undefined ? ask() : this.#count(address, email, ask);
	}

	async #count(address: string, email: string, ask: () => Promise<Response>): Promise<Response> {
		const both = `${address} ${email}`;
		this.#all.check(address);
		this.#each.check(both);
		const response = await ask();
		if (response.status === 401) {
			this.#all.fail(address);
			this.#each.fail(both);
		} else if (response.ok) this.#each.clear(both);
		return response;
	}
}

/** A refusal of better-auth as a problem document; other answers as they are. */
export function asProblem(response: Response, requestId: string): Response {
	if (response.ok || response.status < 400) return response;
	const code = codeOf(response.status);
	const detail =
		code === 'unauthenticated' ? 'E-mail or password is wrong.' : errorCodes[code].title;
	const problem = problemResponse(new AppError(code, detail), requestId);
	for (const cookie of response.headers.getSetCookie())
		problem.headers.append('set-cookie', cookie);
	return problem;
}

function codeOf(status: number): ErrorCode {
	// Its own 5xx mean that the database did not answer: the input was judged before.
	if (status >= 500) return 'unavailable';
	if (status === 401) return 'unauthenticated';
	if (status === 429) return 'too_many_requests';
	return status === 403 ? 'forbidden' : 'invalid_input';
}

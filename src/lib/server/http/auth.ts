/**
 * The door to better-auth: the addresses listed here, everything else below /auth is not there.
 * Bodies are read as strictly as the API's, so that nothing reaches the database that it cannot
 * store, and refusals become problem documents.
 *
 * Failures are counted by the socket's address: many in a minute, or thirty for one e-mail in a
 * quarter of an hour, shut the door to that address. Many for one e-mail from everywhere shut it to
 * addresses that never signed in with it, so that who knows an e-mail cannot lock its owner out.
 */
import { z } from 'zod';
import { AppError, errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { identityProviders } from '$lib/platforms/sign-in.ts';
import { ADDRESS_HEADER, MAX_PASSWORD, MIN_PASSWORD, type Auth } from '$lib/server/auth.ts';
import { asObject, readJsonText } from './body.ts';
import { FailureLimiter } from './limiter.ts';
import { parseInput, problemResponse } from './problem.ts';
import { MethodNotAllowed } from './route.ts';

const MAX_BYTES = 16 * 1024;
const MINUTE_MS = 60_000;
/** From one address for one e-mail: others who know the e-mail must not be able to lock its owner out. */
const FAILURES_EACH = 10;
/** The same over a quarter of an hour: the lock-out. */
const FAILURES_LOCKED = 30;
/** From one address for all e-mails, codes and passkeys. */
const FAILURES_ALL = 50;
/** In an hour for one e-mail, from addresses that never signed in with it. */
const FAILURES_EMAIL = 100;
const KNOWN = 10_000;

const Password = Text(MAX_PASSWORD).min(1);
const SignIn = z.strictObject({
	email: z.email().max(254),
	password: Password,
	rememberMe: z.boolean().optional()
});
const Nothing = z.strictObject({});
const WithPassword = z.strictObject({ password: Password });
const Code = z.strictObject({ code: Text(40).min(1), trustDevice: z.boolean().optional() });
/** A page of ours: a path, which no `//host` or `/\host` can make another site. */
const Page = z
	.string()
	.max(500)
	.regex(/^\/(?![/\\])[\w\-./?=&#%~]*$/, 'must be a path of this server');
const Provider = z.enum([...identityProviders, 'oidc']);
const SocialSignIn = z.strictObject({
	provider: Provider,
	callbackURL: Page,
	errorCallbackURL: Page.optional(),
	/** The secret of an invitation: who has one may sign up this way. */
	invitation: Text(200).optional()
});
const SocialLink = z.strictObject({
	provider: Provider,
	callbackURL: Page,
	errorCallbackURL: Page.optional()
});
/** What the browser's credential API answers; its contents are judged by the passkey library. */
const Credential = z.strictObject({
	id: Text(2000),
	rawId: Text(2000),
	type: z.literal('public-key'),
	response: z.record(z.string(), z.json()),
	authenticatorAttachment: Text(50).nullish(),
	clientExtensionResults: z.record(z.string(), z.json())
});
const Id = z.uuid();

interface Address {
	method: 'GET' | 'POST';
	target: string;
	body: z.ZodType | null;
	/** A refusal here is a failed attempt of its address. */
	guarded?: boolean;
	/** Of the query: passed on when present. */
	query?: readonly string[];
}

const get = (target: string, query: readonly string[] = []): Address => ({
	...{ method: 'GET', target, body: null, query }
});
const post = (target: string, body: z.ZodType, guarded = false): Address => ({
	...{ method: 'POST', target, body, guarded }
});

/** Paths below /auth, which are better-auth's own unless said otherwise. */
const addresses = new Map<string, Address>([
	['/sign-in/email', post('/sign-in/email', SignIn)],
	['/sign-out', post('/sign-out', Nothing)],
	['/session', get('/get-session')],
	['/get-session', get('/get-session')],
	[
		'/change-password',
		post(
			'/change-password',
			z.strictObject({
				currentPassword: Password,
				newPassword: Text(MAX_PASSWORD).min(MIN_PASSWORD),
				revokeOtherSessions: z.boolean().optional()
			}),
			true
		)
	],
	['/two-factor/enable', post('/two-factor/enable', WithPassword, true)],
	['/two-factor/disable', post('/two-factor/disable', WithPassword, true)],
	['/two-factor/get-totp-uri', post('/two-factor/get-totp-uri', WithPassword, true)],
	['/two-factor/verify-totp', post('/two-factor/verify-totp', Code, true)],
	['/two-factor/verify-backup-code', post('/two-factor/verify-backup-code', Code, true)],
	[
		'/two-factor/generate-backup-codes',
		post('/two-factor/generate-backup-codes', WithPassword, true)
	],
	['/passkey/generate-register-options', get('/passkey/generate-register-options')],
	[
		'/passkey/verify-registration',
		post(
			'/passkey/verify-registration',
			z.strictObject({ response: Credential, name: Text(100).optional() })
		)
	],
	['/passkey/generate-authenticate-options', get('/passkey/generate-authenticate-options')],
	[
		'/passkey/verify-authentication',
		post('/passkey/verify-authentication', z.strictObject({ response: Credential }), true)
	],
	['/passkey/delete-passkey', post('/passkey/delete-passkey', z.strictObject({ id: Id }))],
	[
		'/passkey/update-passkey',
		post('/passkey/update-passkey', z.strictObject({ id: Id, name: Text(100).min(1) }))
	],
	['/sign-in/social', post('/sign-in/social', SocialSignIn)],
	['/link-social', post('/link-social', SocialLink)],
	['/unlink-account', post('/unlink-account', z.strictObject({ accountId: Id }))],
	...Provider.options.map((provider): [string, Address] => [
		`/callback/${provider}`,
		get(`/callback/${provider}`, ['code', 'state', 'error', 'error_description', 'iss'])
	])
]);

export interface AuthDoorDeps {
	auth: Auth;
	/** Whether this is the secret of an invitation that can be accepted now. */
	isInvited(secret: string): Promise<boolean>;
	/** Monotonic milliseconds. */
	now: () => number;
}

export class AuthDoor {
	readonly #deps: AuthDoorDeps;
	readonly #each: FailureLimiter;
	readonly #locked: FailureLimiter;
	readonly #all: FailureLimiter;
	readonly #email: FailureLimiter;
	/** Addresses from which an e-mail signed in, the latest last. */
	readonly #known = new Set<string>();

	constructor(deps: AuthDoorDeps) {
		this.#deps = deps;
		const limiter = (failures: number, minutes: number) =>
			new FailureLimiter({ failures, window_ms: minutes * MINUTE_MS, now: deps.now });
		this.#each = limiter(FAILURES_EACH, 1);
		this.#locked = limiter(FAILURES_LOCKED, 15);
		this.#all = limiter(FAILURES_ALL, 1);
		this.#email = limiter(FAILURES_EMAIL, 60);
	}

	/** Answers a request below /auth. Throws `AppError`. */
	async answer(request: Request, path: string, address: string): Promise<Response> {
		const entry = addresses.get(path);
		if (entry === undefined) throw new AppError('not_found', `No address /auth${path}.`);
		const method = request.method === 'HEAD' ? 'GET' : request.method;
		if (method !== entry.method) throw new MethodNotAllowed([entry.method]);
		const url = new URL(`/auth${entry.target}`, request.url);
		const asked = new URL(request.url).searchParams;
		for (const name of entry.query ?? []) {
			const value = asked.get(name);
			if (value !== null && value.length <= 4_000) url.searchParams.set(name, value);
		}
		const headers = new Headers({ [ADDRESS_HEADER]: address });
		for (const name of ['cookie', 'user-agent']) {
			const value = request.headers.get(name);
			if (value !== null) headers.set(name, value);
		}
		const { auth } = this.#deps;
		if (entry.body === null) return auth.handle(new Request(url, { headers }));

		const input = parseInput(entry.body, asObject(await readJsonText(request, MAX_BYTES)));
		headers.set('content-type', 'application/json');
		const send = (body: unknown) =>
			auth.handle(new Request(url, { method, headers, body: JSON.stringify(body) }));
		if (path === '/sign-in/email') {
			const { email } = SignIn.parse(input);
			return this.#count(address, email.toLowerCase(), () => send(input));
		}
		if (path === '/sign-in/social') return send(await this.#invite(SocialSignIn.parse(input)));
		if (path === '/link-social') return send({ ...SocialLink.parse(input), disableRedirect: true });
		return entry.guarded ? this.#guard(address, () => send(input)) : send(input);
	}

	/** Who holds an open invitation may sign up; everyone else only signs in. */
	async #invite({ invitation, ...input }: z.infer<typeof SocialSignIn>) {
		if (invitation !== undefined && !(await this.#deps.isInvited(invitation)))
			throw new AppError('gone', 'This invitation is no longer open: ask for a new link.');
		return { ...input, disableRedirect: true, requestSignUp: invitation !== undefined };
	}

	async #guard(address: string, ask: () => Promise<Response>): Promise<Response> {
		this.#all.check(address);
		const response = await ask();
		if (response.status === 401 || response.status === 400) this.#all.fail(address);
		return response;
	}

	async #count(address: string, email: string, ask: () => Promise<Response>): Promise<Response> {
		const both = `${address} ${email}`;
		this.#all.check(address);
		this.#each.check(both);
		this.#locked.check(both);
		if (!this.#known.has(both)) this.#email.check(email);
		const response = await ask();
		if (response.status === 401) {
			this.#all.fail(address);
			for (const limiter of [this.#each, this.#locked]) limiter.fail(both);
			if (!this.#known.has(both)) this.#email.fail(email);
		} else if (response.ok) {
			for (const limiter of [this.#each, this.#locked]) limiter.clear(both);
			this.#remember(both);
		}
		return response;
	}

	#remember(both: string): void {
		this.#known.delete(both);
		this.#known.add(both);
		const oldest = this.#known.values().next();
		if (this.#known.size > KNOWN && !oldest.done) this.#known.delete(oldest.value);
	}
}

const Refusal = z.object({ message: z.string().min(1).max(300), code: z.string().optional() });
/** What the passkey library says as a 500 of a credential that it could not read. */
const UNREADABLE = 'FAILED_TO_VERIFY_REGISTRATION';

/** A refusal of better-auth as a problem document; other answers as they are. */
export async function asProblem(
	response: Response,
	requestId: string,
	path: string
): Promise<Response> {
	if (response.ok || response.status < 400) return response;
	const refusal = Refusal.safeParse(await response.json().catch(() => null)).data;
	const status = refusal?.code === UNREADABLE ? 400 : response.status;
	const code = codeOf(status);
	const detail =
		path === '/sign-in/email' && code === 'unauthenticated'
			? 'E-mail or password is wrong.'
			: ((status < 500 ? refusal?.message : undefined) ?? errorCodes[code].title);
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

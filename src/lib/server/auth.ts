/**
 * Users and their browser sessions, by better-auth: e-mail and password, nothing else. Accounts,
 * roles and permissions are ours, in SQL. Its tables live in schema `identity`, which only this
 * pool reaches. Three of its addresses are open (`http/auth.ts`); nobody signs up by HTTP: the
 * first user comes from setup.
 */
import { betterAuth } from 'better-auth';
import { PostgresJSDialect } from 'kysely-postgres-js';
import { AppError } from '$lib/bus/error.ts';
import type { Database } from '$lib/server/backend/index.ts';
import type { Log } from './log.ts';

const SESSION_SECONDS = 30 * 24 * 3600;
export const MIN_PASSWORD = 8;
export const MAX_PASSWORD = 128;

export interface AuthOptions {
	database: Database;
	/** At least 32 characters of chance; signs the session cookies. */
	secret: string;
	/** Where the server is reached; https makes the cookies secure. */
	origin: string;
	log: Log;
}

export interface SignedIn {
	user_id: string;
	name: string;
	email: string;
}

export interface Auth {
	/** Answers a request below /auth. */
	handle(request: Request): Promise<Response>;
	/** Who the request's cookie stands for, or null. */
	whoIs(headers: Headers): Promise<SignedIn | null>;
	/** Makes a user, or gives an existing one (left over from a setup cut short) this password. */
	establishUser(user: { email: string; password: string; name: string }): Promise<string>;
	/** `set-cookie` values of a new session. */
	signIn(credentials: { email: string; password: string }): Promise<string[]>;
}

/** The name of the session cookie, with and without TLS. */
export const SESSION_COOKIE = /(?:^|;\s*)(?:__Secure-)?cuelight\.session_token=/;

function configure({ database, secret, origin, log }: AuthOptions) {
	return betterAuth({
		database: { dialect: new PostgresJSDialect({ postgres: database.identity }), type: 'postgres' },
		secret,
		baseURL: origin,
		basePath: '/auth',
		emailAndPassword: {
			enabled: true,
			disableSignUp: true,
			minPasswordLength: MIN_PASSWORD,
			maxPasswordLength: MAX_PASSWORD
		},
		session: { expiresIn: SESSION_SECONDS },
		// Failures are counted in http/auth.ts by the socket's address: a header cannot change it.
		rateLimit: { enabled: false },
		telemetry: { enabled: false },
		advanced: {
			cookiePrefix: 'cuelight',
			useSecureCookies: origin.startsWith('https:'),
			database: { generateId: 'uuid' },
			// The one origin policy is in hooks.server.ts; it knows every name this server answers for.
			disableCSRFCheck: true,
			disableOriginCheck: true
		},
		logger: {
			// A wrong password is an answer, not news.
			level: 'error',
			log: (_level, message) => log.error(message, { part: 'auth' })
		}
	});
}

/** Opens sessions over the backend's identity pool. */
export function createAuth(options: AuthOptions): Auth {
	const auth = configure(options);
	return {
		handle: (request) => auth.handler(request),
		whoIs: async (headers) => {
			const session = await auth.api.getSession({ headers }).catch((cause: unknown) => {
				throw new AppError('unavailable', 'Sessions cannot be read for the moment.', { cause });
			});
			if (session === null) return null;
			const { id, name, email } = session.user;
			return { user_id: id, name, email };
		},
		establishUser: async ({ email, password, name }) => {
			const { internalAdapter, password: hasher } = await auth.$context;
			const hash = await hasher.hash(password);
			const existing = await internalAdapter.findUserByEmail(email.toLowerCase(), {
				includeAccounts: true
			});
			if (existing !== null) {
				await internalAdapter.updatePassword(existing.user.id, hash);
				if (!existing.accounts.some(({ providerId }) => providerId === 'credential'))
					await linkPassword(internalAdapter, existing.user.id, hash);
				return existing.user.id;
			}
			const user = await internalAdapter.createUser(
				{ email: email.toLowerCase(), name, emailVerified: false },
				{ method: 'email-password' }
			);
			await linkPassword(internalAdapter, user.id, hash);
			return user.id;
		},
		signIn: async ({ email, password }) => {
			const answer = await auth.api.signInEmail({ body: { email, password }, asResponse: true });
			if (!answer.ok) throw new AppError('unauthenticated', 'E-mail or password is wrong.');
			return answer.headers.getSetCookie();
		}
	};
}

type InternalAdapter = Awaited<ReturnType<typeof configure>['$context']>['internalAdapter'];

const linkPassword = (adapter: InternalAdapter, userId: string, hash: string) =>
	adapter.linkAccount({ userId, providerId: 'credential', accountId: userId, password: hash });

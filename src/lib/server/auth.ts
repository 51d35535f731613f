/**
 * Users and their browser sessions, by better-auth: password, one-time codes, passkeys, and the
 * providers that the environment names. Accounts, roles and permissions are ours, in SQL. Its
 * tables live in schema `identity`, which only this pool reaches. What is open of it is listed in
 * `http/auth.ts`; nobody signs up without a setup link or an invitation, and an identity elsewhere
 * opens only what its person linked while signed in: a matching e-mail proves nothing.
 */
import { passkey } from '@better-auth/passkey';
import { betterAuth } from 'better-auth';
import { genericOAuth, twoFactor } from 'better-auth/plugins';
import { isIP } from 'node:net';
import { PostgresJSDialect } from 'kysely-postgres-js';
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import type { Database } from '$lib/server/backend/index.ts';
import type { Log } from './log.ts';
import type { SignInConfig } from './sign-in-config.ts';

const SESSION_SECONDS = 30 * 24 * 3600;
export const MIN_PASSWORD = 8;
export const MAX_PASSWORD = 128;

export interface AuthOptions {
	database: Database;
	/** At least 32 characters of chance; signs the session cookies. */
	secret: string;
	/** Where the server is reached; https makes the cookies secure. */
	origin: string;
	signIn: SignInConfig;
	log: Log;
}

export interface SignedIn {
	user_id: string;
	session_id: string;
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
	/** A user who did not exist before. Throws `conflict` for an e-mail that is known. */
	createUser(user: { email: string; password: string; name: string }): Promise<string>;
	/** Takes back a user whose sign-up did not come to its end. */
	removeUser(userId: string): Promise<void>;
	/** `set-cookie` values of a new session. */
	signIn(credentials: { email: string; password: string }): Promise<string[]>;
	/** The live sessions of a user, the youngest first. */
	sessions(userId: string): Promise<UserSession[]>;
	/** Ends one session of a user; false when there is none. */
	endSession(userId: string, sessionId: string): Promise<boolean>;
	/** Ends all sessions of a user, or all but one; answers how many. */
	endSessions(userId: string, keep: string | null): Promise<number>;
	/** The ways in that a user has. */
	waysIn(userId: string): Promise<WaysIn>;
}

export interface UserSession {
	id: string;
	created_at: string;
	expires_at: string;
	last_used_at: string;
	address: string | null;
	user_agent: string | null;
}

export interface WaysIn {
	has_password: boolean;
	has_totp: boolean;
	linked: { id: string; provider: string; linked_at: string }[];
	passkeys: { id: string; name: string | null; created_at: string | null }[];
}

/** A socket's address, as the door hands it over; what a client sends under this name is dropped. */
export const ADDRESS_HEADER = 'x-cuelight-address';

/** The name of the session cookie, with and without TLS. */
export const SESSION_COOKIE = /(?:^|;\s*)(?:__Secure-)?cuelight\.session_token=/;

/** Passkeys belong to a name, and an address in digits is none: people then open localhost. */
function passkeyPlace(origin: string) {
	const { hostname, port, protocol } = new URL(origin);
	const isName = isIP(hostname.replace(/^\[|\]$/g, '')) === 0;
	if (isName) return { rpID: hostname, origin };
	const local = `${protocol}//localhost${port === '' ? '' : `:${port}`}`;
	return { rpID: 'localhost', origin: [local, origin] };
}

/** Nobody signs up in passing; `http/auth.ts` asks for it when it has seen an invitation. */
const INVITED_ONLY = { disableImplicitSignUp: true } as const;

const socialProviders = ({ social }: SignInConfig) =>
	Object.fromEntries(
		Object.entries(social).map(([name, { id, secret }]) => [
			name,
			{ clientId: id, clientSecret: secret, ...INVITED_ONLY }
		])
	);

const ownProvider = ({ oidc }: SignInConfig) =>
	oidc === null
		? []
		: [
				{
					providerId: 'oidc',
					name: oidc.title,
					discoveryUrl: `${oidc.issuer}/.well-known/openid-configuration`,
					clientId: oidc.id,
					clientSecret: oidc.secret,
					scopes: ['openid', 'email', 'profile'],
					pkce: true,
					...INVITED_ONLY
				}
			];

function configure({ database, secret, origin, signIn, log }: AuthOptions) {
	return betterAuth({
		appName: 'Cuelight',
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
		socialProviders: socialProviders(signIn),
		account: {
			encryptOAuthTokens: true,
			accountLinking: { disableImplicitLinking: true, allowDifferentEmails: true }
		},
		plugins: [
			// Ten wrong codes in a row, on however many sign-ins, lock the second factor for a quarter.
			twoFactor({
				issuer: 'Cuelight',
				accountLockout: { maxFailedAttempts: 10, durationSeconds: 900 }
			}),
			passkey({ ...passkeyPlace(origin), rpName: 'Cuelight' }),
			genericOAuth({ config: ownProvider(signIn) })
		],
		onAPIError: { errorURL: '/sign-in' },
		// Failures are counted in http/auth.ts by the socket's address: a header cannot change it.
		rateLimit: { enabled: false },
		telemetry: { enabled: false },
		advanced: {
			cookiePrefix: 'cuelight',
			ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
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
			return { user_id: id, session_id: session.session.id, name, email };
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
			return addUser(internalAdapter, { email, name }, hash);
		},
		createUser: async ({ email, password, name }) => {
			const { internalAdapter, password: hasher } = await auth.$context;
			if ((await internalAdapter.findUserByEmail(email.toLowerCase())) !== null)
				throw new AppError(
					'conflict',
					'This e-mail is known here: sign in, then open the link again.'
				);
			return addUser(internalAdapter, { email, name }, await hasher.hash(password));
		},
		removeUser: async (userId) => {
			const { internalAdapter } = await auth.$context;
			await internalAdapter.deleteUser(userId);
		},
		signIn: async ({ email, password }) => {
			const answer = await auth.api.signInEmail({ body: { email, password }, asResponse: true });
			if (!answer.ok) throw new AppError('unauthenticated', 'E-mail or password is wrong.');
			return answer.headers.getSetCookie();
		},
		sessions: async (userId) => {
			const { internalAdapter } = await auth.$context;
			const rows = await internalAdapter.listSessions(userId, { onlyActiveSessions: true });
			return rows
				.map((row) => ({
					id: row.id,
					created_at: row.createdAt.toISOString(),
					expires_at: row.expiresAt.toISOString(),
					last_used_at: row.updatedAt.toISOString(),
					address: row.ipAddress || null,
					user_agent: row.userAgent || null
				}))
				.toSorted((a, b) => b.created_at.localeCompare(a.created_at));
		},
		endSession: async (userId, sessionId) => {
			const { internalAdapter } = await auth.$context;
			const row = (await internalAdapter.listSessions(userId)).find(({ id }) => id === sessionId);
			if (row === undefined) return false;
			await internalAdapter.deleteSession(row.token);
			return true;
		},
		endSessions: async (userId, keep) => {
			const { internalAdapter } = await auth.$context;
			const rows = (await internalAdapter.listSessions(userId)).filter(({ id }) => id !== keep);
			for (const { token } of rows) await internalAdapter.deleteSession(token);
			return rows.length;
		},
		waysIn: async (userId) => {
			const { internalAdapter, adapter } = await auth.$context;
			const [user, accounts, passkeys] = await Promise.all([
				internalAdapter.findUserById(userId),
				internalAdapter.findAccounts(userId),
				adapter.findMany<{ id: string; name: string | null; createdAt: Date | null }>({
					model: 'passkey',
					where: [{ field: 'userId', value: userId }]
				})
			]);
			return {
				has_password: accounts.some(({ providerId }) => providerId === 'credential'),
				has_totp: TwoFactorUser.safeParse(user).data?.twoFactorEnabled ?? false,
				linked: accounts
					.filter(({ providerId }) => providerId !== 'credential')
					.map(({ id, providerId, createdAt }) => ({
						id,
						provider: providerId,
						linked_at: createdAt.toISOString()
					})),
				passkeys: passkeys.map(({ id, name, createdAt }) => ({
					...{ id, name },
					created_at: createdAt?.toISOString() ?? null
				}))
			};
		}
	};
}

const TwoFactorUser = z.object({ twoFactorEnabled: z.boolean().nullable() });

async function addUser(
	adapter: InternalAdapter,
	{ email, name }: { email: string; name: string },
	hash: string
): Promise<string> {
	const user = await adapter.createUser(
		{ email: email.toLowerCase(), name, emailVerified: false },
		{ method: 'email-password' }
	);
	await linkPassword(adapter, user.id, hash);
	return user.id;
}

type InternalAdapter = Awaited<ReturnType<typeof configure>['$context']>['internalAdapter'];

const linkPassword = (adapter: InternalAdapter, userId: string, hash: string) =>
	adapter.linkAccount({ userId, providerId: 'credential', accountId: userId, password: hash });

/**
 * Who a client is: a role and the claims that policies will see, from an API key or a JWT. Refusals
 * carry the texts of hosted Realtime, because clients match on them ("expired").
 */
import { isRecord, type JsonRecord } from './wire.ts';

/** The database roles that a client may have: never the server's own. */
export const roles = ['anon', 'authenticated', 'service_role'] as const;
export type Role = (typeof roles)[number];

export interface Identity {
	role: Role;
	claims: JsonRecord;
	/** When it ends, in milliseconds since the epoch; null for keys, which do not expire. */
	expiresAt: number | null;
}

/** A token that does not count; `code` and message as hosted says them. */
export class TokenRefused extends Error {
	readonly code: string;
	constructor(code: string, message: string) {
		super(message);
		this.name = 'TokenRefused';
		this.code = code;
	}
	/** As join replies carry it. */
	get reason(): string {
		return `${this.code}: ${this.message}`;
	}
}

export const expired = (expiresAt: number, now: number): TokenRefused =>
	new TokenRefused(
		'InvalidJWTToken',
		`Token has expired ${Math.max(0, Math.floor((now - expiresAt) / 1000))} seconds ago`
	);

const isRole = (value: unknown): value is Role => roles.some((role) => role === value);

/** The identity of an API key. */
export const identityOfKey = (role: Role): Identity => ({
	role,
	claims: { role },
	expiresAt: null
});

/** What `jose` says, in hosted Realtime's words. */
function refusalOf(error: unknown, now: number): TokenRefused {
	const code = isRecord(error) ? error.code : null;
	if (code === 'ERR_JWT_EXPIRED') {
		const payload = isRecord(error) && isRecord(error.payload) ? error.payload : {};
		return expired(typeof payload.exp === 'number' ? payload.exp * 1000 : now, now);
	}
	if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
		return new TokenRefused('JwtSignatureError', 'Failed to validate JWT signature');
	if (code === 'ERR_JWKS_NO_MATCHING_KEY' || code === 'ERR_JOSE_ALG_NOT_ALLOWED')
		return new TokenRefused(
			'JwtSignerError',
			'Failed to generate JWT signer: no key for this token'
		);
	return new TokenRefused('MalformedJWT', 'The token provided is not a valid JWT');
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const MAX_TOKEN = 8192;

/** Verifies a JWT. Throws `TokenRefused`. */
export async function identityOfToken(
	jwt: string,
	verify: (jwt: string) => Promise<object>,
	now: () => number
): Promise<Identity> {
	if (jwt.length > MAX_TOKEN || !JWT.test(jwt))
		throw new TokenRefused('MalformedJWT', 'The token provided is not a valid JWT');
	let claims: unknown;
	try {
		claims = await verify(jwt);
	} catch (error) {
		throw refusalOf(error, now());
	}
	const { role, exp } = isRecord(claims) ? claims : {};
	if (!isRecord(claims) || typeof role !== 'string' || typeof exp !== 'number')
		throw new TokenRefused('InvalidJWTToken', 'Fields `role` and `exp` are required in JWT');
	if (exp * 1000 <= now()) throw expired(exp * 1000, now());
	if (!isRole(role))
		throw new TokenRefused('Unauthorized', 'The role of this token may not use Realtime');
	return { role, claims, expiresAt: exp * 1000 };
}

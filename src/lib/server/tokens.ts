/**
 * The server's own short-lived tokens: ES256 JWTs with the claims that SQL judges by. The same
 * tokens open the embedded Realtime server and, once the public key is imported there, hosted
 * Supabase. The private key lives in the data folder (mode 0600) or in CUELIGHT_SIGNING_KEY.
 */
import {
	calculateJwkThumbprint,
	exportJWK,
	generateKeyPair,
	importJWK,
	jwtVerify,
	SignJWT
} from 'jose';
import type { CryptoKey, JWK, JWTPayload } from 'jose';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Claims } from '$lib/server/backend/index.ts';
import { createOnce } from './files.ts';

/** The key that clients of the embedded Realtime server send as `apikey`. Public by nature. */
export const PUBLISHABLE_KEY = 'sb_publishable_cuelight';

const ALGORITHM = 'ES256';

const PrivateJwk = z.object({
	kty: z.literal('EC'),
	crv: z.literal('P-256'),
	x: z.string(),
	y: z.string(),
	d: z.string()
});

export interface Tokens {
	/** A token with these claims, good for `seconds`. */
	mint(claims: Claims, seconds: number): Promise<string>;
	/** The claims of a sound token of ours; throws a jose error otherwise. */
	verify(jwt: string): Promise<JWTPayload>;
	/** The public half, for whoever has to verify. */
	readonly jwks: { keys: JWK[] };
}

async function privateJwk(dataDir: string, configured: string | undefined) {
	const file = join(dataDir, 'signing-key.json');
	if (configured === undefined)
		await createOnce(file, async () => {
			const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
			return JSON.stringify(await exportJWK(privateKey));
		});
	const from = configured === undefined ? file : 'CUELIGHT_SIGNING_KEY';
	try {
		return PrivateJwk.parse(JSON.parse(configured ?? (await readFile(file, 'utf8'))));
	} catch (cause) {
		throw new Error(
			`${from} does not hold a private ES256 key in JWK form. Without it a new one is made; pages then ask for new sessions by themselves.`,
			{ cause }
		);
	}
}

/** Loads the signing key, making it on first use. */
export async function openTokens(dataDir: string, configured?: string): Promise<Tokens> {
	const jwk = await privateJwk(dataDir, configured);
	const { d: _private, ...publicJwk } = jwk;
	const kid = await calculateJwkThumbprint(publicJwk);
	const signingKey = await importKey(jwk);
	const verifyingKey = await importKey(publicJwk);
	return {
		jwks: { keys: [{ ...publicJwk, kid, alg: ALGORITHM, use: 'sig' }] },
		mint: ({ sub, aud, ...claims }, seconds) =>
			new SignJWT(claims)
				.setProtectedHeader({ alg: ALGORITHM, kid, typ: 'JWT' })
				.setSubject(sub)
				.setAudience(aud)
				.setIssuedAt()
				.setExpirationTime(`${seconds}s`)
				.sign(signingKey),
		verify: async (jwt) => {
			const { payload } = await jwtVerify(jwt, verifyingKey, {
				algorithms: [ALGORITHM],
				audience: 'authenticated',
				requiredClaims: ['sub', 'exp']
			});
			return payload;
		}
	};
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
	const key = await importJWK(jwk, ALGORITHM);
	if (key instanceof Uint8Array) throw new Error('An ES256 key is never symmetric.');
	return key;
}

import { SignJWT, UnsecuredJWT, decodeProtectedHeader, generateKeyPair } from 'jose';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Claims } from '$lib/server/backend/index.ts';
import { openTokens, type Tokens } from './tokens.ts';

const claims: Claims = {
	sub: 'a-user',
	role: 'authenticated',
	aud: 'authenticated',
	kind: 'member'
};
let folder = '';
let tokens: Tokens;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'cuelight-tokens-'));
	tokens = await openTokens(folder);
});
afterAll(() => rm(folder, { recursive: true }));

it('mints what it verifies', async () => {
	const payload = await tokens.verify(await tokens.mint(claims, 60));
	expect(payload).toMatchObject(claims);
	expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
});

it('keeps its key over a restart, readable by its owner only', async () => {
	const again = await openTokens(folder);
	expect(again.jwks).toEqual(tokens.jwks);
	expect(await again.verify(await tokens.mint(claims, 60))).toMatchObject(claims);
	expect((await stat(join(folder, 'signing-key.json'))).mode & 0o777).toBe(0o600);
});

it('publishes the public half only, under the name its tokens carry', async () => {
	const [key] = tokens.jwks.keys;
	expect(Object.keys(key ?? {})).not.toContain('d');
	expect(decodeProtectedHeader(await tokens.mint(claims, 60)).kid).toBe(key?.kid);
});

it('believes no other key, no expired token, no unsigned one, no other audience', async () => {
	const { privateKey } = await generateKeyPair('ES256');
	const forged = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256' });
	const bad = [
		await forged.setExpirationTime('1h').sign(privateKey),
		await tokens.mint(claims, -1),
		new UnsecuredJWT({ ...claims }).setExpirationTime('1h').encode(),
		'x.y.z',
		''
	];
	for (const jwt of bad) await expect(tokens.verify(jwt)).rejects.toThrow();
});

it('says which key it cannot read', async () => {
	await expect(openTokens(folder, '{"kty":"oct"}')).rejects.toThrow(/CUELIGHT_SIGNING_KEY/);
});

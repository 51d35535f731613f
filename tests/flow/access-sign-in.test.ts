/** Every way in: codes, passkeys, providers, and how sessions end, over real HTTP. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { freePort } from '../harness/ports.ts';
import { PASSWORD, startDoors, type Caller, type Doors } from './doors.ts';

/** An OpenID Connect provider where everybody is who they say. */
interface Provider {
	issuer: string;
	/** Consents as this person: the code for the address that a browser was sent to. */
	consent(address: string, person: { sub: string; email: string }): URL;
	stop(): void;
}

async function startProvider(): Promise<Provider> {
	const port = await freePort();
	const issuer = `http://127.0.0.1:${port}`;
	const { publicKey, privateKey } = await generateKeyPair('RS256');
	const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
	const granted = new Map<string, { sub: string; email: string; nonce: string | null }>();
	const server: Server = createServer((request, response) => {
		void (async () => {
			response.setHeader('content-type', 'application/json');
			if (request.url === '/.well-known/openid-configuration')
				return response.end(
					JSON.stringify({
						issuer,
						authorization_endpoint: `${issuer}/authorize`,
						token_endpoint: `${issuer}/token`,
						userinfo_endpoint: `${issuer}/userinfo`,
						jwks_uri: `${issuer}/jwks`,
						id_token_signing_alg_values_supported: ['RS256']
					})
				);
			if (request.url === '/jwks') return response.end(JSON.stringify({ keys: [jwk] }));
			if (request.url !== '/token') return response.writeHead(404).end('{}');
			let body = '';
			for await (const chunk of request) body += String(chunk);
			const person = granted.get(new URLSearchParams(body).get('code') ?? '');
			if (person === undefined) return response.writeHead(400).end('{"error":"invalid_grant"}');
			return response.end(
				JSON.stringify({
					access_token: `access-of-${person.sub}`,
					token_type: 'Bearer',
					expires_in: 3600,
					id_token: await sign(privateKey, issuer, person)
				})
			);
		})();
	});
	server.listen(port, '127.0.0.1');
	await once(server, 'listening');
	return {
		issuer,
		consent(address, person) {
			const { searchParams } = new URL(address);
			const code = `code-${person.sub}-${granted.size}`;
			granted.set(code, { ...person, nonce: searchParams.get('nonce') });
			const back = new URL(searchParams.get('redirect_uri') ?? '');
			back.search = new URLSearchParams({
				code,
				state: searchParams.get('state') ?? ''
			}).toString();
			return back;
		},
		stop: () => void server.close()
	};
}

const sign = (
	key: CryptoKey,
	issuer: string,
	{ sub, email, nonce }: { sub: string; email: string; nonce: string | null }
) =>
	new SignJWT({ email, email_verified: true, name: sub, ...(nonce === null ? {} : { nonce }) })
		.setProtectedHeader({ alg: 'RS256', kid: 'one' })
		.setIssuer(issuer)
		.setAudience('cuelight')
		.setSubject(sub)
		.setIssuedAt()
		.setExpirationTime('10m')
		.sign(key);

let doors: Doors;
let provider: Provider;
beforeAll(async () => {
	provider = await startProvider();
	const clients = ['TWITCH', 'GOOGLE', 'SPOTIFY', 'KICK', 'DISCORD'].flatMap((name) => [
		[`${name}_CLIENT_ID`, 'abcdefghijklmnopqrstuvwxyz0123'],
		[`${name}_CLIENT_SECRET`, 'abcdefghijklmnopqrstuvwxyz0123']
	]);
	doors = await startDoors({
		...z.record(z.string(), z.string()).parse(Object.fromEntries(clients)),
		OIDC_ISSUER: provider.issuer,
		OIDC_CLIENT_ID: 'cuelight',
		OIDC_CLIENT_SECRET: 'a-client-secret',
		OIDC_NAME: 'Home'
	});
}, 120_000);
afterAll(async () => {
	await doors?.close();
	provider?.stop();
});

const text = z.string();
const signIn = (caller: Caller, email: string, password = PASSWORD) =>
	caller.ask('POST', '/auth/sign-in/email', { email, password });
const isIn = async (caller: Caller) => (await caller.ask('GET', '/v1/me')).status === 200;

/** RFC 6238, as an authenticator app does it. */
function codeOf(uri: string): string {
	const secret = new URL(uri).searchParams.get('secret') ?? '';
	const bits = [...secret]
		.map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
		.join('');
	const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
	const hash = createHmac('sha1', key).update(counter).digest();
	const offset = (hash.at(-1) ?? 0) & 15;
	return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describe('one-time codes', () => {
	it('are asked for after the password, and recovery codes work once', async () => {
		const email = 'totp@example.com';
		const { caller } = await doors.join('moderator', email);
		const wrong = await caller.ask('POST', '/auth/two-factor/enable', { password: 'wrong' });
		expect(wrong.status).toBe(400);
		const enabled = await caller.ask('POST', '/auth/two-factor/enable', { password: PASSWORD });
		const { totpURI, backupCodes } = z
			.object({ totpURI: z.string(), backupCodes: z.array(z.string()) })
			.parse(enabled.body);
		const verify = (by: Caller, code: string) =>
			by.ask('POST', '/auth/two-factor/verify-totp', { code });
		expect((await verify(caller, codeOf(totpURI))).status).toBe(200);
		expect((await caller.ask('GET', '/v1/sign-in/mine')).body).toMatchObject({
			...{ has_password: true, has_totp: true }
		});

		const phone = doors.browser();
		expect((await signIn(phone, email)).body).toMatchObject({ twoFactorRedirect: true });
		expect(await isIn(phone)).toBe(false);
		const known = codeOf(totpURI);
		expect((await verify(phone, known === '000000' ? '000001' : '000000')).status).toBe(401);
		expect((await verify(phone, codeOf(totpURI))).status).toBe(200);
		expect(await isIn(phone)).toBe(true);

		const recover = async () => {
			const browser = doors.browser();
			await signIn(browser, email);
			const { status } = await browser.ask('POST', '/auth/two-factor/verify-backup-code', {
				code: backupCodes[0] ?? ''
			});
			return { status, isIn: await isIn(browser) };
		};
		expect(await recover()).toEqual({ status: 200, isIn: true });
		expect(await recover()).toEqual({ status: 401, isIn: false });
		const { body } = await doors.owner.ask('GET', '/v1/audit?action=totp.enable');
		expect(body.items).toHaveLength(1);
		const [stored] = await doors.db.sql`select secret from identity."twoFactor"`;
		expect(new URL(totpURI).searchParams.get('secret')).not.toBe(stored?.secret);
	});
});

describe('passkeys', () => {
	it('are offered to who is signed in, and asked of who is not', async () => {
		const path = '/auth/passkey/generate-register-options';
		expect((await doors.browser().ask('GET', path)).status).toBe(401);
		const offer = await doors.owner.ask('GET', path);
		expect(offer.body).toMatchObject({
			...{
				rp: { id: 'localhost', name: 'Cuelight' },
				challenge: z.string().parse(offer.body.challenge)
			}
		});
		const response = {
			...{ id: 'AAAA', rawId: 'AAAA', type: 'public-key', clientExtensionResults: {} },
			response: {
				clientDataJSON: 'e30',
				attestationObject: 'o2M',
				authenticatorData: 'AA',
				signature: 'AA'
			}
		};
		const made = await doors.owner.ask('POST', '/auth/passkey/verify-registration', { response });
		expect(made.status).toBe(400);
		const guest = doors.browser();
		const asked = await guest.ask('GET', '/auth/passkey/generate-authenticate-options');
		expect(text.parse(asked.body.challenge).length).toBeGreaterThan(16);
		const entered = await guest.ask('POST', '/auth/passkey/verify-authentication', { response });
		expect(entered.status).toBe(401);
		expect(await isIn(guest)).toBe(false);
	});
});

describe('providers', () => {
	const social = (caller: Caller, body: Record<string, string>) =>
		caller.ask('POST', '/auth/sign-in/social', { callbackURL: '/studio', ...body });
	/** Through the provider and back, as this person; answers where the browser lands. */
	async function through(
		caller: Caller,
		person: { sub: string; email: string },
		extra: Record<string, string> = {},
		path = '/auth/sign-in/social'
	): Promise<string> {
		const { body } = await caller.ask('POST', path, {
			...{ provider: 'oidc', callbackURL: '/studio', errorCallbackURL: '/sign-in' },
			...extra
		});
		const back = provider.consent(text.parse(body.url), person);
		const landed = await caller.fetch(back.pathname + back.search);
		return landed.headers.get('location') ?? `status ${landed.status}`;
	}

	it('that are configured are offered, and people are sent there', async () => {
		const { body } = await doors.browser().ask('GET', '/v1/sign-in');
		expect(body.providers).toEqual([
			...['Twitch', 'Google', 'Spotify', 'Kick', 'Discord'].map((title) => ({
				...{ name: title.toLowerCase(), title }
			})),
			{ name: 'oidc', title: 'Home' }
		]);
		const hosts = { twitch: 'id.twitch.tv', google: 'accounts.google.com', kick: 'id.kick.com' };
		const all = { ...hosts, spotify: 'accounts.spotify.com', discord: 'discord.com' };
		for (const [name, host] of Object.entries(all)) {
			const { body } = await social(doors.browser(), { provider: name });
			expect([name, new URL(text.parse(body.url)).host]).toEqual([name, host]);
		}
		const away = await social(doors.browser(), { provider: 'oidc', callbackURL: '//evil.test' });
		expect(away.status).toBe(400);
	});

	it('let nobody in who was not invited, nor by an e-mail that is known', async () => {
		const stranger = doors.browser();
		const landed = await through(stranger, { sub: 's1', email: 'stranger@example.com' });
		expect(landed).toContain('error=signup_disabled');
		const same = await through(doors.browser(), { sub: 's2', email: 'owner@example.com' });
		expect(same).toContain('error=');
		expect(await isIn(stranger)).toBe(false);
		const closed = { provider: 'oidc', invitation: 'ck_invite_guess' };
		expect((await social(stranger, closed)).status).toBe(410);
		const [users] = await doors.db.sql`
			select count(*)::int as n from identity."user" where email = 'stranger@example.com'`;
		expect(users?.n).toBe(0);
	});

	it('let in who has an invitation, who then signs in without one', async () => {
		const { body } = await doors.owner.ask('POST', '/v1/invitations', { role: 'moderator' });
		const secret = text.parse(body.secret);
		const guest = doors.browser();
		const person = { sub: 'g1', email: 'guest@example.com' };
		expect(await through(guest, person, { invitation: secret })).toMatch(/\/studio$/);
		const accepted = await guest.ask('POST', '/v1/invitations/accept', { secret });
		expect(accepted.body).toMatchObject({ role: 'moderator' });
		const later = doors.browser();
		expect(await through(later, person)).toMatch(/\/studio$/);
		expect((await later.ask('GET', '/v1/me')).body).toMatchObject({
			...{ user: { email: 'guest@example.com' }, account_id: doors.account_id }
		});
	});

	it('are linked by who is signed in, and unlinked', async () => {
		const { caller } = await doors.join('moderator', 'links@example.com');
		const person = { sub: 'l1', email: 'elsewhere@example.com' };
		expect(await through(caller, person, {}, '/auth/link-social')).toMatch(/\/studio$/);
		const other = doors.browser();
		await through(other, person);
		expect((await other.ask('GET', '/v1/me')).body).toMatchObject({
			user: { email: 'links@example.com' }
		});
		const mine = await caller.ask('GET', '/v1/sign-in/mine');
		const { linked } = z
			.object({ linked: z.array(z.object({ id: z.uuid(), provider: z.string() })) })
			.parse(mine.body);
		expect(linked.map(({ provider: name }) => name)).toEqual(['oidc']);
		const accountId = linked[0]?.id ?? '';
		expect((await caller.ask('POST', '/auth/unlink-account', { accountId })).status).toBe(200);
		expect(await through(doors.browser(), person)).toContain('error=');
		const [tokens] = await doors.db.sql`
			select count(*)::int as n from identity.account where "accessToken" like 'access-of-%'`;
		expect(tokens?.n).toBe(0);
	});
});

describe('a password', () => {
	it('is changed by who knows it, and other sessions end', async () => {
		const email = 'password@example.com';
		const { caller } = await doors.join('moderator', email);
		const other = doors.browser();
		await signIn(other, email);
		const change = (currentPassword: string) =>
			caller.ask('POST', '/auth/change-password', {
				...{ currentPassword, newPassword: 'another fine horse', revokeOtherSessions: true }
			});
		expect((await change('wrong')).status).toBe(400);
		expect((await change(PASSWORD)).status).toBe(200);
		expect([await isIn(caller), await isIn(other)]).toEqual([true, false]);
		expect((await signIn(doors.browser(), email)).status).toBe(401);
		expect((await signIn(doors.browser(), email, 'another fine horse')).status).toBe(200);
		const { body } = await doors.owner.ask('GET', '/v1/audit?action=password.change');
		expect(body.items).toHaveLength(1);
	});

	it('sign-out everywhere ends every session', async () => {
		const email = 'everywhere@example.com';
		const { caller } = await doors.join('moderator', email);
		const other = doors.browser();
		await signIn(other, email);
		const ended = (body: Record<string, boolean>) => caller.ask('DELETE', '/v1/sessions', body);
		expect((await ended({ keep_current: true })).body).toEqual({ ended: 1 });
		expect([await isIn(caller), await isIn(other)]).toEqual([true, false]);
		expect((await ended({})).body).toEqual({ ended: 1 });
		expect(await isIn(caller)).toBe(false);
	});
});

/**
 * Secrets at rest and secrets handed out.
 *
 * - `SecretBox` seals what has to be read again (a webhook's secret) with AES-256-GCM. The account
 *   and the provider are authenticated along with it, so a ciphertext copied to another row does
 *   not open. Layout: version 1 (1 byte), key id (4), nonce (12), tag (16), ciphertext.
 * - Keys (`ck_api_…`) are 32 random bytes, shown once. What is stored is their SHA-256: they are
 *   random, so a slow hash would add nothing, and a lookup by hash leaks no timing.
 */
import {
	createCipheriv,
	createDecipheriv,
	createHash,
	hkdfSync,
	randomBytes,
	timingSafeEqual
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createOnce } from './files.ts';

const VERSION = 1;
const KEY_ID = 4;
const NONCE = 12;
const TAG = 16;
const HEAD = 1 + KEY_ID + NONCE + TAG;

/** What a sealed secret belongs to. It opens only for the same two. */
export interface Owner {
	account_id: string;
	/** `twitch`, `idempotency`: which use within the account. */
	provider: string;
}

const boundTo = ({ account_id, provider }: Owner) => Buffer.from(`${account_id}\n${provider}`);

export class SecretBox {
	readonly #key: Buffer;
	readonly #keyId: Buffer;

	/** `key`: 32 bytes. */
	constructor(key: Buffer) {
		if (key.length !== 32)
			throw new Error(
				`The encryption key has ${key.length} bytes instead of 32: set CUELIGHT_ENCRYPTION_KEY to 32 random bytes in base64 (openssl rand -base64 32).`
			);
		this.#key = key;
		this.#keyId = createHash('sha256').update(key).digest().subarray(0, KEY_ID);
	}

	seal(plaintext: string, owner: Owner): Buffer {
		const nonce = randomBytes(NONCE);
		const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(boundTo(owner));
		const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
		return Buffer.concat([Buffer.of(VERSION), this.#keyId, nonce, cipher.getAuthTag(), sealed]);
	}

	/** Null when it was sealed with another key, for another owner, or was altered. */
	open(sealed: Uint8Array, owner: Owner): string | null {
		const bytes = Buffer.from(sealed);
		if (bytes.length < HEAD || bytes[0] !== VERSION) return null;
		if (!timingSafeEqual(bytes.subarray(1, 1 + KEY_ID), this.#keyId)) return null;
		const nonce = bytes.subarray(1 + KEY_ID, 1 + KEY_ID + NONCE);
		try {
			const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce)
				.setAAD(boundTo(owner))
				.setAuthTag(bytes.subarray(HEAD - TAG, HEAD));
			return decipher.update(bytes.subarray(HEAD), undefined, 'utf8') + decipher.final('utf8');
		} catch {
			return null;
		}
	}

	/** A key for another purpose, so that one secret is enough to keep safe. */
	derive(purpose: string): string {
		return Buffer.from(hkdfSync('sha256', this.#key, '', purpose, 32)).toString('base64url');
	}
}

/** Opens the box: with the configured key, else with the data folder's own, made on first use. */
export async function openSecretBox(dataDir: string, configured?: string): Promise<SecretBox> {
	if (configured !== undefined) return new SecretBox(Buffer.from(configured, 'base64'));
	const file = join(dataDir, 'encryption.key');
	await createOnce(file, () => randomBytes(32).toString('base64'));
	return new SecretBox(Buffer.from(await readFile(file, 'utf8'), 'base64'));
}

export const keyKinds = ['overlay', 'api', 'remote', 'ingest'] as const;
export type KeyKind = (typeof keyKinds)[number];

export interface FreshKey {
	/** Shown to its owner once. */
	secret: string;
	hash: Buffer;
	/** Its last characters, to recognise it in a list. */
	hint: string;
}

/** Makes a new key. */
export function makeKey(kind: KeyKind): FreshKey {
	const secret = `ck_${kind}_${randomBytes(32).toString('base64url')}`;
	return { secret, hash: hashKey(secret), hint: secret.slice(-4) };
}

export const hashKey = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const KEY = /^ck_(overlay|api|remote|ingest)_[A-Za-z0-9_-]{43}$/;

/** The kind that a text claims to be a key of; null when it is not formed like a key. */
export function kindOfKey(text: string): KeyKind | null {
	const kind = KEY.exec(text)?.[1];
	return keyKinds.find((known) => known === kind) ?? null;
}

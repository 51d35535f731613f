import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashKey, kindOfKey, makeKey, openSecretBox, SecretBox } from './secrets.ts';

const owner = { account_id: 'an-account', provider: 'twitch' };

describe('a sealed secret', () => {
	const box = new SecretBox(randomBytes(32));
	const sealed = box.seal('hush ✨', owner);

	it('opens for its owner', () => {
		expect(box.open(sealed, owner)).toBe('hush ✨');
	});
	it('opens for no other account and no other use', () => {
		expect(box.open(sealed, { ...owner, account_id: 'another' })).toBeNull();
		expect(box.open(sealed, { ...owner, provider: 'kick' })).toBeNull();
	});
	it('does not open with another key', () => {
		expect(new SecretBox(randomBytes(32)).open(sealed, owner)).toBeNull();
	});
	it('does not open when one bit of it was changed, wherever', () => {
		for (let at = 0; at < sealed.length; at++) {
			const altered = Buffer.from(sealed);
			altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
			expect(box.open(altered, owner)).toBeNull();
		}
		expect(box.open(sealed.subarray(0, 20), owner)).toBeNull();
		expect(box.open(Buffer.alloc(0), owner)).toBeNull();
	});
	it('never looks the same twice', () => {
		expect(box.seal('hush ✨', owner).equals(sealed)).toBe(false);
	});
	it('needs a key of 32 bytes', () => {
		expect(() => new SecretBox(randomBytes(16))).toThrow(/16 bytes instead of 32/);
	});
});

describe('the data folder’s key', () => {
	let folder = '';
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'cuelight-secrets-'));
	});
	afterEach(() => rm(folder, { recursive: true }));

	it('is made once, for its owner’s eyes, also by many at the same time', async () => {
		const boxes = await Promise.all(Array.from({ length: 8 }, () => openSecretBox(folder)));
		const [first, ...others] = boxes;
		const sealed = first?.seal('x', owner) ?? Buffer.alloc(0);
		for (const box of others) expect(box.open(sealed, owner)).toBe('x');
		expect((await stat(join(folder, 'encryption.key'))).mode & 0o777).toBe(0o600);
		expect(await readFile(join(folder, 'encryption.key'), 'utf8')).toMatch(/^[\w+/]{43}=$/);
	});
});

describe('a key', () => {
	it('is 32 random bytes that say their kind; its hash and hint are stored', () => {
		const { secret, hash, hint } = makeKey('overlay');
		expect(secret).toMatch(/^ck_overlay_[\w-]{43}$/);
		expect(hash.equals(hashKey(secret))).toBe(true);
		expect(secret.endsWith(hint)).toBe(true);
		expect(kindOfKey(secret)).toBe('overlay');
		expect(makeKey('overlay').secret).not.toBe(secret);
	});
	for (const text of ['', 'ck_api_', 'ck_root_' + 'a'.repeat(43), 'ck_api_' + 'a'.repeat(44)])
		it(`is not "${text}"`, () => {
			expect(kindOfKey(text)).toBeNull();
		});
});

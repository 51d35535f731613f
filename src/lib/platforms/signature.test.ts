import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacSha256, sameBytes } from './signature.ts';

test('the HMAC is the one that others compute, over the parts one after the other', async () => {
	const part = fc.uint8Array({ maxLength: 60 });
	await fc.assert(
		fc.asyncProperty(fc.string({ minLength: 1 }), fc.array(part), async (secret, parts) => {
			const hmac = createHmac('sha256', secret);
			for (const one of parts) hmac.update(one);
			expect(Buffer.from(await hmacSha256(secret, ...parts)).toString('hex')).toBe(
				hmac.digest('hex')
			);
		}),
		{ numRuns: 50 }
	);
});

test('bytes are the same when length and every byte are', () => {
	const bytes = Uint8Array.from([1, 2, 3]);
	expect(sameBytes(bytes, Uint8Array.from([1, 2, 3]))).toBe(true);
	expect(sameBytes(new Uint8Array(), new Uint8Array())).toBe(true);
	expect(sameBytes(bytes, Uint8Array.from([1, 2, 3, 0]))).toBe(false);
	expect(sameBytes(bytes, Uint8Array.from([1, 2]))).toBe(false);
	for (const index of [0, 1, 2]) expect(sameBytes(bytes, bytes.with(index, 9))).toBe(false);
});

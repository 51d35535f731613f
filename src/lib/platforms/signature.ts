/**
 * Signature primitives for platforms: WebCrypto, so that browser, Node and Deno run the same.
 */

/** HMAC-SHA256 over the parts one after the other, without separators. 32 bytes. */
export async function hmacSha256(
	secret: string,
	...parts: readonly Uint8Array[]
): Promise<Uint8Array> {
	const message = new Uint8Array(parts.reduce((length, part) => length + part.byteLength, 0));
	let offset = 0;
	for (const part of parts) {
		message.set(part, offset);
		offset += part.byteLength;
	}
	const key = await crypto.subtle.importKey(
		'raw',
		new TextEncoder().encode(secret),
		{ name: 'HMAC', hash: 'SHA-256' },
		false,
		['sign']
	);
	return new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
}

/**
 * Whether two byte strings are the same, in time that depends on their length only. Bring both to
 * one length before (a MAC has a fixed one): different lengths are answered at once.
 */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
	if (left.byteLength !== right.byteLength) return false;
	let difference = 0;
	for (let index = 0; index < left.byteLength; index++)
		difference |= (left[index] ?? 0) ^ (right[index] ?? 0);
	return difference === 0;
}

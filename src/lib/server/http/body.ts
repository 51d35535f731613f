/**
 * Reads a request's body under a limit that holds before anything is buffered: of a larger one
 * nothing is kept, whether it announced its length or not.
 */
import { AppError } from '$lib/bus/error.ts';
import { parseStrictly } from './json.ts';

/** Largest JSON body of the API. */
export const MAX_JSON_BYTES = 256 * 1024;

/**
 * What is read and thrown away of a body that is too large, before it is refused: a connection
 * closed on a sender who still writes is reset, and the sender would never see why.
 */
const MAX_DISCARDED_BYTES = 4 * 1024 * 1024;
const MAX_DISCARDING_MS = 2_000;

/** The body's bytes exactly as sent; empty when there is none. Throws `payload_too_large`. */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
	const tooLarge = () =>
		new AppError('payload_too_large', `The body is larger than ${limit} bytes.`);
	const announced = Number(request.headers.get('content-length') ?? 0);
	if (announced > MAX_DISCARDED_BYTES) throw tooLarge();
	if (request.body === null) return new Uint8Array();

	const chunks: Uint8Array[] = [];
	let size = 0;
	const reader = request.body.getReader();
	for (;;) {
		// The reader is left where it is on a refusal: cancelling it would cut the connection
		// before the answer is out. The answer says `connection: close` instead.
		const { done, value } = await reader.read().catch((cause: unknown) => {
			throw new AppError('invalid_input', 'The body did not arrive whole.', { cause });
		});
		if (done) break;
		size += value.byteLength;
		if (announced > limit || size > limit) {
			await discard(reader);
			throw tooLarge();
		}
		chunks.push(value);
	}
	return Buffer.concat(chunks, size);
}

/** Reads on without keeping, until the end, a bounded amount or a bounded time. */
async function discard(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
	let late: NodeJS.Timeout | undefined;
	const deadline = new Promise<null>((resolve) => {
		late = setTimeout(() => resolve(null), MAX_DISCARDING_MS);
	});
	for (let size = 0; size < MAX_DISCARDED_BYTES;) {
		const read = await Promise.race([reader.read().catch(() => null), deadline]);
		if (read === null || read.done) break;
		size += read.value.byteLength;
	}
	clearTimeout(late);
}

/** `application/json`, with no charset or UTF-8 and nothing else. */
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Bytes as text; throws `invalid_input` for anything that is not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch (cause) {
		throw new AppError('invalid_input', 'The body is not UTF-8.', { cause });
	}
}

/**
 * The body's text, for a door that takes JSON. An empty body is an empty text, whatever its type.
 * Throws `unsupported_media_type`, `payload_too_large` or `invalid_input`.
 */
export async function readJsonText(request: Request, limit = MAX_JSON_BYTES): Promise<string> {
	const encoding = request.headers.get('content-encoding');
	if (encoding !== null && encoding.toLowerCase() !== 'identity')
		throw new AppError('unsupported_media_type', 'Send the body without content-encoding.');
	const type = request.headers.get('content-type');
	const announced =
		request.headers.has('transfer-encoding') ||
		Number(request.headers.get('content-length') ?? 0) > 0;
	if (!JSON_TYPE.test(type ?? '') && (request.body !== null || announced))
		throw new AppError('unsupported_media_type', 'Send the body as application/json, in UTF-8.');
	return decodeUtf8(await readBytes(request, limit));
}

/** The body as a JSON object; a missing body reads as `{}`. */
export async function readJsonObject(
	request: Request,
	limit = MAX_JSON_BYTES
): Promise<Record<string, unknown>> {
	return asObject(await readJsonText(request, limit));
}

/** A JSON text as an object; an empty text reads as `{}`. */
export function asObject(text: string): Record<string, unknown> {
	const value: unknown = text === '' ? {} : parseStrictly(text);
	if (!isObject(value)) throw new AppError('invalid_input', 'The body must be a JSON object.');
	return value;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

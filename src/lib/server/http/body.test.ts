import { describe, expect, it } from 'vitest';
import { AppError, type ErrorCode } from '$lib/bus/error.ts';
import { readBytes, readJsonObject } from './body.ts';

const post = (body: BodyInit | null, headers: Record<string, string> = {}) =>
	new Request('http://127.0.0.1/', {
		method: 'POST',
		body,
		headers: { 'content-type': 'application/json', ...headers },
		duplex: 'half'
	} as RequestInit);

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'none'> {
	try {
		await promise;
		return 'none';
	} catch (error) {
		if (error instanceof AppError) return error.code;
		throw error;
	}
}

describe('the type of a body', () => {
	const types: Record<string, ErrorCode | 'none'> = {
		'application/json': 'none',
		'application/json; charset=utf-8': 'none',
		'Application/JSON;charset="UTF-8"': 'none',
		'application/json; charset=utf-7': 'unsupported_media_type',
		'application/json, text/html': 'unsupported_media_type',
		'text/plain': 'unsupported_media_type',
		'application/x-www-form-urlencoded': 'unsupported_media_type',
		'application/jsonp': 'unsupported_media_type'
	};
	for (const [type, code] of Object.entries(types))
		it(`${type}: ${code}`, async () => {
			expect(await codeOf(readJsonObject(post('{}', { 'content-type': type })))).toBe(code);
		});

	it('takes no compressed body, whatever it would unpack to', async () => {
		const request = post('{}', { 'content-encoding': 'gzip' });
		expect(await codeOf(readJsonObject(request))).toBe('unsupported_media_type');
	});

	it('reads no body as an empty object', async () => {
		const request = new Request('http://127.0.0.1/', { method: 'POST' });
		expect(await readJsonObject(request)).toEqual({});
	});

	it('takes an object only', async () => {
		for (const text of ['[]', '1', 'null', '"x"'])
			expect(await codeOf(readJsonObject(post(text)))).toBe('invalid_input');
	});

	it('takes UTF-8 only', async () => {
		const overlong = new Uint8Array([0x22, 0xc0, 0xaf, 0x22]);
		expect(await codeOf(readJsonObject(post(overlong)))).toBe('invalid_input');
	});
});

describe('the size of a body', () => {
	/** A body that never ends, and how much of it was asked for. */
	function endless() {
		let pulled = 0;
		const stream = new ReadableStream<Uint8Array>(
			{
				pull(controller) {
					pulled += 1;
					controller.enqueue(new Uint8Array(1_000));
				}
			},
			// Nothing is made before it is asked for.
			{ highWaterMark: 0 }
		);
		return { stream, pulled: () => pulled };
	}

	it('is refused unread when it announces very much', async () => {
		const { stream, pulled } = endless();
		const request = post(stream, { 'content-length': '10000000000' });
		expect(await codeOf(readBytes(request, 1_000))).toBe('payload_too_large');
		expect(pulled()).toBe(0);
	});

	it('is heard to its end before a refusal, so that the sender hears the refusal', async () => {
		let sent = 0;
		const stream = new ReadableStream<Uint8Array>(
			{
				pull(controller) {
					sent += 1;
					if (sent > 50) controller.close();
					else controller.enqueue(new Uint8Array(1_000));
				}
			},
			{ highWaterMark: 0 }
		);
		const request = post(stream, { 'content-length': '50000' });
		expect(await codeOf(readBytes(request, 1_000))).toBe('payload_too_large');
		expect(sent).toBe(51);
	});

	it('without end is given up after a while', async () => {
		const { stream, pulled } = endless();
		expect(await codeOf(readBytes(post(stream), 10_000))).toBe('payload_too_large');
		expect(pulled()).toBeLessThan(5_000);
	});

	it('may be exactly the limit', async () => {
		expect(await readBytes(post(new Uint8Array(1_000)), 1_000)).toHaveLength(1_000);
	});

	it('that breaks off is the sender’s fault', async () => {
		const stream = new ReadableStream({
			pull(controller) {
				controller.error(new Error('gone'));
			}
		});
		expect(await codeOf(readBytes(post(stream), 10))).toBe('invalid_input');
	});
});

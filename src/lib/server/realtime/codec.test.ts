import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameOf } from './frame.ts';
import { v1 } from './v1.ts';
import { v2 } from './v2.ts';
import { BINARY, MalformedFrame, TEXT, type Broadcast, type Codec } from './wire.ts';

const hex = (...parts: (string | number)[]) =>
	Buffer.concat(
		parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part)))
	);
const broadcast = (event: string, body: string, meta: Broadcast['meta'] = null): Broadcast => ({
	event,
	body: Buffer.from(body),
	encoding: 'json',
	meta
});
const topic = 'realtime:room:a';
const text = (codec: Codec, message: Parameters<Codec['encode']>[0]) =>
	codec.encode(message).data.toString();

describe('version 1', () => {
	test('reads a join', () => {
		const frame = `{"topic":"${topic}","event":"phx_join","payload":{},"ref":"6","join_ref":"6"}`;
		expect(v1.decode(Buffer.from(frame), false)).toEqual({
			join_ref: '6',
			ref: '6',
			topic,
			event: 'phx_join',
			payload: {},
			broadcast: null
		});
	});

	test('writes a reply without join_ref', () => {
		const payload = { status: 'ok', response: {} };
		expect(text(v1, { join_ref: '6', ref: '6', topic, event: 'phx_reply', payload })).toBe(
			`{"topic":"${topic}","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"6"}`
		);
	});

	test.each([
		[broadcast('x', '{"a":1}'), '{"event":"x","payload":{"a":1},"type":"broadcast"}'],
		[
			broadcast('"x"', '{}', { id: 'u', replayed: true }),
			'{"event":"\\"x\\"","payload":{},"type":"broadcast","meta":{"id":"u","replayed":true}}'
		]
	])('writes broadcasts', (message, payload) => {
		expect(v1.encodeBroadcast(topic, message, null)?.data.toString()).toBe(
			`{"topic":"${topic}","event":"broadcast","payload":${payload},"ref":null}`
		);
	});

	test('cannot carry raw bytes', () => {
		expect(v1.encodeBroadcast(topic, { ...broadcast('x', 'a'), encoding: 'binary' }, null)).toBe(
			null
		);
		expect(() => v1.decode(hex(3), true)).toThrow(MalformedFrame);
	});
});

describe('version 2', () => {
	test.each([
		[
			{ join_ref: null, ref: '7', topic: 'phoenix', event: 'phx_reply', payload: { status: 'ok' } },
			'[null,"7","phoenix","phx_reply",{"status":"ok"}]'
		],
		[
			{ join_ref: '8', ref: null, topic, event: 'system', payload: {} },
			`["8",null,"${topic}","system",{}]`
		]
	])('writes arrays', (message, expected) => expect(text(v2, message)).toBe(expected));

	test('reads kind 3 as the JavaScript client was seen to send it', () => {
		const frame = hex(3, 1, 2, 0x0f, 1, 0, 1, '8', '10', topic, 'x', '{"a":1}');
		expect(v2.decode(frame, true)).toEqual({
			join_ref: '8',
			ref: '10',
			topic,
			event: 'broadcast',
			payload: {},
			broadcast: broadcast('x', '{"a":1}')
		});
	});

	test('writes kind 4 as it was seen', () => {
		expect(v2.encodeBroadcast(topic, broadcast('x', '{"a":1}'), null)).toEqual({
			opcode: BINARY,
			data: hex(4, 0x0f, 1, 0, 1, topic, 'x', '{"a":1}')
		});
	});

	test('lengths count UTF-8 bytes, metadata is JSON', () => {
		const frame = v2.encodeBroadcast('realtime:é', broadcast('✨', '{}', { id: 'u' }), null);
		expect(frame?.data).toEqual(hex(4, 11, 3, 10, 1, 'realtime:é', '✨', '{"id":"u"}', '{}'));
	});

	test('names too long for one byte go as text, raw bytes with them cannot go', () => {
		const long = 'é'.repeat(128);
		const frame = v2.encodeBroadcast(topic, broadcast(long, '{"a":1}'), null);
		expect(frame?.opcode).toBe(TEXT);
		expect(JSON.parse(frame?.data.toString() ?? '')).toEqual([
			null,
			null,
			topic,
			'broadcast',
			{ event: long, payload: { a: 1 }, type: 'broadcast' }
		]);
		const bytes: Broadcast = { ...broadcast(long, 'x'), encoding: 'binary' };
		expect(v2.encodeBroadcast(topic, bytes, null)).toBe(null);
	});

	test('replays are text frames of their join, binary ones kind 4', () => {
		const meta = { id: 'u', replayed: true } as const;
		expect(v2.encodeBroadcast(topic, broadcast('x', '{}', meta), '8')?.data.toString()).toBe(
			`["8",null,"${topic}","broadcast",{"event":"x","payload":{},"type":"broadcast","meta":{"id":"u","replayed":true}}]`
		);
		const bytes: Broadcast = { ...broadcast('x', 'a', meta), encoding: 'binary' };
		expect(v2.encodeBroadcast(topic, bytes, '8')?.data[0]).toBe(4);
	});

	test('no bytes at all can do more than be refused', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isBinary) => {
				for (const codec of [v1, v2]) {
					try {
						codec.decode(Buffer.from(bytes), isBinary);
					} catch (error) {
						expect(error).toBeInstanceOf(MalformedFrame);
					}
				}
			}),
			{ numRuns: 2000 }
		);
		expect(() => v2.decode(Buffer.from('[]'), false)).toThrow(MalformedFrame);
	});

	test('what was written is read back, whatever the names', () => {
		const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
		fc.assert(
			fc.property(part, part, fc.jsonValue(), (name, event, value) => {
				const body = Buffer.from(JSON.stringify(value));
				const sizes = [name, event].map((text) => Buffer.byteLength(text));
				fc.pre(sizes.every((size) => size <= 255));
				const frame = hex(3, 0, 0, sizes[0] ?? 0, sizes[1] ?? 0, 0, 1, name, event);
				const push = v2.decode(Buffer.concat([frame, body]), true);
				expect([push.topic, push.broadcast?.event]).toEqual([name, event]);
				expect(push.broadcast?.body).toEqual(body);
			})
		);
	});
});

describe('WebSocket frames', () => {
	test.each([
		[0, [0x81, 0]],
		[125, [0x81, 125]],
		[126, [0x81, 126, 0, 126]],
		[65_535, [0x81, 126, 255, 255]],
		[65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]]
	])('%i bytes', (length, header) => {
		const data = Buffer.alloc(length, 'x');
		expect(frameOf({ opcode: TEXT, data })).toEqual(Buffer.concat([Buffer.from(header), data]));
	});
});

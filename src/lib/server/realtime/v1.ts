/**
 * Protocol 1.0.0: every message is a JSON object in a text frame. Clients send `join_ref`, the
 * server never does; raw bytes cannot be carried.
 */
import { isRecord, MalformedFrame, parseJson, readPush, TEXT, type Codec } from './wire.ts';

export const v1: Codec = {
	vsn: 1,

	decode(data, isBinary) {
		if (isBinary) throw new MalformedFrame('Protocol 1.0.0 has no binary frames');
		const parts = parseJson(data.toString());
		if (!isRecord(parts)) throw new MalformedFrame('The frame is not a JSON object');
		return readPush(parts);
	},

	encode({ topic, event, payload, ref }) {
		return { opcode: TEXT, data: Buffer.from(JSON.stringify({ topic, event, payload, ref })) };
	},

	encodeBroadcast(topic, { event, body, encoding, meta }) {
		if (encoding === 'binary') return null;
		// The payload is already JSON: it is put in place as it is, never parsed.
		const head = `{"topic":${JSON.stringify(topic)},"event":"broadcast","payload":{"event":${JSON.stringify(event)},"payload":`;
		const tail = `,"type":"broadcast"${meta ? `,"meta":${JSON.stringify(meta)}` : ''}},"ref":null}`;
		return { opcode: TEXT, data: Buffer.concat([Buffer.from(head), body, Buffer.from(tail)]) };
	}
};

/**
 * Protocol 2.0.0: text frames are JSON arrays `[join_ref, ref, topic, event, payload]`; broadcasts
 * travel as binary frames, kind 3 from clients and kind 4 to them. All lengths are one byte and
 * count UTF-8 bytes.
 *
 *   3 │ join_ref │ ref │ topic │ event │ meta (lengths) │ encoding │ the five texts │ payload
 *   4 │ topic │ event │ meta (lengths)                  │ encoding │ the three texts │ payload
 *
 * Encoding 1 is JSON text, 0 raw bytes. Kinds 0 to 2 are never sent: the JavaScript client's
 * message handler throws on any first byte but 4.
 */
import {
	BINARY,
	MalformedFrame,
	parseJson,
	readPush,
	TEXT,
	type Broadcast,
	type Codec,
	type Encoded,
	type Push
} from './wire.ts';

const PUSH = 3;
const BROADCAST = 4;
const PUSH_HEADER = 7;
const MAX_LENGTH = 255;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function text(bytes: Uint8Array, what: string): string {
	try {
		return utf8.decode(bytes);
	} catch {
		throw new MalformedFrame(`The frame's ${what} is not UTF-8`);
	}
}

function decodeBinary(data: Buffer): Push {
	if (data[0] !== PUSH) throw new MalformedFrame(`Binary frames of kind ${data[0]} are not known`);
	const lengths = [...data.subarray(1, 6)];
	const encoding = data[6];
	const end = lengths.reduce((sum, length) => sum + length, PUSH_HEADER);
	if (encoding === undefined || data.length < end)
		throw new MalformedFrame('The binary frame is shorter than its lengths say');
	if (encoding > 1) throw new MalformedFrame(`Payload encoding ${encoding} is not known`);

	let at = PUSH_HEADER;
	const [join_ref, ref, topic, event] = lengths.map((length, index) => {
		at += length;
		// The metadata (last) only ever asks for `persist`, which is not offered.
		return index === 4 ? '' : text(data.subarray(at - length, at), 'header');
	});
	const body = data.subarray(end);
	if (encoding === 1) parseJson(text(body, 'payload'));
	const push = readPush({
		join_ref: join_ref || null,
		ref: ref || null,
		topic,
		event: 'broadcast',
		payload: {}
	});
	push.broadcast = {
		event: event ?? '',
		body,
		encoding: encoding === 1 ? 'json' : 'binary',
		meta: null
	};
	return push;
}

function encodeBinary(topic: string, { event, body, encoding, meta }: Broadcast): Encoded | null {
	const texts = [topic, event, meta ? JSON.stringify(meta) : ''].map((part) => Buffer.from(part));
	if (texts.some((part) => part.length > MAX_LENGTH)) return null;
	const header = Buffer.of(
		BROADCAST,
		...texts.map((part) => part.length),
		encoding === 'json' ? 1 : 0
	);
	return { opcode: BINARY, data: Buffer.concat([header, ...texts, body]) };
}

/** The text form, for replays and for names that do not fit kind 4's one-byte lengths. */
function encodeText(topic: string, broadcast: Broadcast, join_ref: string | null): Encoded {
	const { event, body, meta } = broadcast;
	const head = `[${JSON.stringify(join_ref)},null,${JSON.stringify(topic)},"broadcast",{"event":${JSON.stringify(event)},"payload":`;
	const tail = `,"type":"broadcast"${meta ? `,"meta":${JSON.stringify(meta)}` : ''}}]`;
	return { opcode: TEXT, data: Buffer.concat([Buffer.from(head), body, Buffer.from(tail)]) };
}

export const v2: Codec = {
	vsn: 2,

	decode(data, isBinary) {
		if (isBinary) return decodeBinary(data);
		const parts = parseJson(data.toString());
		if (!Array.isArray(parts) || parts.length !== 5)
			throw new MalformedFrame('The frame is not an array of five');
		const [join_ref, ref, topic, event, payload] = parts;
		return readPush({ join_ref, ref, topic, event, payload });
	},

	encode({ join_ref, ref, topic, event, payload }) {
		return {
			opcode: TEXT,
			data: Buffer.from(JSON.stringify([join_ref, ref, topic, event, payload]))
		};
	},

	encodeBroadcast(topic, broadcast, join_ref) {
		if (broadcast.encoding === 'binary') return encodeBinary(topic, broadcast);
		if (join_ref !== null) return encodeText(topic, broadcast, join_ref);
		return encodeBinary(topic, broadcast) ?? encodeText(topic, broadcast, null);
	}
};

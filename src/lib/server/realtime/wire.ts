/**
 * What travels, independent of the protocol version. A codec (v1.ts, v2.ts) turns bytes into a
 * `Push` and an `Outgoing` or `Broadcast` into bytes; nothing above the codecs knows JSON arrays
 * from objects. Protocol: Phoenix channels as Supabase Realtime speaks them.
 */
import { z } from 'zod';

export type Json = z.infer<ReturnType<typeof z.json>>;
export type JsonRecord = Record<string, unknown>;

/** A message of user data on a topic, its payload kept as bytes so that it is encoded once. */
export interface Broadcast {
	event: string;
	/** JSON text (UTF-8) or raw bytes, as `encoding` says. */
	body: Buffer;
	encoding: 'json' | 'binary';
	/** Only of messages that came from the database. */
	meta: { id: string; replayed?: true } | null;
}

/** A frame from a client. `broadcast` is set when it came as a binary broadcast. */
export interface Push {
	join_ref: string | null;
	ref: string | null;
	topic: string;
	event: string;
	payload: JsonRecord;
	broadcast: Broadcast | null;
}

/** A message to one client, other than a live broadcast. */
export interface Outgoing {
	join_ref: string | null;
	ref: string | null;
	topic: string;
	event: string;
	payload: Json | JsonRecord;
}

/** The data of one WebSocket message. */
export interface Encoded {
	opcode: typeof TEXT | typeof BINARY;
	data: Buffer;
}
export const TEXT = 1;
export const BINARY = 2;

export interface Codec {
	readonly vsn: 1 | 2;
	/** Throws `MalformedFrame` for anything that is not a push of this version. */
	decode(data: Buffer, isBinary: boolean): Push;
	encode(message: Outgoing): Encoded;
	/**
	 * A broadcast on a topic (with its `realtime:` prefix). `join_ref` is null for live messages.
	 * Null when this version cannot carry it (raw bytes in version 1).
	 */
	encodeBroadcast(topic: string, broadcast: Broadcast, join_ref: string | null): Encoded | null;
}

/** A frame that cannot be read; `ref` when that much could be. The message is for the client. */
export class MalformedFrame extends Error {
	readonly ref: string | null;
	constructor(message: string, ref: string | null = null) {
		super(message);
		this.name = 'MalformedFrame';
		this.ref = ref;
	}
}

/** Deepest nesting of arrays and objects that a frame may have. */
export const MAX_DEPTH = 64;

/** Parses JSON of bounded depth. Throws `MalformedFrame`. */
export function parseJson(text: string): unknown {
	let depth = 0;
	let quoted = false;
	for (let i = 0; i < text.length; i++) {
		const c = text.charCodeAt(i);
		if (quoted) {
			if (c === 92 /* \ */) i++;
			else if (c === 34 /* " */) quoted = false;
		} else if (c === 34) quoted = true;
		else if (c === 91 /* [ */ || c === 123 /* { */) {
			if (++depth > MAX_DEPTH) throw new MalformedFrame(`The frame nests deeper than ${MAX_DEPTH}`);
		} else if (c === 93 || c === 125) depth--;
	}
	try {
		return JSON.parse(text);
	} catch {
		throw new MalformedFrame('The frame is not JSON');
	}
}

export const isRecord = (value: unknown): value is JsonRecord =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const Ref = z.string().max(255).nullable();
/** The five parts of a push. The payload is judged by its shape only, never copied. */
export const PushShape = z.object({
	join_ref: Ref.default(null),
	ref: Ref.default(null),
	topic: z.string().min(1).max(1024),
	event: z.string().min(1).max(255),
	payload: z.custom<JsonRecord>(isRecord, 'must be an object')
});

/** Checks the five parts of a text push. Throws `MalformedFrame` naming the first wrong one. */
export function readPush(parts: unknown): Push {
	const read = PushShape.safeParse(parts);
	if (read.success) return { ...read.data, broadcast: null };
	const issue = read.error.issues[0];
	const ref = isRecord(parts) && typeof parts.ref === 'string' ? parts.ref.slice(0, 255) : null;
	throw new MalformedFrame(
		`The frame's ${issue?.path.join('.') || 'shape'} is not valid: ${issue?.message ?? 'unknown'}`,
		ref
	);
}

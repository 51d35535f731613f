/**
 * Who a delivery is for, whether it is genuine, what it says. The signature here covers id, time
 * (milliseconds since 1970) and the raw body, joined by dots.
 *
 * Source: (the address of the platform's documents)
 */
import { z } from 'zod';
import {
	hmacSha256,
	sameBytes,
	type Delivery,
	type Identity,
	type Reading,
	type Refusal,
	type Verdict,
	type WebhookDoor
} from '../platform.ts';
import { Body } from './external.ts';
import { normalize } from './normalize.ts';

const WINDOW_MS = 5 * 60 * 1_000;
const MESSAGE_ID = /^[a-z0-9-]{1,100}$/;
const SIGNATURE = /^[0-9a-f]{64}$/;

function parse({ headers, body }: Delivery): { id: string; body: Body } | Refusal {
	const id = headers['x-template-id'] ?? '';
	if (!MESSAGE_ID.test(id)) return { refused: 'x-template-id is missing or malformed' };
	if (!/^\d{13}$/.test(headers['x-template-time'] ?? ''))
		return { refused: 'x-template-time must be milliseconds since 1970' };
	try {
		const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
		const parsed = Body.safeParse(JSON.parse(text));
		if (parsed.success) return { id, body: parsed.data };
	} catch {
		// Not UTF-8 or not JSON: said below.
	}
	return { refused: 'the body is not a message of this platform in JSON' };
}

function identify(delivery: Delivery): Identity | Refusal {
	const message = parse(delivery);
	if ('refused' in message) return message;
	return { channel_id: message.body.channel, message_id: message.id, kind: message.body.kind };
}

async function verify({ headers, body }: Delivery, secret: string, now: Date): Promise<Verdict> {
	const { 'x-template-id': id = '', 'x-template-time': time = '' } = headers;
	const signature = headers['x-template-signature'] ?? '';
	if (!SIGNATURE.test(signature) || secret === '') return 'forged';
	const expected = await hmacSha256(secret, new TextEncoder().encode(`${id}.${time}.`), body);
	const claimed = Uint8Array.from(signature.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
	if (!sameBytes(expected, claimed)) return 'forged';
	return Math.abs(now.getTime() - Number(time)) > WINDOW_MS ? 'stale' : 'genuine';
}

function read(delivery: Delivery): Reading {
	const message = parse(delivery);
	if ('refused' in message) return { kind: 'malformed', reason: message.refused };
	const { body, id } = message;
	if (body.challenge) return { kind: 'challenge', answer: body.challenge };
	if (body.revoked) return { kind: 'revoked', subscription: body.kind, reason: body.revoked };
	const normalized = normalize(id, body);
	return 'ignored' in normalized
		? { kind: 'ignored', reason: normalized.ignored }
		: { kind: 'events', drafts: [normalized] };
}

export const webhook: WebhookDoor = {
	channelId: z.string().regex(/^[a-z0-9]{1,40}$/, 'must be a channel name'),
	secret: z.string().min(10).max(100),
	identify,
	verify,
	read
};

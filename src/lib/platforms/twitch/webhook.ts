/**
 * EventSub over webhooks: who it is for, whether it is genuine, what it says.
 *
 * The signature covers message id, timestamp and the raw body, one after the other without
 * separators. That is unambiguous only because the timestamp's form is fixed and the body starts
 * with `{`: the strict patterns below are part of the proof. The other headers are **not** signed,
 * so what they say is believed only where the body agrees: otherwise a captured
 * notification could be sent again dressed up as a revocation.
 *
 * Source: dev.twitch.tv/docs/eventsub/handling-webhook-events.
 */
import { z } from 'zod';
import {
	foreignInstant,
	hmacSha256,
	sameBytes,
	type Delivery,
	type Identity,
	type Reading,
	type Refusal,
	type Verdict,
	type WebhookDoor
} from '../platform.ts';
import { Envelope } from './external.ts';
import { normalize } from './normalize.ts';

/** Twitch's own replay guard; we refuse the same distance into the future. */
export const WINDOW_MS = 10 * 60 * 1_000;

const MESSAGE_ID = /^[A-Za-z0-9_.:=+/-]{1,200}$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const SIGNATURE = /^sha256=([0-9a-f]{64})$/;

const messageTypes = ['notification', 'webhook_callback_verification', 'revocation'] as const;
const MessageType = z.enum(messageTypes);

const header = {
	id: 'twitch-eventsub-message-id',
	type: 'twitch-eventsub-message-type',
	retry: 'twitch-eventsub-message-retry',
	timestamp: 'twitch-eventsub-message-timestamp',
	signature: 'twitch-eventsub-message-signature',
	subscriptionType: 'twitch-eventsub-subscription-type'
} as const;

interface Message {
	readonly id: string;
	readonly type: z.infer<typeof MessageType>;
	readonly timestamp: string;
	readonly body: Envelope;
	/** Whose channel it is about: the subscriber's condition names it. */
	readonly channel_id: string | null;
}

/** Everything that must hold before secrets are looked at. */
function parse(delivery: Delivery): Message | Refusal {
	const { headers } = delivery;
	const id = headers[header.id] ?? '';
	if (!MESSAGE_ID.test(id)) return { refused: `${header.id} is missing or malformed` };
	const type = MessageType.safeParse(headers[header.type]);
	if (!type.success) return { refused: `${header.type} must be one of ${messageTypes.join(', ')}` };
	const retry = headers[header.retry];
	if (retry !== undefined && !/^\d{1,4}$/.test(retry))
		return { refused: `${header.retry} must be a whole number` };
	const timestamp = headers[header.timestamp] ?? '';
	if (instantOf(timestamp) === null)
		return { refused: `${header.timestamp} must be an RFC 3339 instant` };
	const body = parseBody(delivery.body);
	if (body === null) return { refused: 'the body is not an EventSub message in JSON' };
	return { id, type: type.data, timestamp, body, channel_id: channelOf(body) };
}

/** Milliseconds since 1970, or null for what is not an instant (`…:60Z` and numbers included). */
function instantOf(timestamp: string): number | null {
	const match = TIMESTAMP.exec(timestamp);
	// The bus's check knows the calendar; Date.parse alone takes February 30th for March 2nd.
	if (match === null || foreignInstant(timestamp) === null) return null;
	const [, seconds = '', fraction = '', zone = ''] = match;
	// Twitch writes nanoseconds; more than milliseconds is beyond the standard's Date format.
	const instant = Date.parse(seconds + fraction.slice(0, 4) + zone);
	return Number.isNaN(instant) ? null : instant;
}

function parseBody(bytes: Uint8Array): Envelope | null {
	try {
		// A byte order mark is kept, so that JSON.parse refuses it: Twitch sends none.
		const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
		const body = text.startsWith('{') ? Envelope.safeParse(JSON.parse(text)) : null;
		return body?.success ? body.data : null;
	} catch {
		// Not UTF-8 or not JSON: both are the sender's, and said by the caller.
		return null;
	}
}

function channelOf({ subscription: { condition } }: Envelope): string | null {
	// Unused keys may come as empty strings; a raid has `to_` or `from_`, never both.
	for (const key of ['broadcaster_user_id', 'to_broadcaster_user_id', 'from_broadcaster_user_id']) {
		const id = condition[key];
		if (typeof id === 'string' && /^\d{1,20}$/.test(id)) return id;
	}
	return null;
}

function identify(delivery: Delivery): Identity | Refusal {
	const message = parse(delivery);
	if ('refused' in message) return message;
	return { channel_id: message.channel_id, message_id: message.id, kind: message.type };
}

async function verify(delivery: Delivery, secret: string, now: Date): Promise<Verdict> {
	const { headers, body } = delivery;
	const sent = SIGNATURE.exec(headers[header.signature] ?? '')?.[1];
	const instant = instantOf(headers[header.timestamp] ?? '');
	if (sent === undefined || instant === null || secret === '') return 'forged';
	const signed = new TextEncoder().encode(
		(headers[header.id] ?? '') + (headers[header.timestamp] ?? '')
	);
	const expected = await hmacSha256(secret, signed, body);
	const claimed = Uint8Array.from(sent.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16));
	if (!sameBytes(expected, claimed)) return 'forged';
	return Math.abs(now.getTime() - instant) > WINDOW_MS ? 'stale' : 'genuine';
}

function read(delivery: Delivery): Reading {
	const message = parse(delivery);
	if ('refused' in message) return { kind: 'malformed', reason: message.refused };
	const { subscription, event, challenge } = message.body;
	const claimed = delivery.headers[header.subscriptionType];
	if (claimed !== undefined && claimed !== subscription.type)
		return {
			kind: 'malformed',
			reason: `${header.subscriptionType} says ${claimed.slice(0, 200)}, the body says ${subscription.type}`
		};
	switch (message.type) {
		case 'webhook_callback_verification':
			return challenge === null
				? { kind: 'malformed', reason: 'a verification has a challenge' }
				: { kind: 'challenge', answer: challenge };
		case 'revocation':
			return challenge !== null || subscription.status === 'enabled'
				? { kind: 'malformed', reason: 'a revocation has a reason as its status' }
				: { kind: 'revoked', subscription: subscription.type, reason: subscription.status };
		case 'notification': {
			const normalized = normalize({
				type: subscription.type,
				message_id: message.id,
				timestamp: message.timestamp,
				channel_id: message.channel_id ?? '',
				// Batches (`events`) have none; no type that Cuelight reads comes in batches.
				event: event ?? {}
			});
			return 'ignored' in normalized
				? { kind: 'ignored', reason: normalized.ignored }
				: { kind: 'events', drafts: [normalized.draft] };
		}
	}
}

export const webhook: WebhookDoor = {
	channelId: z.string().regex(/^\d{1,20}$/, 'must be the numeric id of a Twitch user'),
	secret: z.string().regex(/^[\x20-\x7e]{10,100}$/, 'must be 10 to 100 ASCII characters'),
	identify,
	verify,
	read
};

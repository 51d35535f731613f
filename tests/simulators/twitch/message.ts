/**
 * EventSub webhook messages as Twitch sends them: headers, raw body, signature. Written from
 * Twitch's documents and with Node's crypto, independent of the code under test.
 */
import { createHmac } from 'node:crypto';
import type { Payload } from './generators/index.ts';

/** One HTTP request that Twitch would make; sent again unchanged it is a redelivery. */
export interface TwitchMessage {
	readonly id: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | Uint8Array<ArrayBuffer>;
}

export interface SignOptions {
	readonly secret: string;
	readonly id: string;
	/** RFC 3339. */
	readonly timestamp: string;
	readonly type?: 'notification' | 'webhook_callback_verification' | 'revocation';
	readonly retry?: number;
	readonly subscription?: { readonly type: string; readonly version: string };
}

/** Signs the body and adds the headers. */
export function sign(body: TwitchMessage['body'], options: SignOptions): TwitchMessage {
	const { id, timestamp, secret, type = 'notification', retry = 0, subscription } = options;
	const signature = createHmac('sha256', secret)
		.update(id + timestamp)
		.update(body)
		.digest('hex');
	return {
		id,
		body,
		headers: {
			'content-type': 'application/json',
			'user-agent': 'Go-http-client/1.1',
			'twitch-eventsub-message-id': id,
			'twitch-eventsub-message-retry': String(retry),
			'twitch-eventsub-message-type': type,
			'twitch-eventsub-message-signature': `sha256=${signature}`,
			'twitch-eventsub-message-timestamp': timestamp,
			...(subscription && {
				'twitch-eventsub-subscription-type': subscription.type,
				'twitch-eventsub-subscription-version': subscription.version
			})
		}
	};
}

const subscriptionOf = ({ type, version, condition }: Omit<Payload, 'event'>, status: string) => ({
	id: `subscription-${type}`,
	status,
	type,
	version,
	cost: 0,
	condition,
	transport: { method: 'webhook', callback: 'https://overlay.example/webhooks/twitch' },
	created_at: '2026-05-03T18:00:00.123456789Z'
});

export const notificationBody = (payload: Payload): string =>
	JSON.stringify({ subscription: subscriptionOf(payload, 'enabled'), event: payload.event });

export const challengeBody = (about: Omit<Payload, 'event'>, challenge: string): string =>
	JSON.stringify({
		challenge,
		subscription: subscriptionOf(about, 'webhook_callback_verification_pending')
	});

export const revocationBody = (about: Omit<Payload, 'event'>, status: string): string =>
	JSON.stringify({ subscription: subscriptionOf(about, status) });

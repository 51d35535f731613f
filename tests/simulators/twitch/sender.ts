/**
 * A sender of webhooks alone, for tests that set up their connection by hand: correct signatures,
 * realistic payloads, duplicates.
 *
 *   const twitch = twitchSender({ url, secret, channelId, random });
 *   const sent = await twitch.send('channel.follow', { user_name: 'Ann' });
 *   await twitch.deliver(sent.message); // the same once more: a duplicate
 *
 * A delivery whose answer is not 2xx is not repeated: what to do about it is the test's affair.
 */
import {
	challengeBody,
	notificationBody,
	revocationBody,
	sign,
	type TwitchMessage
} from './message.ts';
import {
	nanoseconds,
	payload,
	twitchTypes,
	type Chance,
	type TwitchType
} from './generators/index.ts';

export interface TwitchSenderOptions {
	/** The webhook's full address. */
	readonly url: string;
	readonly secret: string;
	readonly channelId: string;
	/** Chance in [0, 1); seed it, so that a failing run can be run again. */
	readonly random: Chance;
	/** The sender's clock. */
	readonly now?: () => Date;
	/** Gives up a delivery after so many milliseconds; Twitch waits a few seconds. */
	readonly timeoutMs?: number;
	/** Goes into message and viewer ids, so that two senders never tell the same fact. */
	readonly name?: string;
}

export interface Sent {
	readonly message: TwitchMessage;
	readonly status: number;
	readonly contentType: string | null;
	readonly body: string;
}

export interface TwitchSender {
	/** Makes a signed notification without sending it. */
	notification(type: TwitchType, overrides?: Record<string, unknown>): TwitchMessage;
	/** A notification of a type drawn by chance. */
	anyNotification(): TwitchMessage;
	challenge(challenge: string, type?: TwitchType): TwitchMessage;
	revocation(reason: string, type?: TwitchType): TwitchMessage;
	/** Sends a message as it is; the same message again is a duplicate. Rejects when the network fails. */
	deliver(message: TwitchMessage): Promise<Sent>;
	/** Makes and delivers a notification. */
	send(type: TwitchType, overrides?: Record<string, unknown>): Promise<Sent>;
	/** A gift of `count` subscriptions as Twitch tells it: the gift and one message a recipient, in any order. */
	giftBomb(count: number): TwitchMessage[];
}

export function twitchSender(options: TwitchSenderOptions): TwitchSender {
	const { url, secret, channelId, random, now = () => new Date(), timeoutMs = 10_000 } = options;
	const name = options.name ?? 'sim';
	let count = 0;
	const scene = () => ({ channelId, random, at: now(), n: (count += 1), sender: name });
	const nextId = () => `${name}-${count}-${Math.floor(random() * 2 ** 32).toString(16)}`;

	const signed = (
		body: string,
		subscription: { type: string; version: string },
		type: 'notification' | 'webhook_callback_verification' | 'revocation'
	) => {
		const timestamp = nanoseconds(now(), random);
		return sign(body, { secret, id: nextId(), timestamp, type, subscription });
	};

	const sender: TwitchSender = {
		notification(type, overrides) {
			const made = payload(type, scene(), overrides);
			return signed(notificationBody(made), made, 'notification');
		},
		anyNotification: () =>
			sender.notification(
				twitchTypes[Math.floor(random() * twitchTypes.length)] ?? 'channel.follow'
			),
		challenge(challenge, type = 'channel.follow') {
			const about = payload(type, scene());
			return signed(challengeBody(about, challenge), about, 'webhook_callback_verification');
		},
		revocation(reason, type = 'channel.follow') {
			const about = payload(type, scene());
			return signed(revocationBody(about, reason), about, 'revocation');
		},
		async deliver(message) {
			const response = await fetch(url, {
				method: 'POST',
				headers: message.headers,
				body: message.body,
				redirect: 'manual',
				signal: AbortSignal.timeout(timeoutMs)
			});
			const { status, headers } = response;
			return {
				message,
				status,
				contentType: headers.get('content-type'),
				body: await response.text()
			};
		},
		send: (type, overrides) => sender.deliver(sender.notification(type, overrides)),
		giftBomb(total) {
			const gift = sender.notification('channel.subscription.gift', { total, tier: '1000' });
			const recipients = Array.from({ length: total }, () =>
				sender.notification('channel.subscribe', { is_gift: true, tier: '1000' })
			);
			const place = Math.floor(random() * (total + 1));
			return [...recipients.slice(0, place), gift, ...recipients.slice(place)];
		}
	};
	return sender;
}

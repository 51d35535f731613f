/**
 * EventSub by webhook: proof of the callback, signed deliveries, repeats, giving up.
 * Source: dev.twitch.tv/docs/eventsub/handling-webhook-events. When Twitch repeats is not
 * documented; here it is a few times, later each time, under the same message id.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { sign } from './message.ts';
import type { Records } from './record.ts';
import { stamp, written, type Subscription } from './subscriptions.ts';
import { secretWord } from './tokens.ts';

type Kind = 'notification' | 'webhook_callback_verification' | 'revocation';

export interface WebhookRules {
	/** Only `https` callbacks on port 443, as Twitch demands; off, loopback addresses do. */
	isHttpsOnly: boolean;
	timeoutMs: number;
	/** When to try again, in milliseconds after the failure. */
	retryAfterMs: readonly number[];
	/** So many failed messages in a row, and Twitch gives up on the subscription. */
	failuresAllowed: number;
}

export class Webhooks {
	readonly rules: WebhookRules = {
		isHttpsOnly: false,
		timeoutMs: 5_000,
		retryAfterMs: [1_000, 5_000, 15_000],
		failuresAllowed: 5
	};
	readonly #clock: Clock;
	readonly #records: Records;
	readonly #pending = new Set<Promise<unknown>>();

	constructor(clock: Clock, records: Records) {
		this.#clock = clock;
		this.#records = records;
	}

	/** Asks the callback to prove itself by repeating a challenge. */
	verify(subscription: Subscription): void {
		const challenge = secretWord(20);
		this.#track(async () => {
			const answer = await this.#post(
				subscription,
				'webhook_callback_verification',
				{ challenge, subscription: written(subscription) },
				randomUUID()
			);
			if (subscription.status !== 'webhook_callback_verification_pending') return;
			const isProven = answer?.status === 200 && answer.body === challenge;
			subscription.status = isProven ? 'enabled' : 'webhook_callback_verification_failed';
			this.#records.note('callback verified', { id: subscription.id, status: subscription.status });
		});
	}

	/**
	 * Delivers a notification until it is taken.
	 * @param report is told of each attempt, whether it was taken, and whether it was the last
	 */
	deliver(
		subscription: Subscription,
		event: object,
		id: string,
		report: (isTaken: boolean, isLast: boolean) => void
	): void {
		const attempt = (retry: number) => {
			this.#track(async () => {
				const body = { subscription: written(subscription), event };
				const answer = await this.#post(subscription, 'notification', body, id, retry);
				const isTaken = answer !== null && answer.status >= 200 && answer.status <= 299;
				const wait = this.rules.retryAfterMs[retry];
				const isLast = isTaken || wait === undefined || subscription.status !== 'enabled';
				report(isTaken, isLast);
				if (isTaken) subscription.failures = 0;
				else if (!isLast) this.#clock.after(wait, () => attempt(retry + 1));
				else this.#failed(subscription);
			});
		};
		attempt(0);
	}

	#failed(subscription: Subscription): void {
		subscription.failures += 1;
		if (subscription.failures < this.rules.failuresAllowed || subscription.status !== 'enabled')
			return;
		subscription.status = 'notification_failures_exceeded';
		this.revoke(subscription);
	}

	/** Tells that the subscription is over; its status says why. */
	revoke(subscription: Subscription): void {
		this.#track(() =>
			this.#post(subscription, 'revocation', { subscription: written(subscription) }, randomUUID())
		);
	}

	async #post(
		subscription: Subscription,
		type: Kind,
		body: object,
		id: string,
		retry = 0
	): Promise<{ status: number; body: string } | null> {
		const { transport } = subscription;
		if (transport.method !== 'webhook') return null;
		const message = sign(JSON.stringify(body), {
			secret: transport.secret,
			id,
			type,
			retry,
			timestamp: stamp(this.#clock.now()),
			subscription
		});
		try {
			const response = await fetch(transport.callback, {
				method: 'POST',
				headers: message.headers,
				body: message.body,
				redirect: 'manual',
				signal: AbortSignal.timeout(this.rules.timeoutMs)
			});
			const answer = { status: response.status, body: await response.text() };
			this.#records.note('webhook', { type, id, retry, status: answer.status });
			return answer;
		} catch (error) {
			const why = error instanceof Error ? error.message : String(error);
			this.#records.note('webhook', { type, id, retry, status: null, why });
			return null;
		}
	}

	#track(work: () => Promise<unknown>): void {
		const running: Promise<unknown> = work().finally(() => this.#pending.delete(running));
		this.#pending.add(running);
	}

	/** Resolves when nothing is on its way; repeats that wait for their time do not count. */
	async settled(): Promise<void> {
		while (this.#pending.size > 0) await Promise.all(this.#pending);
	}
}

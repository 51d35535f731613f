/** Makes things happen, and tells them to every enabled subscription that asks for them. */
import { randomUUID } from 'node:crypto';
import { giftBomb, type BombOptions } from './bomb.ts';
import type { Clock } from './clock.ts';
import { apply, Stories } from './effects.ts';
import {
	notice,
	payload,
	type Chance,
	type Fields,
	type Notice,
	type Scene,
	type TwitchType
} from './generators/index.ts';
import type { Delivery, Fact, Records } from './record.ts';
import type { Script } from './script.ts';
import type { Sockets } from './sockets.ts';
import { stamp, written, type Subscription, type Subscriptions } from './subscriptions.ts';
import { eventSubTypes } from './types.ts';
import type { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

export interface TellerParts {
	readonly clock: Clock;
	readonly random: Chance;
	readonly world: World;
	readonly records: Records;
	readonly script: Script;
	readonly subscriptions: Subscriptions;
	readonly sockets: Sockets;
	readonly webhooks: Webhooks;
	/** Goes into ids, so that two simulators never tell the same fact. */
	readonly name: string;
	readonly clientId: string;
}

export class Teller {
	readonly #parts: TellerParts;
	readonly #stories = new Stories();
	#count = 0;

	constructor(parts: TellerParts) {
		this.#parts = parts;
	}

	scene(channelId: string): Scene {
		const { clock, random, name, world } = this.#parts;
		const { login, display_name } = world.meet(channelId);
		const n = (this.#count += 1);
		return { channelId, login, name: display_name, random, at: clock.now(), n, sender: name };
	}

	/** It happens: Helix knows it at once, and whoever subscribed is told. */
	fire(type: TwitchType, channelId: string, overrides: Fields = {}): Fact {
		const { world, records, clientId } = this.#parts;
		const channel = world.channel(channelId);
		const made = payload(type, this.scene(channelId), {
			...this.#stories.carried(type, channel),
			...(type.startsWith('user.authorization.') && { client_id: clientId }),
			...overrides
		});
		apply(type, made.event, channel, world);
		this.#stories.remember(type, made.event, channelId);
		const fact = records.fact({
			type,
			version: made.version,
			broadcaster_id: channelId,
			event: made.event
		});
		const wanting = this.#parts.subscriptions.wanting(type, made.version, made.event);
		for (const subscription of wanting) this.#tell(fact, subscription);
		return fact;
	}

	/** A chat notification of a kind. */
	fireNotice(kind: Notice, channelId: string, overrides: Fields = {}): Fact {
		const event = notice(kind, this.scene(channelId));
		return this.fire('channel.chat.notification', channelId, { ...event, ...overrides });
	}

	/** All that Twitch says of a gift bomb, in an order drawn by chance. */
	fireGiftBomb(channelId: string, options: BombOptions): Fact[] {
		return giftBomb(() => this.scene(channelId), options)
			.map((told) => ({ told, at: this.#parts.random() }))
			.sort((one, other) => one.at - other.at)
			.map(({ told: { type, event } }) => this.fire(type, channelId, event));
	}

	#tell(fact: Fact, subscription: Subscription): void {
		const { transport } = subscription;
		const delivery: Delivery = {
			message_id: randomUUID(),
			subscription_id: subscription.id,
			transport: transport.method,
			to: transport.method === 'websocket' ? transport.session.id : transport.callback,
			sent: 0,
			acknowledged: false,
			lost: null
		};
		fact.deliveries.push(delivery);
		// The same for each copy: a duplicate is the same message.
		const metadata = {
			message_id: delivery.message_id,
			message_timestamp: stamp(this.#parts.clock.now()),
			subscription_type: subscription.type,
			subscription_version: subscription.version
		};
		this.#parts.script.carry({
			type: fact.type,
			drop: () => void (delivery.lost = 'dropped'),
			send: () => this.#send(fact, subscription, delivery, metadata)
		});
	}

	#send(fact: Fact, subscription: Subscription, delivery: Delivery, metadata: object): void {
		const { transport } = subscription;
		const { sockets, webhooks } = this.#parts;
		if (subscription.status !== 'enabled') {
			if (delivery.sent === 0) delivery.lost = 'socket away';
			return;
		}
		if (transport.method === 'webhook') {
			webhooks.deliver(subscription, fact.event, delivery.message_id, (isTaken, isLast) => {
				delivery.sent += 1;
				if (isTaken) delivery.acknowledged = true;
				delivery.lost = isLast && !delivery.acknowledged ? 'not answered' : null;
			});
			return;
		}
		const message = { subscription: written(subscription), event: fact.event };
		const isSent = sockets.tell(transport.session, 'notification', message, metadata);
		if (isSent) delivery.sent += 1;
		delivery.lost = delivery.sent === 0 ? 'socket away' : null;
	}

	/** Ends subscriptions for a reason and says so. */
	revoke(which: (subscription: Subscription) => boolean, reason: string): Subscription[] {
		const { subscriptions, sockets, webhooks, records } = this.#parts;
		const revoked = subscriptions.enabled().filter(which);
		for (const one of revoked) {
			one.status = reason;
			records.note('revoked', { id: one.id, type: one.type, reason });
			if (one.transport.method === 'webhook') webhooks.revoke(one);
			else
				sockets.tell(
					one.transport.session,
					'revocation',
					{ subscription: written(one) },
					{
						subscription_type: one.type,
						subscription_version: one.version
					}
				);
		}
		return revoked;
	}

	/** Ends what a person's consent carried. */
	revokeConsent(userId: string): Subscription[] {
		return this.revoke(({ type, condition, userId: maker }) => {
			const rule = eventSubTypes[type];
			const about = condition[rule?.consentOf ?? ''];
			return maker === userId || (about === userId && (rule?.scopes.length ?? 0) > 0);
		}, 'authorization_revoked');
	}
}

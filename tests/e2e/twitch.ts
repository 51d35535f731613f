/** Signed Twitch notifications, sent by hand so that what the tests send owes nothing to the product. */
import { createHmac, randomUUID } from 'node:crypto';
import { twitch } from './product.ts';

const broadcaster = {
	broadcaster_user_id: twitch.channel,
	broadcaster_user_login: 'oldvic',
	broadcaster_user_name: 'OldVic'
};
let counter = 0;

/** Sends a cheer from `name`; resolves with the answer's status. */
export async function cheer(
	origin: string,
	name: string,
	options: { bits?: number; secret?: string } = {}
): Promise<number> {
	counter += 1;
	const body = JSON.stringify({
		subscription: {
			id: 'e2e',
			status: 'enabled',
			type: 'channel.cheer',
			version: '1',
			cost: 0,
			condition: { broadcaster_user_id: twitch.channel },
			transport: { method: 'webhook', callback: 'https://example.com/webhooks/twitch' },
			created_at: '2026-01-01T00:00:00Z'
		},
		event: {
			...broadcaster,
			is_anonymous: false,
			user_id: `${7000 + counter}`,
			user_login: name.toLowerCase(),
			user_name: name,
			message: `Cheer${options.bits ?? 100} bravo ${counter}`,
			bits: options.bits ?? 100
		}
	});
	const id = randomUUID();
	const time = new Date().toISOString();
	const signature = createHmac('sha256', options.secret ?? twitch.secret)
		.update(id + time + body)
		.digest('hex');
	const response = await fetch(`${origin}/webhooks/twitch`, {
		method: 'POST',
		body,
		headers: {
			'content-type': 'application/json',
			'twitch-eventsub-message-id': id,
			'twitch-eventsub-message-retry': '0',
			'twitch-eventsub-message-type': 'notification',
			'twitch-eventsub-message-signature': `sha256=${signature}`,
			'twitch-eventsub-message-timestamp': time,
			'twitch-eventsub-subscription-type': 'channel.cheer',
			'twitch-eventsub-subscription-version': '1'
		}
	});
	await response.arrayBuffer();
	return response.status;
}

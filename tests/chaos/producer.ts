/**
 * Sends signed Twitch notifications as Twitch does: it sends again, with the same message id,
 * until it gets a 2xx or has tried for long, and now and then sends what was acknowledged again.
 */
import { createHmac } from 'node:crypto';
import type { Random } from './random.ts';
import type { Untimed } from './history.ts';

export interface ProducerOptions {
	name: string;
	url: () => string;
	secret: string;
	channel_id: string;
	random: Random;
	write: (entry: Untimed) => void;
	/** Set when the run is over: tries no more. */
	stopped: () => boolean;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function notification(options: ProducerOptions, marker: string, n: number) {
	const broadcaster = {
		broadcaster_user_id: options.channel_id,
		broadcaster_user_login: 'channel',
		broadcaster_user_name: 'Channel'
	};
	// A viewer for each event: the same viewer's same cheer a moment later would rightly be one fact.
	const user = { user_id: `${options.name}-${n}`, user_login: marker, user_name: marker };
	const kind = options.random.pick(['follow', 'follow', 'cheer', 'raid', 'redemption'] as const);
	const shapes = {
		follow: ['channel.follow', '2', { ...user, followed_at: new Date().toISOString() }],
		cheer: ['channel.cheer', '1', { ...user, is_anonymous: false, message: 'Cheer100', bits: 100 }],
		raid: [
			'channel.raid',
			'1',
			{
				from_broadcaster_user_id: user.user_id,
				from_broadcaster_user_login: marker,
				from_broadcaster_user_name: marker,
				to_broadcaster_user_id: options.channel_id,
				to_broadcaster_user_login: 'channel',
				to_broadcaster_user_name: 'Channel',
				viewers: 12
			}
		],
		redemption: [
			'channel.channel_points_custom_reward_redemption.add',
			'1',
			{
				...user,
				id: `redemption-${marker}`,
				user_input: '',
				status: 'unfulfilled',
				reward: { id: 'reward', title: 'Hydrate', cost: 100, prompt: '' },
				redeemed_at: new Date().toISOString()
			}
		]
	} as const;
	const [type, version, event] = shapes[kind];
	const condition: Record<string, string> =
		kind === 'raid'
			? { to_broadcaster_user_id: options.channel_id }
			: { broadcaster_user_id: options.channel_id };
	return {
		type,
		version,
		body: JSON.stringify({
			subscription: {
				id: 'chaos',
				status: 'enabled',
				type,
				version,
				cost: 0,
				condition,
				transport: { method: 'webhook', callback: 'https://example.com/webhooks/twitch' },
				created_at: '2026-01-01T00:00:00Z'
			},
			event: kind === 'raid' ? event : { ...event, ...broadcaster }
		})
	};
}

/** Sends one event until it is answered; resolves with whether it was acknowledged. */
export async function sendEvent(options: ProducerOptions, n: number): Promise<boolean> {
	const marker = `chaos-${options.name}-${n}`;
	const { type, version, body } = notification(options, marker, n);
	const id = `${options.name}-message-${n}`;
	const attempt = async (retry: number): Promise<'ok' | 'fail' | 'info'> => {
		const time = new Date().toISOString();
		const signature = createHmac('sha256', options.secret)
			.update(id + time + body)
			.digest('hex');
		options.write({ process: options.name, f: 'send', type: 'invoke', marker });
		try {
			const response = await fetch(options.url(), {
				method: 'POST',
				body,
				signal: AbortSignal.timeout(5000),
				headers: {
					'content-type': 'application/json',
					'twitch-eventsub-message-id': id,
					'twitch-eventsub-message-retry': `${retry}`,
					'twitch-eventsub-message-type': 'notification',
					'twitch-eventsub-message-signature': `sha256=${signature}`,
					'twitch-eventsub-message-timestamp': time,
					'twitch-eventsub-subscription-type': type,
					'twitch-eventsub-subscription-version': version
				}
			});
			await response.arrayBuffer();
			const outcome = response.ok ? 'ok' : response.status < 500 ? 'fail' : 'info';
			const { status } = response;
			options.write({ process: options.name, f: 'send', type: outcome, marker, status });
			return outcome;
		} catch {
			options.write({ process: options.name, f: 'send', type: 'info', marker });
			return 'info';
		}
	};
	for (let retry = 0; !options.stopped(); retry += 1) {
		const outcome = await attempt(retry);
		if (outcome === 'info') {
			await wait(100 + options.random.between(0, 300));
			continue;
		}
		// At least once: a platform may deliver again what was acknowledged.
		if (outcome === 'ok' && options.random.chance(0.2)) await attempt(retry + 1);
		return outcome === 'ok';
	}
	return false;
}

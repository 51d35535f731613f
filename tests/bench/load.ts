/** A process that sends events over keep-alive HTTP and measures how long acknowledgement takes. */
import { createHmac, randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import {
	markerOf,
	monotonicNow,
	quantiles,
	type LoadOrder,
	type LoadResult,
	type Target
} from './protocol.ts';

function cheer(target: Target, n: number): string {
	return JSON.stringify({
		subscription: {
			id: 'bench',
			status: 'enabled',
			type: 'channel.cheer',
			version: '1',
			cost: 0,
			condition: { broadcaster_user_id: target.channel_id },
			transport: { method: 'webhook', callback: 'https://example.com/webhooks/twitch' },
			created_at: '2026-01-01T00:00:00Z'
		},
		event: {
			is_anonymous: false,
			user_id: `9${n}`,
			user_login: 'benchviewer',
			user_name: 'BenchViewer',
			broadcaster_user_id: target.channel_id,
			broadcaster_user_login: 'channel',
			broadcaster_user_name: 'Channel',
			message: markerOf(n),
			bits: 100
		}
	});
}

function headersOf(target: Target, body: string): Record<string, string> {
	const headers: Record<string, string> = { 'content-type': 'application/json' };
	if (target.kind === 'json') return headers;
	const id = randomUUID();
	const time = new Date().toISOString();
	const signature = createHmac('sha256', target.secret)
		.update(id + time + body)
		.digest('hex');
	return {
		...headers,
		'twitch-eventsub-message-id': id,
		'twitch-eventsub-message-retry': '0',
		'twitch-eventsub-message-type': 'notification',
		'twitch-eventsub-message-signature': `sha256=${signature}`,
		'twitch-eventsub-message-timestamp': time,
		'twitch-eventsub-subscription-type': 'channel.cheer',
		'twitch-eventsub-subscription-version': '1'
	};
}

function post(agent: Agent, target: Target, n: number): Promise<boolean> {
	const body = cheer(target, n);
	return new Promise((resolve) => {
		const sending = request(
			target.url,
			{
				method: 'POST',
				agent,
				headers: { ...headersOf(target, body), 'content-length': Buffer.byteLength(body) }
			},
			(response) => {
				response.resume();
				response.on('end', () => resolve((response.statusCode ?? 500) < 300));
				response.on('error', () => resolve(false));
			}
		);
		sending.on('error', () => resolve(false));
		sending.end(body);
	});
}

async function run(order: LoadOrder): Promise<LoadResult> {
	const agent = new Agent({ keepAlive: true, maxSockets: order.connections });
	const latencies: number[] = [];
	let failed = 0;
	let n = 0;
	const begin = monotonicNow();
	const end = begin + order.seconds * 1000;
	const once = async () => {
		const sent = monotonicNow();
		if (await post(agent, order.target, n++)) latencies.push(monotonicNow() - sent);
		else failed += 1;
	};
	if (order.rate === null) {
		const worker = async () => {
			while (monotonicNow() < end) await once();
		};
		await Promise.all(Array.from({ length: order.connections }, worker));
	} else {
		const running: Promise<void>[] = [];
		const total = Math.round(order.rate * order.seconds);
		while (n < total) {
			const due = Math.min(total, Math.floor(((monotonicNow() - begin) / 1000) * order.rate) + 1);
			while (n < due) running.push(once());
			await new Promise((resolve) => setTimeout(resolve, 2));
		}
		await Promise.all(running);
	}
	const seconds = (monotonicNow() - begin) / 1000;
	agent.destroy();
	return { acknowledged: latencies.length, failed, seconds, ack: quantiles(latencies) };
}

process.on('message', (order: LoadOrder) => {
	void run(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));

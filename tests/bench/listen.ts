/**
 * A process that holds many overlay sockets and measures when deliveries arrive. It speaks the raw
 * wire (Phoenix v2 for ours, plain text for the peer) so that a thousand clients cost little here and
 * the same for both.
 */
import WebSocket from 'ws';
import {
	monotonicNow,
	quantiles,
	sentAt,
	type ListenOrder,
	type ListenResult
} from './protocol.ts';

interface Listener {
	socket: WebSocket;
	joined: boolean;
}

let listeners: Listener[] = [];
let latencies: number[] = [];
let first = 0;
let last = 0;
let opened: { url: string; join: string | null } | null = null;

const answer = (result: ListenResult) => process.send?.(result);

function receive(listener: Listener, data: WebSocket.RawData): void {
	const text = data.toString();
	const sent = sentAt(text);
	if (sent !== null) {
		last = monotonicNow();
		if (latencies.length === 0) first = last;
		latencies.push(last - sent);
	} else if (text.includes('"phx_reply"') && text.includes('"ok"')) listener.joined = true;
}

function open(url: string, join: string | null): Promise<Listener> {
	return new Promise((resolve) => {
		const socket = new WebSocket(url, { perMessageDeflate: false });
		const listener: Listener = { socket, joined: join === null };
		socket.on('open', () => {
			if (join !== null) socket.send(join);
			resolve(listener);
		});
		socket.on('message', (data) => receive(listener, data));
		socket.on('error', () => resolve(listener));
		socket.on('close', () => {
			listener.joined = false;
		});
	});
}

async function until(condition: () => boolean, limitMs: number): Promise<void> {
	const end = monotonicNow() + limitMs;
	while (!condition() && monotonicNow() < end)
		await new Promise((resolve) => setTimeout(resolve, 5));
}
const joinedCount = () => listeners.filter((listener) => listener.joined).length;

async function openAll(count: number, url: string, join: string | null): Promise<number> {
	for (const listener of listeners) listener.socket.terminate();
	listeners = [];
	opened = { url, join };
	const begin = monotonicNow();
	while (listeners.length < count) {
		const batch = Math.min(50, count - listeners.length);
		listeners.push(...(await Promise.all(Array.from({ length: batch }, () => open(url, join)))));
	}
	await until(() => joinedCount() === count, 30_000);
	return monotonicNow() - begin;
}

/** Every lost listener comes back with full jitter, as the real client does. */
async function rejoin(refresh: string | null): Promise<number> {
	const begin = monotonicNow();
	const { url, join } = opened ?? { url: '', join: null };
	await Promise.all(
		listeners.map(async (old, index) => {
			while (!listeners[index]?.joined) {
				await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
				const back = await open(url, refresh ?? join);
				listeners[index] = back;
				await until(() => back.joined || back.socket.readyState > WebSocket.OPEN, 5000);
				if (!back.joined) back.socket.terminate();
			}
			old.socket.terminate();
		})
	);
	return monotonicNow() - begin;
}

async function obey(order: ListenOrder): Promise<void> {
	if (order.do === 'open') {
		const ms = await openAll(order.count, order.url, order.join);
		answer({ done: 'open', joined: joinedCount(), ms });
	} else if (order.do === 'reset') {
		latencies = [];
		answer({ done: 'reset' });
	} else if (order.do === 'collect') {
		let seen = -1;
		while (latencies.length < order.expected && latencies.length !== seen) {
			seen = latencies.length;
			await until(() => latencies.length >= order.expected, 3000);
		}
		answer({
			done: 'collect',
			deliveries: latencies.length,
			latency: quantiles(latencies),
			first,
			last
		});
	} else {
		const ms = await rejoin(order.refresh);
		answer({ done: 'await-rejoin', joined: joinedCount(), ms });
	}
}

// Phoenix closes a socket that says nothing for a minute.
setInterval(() => {
	for (const { socket } of listeners)
		if (socket.readyState === WebSocket.OPEN && opened?.join)
			socket.send('[null,"0","phoenix","heartbeat",{}]');
}, 25_000).unref();

process.on('message', (order: ListenOrder) => void obey(order));
process.on('disconnect', () => process.exit(0));

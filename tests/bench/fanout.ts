/**
 * Fan-out of the Realtime server beside the way it is commonly done: `for (const client of clients)
 * client.send(JSON.stringify(message))` over `ws`. Messages come in bursts, as the database's feed
 * brings them; sockets are real and local; receivers live in a process of their own that only
 * counts frames, so that it costs the same for all.
 *
 *   npx tsx tests/bench/fanout.ts [sockets] [deliveries]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import type { FeedMessage } from '../../src/lib/server/backend/index.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { createRealtimeServer } from '../../src/lib/server/realtime/index.ts';
import { monotonicNow } from './protocol.ts';

const KEY = 'sb_publishable_bench';
const TOPIC = 'bench';
const contenders = ['cuelight', 'ws, stringify once', 'ws, stringify each'] as const;
type Contender = (typeof contenders)[number];
const bursts = [1, 4, 16, 64];

type ServeOrder = { count: number; burst: number };
type Report = { ms: number; cpuMs: number };

/** An event of about 1 kB. */
const event = (n: number) => ({
	type: 'EVENT_BROADCAST',
	epoch: 'bench',
	at: '2026-11-20T12:00:00.000Z',
	event: { id: crypto.randomUUID(), seq: n, data: { user_name: 'Ada', message: 'x'.repeat(700) } }
});

/** The server process: sends `count` messages in bursts when asked, and says what it took. */
async function serve(contender: Contender): Promise<void> {
	const sockets = new Set<Socket>();
	const http = createServer();
	let publish: (messages: ReturnType<typeof event>[]) => void;
	if (contender === 'cuelight') {
		let tell: (messages: FeedMessage[]) => void = () => {};
		const log = createLog({ level: 'error' });
		const server = createRealtimeServer({
			// Public topics ask the database nothing; the pool connects at the first query.
			database: openDatabase('postgres://127.0.0.1:1/none', log),
			feed: {
				subscribe: (listener) => {
					tell = listener;
					return () => {};
				},
				onRevoked: () => () => {},
				onReset: () => () => {}
			},
			verifyToken: () => Promise.reject(new Error('no tokens here')),
			apiKeys: { [KEY]: 'anon' },
			allowOrigin: () => true,
			log
		});
		http.on('upgrade', server.handleUpgrade);
		publish = (messages) =>
			tell(
				messages.map((payload) => ({
					id: payload.event.id,
					topic: TOPIC,
					event: 'EVENT_BROADCAST',
					private: false,
					payload,
					// The database has written this text; here it is made where the peer makes its own.
					payload_json: JSON.stringify(payload),
					inserted_at: payload.at
				}))
			);
	} else {
		const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
		http.on('upgrade', (request, socket, head) =>
			wss.handleUpgrade(request, socket, head, (ws) => void ws.on('message', () => {}))
		);
		publish = (messages) => {
			for (const message of messages) {
				const once = contender === 'ws, stringify once' ? JSON.stringify(message) : null;
				for (const client of wss.clients) client.send(once ?? JSON.stringify(message));
			}
		};
	}
	http.on('connection', (socket) => sockets.add(socket));
	http.listen(0, '127.0.0.1');
	await once(http, 'listening');

	/** Nobody's buffer may grow: the wire, not the memory, sets the pace. */
	const clear = () => {
		for (const socket of sockets) if (socket.writableLength > 0) return false;
		return true;
	};
	process.on('message', async ({ count, burst }: ServeOrder) => {
		const cpu = process.cpuUsage();
		const begin = monotonicNow();
		for (let n = 0; n < count; n += burst) {
			publish(Array.from({ length: Math.min(burst, count - n) }, (_, i) => event(n + i)));
			do await new Promise((resolve) => setImmediate(resolve));
			while (!clear());
		}
		const { user, system } = process.cpuUsage(cpu);
		process.send?.({ ms: monotonicNow() - begin, cpuMs: (user + system) / 1000 } satisfies Report);
	});
	process.send?.((http.address() as AddressInfo).port);
}

/** The receivers' process: opens sockets, joins, then counts frames. */
async function receive(port: number, sockets: number): Promise<void> {
	let frames = 0;
	let target = Infinity;
	const receiver = async () => {
		const socket = connect(port, '127.0.0.1');
		await once(socket, 'connect');
		socket.write(
			`GET /socket/websocket?apikey=${KEY}&vsn=2.0.0 HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n` +
				'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
		);
		await once(socket, 'data');
		const join = Buffer.from(`["1","1","realtime:${TOPIC}","phx_join",{}]`);
		// Masked with zeros: clients must mask, nobody says with what.
		socket.write(Buffer.concat([Buffer.of(0x81, 0x80 | join.length, 0, 0, 0, 0), join]));
		// Frames are walked by their lengths; their contents are not looked at.
		let skip = 0;
		let head = Buffer.alloc(0);
		socket.on('data', (chunk: Buffer) => {
			let at = skip;
			if (head.length > 0) {
				chunk = Buffer.concat([head, chunk]);
				head = Buffer.alloc(0);
				at = 0;
			}
			while (at < chunk.length) {
				const short = (chunk[at + 1] ?? 0) & 127;
				const size = short === 127 ? 10 : short === 126 ? 4 : 2;
				if (chunk.length - at < size) {
					head = Buffer.from(chunk.subarray(at));
					at = chunk.length;
					break;
				}
				frames++;
				at +=
					size +
					(short === 126
						? chunk.readUInt16BE(at + 2)
						: short === 127
							? chunk.readUInt32BE(at + 6)
							: short);
			}
			skip = at - chunk.length;
			if (frames >= target) {
				target = Infinity;
				process.send?.('received');
			}
		});
	};
	for (let n = 0; n < sockets; n += 50) await Promise.all(Array.from({ length: 50 }, receiver));
	process.on('message', (expected: number) => {
		frames = 0;
		target = expected;
		process.send?.('counting');
	});
	process.send?.('open');
}

const answer = async (child: ChildProcess) => (await once(child, 'message'))[0];
const start = (...args: string[]) =>
	fork(fileURLToPath(import.meta.url), args, { execArgv: process.execArgv });

interface Measured {
	/** Deliveries per second, until the last frame was received. */
	rate: number;
	/** Microseconds of the server's processor for one delivery. */
	cpu: number;
}

async function measure(contender: Contender, sockets: number, deliveries: number) {
	const server = start('serve', contender);
	const port: number = await answer(server);
	const receivers = start('receive', String(port), String(sockets));
	await answer(receivers);
	const results = new Map<number, Measured>();
	for (const burst of [16, ...bursts]) {
		const count = Math.ceil(deliveries / sockets / burst) * burst;
		// Joins and their replies have settled: nothing more is on its way.
		await new Promise((resolve) => setTimeout(resolve, 300));
		receivers.send(count * sockets);
		await answer(receivers);
		const [received, sent] = [answer(receivers), answer(server)];
		const begin = monotonicNow();
		server.send({ count, burst } satisfies ServeOrder);
		await received;
		const ms = monotonicNow() - begin;
		const { cpuMs }: Report = await sent;
		// The first round (16) warms up and is overwritten.
		results.set(burst, {
			rate: Math.round((count * sockets * 1000) / ms),
			cpu: Math.round((cpuMs * 100_000) / (count * sockets)) / 100
		});
	}
	for (const child of [server, receivers]) child.kill('SIGKILL');
	return results;
}

async function compare(sockets: number, deliveries: number): Promise<void> {
	console.log(
		`fan-out to ${sockets} sockets, 1 kB messages, ${cpus().length} processors, Node ${process.version}`
	);
	const results = new Map<Contender, Map<number, Measured>>();
	for (const contender of contenders)
		results.set(contender, await measure(contender, sockets, deliveries));
	for (const burst of bursts) {
		const ours = results.get('cuelight')?.get(burst);
		for (const contender of contenders) {
			const theirs = results.get(contender)?.get(burst);
			if (!ours || !theirs) continue;
			console.log(
				`burst ${String(burst).padStart(2)}  ${contender.padEnd(18)} ${String(theirs.rate).padStart(8)} deliveries/s  ` +
					`${theirs.cpu.toFixed(2).padStart(6)} µs processor/delivery  ` +
					`ratio ${(ours.rate / theirs.rate).toFixed(2)} (processor ${(theirs.cpu / ours.cpu).toFixed(2)})`
			);
		}
	}
}

const [role, ...args] = process.argv.slice(2);
const contender = contenders.find((name) => name === args[0]);
if (role === 'serve' && contender) await serve(contender);
else if (role === 'receive') await receive(Number(args[0]), Number(args[1]));
else await compare(Number(role ?? 1000), Number(args[0] ?? 200_000));

/**
 * `npm run bench [-- history|fanout] [--seconds N] [--overlays 10,100,1000]`: the product beside the
 * stack of peer.ts, in one run on one machine, on the same embedded PostgreSQL binaries with the same
 * durability. Prints a table and one line of JSON. Times are noisy on a shared machine: read the ratios.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startProduct, type Product } from '../harness/server.ts';
import { freePort } from '../harness/ports.ts';
import type { ListenOrder, ListenResult, LoadOrder, LoadResult, Target } from './protocol.ts';

const { values } = parseArgs({
	options: {
		seconds: { type: 'string', default: '6' },
		overlays: { type: 'string', default: '10,100,1000' },
		connections: { type: 'string', default: '64' },
		rate: { type: 'string', default: '40' }
	}
});
const seconds = Number(values.seconds);
const sizes = values.overlays.split(',').map(Number);
const SECRET = 'bench-webhook-secret';
const CHANNEL = '515151';

const child = (file: string, env: Record<string, string> = {}): ChildProcess =>
	fork(fileURLToPath(new URL(file, import.meta.url)), {
		execArgv: ['--import', 'tsx'],
		env: { ...process.env, ...env }
	});
const ask = <Answer>(worker: ChildProcess, order: unknown): Promise<Answer> =>
	new Promise((resolve, reject) => {
		const ended = (code: number | null) => reject(new Error(`a bench process ended with ${code}`));
		worker.once('exit', ended);
		worker.once('message', (answer) => {
			worker.off('exit', ended);
			resolve(answer as Answer);
		});
		if (order !== null) worker.send(order as object);
	});

interface Stack {
	name: string;
	target: Target;
	/** Where listeners connect, and the frame that joins them. */
	socket: () => Promise<{ url: string; join: string | null }>;
}

interface Row {
	throughput: { events_per_s: number; ack: LoadResult['ack']; failed: number };
	fanout: Record<
		string,
		{
			deliveries: number;
			expected: number;
			p50: number;
			p95: number;
			p99: number;
			ack: LoadResult['ack'];
		}
	>;
}

async function measure(stack: Stack, load: ChildProcess, listen: ChildProcess): Promise<Row> {
	const drive = (order: Omit<LoadOrder, 'target'>) =>
		ask<LoadResult>(load, { ...order, target: stack.target });
	const tell = <D extends ListenResult['done']>(order: ListenOrder & { do: D }) =>
		ask<Extract<ListenResult, { done: D }>>(listen, order);

	const fanout: Row['fanout'] = {};
	for (const count of sizes) {
		const { url, join } = await stack.socket();
		const { joined } = await tell({ do: 'open', count, url, join });
		if (joined !== count) throw new Error(`${stack.name}: ${joined} of ${count} overlays joined`);
		// Warm both paths up before anything counts.
		await drive({ connections: 4, rate: 10, seconds: 1 });
		await tell({ do: 'collect', expected: 10 * count });
		await tell({ do: 'reset' });
		const rate = Math.min(Number(values.rate), 20_000 / count);
		const sent = await drive({ connections: 16, rate, seconds });
		const expected = sent.acknowledged * count;
		const got = await tell({ do: 'collect', expected });
		const { p50, p95, p99 } = got.latency;
		fanout[count] = { deliveries: got.deliveries, expected, p50, p95, p99, ack: sent.ack };
	}
	await tell({ do: 'open', count: 10, ...(await stack.socket()) });
	await drive({ connections: Number(values.connections), rate: null, seconds: 1 });
	const flood = await drive({ connections: Number(values.connections), rate: null, seconds });
	await tell({ do: 'open', count: 0, url: '', join: null });
	return {
		throughput: {
			events_per_s: Math.round(flood.acknowledged / flood.seconds),
			ack: flood.ack,
			failed: flood.failed
		},
		fanout
	};
}

async function overlaySocket(product: Product, key: string) {
	const response = await fetch(`${product.origin}/v1/overlay/session`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ key })
	});
	const session = (await response.json()) as {
		token: string;
		realtime: { url: string; key: string; topic: string };
	};
	const base = product.origin.replace(/^http/, 'ws');
	return {
		url: `${base}/realtime/v1/websocket?apikey=${session.realtime.key}&vsn=2.0.0`,
		join: JSON.stringify([
			'1',
			'1',
			`realtime:${session.realtime.topic}`,
			'phx_join',
			{
				config: { broadcast: {}, presence: { enabled: false }, private: true },
				access_token: session.token
			}
		])
	};
}

const folder = mkdtempSync(join(tmpdir(), 'cuelight-bench-'));
const dataDir = join(folder, 'data');
const load = child('./load.ts');
const listen = child('./listen.ts');
const closers: (() => unknown)[] = [() => load.kill(), () => listen.kill()];
try {
	console.log('starting the product …');
	let product = await startProduct({ dataDir, env: { CUELIGHT_LOG: 'error' } });
	closers.push(() => product.stop());
	const account = await product.setup({
		email: 'bench@example.com',
		password: 'a long bench password',
		account: 'Bench',
		twitchChannel: CHANNEL,
		twitchSecret: SECRET
	});
	const key = account.overlay_url.split('#')[1] ?? '';

	let redisPort = '';
	const redisBinary = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'].find(existsSync);
	if (redisBinary) {
		redisPort = String(await freePort());
		const redis = spawn(redisBinary, [
			...['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
			...['--dir', folder]
		]);
		closers.push(() => redis.kill());
		await new Promise<void>((resolve) => {
			redis.stdout.on('data', (data: Buffer) => /Ready to accept/.test(String(data)) && resolve());
		});
	}
	const { socketOf } = await import('../chaos/rows.ts');
	const peerPort = String(await freePort());
	const peer = child('./peer.ts', {
		PORT: peerPort,
		REDIS_PORT: redisPort,
		DATABASE: JSON.stringify({
			path: socketOf(dataDir),
			username: 'postgres',
			database: 'postgres'
		})
	});
	closers.push(() => peer.kill());
	await ask(peer, null);

	const ours: Stack = {
		name: 'cuelight',
		target: {
			url: `${product.origin}/webhooks/twitch`,
			kind: 'twitch',
			secret: SECRET,
			channel_id: CHANNEL
		},
		socket: () => overlaySocket(product, key)
	};
	const theirs: Stack = {
		name: 'peer',
		target: {
			url: `http://127.0.0.1:${peerPort}/`,
			kind: 'json',
			secret: '',
			channel_id: CHANNEL
		},
		socket: async () => ({ url: `ws://127.0.0.1:${peerPort}/`, join: null })
	};
	console.log('measuring the peer …');
	const peerRow = await measure(theirs, load, listen);
	console.log('measuring Cuelight …');
	const ourRow = await measure(ours, load, listen);

	console.log('killing the server under its overlays …');
	const most = Math.max(...sizes);
	const { url, join: frame } = await ours.socket();
	await ask<ListenResult>(listen, { do: 'open', count: most, url, join: frame });
	const { port } = product;
	await product.kill();
	const restarted = performance.now();
	product = await startProduct({ dataDir, port, env: { CUELIGHT_LOG: 'error' } });
	const ready = performance.now() - restarted;
	const back = await ask<Extract<ListenResult, { done: 'await-rejoin' }>>(listen, {
		do: 'await-rejoin',
		refresh: (await ours.socket()).join
	});

	const ratio = (a: number, b: number) => (b === 0 ? null : Math.round((a / b) * 100) / 100);
	const result = {
		machine: { cores: (await import('node:os')).availableParallelism(), node: process.version },
		redis: redisBinary ? 'system' : 'missing: the peer publishes inside its process',
		cuelight: ourRow,
		peer: peerRow,
		ratios: {
			events_per_s: ratio(ourRow.throughput.events_per_s, peerRow.throughput.events_per_s),
			...Object.fromEntries(
				sizes.flatMap((size) =>
					(['p50', 'p99'] as const).map((q) => [
						`delivery_${size}_${q}`,
						ratio(ourRow.fanout[size]?.[q] ?? 0, peerRow.fanout[size]?.[q] ?? 0)
					])
				)
			)
		},
		reconnect: {
			overlays: most,
			server_ready_ms: Math.round(ready),
			all_joined_ms: Math.round(back.ms),
			joined: back.joined
		}
	};
	console.log(`\nRedis: ${result.redis}`);
	console.table({
		'acknowledged events/s': [ourRow.throughput.events_per_s, peerRow.throughput.events_per_s],
		'ack p50 ms (flood)': [ourRow.throughput.ack.p50, peerRow.throughput.ack.p50],
		'ack p95 ms (flood)': [ourRow.throughput.ack.p95, peerRow.throughput.ack.p95],
		'ack p99 ms (flood)': [ourRow.throughput.ack.p99, peerRow.throughput.ack.p99],
		...Object.fromEntries(
			sizes.flatMap((size) =>
				(['p50', 'p95', 'p99'] as const).map((q) => [
					`acknowledged, ${size} overlays, ${q} ms`,
					[ourRow.fanout[size]?.ack[q], peerRow.fanout[size]?.ack[q]]
				])
			)
		),
		...Object.fromEntries(
			sizes.flatMap((size) =>
				(['p50', 'p95', 'p99'] as const).map((q) => [
					`accepted → received, ${size} overlays, ${q} ms`,
					[ourRow.fanout[size]?.[q], peerRow.fanout[size]?.[q]]
				])
			)
		)
	});
	console.log('columns: 0 = Cuelight, 1 = peer');
	console.log('ratios', result.ratios);
	console.log('reconnect after SIGKILL', result.reconnect);
	console.log(JSON.stringify(result));
} finally {
	for (const close of closers.reverse()) await close();
	rmSync(folder, { recursive: true, force: true });
}

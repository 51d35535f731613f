/** Starting, losing the database, going down: what a person and their pages see of it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { root, serverFile } from '../../src/server/build.ts';
import { killDatabase } from '../chaos/faults.ts';
import { startProduct, type Product, type SetupAnswer } from '../harness/server.ts';

let dataDir = '';
let product: Product;
let account: SetupAnswer;

beforeAll(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-life-'));
	product = await startProduct({ dataDir });
	account = await product.setup({
		email: 'o@example.com',
		password: 'correct horse',
		account: 'Life'
	});
}, 400_000);
afterAll(async () => {
	await product?.stop();
	await rm(dataDir, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}) =>
	fetch(product.origin + path, {
		...init,
		headers: { authorization: `Bearer ${account.api_key}`, ...init.headers }
	});
const emit = () =>
	ask('/v1/events/emit', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: '{"event_type":"custom:life"}'
	});

it('a port in use is said in plain words, and the server that has it goes on', async () => {
	const second = promisify(execFile)(process.execPath, [serverFile], {
		cwd: root,
		env: { ...process.env, PORT: String(product.port), CUELIGHT_DATA: dataDir, HOST: '' }
	});
	await expect(second).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/port \d+ is in use.*PORT=\d+ npm start/s)
	});
	expect((await ask('/readyz')).status).toBe(200);
});

it('without its database the server lives, says 503 and when to come back, and recovers', async () => {
	expect(killDatabase(dataDir)).toBe(true);
	const statuses = new Set<number>();
	let retryAfter: string | null = null;
	for (;;) {
		const response = await emit();
		await response.text();
		statuses.add(response.status);
		if (response.status === 201) break;
		retryAfter = response.headers.get('retry-after');
		expect(response.headers.get('content-type')).toBe('application/problem+json');
		expect((await fetch(`${product.origin}/healthz`)).status).toBe(200);
	}
	expect([...statuses].filter((status) => status !== 201 && status !== 503)).toEqual([]);
	// It may be back before it was missed; when it was missed, the answer said when to return.
	if (statuses.has(503)) expect(Number(retryAfter)).toBeGreaterThan(0);
});

it('what stood before a restart stands after it: keys, tokens, events', async () => {
	const before = await (await ask('/.well-known/jwks.json')).json();
	const { port } = product;
	await product.kill();
	product = await startProduct({ dataDir, port });
	expect(await (await ask('/.well-known/jwks.json')).json()).toEqual(before);
	expect(await (await ask('/v1/events')).json()).toMatchObject({ total: 1 });
	expect(product.output()).not.toContain('First run');
});

it('going down ends streams and sockets in good order, and all of it with code 0', async () => {
	const stream = await ask('/v1/stream');
	const socket = new WebSocket(
		`${product.origin.replace('http', 'ws')}/realtime/v1/websocket?apikey=sb_publishable_cuelight&vsn=2.0.0`
	);
	await once(socket, 'open');
	const closed = once(socket, 'close');
	const code = product.stop();
	expect(await stream.text()).toContain('event: ready');
	expect((await closed)[0]).toBe(1012);
	expect(await code).toBe(0);
	expect(killDatabase(dataDir)).toBe(false);
	await expect(fetch(`${product.origin}/healthz`)).rejects.toThrow();
});

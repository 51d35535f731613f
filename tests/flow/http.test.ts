/** The server's faces over real HTTP, as programs, platforms, browsers and overlay pages use them. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hashKey, makeKey } from '../../src/lib/server/secrets.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { createKey } from '../../src/lib/server/backend/statements/keys.ts';
import { root } from '../../src/server/build.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import { startProduct, type Product, type SetupAnswer } from '../harness/server.ts';
import { twitchSender } from '../simulators/twitch/index.ts';

const SECRET = 'a-webhook-secret-of-length';
const EMAIL = 'owner@example.com';
const PASSWORD = 'correct horse battery';

let dataDir = '';
let db: TestDatabase;
let product: Product;
let account: SetupAnswer;

const Problem = z.object({
	type: z.literal('about:blank'),
	title: z.string(),
	status: z.int(),
	code: z.string(),
	detail: z.string(),
	instance: z.string()
});
type Json = z.core.util.JSONType;

interface Answer {
	status: number;
	headers: Headers;
	body: Record<string, Json>;
}

/** Asks the product; as its API key unless other headers are given. */
async function ask(
	method: string,
	path: string,
	body?: Json,
	headers: Record<string, string> = { authorization: `Bearer ${account.api_key}` }
): Promise<Answer> {
	const response = await fetch(product.origin + path, {
		method,
		headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
		...(body === undefined ? {} : { body: JSON.stringify(body) })
	});
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		body: z.record(z.string(), z.json()).parse(text === '' ? {} : JSON.parse(text))
	};
}

const emit = (event_type: string, headers: Record<string, string> = {}) =>
	ask(
		'POST',
		'/v1/events/emit',
		{ event_type },
		{
			authorization: `Bearer ${account.api_key}`,
			...headers
		}
	);

const setup = (...args: string[]) =>
	promisify(execFile)(process.execPath, ['--import', 'tsx', 'src/server/setup.ts', ...args], {
		cwd: root,
		env: { ...process.env, CUELIGHT_DATA: dataDir, PORT: String(product.port), ORIGIN: '' }
	}).then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		(error: { code: number; stdout: string; stderr: string }) => error
	);

beforeAll(async () => {
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-http-'));
	db = await testDatabase();
	product = await startProduct({ dataDir, env: { DATABASE_URL: db.url } });
}, 400_000);
afterAll(async () => {
	await product?.stop();
	await db?.close();
	await rm(dataDir, { recursive: true, force: true });
});

describe('setup', () => {
	it('prints the link of first run', () => {
		expect(product.output()).toMatch(
			new RegExp(`First run: set up at ${product.origin}/setup#[\\w-]{43}`)
		);
	});

	it('refuses a wrong token and wrong input, and makes nothing of it', async () => {
		const form = { token: 'x', email: EMAIL, password: PASSWORD, account: 'Mine' };
		expect((await ask('POST', '/v1/setup', form, {})).status).toBe(403);
		expect((await ask('POST', '/v1/setup', { ...form, email: 'nobody' }, {})).status).toBe(400);
		expect((await ask('POST', '/v1/setup', { ...form, password: 'short' }, {})).status).toBe(400);
		expect((await ask('POST', '/v1/setup', { ...form, is_admin: true }, {})).status).toBe(400);
		const evil = await ask('POST', '/v1/setup', form, { origin: 'https://evil.test' });
		expect(evil.status).toBe(403);
		const [users] = await db.sql`select count(*)::int as n from identity."user"`;
		expect(users?.n).toBe(0);
	});

	it('by command prints one JSON object', async () => {
		const { code, stdout, stderr } = await setup(
			...['--email', EMAIL, '--password', PASSWORD, '--account', 'Mine', '--json'],
			...['--twitch-channel', '1337', '--twitch-secret', SECRET]
		);
		expect(stderr).toBe('');
		expect(code).toBe(0);
		account = z
			.strictObject({
				account_id: z.uuid(),
				overlay_id: z.uuid(),
				overlay_url: z.string().startsWith(`${product.origin}/overlay#ck_overlay_`),
				api_key: z.string().startsWith('ck_api_'),
				webhook_url: z.literal(`${product.origin}/webhooks/twitch`)
			})
			.parse(JSON.parse(stdout));
		await expect(stat(join(dataDir, 'setup.json'))).rejects.toThrow();
	});

	it('a second time says what to do instead', async () => {
		const { code, stdout, stderr } = await setup(
			...['--email', EMAIL, '--password', PASSWORD, '--account', 'Mine', '--json']
		);
		expect(code).toBe(1);
		expect(stdout).toBe('');
		expect(stderr).toContain('has an owner already');
		const form = { token: 'x', email: EMAIL, password: PASSWORD, account: 'Mine' };
		expect((await ask('POST', '/v1/setup', form, {})).status).toBe(410);
	});

	it('leaves no secret in the clear in the database', async () => {
		const [row] = await db.sql`
			select (select jsonb_agg(k)::text from app.keys k) as keys,
				(select encode(secret_ciphertext, 'escape') from app.platform_connections) as channel,
				(select password from identity.account) as password`;
		const stored = JSON.stringify(row);
		for (const secret of [
			account.api_key,
			account.overlay_url.split('#')[1] ?? '',
			SECRET,
			PASSWORD
		])
			expect(stored).not.toContain(secret);
		expect(stored).toContain(hashKey(account.api_key).toString('hex'));
	});
});

describe('the road of an event', () => {
	const twitch = (secret: string) =>
		twitchSender({ url: account.webhook_url, secret, channelId: '1337', random: () => 0.5 });

	it('a signed delivery is stored once, listed, cancelled for good and replayed', async () => {
		const first = await twitch(SECRET).send('channel.follow');
		expect(JSON.parse(first.body)).toMatchObject({ outcome: 'recorded' });
		expect(first.status).toBe(200);
		const again = await twitch(SECRET).deliver(first.message);
		expect(again.status).toBe(200);
		expect(JSON.parse(again.body)).toMatchObject({ outcome: 'duplicate' });
		expect((await twitch('not-the-secret-at-all').send('channel.follow')).status).toBe(403);

		const { body: page } = await ask('GET', '/v1/events?types=twitch:follower&limit=5');
		expect(page).toMatchObject({ page: 1, limit: 5, total: 1, total_is_exact: true });
		const event = z.array(z.object({ id: z.string() })).parse(page.items)[0]?.id ?? '';
		const cancelled = await ask('PUT', `/v1/events/${event}/cancel`);
		expect(cancelled.body).toMatchObject({ event_id: event, already: false, status: 'cancelled' });
		expect((await ask('PUT', `/api/events/${event}/cancel`, {})).body).toMatchObject({
			already: true
		});
		expect((await ask('POST', `/v1/events/${event}/replay`, {})).body).toMatchObject({
			status: 'pending'
		});
		const detail = await ask('GET', `/v1/events/${event}`);
		expect(
			z.array(z.object({ play_no: z.int(), status: z.string() })).parse(detail.body.plays)
		).toEqual(
			expect.arrayContaining([
				expect.objectContaining({ play_no: 1, status: 'cancelled' }),
				expect.objectContaining({ play_no: 2, status: 'queued' })
			])
		);
	});

	it('an overlay page exchanges its key, leads, shows and reports', async () => {
		const key = account.overlay_url.split('#')[1] ?? '';
		const opened = await ask('POST', '/v1/overlay/session', { key }, {});
		expect(opened.status).toBe(200);
		expect(opened.body).toMatchObject({
			account_id: account.account_id,
			overlay_id: account.overlay_id,
			realtime: { url: product.origin, topic: `overlay:${account.overlay_id}` }
		});
		const token = z.string().parse(opened.body.token);
		const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', product.origin));
		const { payload } = await jwtVerify(token, keys);
		expect(payload).toMatchObject({ kind: 'overlay', overlay_id: account.overlay_id });

		const page = { authorization: `Bearer ${token}` };
		const instance_id = randomUUID();
		const beat = { instance_id, visible: true, protocol: '1' };
		expect((await ask('POST', '/v1/overlay/heartbeat', beat, page)).body).toMatchObject({
			leads: true,
			leader_id: instance_id
		});
		const state = await ask('GET', '/v1/overlay/state', undefined, page);
		const play = z
			.array(z.object({ id: z.string(), status: z.string(), attempt: z.int() }))
			.parse(state.body.plays)
			.find(({ status }) => status === 'playing');
		expect(play).toBeDefined();
		const report = { instance_id, play_id: play?.id ?? '', attempt: play?.attempt ?? 0 };
		for (const said of ['started', 'ended'])
			expect(
				(await ask('POST', '/v1/overlay/report', { ...report, report: said }, page)).body
			).toMatchObject({ accepted: true });
		expect(
			(await ask('POST', '/v1/overlay/claim', { instance_id, lane: 'main' }, page)).body
		).toEqual({ play: null });
		// Its session opens nothing else, and nobody else opens its addresses.
		expect((await ask('GET', '/v1/events', undefined, page)).status).toBe(403);
		expect((await ask('POST', '/v1/overlay/heartbeat', beat)).status).toBe(403);
		expect((await ask('POST', '/v1/overlay/heartbeat', beat, {})).status).toBe(401);
	});

	it('a test event is marked as one; data of a known type must fit it', async () => {
		const { status, body } = await ask('POST', '/v1/events/test', { event_type: 'twitch:cheer' });
		expect(status).toBe(201);
		const event = await ask('GET', `/v1/events/${z.string().parse(body.event_id)}`);
		expect(event.body).toMatchObject({ origin: 'test', event_type: 'twitch:cheer' });
		const bad = await ask('POST', '/v1/events/emit', {
			event_type: 'twitch:follower',
			data: { user: 'Bob' }
		});
		expect(bad.status).toBe(400);
		expect(bad.body.detail).toMatch(/^data\.user/);
	});
});

describe('a repeated write', () => {
	it('of fifty at once has one effect and one answer', async () => {
		const key = { 'idempotency-key': randomUUID() };
		const answers = await Promise.all(Array.from({ length: 50 }, () => emit('custom:once', key)));
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
		expect(new Set(answers.map(({ body }) => body.event_id)).size).toBe(1);
		const { body } = await ask('GET', '/v1/events?types=custom:once');
		expect(body.total).toBe(1);
	});

	it('with another body is refused, and of another caller is another write', async () => {
		const key = { 'idempotency-key': randomUUID() };
		const first = await emit('custom:one', key);
		expect((await emit('custom:two', key)).status).toBe(422);
		expect((await emit('custom:one', key)).body).toEqual(first.body);
		const { secret } = await stranger();
		const other = await emit('custom:one', { ...key, authorization: `Bearer ${secret}` });
		expect(other.status).toBe(201);
		expect(other.body.event_id).not.toBe(first.body.event_id);
	});

	it('that was refused may be tried again under its key', async () => {
		const key = { 'idempotency-key': randomUUID() };
		const headers = { authorization: `Bearer ${account.api_key}`, ...key };
		const path = `/v1/events/${randomUUID()}/replay`;
		expect((await ask('POST', path, {}, headers)).status).toBe(404);
		expect((await ask('POST', path, {}, headers)).status).toBe(404);
	});

	it('keeps no secret in the clear', async () => {
		const cookie = await signIn();
		const headers = { cookie, 'sec-fetch-site': 'same-origin', 'idempotency-key': randomUUID() };
		const form = { name: 'Repeated', permissions: ['events:read'] };
		const made = await ask('POST', '/v1/keys', form, headers);
		expect(made.status).toBe(201);
		expect((await ask('POST', '/v1/keys', form, headers)).body).toEqual(made.body);
		const [row] = await db.sql`
			select string_agg(encode(answer, 'escape'), '') as kept from app.idempotency_keys`;
		expect(z.string().parse(row?.kept)).not.toContain('ck_api_');
	});
});

/** Another account on the same server, with a key of its own. */
async function stranger() {
	const owner = randomUUID();
	const { account_id } = await createAccount(db.sql, 'Theirs', owner, {});
	const { secret, hash, hint } = makeKey('api');
	await db.database.as(
		{ sub: owner, role: 'authenticated', aud: 'authenticated', kind: 'member' },
		(sql) =>
			createKey(sql, account_id, {
				...{ kind: 'api', name: 'Theirs', overlay_id: null, token_hash: hash, hint },
				permissions: ['events:read', 'events:create', 'queue:control', 'overlays:read']
			})
	);
	return { account_id, secret };
}

async function signIn(): Promise<string> {
	const response = await fetch(`${product.origin}/auth/sign-in/email`, {
		method: 'POST',
		headers: { 'content-type': 'application/json', origin: product.origin },
		body: JSON.stringify({ email: EMAIL, password: PASSWORD })
	});
	expect(response.status).toBe(200);
	return response.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0])
		.join('; ');
}

describe('who may', () => {
	it('what is another account’s looks like what is not there, to the last byte', async () => {
		const theirs = await stranger();
		const mine = z.string().parse((await emit('custom:mine')).body.event_id);
		const anonymous = ({ body }: Answer) => ({ ...body, instance: '' });
		const headers = { authorization: `Bearer ${theirs.secret}` };
		const doors: [method: string, path: (id: string) => string, id: string][] = [
			['GET', (id) => `/v1/events/${id}`, mine],
			['PUT', (id) => `/v1/events/${id}/cancel`, mine],
			['POST', (id) => `/v1/events/${id}/replay`, mine],
			['GET', (id) => `/v1/overlays/${id}`, account.overlay_id]
		];
		for (const [method, path, id] of doors) {
			const foreign = await ask(method, path(id), undefined, headers);
			const missing = await ask(method, path(randomUUID()), undefined, headers);
			expect([method, path('…'), foreign.status]).toEqual([method, path('…'), 404]);
			expect(anonymous(foreign)).toEqual(anonymous(missing));
		}
		expect((await ask('GET', '/v1/keys', undefined, headers)).status).toBe(403);
	});

	it('a member signs in, works with the cookie from our own pages only, and signs out', async () => {
		const cookie = await signIn();
		const me = await ask('GET', '/v1/me', undefined, { cookie, 'accept-language': 'fr' });
		expect(me.body).toMatchObject({
			user: { email: EMAIL },
			account_id: account.account_id,
			locale: 'fr'
		});
		const pause = (headers: Record<string, string>) =>
			ask('POST', '/v1/queue/pause', {}, { cookie, ...headers });
		expect((await pause({ origin: 'https://evil.test' })).status).toBe(403);
		expect((await pause({ origin: 'null' })).status).toBe(403);
		expect((await pause({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
		expect((await pause({})).status).toBe(403);
		expect((await pause({ origin: product.origin })).body).toMatchObject({ paused: true });
		await ask('POST', '/v1/queue/resume', {}, { cookie, origin: product.origin });

		const out = await ask('POST', '/auth/sign-out', {}, { cookie, origin: product.origin });
		expect(out.status).toBe(200);
		expect((await ask('GET', '/v1/me', undefined, { cookie })).status).toBe(401);
	});

	it('a wrong password is 401, and too many of them 429', async () => {
		const wrong = () =>
			ask('POST', '/auth/sign-in/email', { email: 'x@example.com', password: 'wrong' }, {});
		const statuses: number[] = [];
		for (let i = 0; i < 11; i++) statuses.push((await wrong()).status);
		expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
		const { headers, body } = await wrong();
		expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
		expect(Problem.parse(body).code).toBe('too_many_requests');
	});

	it('nobody signs up, and nothing else of the identity service is open', async () => {
		const form = { email: 'x@example.com', password: PASSWORD, name: 'x' };
		for (const path of ['sign-up/email', 'list-sessions', 'update-user', 'delete-user', 'ok'])
			expect((await ask('POST', `/auth/${path}`, form, {})).status).toBe(404);
	});
});

describe('keys', () => {
	it('rotate and revoke end the old secret at once, with its streams', async () => {
		const cookie = await signIn();
		const own = { cookie, origin: product.origin };
		const form = { name: 'Bot', permissions: ['events:read', 'events:userinfo'] };
		const made = await ask('POST', '/v1/keys', form, own);
		const Made = z.object({ key: z.object({ id: z.string() }), secret: z.string() });
		const first = Made.parse(made.body);
		const blind = Made.parse(
			(await ask('POST', '/v1/keys', { name: 'Blind', permissions: ['events:read'] }, own)).body
		);
		const bearer = ({ secret }: { secret: string }) => ({ authorization: `Bearer ${secret}` });
		// The stream carries viewers, so it opens to nobody who may not see them.
		expect((await ask('GET', '/v1/stream', undefined, bearer(blind))).status).toBe(403);
		const stream = await fetch(`${product.origin}/v1/stream`, { headers: bearer(first) });
		expect(stream.headers.get('content-type')).toBe('text/event-stream');

		const rotated = Made.parse(
			(await ask('POST', `/v1/keys/${first.key.id}/rotate`, {}, own)).body
		);
		// Ends by itself: reading to the end is the proof.
		expect(await stream.text()).toContain('event: ready');
		expect((await ask('GET', '/v1/events', undefined, bearer(first))).status).toBe(401);
		expect((await ask('GET', '/v1/events', undefined, bearer(rotated))).status).toBe(200);
		expect((await ask('POST', '/v1/queue/pause', {}, bearer(rotated))).status).toBe(403);
		expect((await ask('POST', '/v1/keys', form)).status).toBe(403);

		expect((await ask('DELETE', `/v1/keys/${rotated.key.id}`, undefined, own)).status).toBe(200);
		expect((await ask('GET', '/v1/events', undefined, bearer(rotated))).status).toBe(401);
	});

	it('of an overlay open its page until they are revoked', async () => {
		const cookie = await signIn();
		const own = { cookie, origin: product.origin };
		const path = `/v1/overlays/${account.overlay_id}/keys`;
		const made = await ask('POST', path, { name: 'Second screen' }, own);
		const { key, secret, url } = z
			.object({ key: z.object({ id: z.string() }), secret: z.string(), url: z.string() })
			.parse(made.body);
		expect(url).toBe(`${product.origin}/overlay#${secret}`);
		const opened = await ask('POST', '/v1/overlay/session', { key: secret }, {});
		const page = { authorization: `Bearer ${z.string().parse(opened.body.token)}` };
		expect((await ask('GET', '/v1/overlay/state', undefined, page)).status).toBe(200);
		const stream = await fetch(`${product.origin}/v1/overlay/events`, { headers: page });

		await ask('DELETE', `/v1/keys/${key.id}`, undefined, own);
		await stream.text();
		expect((await ask('GET', '/v1/overlay/state', undefined, page)).status).toBe(410);
		expect((await ask('POST', '/v1/overlay/session', { key: secret }, {})).status).toBe(401);
		const { body } = await ask('GET', path, undefined, own);
		expect(JSON.stringify(body)).not.toContain(secret);
	});

	it('that are guessed are 401, then 429, and a right one is never refused for them', async () => {
		const guess = (i: number) =>
			ask('GET', '/v1/me', undefined, {
				authorization: `Bearer ck_api_${String(i).padStart(43, 'A')}`
			});
		const statuses = new Set<number>();
		for (let i = 0; i < 120; i++) statuses.add((await guess(i)).status);
		expect(statuses).toEqual(new Set([401, 429]));
		expect((await ask('GET', '/v1/me')).status).toBe(200);
	});
});

describe('the stream', () => {
	/** Opens the account's stream and reads until the condition holds. */
	async function readUntil(
		headers: Record<string, string>,
		isEnough: (text: string) => boolean,
		meanwhile: () => Promise<unknown> = async () => {}
	): Promise<string> {
		const leave = new AbortController();
		const response = await fetch(`${product.origin}/v1/stream`, {
			headers: { authorization: `Bearer ${account.api_key}`, ...headers },
			signal: leave.signal
		});
		if (response.body === null) throw new Error('no stream');
		await meanwhile();
		let text = '';
		for await (const chunk of response.body) {
			text += Buffer.from(chunk).toString();
			if (isEnough(text)) break;
		}
		leave.abort();
		return text;
	}
	const ids = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? '');

	it('brings events as they happen, and after a break those that were missed', async () => {
		const live = await readUntil(
			{},
			(text) => text.includes('custom:streamed'),
			() => emit('custom:streamed')
		);
		const last = ids(live).at(-1) ?? '';
		const [epoch, seq] = last.split(':');
		for (const name of ['custom:missed_one', 'custom:missed_two']) await emit(name);
		const resumed = await readUntil({ 'last-event-id': last }, (text) =>
			text.includes('custom:missed_two')
		);
		expect(ids(resumed)).toEqual([`${epoch}:${Number(seq) + 1}`, `${epoch}:${Number(seq) + 2}`]);
		const reset = await readUntil({ 'last-event-id': 'another:1' }, (text) =>
			text.includes('event: reset')
		);
		expect(ids(reset)).toEqual(ids(resumed).slice(-1));
	});

	it('is for whoever may read events', async () => {
		const open = (headers: Record<string, string>) => ask('GET', '/v1/stream', undefined, headers);
		expect((await open({})).status).toBe(401);
		const head = await ask('HEAD', '/v1/stream');
		expect(head.status).toBe(200);
	});
});

it('keeps data files to their owner', async () => {
	for (const file of ['encryption.key', 'signing-key.json']) {
		expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600);
		expect(await readFile(join(dataDir, file), 'utf8')).not.toBe('');
	}
});

/** The webhook mode, through the door; and what the two addresses of a source answer to whom. */
import { createServer, type Server } from 'node:http';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '../../src/lib/server/actions/principal.ts';
import { answer } from '../../src/lib/server/http.ts';
import { receive } from '../../src/lib/server/http/webhook.ts';
import { startServices, stopServices, type Services } from '../../src/lib/server/services.ts';
import { freePort } from '../harness/ports.ts';
import { openStage, type Stage } from '../harness/sources.ts';
import { until } from '../database/embedded-folder.ts';

let stage: Stage;
let services: Services;
let door: Server;
let dataDir = '';
const before = { ...process.env };

beforeAll(async () => {
	const key = Buffer.alloc(32, 7);
	stage = await openStage({ key });
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-sources-'));
	const port = await freePort();
	Object.assign(process.env, stage.twitch.env, {
		DATABASE_URL: stage.db.url,
		CUELIGHT_DATA: dataDir,
		CUELIGHT_LOG: 'silent',
		CUELIGHT_ENCRYPTION_KEY: key.toString('base64'),
		PORT: String(port)
	});
	services = await startServices();
	door = createServer((request, response) => {
		const parts: Buffer[] = [];
		request.on('data', (part: Buffer) => parts.push(part));
		request.on('end', () => {
			void receive({
				request: new Request(`http://127.0.0.1${request.url}`, {
					method: 'POST',
					headers: Object.fromEntries(
						Object.entries(request.headers).map(([name, value]) => [name, String(value)])
					),
					body: Buffer.concat(parts)
				}),
				params: { platform: 'twitch' },
				locals: { requestId: 'r' }
			}).then(
				async (answered) => {
					response.writeHead(answered.status, Object.fromEntries(answered.headers));
					response.end(await answered.text());
				},
				// Stopped meanwhile.
				() => response.writeHead(503).end()
			);
		});
	});
	await new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve));
});
afterAll(async () => {
	await stopServices();
	process.env = before;
	await new Promise((resolve) => door?.close(resolve));
	await stage?.close();
	await rm(dataDir, { recursive: true, force: true });
});

const webhooks = (channel: string) =>
	[...stage.twitch.subscriptions.all.values()].filter(
		({ transport, condition }) =>
			transport.method === 'webhook' && Object.values(condition).includes(channel)
	);

const Answer = z.looseObject({ state: z.string().optional() });
async function ask(principal: Principal, method: string, path: string) {
	const response = await answer({
		request: new Request(`http://localhost/v1${path}`, { method }),
		...{ path, search: '', principal, services, origin: 'http://localhost' },
		...{ locale: 'en', address: '127.0.0.1', requestId: 'r' }
	});
	return { status: response.status, body: Answer.parse(await response.json()) };
}
const member = (user_id: string, account_id: string): Principal => ({
	...{ kind: 'member', user_id, account_id, name: 'Ann', email: 'ann@example.com' }
});

describe('webhooks', () => {
	it('are subscribed with the program’s own token, checked, heard, and removed with the connection', async () => {
		const { id, account, channel } = await stage.connect({
			mode: 'webhook',
			groups: ['follows', 'raids']
		});
		await until(() => services.sources.find(id) !== undefined);
		const source = services.sources.find(id);
		await until(() => webhooks(channel).every(({ status }) => status === 'enabled'));
		await until(
			() => source?.getStatus().subscriptions.every(({ status }) => status === 'enabled') === true
		);
		expect(source?.getStatus()).toMatchObject({ state: 'live', problems: [], session_count: 0 });
		stage.twitch.fire('channel.follow', channel, {
			...{ user_id: '7', user_login: 'ann', user_name: 'Ann' }
		});
		await until(async () => (await stage.events(account)).length === 1);
		const end = (type: string, reason: string) =>
			stage.twitch.revoke(
				(one) => one.type === type && Object.values(one.condition).includes(channel),
				reason
			);
		// We were not reached for a while: made again. Not wanted by the platform any more: told.
		end('channel.raid', 'notification_failures_exceeded');
		end('channel.follow', 'version_removed');
		await until(() => source?.getStatus().problems[0]?.code === 'consent_revoked');
		await until(() =>
			webhooks(channel).some(({ type, status }) => type === 'channel.raid' && status === 'enabled')
		);
		expect(source?.getStatus().problems).toEqual([
			{ code: 'consent_revoked', detail: 'channel.follow' }
		]);
		await stage.db.sql`
			update app.platform_connections set status = 'disconnected' where id = ${id}`;
		await until(() => webhooks(channel).length === 0);
	});

	it('that cannot be delivered are a problem with a way out', async () => {
		stage.twitch.webhooks.rules.isHttpsOnly = true;
		const { id } = await stage.connect({ mode: 'webhook', groups: ['follows'] });
		await until(
			() => services.sources.find(id)?.getStatus().problems[0]?.code === 'callback_unreachable'
		);
		expect(services.sources.find(id)?.getStatus().state).toBe('polling');
		stage.twitch.webhooks.rules.isHttpsOnly = false;
		await services.sources.find(id)?.refresh();
		await until(() => services.sources.find(id)?.getStatus().state === 'live');
	});
});

describe('the addresses of a source', () => {
	it('answer the owner and the moderator, mend for the owner only, and are nowhere for strangers', async () => {
		const { id, account, owner } = await stage.connect({ groups: ['follows'] });
		const moderator = randomUUID();
		await stage.db.sql`
			insert into app.members (account_id, user_id, role) values (${account}, ${moderator}, 'moderator')`;
		const elsewhere = await stage.connect();
		const path = `/connections/${id}`;
		await until(() => services.sources.find(id)?.getStatus().state === 'live');
		const mended = await ask(member(owner, account), 'POST', `${path}/reconcile`);
		expect(mended).toMatchObject({
			status: 200,
			body: {
				...{ connection_id: id, mode: 'websocket', state: 'live', session_count: 1 },
				subscriptions: [{ type: 'channel.follow', status: 'enabled', reason: null, missed: 0 }],
				quota: { total_cost: 0, max_total_cost: 10 },
				polls: [{ name: 'followers', last_error: null }],
				problems: []
			}
		});
		expect((await ask(member(owner, account), 'GET', `${path}/source`)).body).toMatchObject({
			...{ state: 'live', reliability: { missed: 0 } }
		});
		expect((await ask(member(moderator, account), 'GET', `${path}/source`)).status).toBe(200);
		expect((await ask(member(moderator, account), 'POST', `${path}/reconcile`)).status).toBe(403);
		const stranger = member(elsewhere.owner, elsewhere.account);
		expect((await ask(stranger, 'GET', `${path}/source`)).status).toBe(404);
		expect((await ask(stranger, 'POST', `${path}/reconcile`)).status).toBe(404);
		expect((await ask({ kind: 'anonymous' }, 'GET', `${path}/source`)).status).toBe(401);
	});

	it('say in words what is the matter and what to do', async () => {
		const { id, account, owner } = await stage.connect({ mode: 'relay', groups: ['follows'] });
		const read = () => ask(member(owner, account), 'GET', `/connections/${id}/source`);
		await until(async () => (await read()).body.state === 'problem');
		expect((await read()).body.problems).toEqual([
			{
				code: 'relay_unavailable',
				text: expect.stringContaining('no relay'),
				way_out: expect.stringContaining('WebSocket'),
				since: expect.any(String)
			}
		]);
	});
});

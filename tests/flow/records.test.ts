/** Viewers, channel status, Spotify and tasks through the server's own doors, by who may and who may not. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { Principal } from '../../src/lib/server/actions/principal.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { recordEvents } from '../../src/lib/server/backend/statements/events.ts';
import { Draft } from '../../src/lib/bus/event.ts';
import { answer } from '../../src/lib/server/http.ts';
import { startServices, stopServices, type Services } from '../../src/lib/server/services.ts';
import { until } from '../database/embedded-folder.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

const ORIGIN = 'http://localhost:4518';
let db: TestDatabase;
let services: Services;
let dataDir = '';
let home = '';
const people: Record<string, Principal> = {};
const before = { ...process.env };

const member = (user_id: string, account_id: string): Principal => ({
	...{ kind: 'member', user_id, session_id: null, account_id, name: 'Ann', email: 'a@example.com' }
});

beforeAll(async () => {
	db = await testDatabase();
	const ids = { owner: randomUUID(), moderator: randomUUID(), stranger: randomUUID() };
	home = (await createAccount(db.sql, 'Home', ids.owner, {})).account_id;
	const elsewhere = (await createAccount(db.sql, 'Elsewhere', ids.stranger, {})).account_id;
	await db.sql`insert into app.members (account_id, user_id, role) values (${home}, ${ids.moderator}, 'moderator')`;
	Object.assign(people, {
		owner: member(ids.owner, home),
		moderator: member(ids.moderator, home),
		// In their own account: the paths name none, so what is another's is simply not there.
		stranger: member(ids.stranger, elsewhere),
		// Whose session says an account that is not theirs.
		intruder: member(ids.stranger, home)
	});
	dataDir = await mkdtemp(join(tmpdir(), 'cuelight-records-'));
	Object.assign(process.env, {
		DATABASE_URL: db.url,
		CUELIGHT_DATA: dataDir,
		CUELIGHT_LOG: 'silent',
		PORT: '4518'
	});
	services = await startServices();
});
afterAll(async () => {
	await stopServices();
	process.env = before;
	await db?.close();
	await rm(dataDir, { recursive: true, force: true });
});

async function ask(who: string, method: string, address: string, body?: z.core.util.JSONType) {
	const [path = '', search = ''] = address.split('?');
	const principal = people[who];
	if (principal === undefined) throw new Error(`Nobody is called ${who}.`);
	const response = await answer({
		request: new Request(`${ORIGIN}/v1${address}`, {
			method,
			headers: body === undefined ? {} : { 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) })
		}),
		...{ path, search: search === '' ? '' : `?${search}`, principal, services, origin: ORIGIN },
		...{ locale: 'en', address: '127.0.0.1', requestId: 'r' }
	});
	const said = z.record(z.string(), z.json()).parse(await response.json());
	return { status: response.status, body: said };
}

const statuses = (method: string, path: string, body?: z.core.util.JSONType) =>
	Promise.all(
		['owner', 'moderator', 'intruder'].map(
			async (who) => (await ask(who, method, path, body)).status
		)
	);

const Task = z.looseObject({ name: z.string(), runs: z.int(), is_enabled: z.boolean() });
async function task(name: string) {
	const { body } = await ask('owner', 'GET', '/tasks');
	return z
		.array(Task)
		.parse(body.items)
		.find((one) => one.name === name);
}

it('viewers are listed and shown to who may read who did what', async () => {
	const person = (id: string) => ({ id, login: `user${id}`, name: `User ${id}`, picture: null });
	await recordEvents(
		db.sql,
		home,
		['1', '2', '3'].map((id) =>
			Draft.parse({
				...{ event_type: 'twitch:follower', class: 'animated', platform: 'twitch' },
				data: { user: person(id), followed_at: null },
				occurred_at: `2026-05-0${id}T12:00:00Z`
			})
		)
	);
	expect(await statuses('GET', '/viewers')).toEqual([200, 200, 404]);
	expect((await ask('stranger', 'GET', '/viewers')).body.items).toEqual([]);

	const seen: string[] = [];
	for (let cursor = ''; ;) {
		const { body } = await ask('moderator', 'GET', `/viewers?limit=2&role=follower${cursor}`);
		const items = z.array(z.looseObject({ id: z.string(), login: z.string() })).parse(body.items);
		seen.push(...items.map(({ login }) => login));
		if (body.next_cursor === null) break;
		cursor = `&cursor=${String(body.next_cursor)}`;
	}
	expect(seen).toEqual(['user3', 'user2', 'user1']);

	const { body } = await ask('moderator', 'GET', '/viewers?search=USER+2');
	const [found] = z.array(z.looseObject({ id: z.string() })).parse(body.items);
	const path = `/viewers/${found?.id ?? ''}`;
	expect((await ask('moderator', 'GET', path)).body).toMatchObject({
		...{ login: 'user2', counts: { 'twitch:follower': 1 } },
		last_events: [{ event_type: 'twitch:follower' }]
	});
	expect((await ask('stranger', 'GET', path)).status).toBe(404);
	for (const query of ['role=king', 'limit=0', 'cursor=x', 'platform=A', 'nothing=1'])
		expect((await ask('owner', 'GET', `/viewers?${query}`)).status).toBe(400);

	expect((await ask('moderator', 'DELETE', path)).status).toBe(403);
	expect((await ask('owner', 'DELETE', path)).body).toMatchObject({ events: 1 });
	expect((await ask('owner', 'GET', path)).status).toBe(404);
});

it('channel status is read, and Spotify connected by hand', async () => {
	await db.sql`select app.set_online(${home}, 'twitch', '{"title": "Hello"}')`;
	expect(await statuses('GET', '/channel-status')).toEqual([200, 200, 404]);
	expect((await ask('moderator', 'GET', '/channel-status')).body.items).toEqual([
		expect.objectContaining({ platform: 'twitch', is_online: true, stream_title: 'Hello' })
	]);
	const path = '/spotify/manual-connect';
	const nothing = { active: false, remaining_seconds: null };
	expect((await ask('moderator', 'GET', path)).body).toEqual(nothing);
	expect(await statuses('POST', path, {})).toEqual([200, 403, 404]);
	const { body } = await ask('moderator', 'GET', path);
	expect(body.active).toBe(true);
	expect(Number(body.remaining_seconds)).toBeGreaterThan(1_700);
	expect((await ask('moderator', 'DELETE', path)).status).toBe(403);
	expect((await ask('owner', 'DELETE', path)).body).toEqual(nothing);
});

it('tasks are seen by members and run by the operator', async () => {
	await until(async () => ((await task('purge_sessions'))?.runs ?? 0) > 0);
	expect(await statuses('GET', '/tasks')).toEqual([200, 200, 404]);
	expect(await statuses('POST', '/tasks/purge_sessions/run', {})).toEqual([200, 403, 404]);
	expect((await ask('stranger', 'POST', '/tasks/purge_sessions/run', {})).status).toBe(403);
	await until(async () => ((await task('purge_sessions'))?.runs ?? 0) > 1);

	expect(await statuses('PUT', '/tasks/purge_sessions', { is_enabled: false })).toEqual([
		200, 403, 404
	]);
	expect((await task('purge_sessions'))?.is_enabled).toBe(false);
	expect((await ask('owner', 'POST', '/tasks/nothing/run', {})).status).toBe(404);
});

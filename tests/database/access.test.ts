/** Tokens and the calls made with them, against a platform over real HTTP and the real database. */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Call } from '../../src/lib/platforms/call.ts';
import { Consents, PlatformAccess } from '../../src/lib/server/access/index.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { ownerOf } from '../../src/lib/server/access/clients.ts';
import { purgeAccess } from '../../src/lib/server/backend/statements/access.ts';
import { disconnect } from '../../src/lib/server/backend/statements/connections.ts';
import type { Claims } from '../../src/lib/server/backend/index.ts';
import { readConfig } from '../../src/lib/server/config.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { SecretBox } from '../../src/lib/server/secrets.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import {
	startConsentPlatform,
	type ConsentPlatform,
	type PlatformUser
} from '../harness/consents.ts';
import { until } from './embedded-folder.ts';

const START = new Date('2030-01-15T12:00:00Z').getTime();
const secrets = new SecretBox(randomBytes(32));
const lines: string[] = [];
const log = createLog({ level: 'debug', json: true, write: (line) => lines.push(line) });

let db: TestDatabase;
let users = 1_000;

beforeAll(async () => {
	db = await testDatabase();
});
afterAll(() => db?.close());

interface World {
	platform: ConsentPlatform;
	user: PlatformUser;
	account: string;
	claims: Claims;
	/** Goes by itself only when told. */
	time: { ms: number };
	/** A server's access: one is a process. */
	open(): { access: PlatformAccess; consents: Consents; waits: number[] };
	access: PlatformAccess;
	consents: Consents;
	waits: number[];
	/** Begins to ask by a device. */
	begin(): Promise<{ id: string; user_code: string | null }>;
	/** Connects the user's channel by a device. */
	connect(): Promise<string>;
	row(id: string): Promise<Record<string, unknown>>;
}

/** An account, a platform and a server of their own. */
async function world(options: { isPublic?: boolean } = {}): Promise<World> {
	const platform = await startConsentPlatform(options);
	onTestFinished(() => platform.stop());
	const owner = randomUUID();
	const { account_id: account } = await createAccount(db.sql, 'Access', owner, {});
	const claims: Claims = {
		sub: owner,
		role: 'authenticated',
		aud: 'authenticated',
		kind: 'member'
	};
	const time = { ms: START };
	const user = platform.meet({ id: String(users++), login: `user${users}` });
	const { clients } = readConfig(platform.env);
	const open = () => {
		const waits: number[] = [];
		const access = new PlatformAccess({
			...{ sql: db.sql, feed: db.feed, secrets, clients, log },
			clock: () => new Date(time.ms),
			now: () => performance.now(),
			random: () => 0.5,
			// Waiting passes the time: nothing here sleeps, except for other processes.
			wait: async (ms) => {
				waits.push(ms);
				time.ms += ms;
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
		});
		onTestFinished(() => access.close());
		const consents = new Consents({
			...{ access, database: db.database, secrets },
			clock: () => new Date(time.ms)
		});
		return { access, consents, waits };
	};
	const one = open();
	const begin = () =>
		one.consents.begin(
			(run) => db.database.as(claims, run),
			{ account_id: account, platform: 'twitch', flow: 'device', groups: null, mode: null },
			'http://localhost'
		);
	return {
		...{ platform, user, account, claims, time, open },
		...one,
		begin,
		async connect() {
			const begun = await begin();
			platform.answerDevice(begun.user_code ?? '', user);
			time.ms += platform.interval_s * 1_000;
			await one.consents.pollDevices(begun.id);
			const [row] = await db.sql<{ id: string }[]>`
				select id from app.platform_connections where account_id = ${account} and channel_id = ${user.id}`;
			return row?.id ?? '';
		},
		async row(id) {
			const [row] = await db.sql`select app.connection_document(${id}) as document`;
			return row?.document ?? {};
		}
	};
}

/** Asks for something that needs a token. */
const things =
	({ platform }: World, method: 'GET' | 'POST' = 'GET', path = '/users') =>
	({ id, access_token }: { id: string; access_token: string }): Call<string> => ({
		name: 'twitch.things',
		request: {
			method,
			url: `${platform.env.TWITCH_API_URL}${path}`,
			headers: { authorization: `Bearer ${access_token}`, 'client-id': id },
			body: null
		},
		read: ({ status, headers, body }) => {
			// 404: there is nothing to POST to, which is an answer all the same.
			if (status === 200 || status === 404) return { ok: true, value: body };
			const failure =
				status === 401 ? 'unauthorized' : status === 429 ? 'rate_limited' : 'unavailable';
			const after = headers['retry-after'];
			return { ok: false, failure, reason: body, retry_after_s: after ? Number(after) : null };
		}
	});

const END = 14_400_000;

describe('refreshing', () => {
	it('in good time, by twenty calls at once, is one refresh', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		const before = here.platform.count('/oauth2/token');
		here.time.ms += END - 60_000;
		const results = await Promise.all(
			Array.from({ length: 20 }, () => here.access.call(id, things(here)))
		);
		expect(results.every(({ ok }) => ok)).toBe(true);
		expect(here.platform.count('/oauth2/token') - before).toBe(1);
		expect(await here.row(id)).toMatchObject({ status: 'connected' });
	});

	it('by two processes at once is one refresh, and both use what it brought', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		const other = here.open();
		const before = here.platform.count('/oauth2/token');
		const asked = here.platform.count('/helix/users');
		here.platform.revoke(here.user, 'access');
		const release = here.platform.hold('/oauth2/token');
		const calls = [here.access, other.access].map((access) => access.call(id, things(here)));
		// Both were refused, one asks for new tokens and the other waits for it.
		await until(
			() =>
				here.waits.length + other.waits.length > 2 &&
				here.platform.count('/helix/users') === asked + 2 &&
				here.platform.count('/oauth2/token') > before
		);
		release();
		expect(await Promise.all(calls)).toMatchObject([{ ok: true }, { ok: true }]);
		expect(here.platform.count('/oauth2/token') - before).toBe(1);
	});

	it('keeps the old refresh token when the platform gives no new one', async () => {
		const here = await world();
		const id = await here.connect();
		for (const _ of [1, 2, 3]) {
			here.time.ms += END;
			expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
		}
	});

	it('is stored before it is used: a call that fails afterwards costs nothing', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		here.time.ms += END;
		here.platform.fault('/helix/users', 'reset', 'reset', 'reset');
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unavailable' });
		expect(await here.open().access.call(id, things(here))).toMatchObject({ ok: true });
	});

	it('whose answer was lost is tried once more, then the channel has to be connected again', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		here.time.ms += END;
		here.platform.fault('/oauth2/token', 'lost');
		const before = here.platform.count('/oauth2/token');
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unavailable' });
		// Not at once again, and by nobody.
		expect(await here.open().access.call(id, things(here))).toMatchObject({
			failure: 'unavailable'
		});
		expect(here.platform.count('/oauth2/token') - before).toBe(1);
		here.time.ms += 2_000;
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unauthorized' });
		expect(await here.row(id)).toMatchObject({
			status: 'reconnect_needed',
			status_reason: 'refresh_lost'
		});
		await here.access.call(id, things(here));
		await here.access.validate(id);
		expect(here.platform.count('/oauth2/token') - before).toBe(2);
	});

	it('that never reached the platform is made up for', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		here.time.ms += END;
		here.platform.fault('/oauth2/token', 'reset', { status: 503, body: '' });
		for (const pause of [0, 2_000]) {
			here.time.ms += pause;
			expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unavailable' });
		}
		here.time.ms += 4_000;
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
	});

	it('that a dead process had begun is taken over when its lease ends', async () => {
		const here = await world();
		const id = await here.connect();
		here.time.ms += END;
		await db.sql`update app.connection_tokens set refreshing_by = gen_random_uuid(),
			refreshing_until = ${new Date(here.time.ms + 1_000)} where connection_id = ${id}`;
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
		expect(here.waits.length).toBeGreaterThan(0);
	});

	it('that a disconnection overtakes is given back', async () => {
		const here = await world({ isPublic: true });
		const id = await here.connect();
		here.time.ms += END;
		const before = here.platform.count('/oauth2/token');
		const release = here.platform.hold('/oauth2/token');
		const call = here.access.call(id, things(here));
		await until(() => here.platform.count('/oauth2/token') > before);
		await db.database.as(here.claims, (sql) => disconnect(sql, here.account, id));
		release();
		expect(await call).toMatchObject({ failure: 'unauthorized' });
		expect(here.platform.count('/oauth2/revoke')).toBe(1);
	});

	it('is not needed while the token still lives and the platform is away', async () => {
		const here = await world();
		const id = await here.connect();
		here.time.ms += END - 60_000;
		here.platform.fault('/oauth2/token', { status: 500, body: '' });
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
	});

	it('by a client whose secret was changed at the platform ends nothing', async () => {
		const here = await world();
		const id = await here.connect();
		here.time.ms += END;
		here.platform.fault('/oauth2/token', {
			status: 403,
			body: { message: 'invalid client secret' }
		});
		expect(await here.access.call(id, things(here))).toMatchObject({
			failure: 'unavailable',
			reason: 'invalid client secret'
		});
		expect(await here.row(id)).toMatchObject({ status: 'connected' });
		here.time.ms += 60_000;
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
	});
});

describe('a refusal', () => {
	it('of new tokens too ends the connection, and nobody asks again', async () => {
		const here = await world();
		const id = await here.connect();
		const refused = { status: 401, body: { message: 'no' } };
		here.platform.fault('/helix/users', refused, refused, refused, refused);
		const before = here.platform.count();
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unauthorized' });
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unauthorized' });
		// The call, the refresh, the call.
		expect(here.platform.count() - before).toBe(3);
		expect(await here.row(id)).toMatchObject({
			status: 'reconnect_needed',
			status_reason: 'refused',
			token_expires_at: null
		});
	});

	it('is told to the account, to every process, and written down', async () => {
		const here = await world();
		const id = await here.connect();
		const heard: unknown[] = [];
		const leave = db.feed.subscribe((messages) =>
			heard.push(
				...messages
					.filter(({ topic }) => topic === `account:${here.account}`)
					.map(({ payload }) => payload)
			)
		);
		onTestFinished(leave);
		const told: string[] = [];
		here.open().access.onChanged((changed) => told.push(changed));
		await here.access.revoked(id, 'authorization_revoked');
		await until(() => told.includes(id) && JSON.stringify(heard).includes('reconnect_needed'));
		// What came before tells that it was connected.
		expect(heard.at(-1)).toMatchObject({
			type: 'STATUS_CHANGED',
			subject: 'connection',
			state: {
				connection_id: id,
				status: 'reconnect_needed',
				status_reason: 'authorization_revoked'
			}
		});
		const [entry] = await db.sql`
			select actor_kind, detail from app.audit_log
			where action = 'connection.reconnect_needed' and target_id = ${id}`;
		expect(entry).toEqual({ actor_kind: 'system', detail: { reason: 'authorization_revoked' } });
	});

	it('taken back at the platform ends what was granted to that client only', async () => {
		const here = await world();
		const id = await here.connect();
		await here.access.revokedAt('twitch', here.user.id, 'another-client', 'user_removed');
		expect(await here.row(id)).toMatchObject({ status: 'connected' });
		await here.access.revokedAt('twitch', here.user.id, here.platform.client.id, 'user_removed');
		expect(await here.row(id)).toMatchObject({ status_reason: 'user_removed' });
	});
});

describe('checking every hour', () => {
	it('of each connection once, by whichever process, and again after an hour', async () => {
		const here = await world();
		const id = await here.connect();
		const other = here.open();
		const count = () => here.platform.count('/oauth2/validate');
		await Promise.all([here.access.validateDue(), other.access.validateDue()]);
		expect(count()).toBe(0);
		here.time.ms += 56 * 60_000;
		await Promise.all([here.access.validateDue(), other.access.validateDue()]);
		expect(count()).toBe(1);
		await here.access.validateDue();
		expect(count()).toBe(1);
		expect(await here.row(id)).toMatchObject({
			validated_at: expect.stringContaining('2030-01-15T12:56'),
			token_expires_at: expect.any(String)
		});
		// A process that starts asks at once.
		here.time.ms += 1_000;
		await here.open().access.validateDue();
		expect(count()).toBe(2);
	});

	it('refreshes what merely ended', async () => {
		const here = await world();
		const id = await here.connect();
		here.platform.revoke(here.user, 'access');
		await here.access.validate(id);
		expect(await here.row(id)).toMatchObject({ status: 'connected' });
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
	});

	it('shows a consent that was taken back', async () => {
		const here = await world();
		const id = await here.connect();
		here.platform.revoke(here.user);
		await here.access.validate(id);
		expect(await here.row(id)).toMatchObject({
			status: 'reconnect_needed',
			status_reason: 'refused'
		});
	});

	it('that gets no answer changes nothing', async () => {
		const here = await world();
		const id = await here.connect();
		here.platform.fault('/oauth2/validate', 'reset', 'reset', { status: 500, body: '' });
		await here.access.validate(id);
		expect(await here.row(id)).toMatchObject({ status: 'connected' });
	});
});

describe('requests', () => {
	it('that were too many wait as long as the platform says, when that is short', async () => {
		const here = await world();
		const id = await here.connect();
		const slow = (after: string) => ({
			status: 429,
			body: 'slow',
			headers: { 'retry-after': after }
		});
		here.platform.fault('/helix/users', slow('3'));
		expect(await here.access.call(id, things(here, 'POST'))).toMatchObject({ ok: true });
		expect(here.waits).toContain(3_000);
		here.platform.fault('/helix/users', slow('60'));
		expect(await here.access.call(id, things(here))).toMatchObject({
			failure: 'rate_limited',
			retry_after_s: 60
		});
		// And none is made until then.
		const before = here.platform.count();
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'rate_limited' });
		expect(here.platform.count()).toBe(before);
		here.time.ms += 60_000;
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
	});

	it('know what is left of the bucket before the platform has to refuse', async () => {
		const here = await world();
		const id = await here.connect();
		const headers = {
			'ratelimit-limit': '800',
			'ratelimit-remaining': '0',
			'ratelimit-reset': String(here.time.ms / 1_000 + 4)
		};
		here.platform.fault('/helix/users', { status: 200, body: 'one', headers });
		await here.access.call(id, things(here));
		expect(here.waits).toEqual([]);
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
		expect(here.waits).toEqual([4_000]);
	});

	it('are made again only where that does no harm', async () => {
		const here = await world();
		const id = await here.connect();
		here.platform.fault('/helix/users', 'reset', { status: 500, body: '' });
		expect(await here.access.call(id, things(here))).toMatchObject({ ok: true });
		expect(here.waits).toEqual([250, 500]);
		here.platform.fault('/helix/users', 'lost');
		const before = here.platform.count('/helix/users');
		expect(await here.access.call(id, things(here, 'POST'))).toMatchObject({
			failure: 'unavailable'
		});
		expect(here.platform.count('/helix/users') - before).toBe(1);
	});

	it('go nowhere but to the platform, follow nothing and read no flood', async () => {
		const here = await world();
		const id = await here.connect();
		const elsewhere = (url: string) => () => ({
			...things(here)({ id: '', access_token: 'x' }),
			request: { method: 'GET' as const, url, headers: {}, body: null }
		});
		const api = here.platform.env.TWITCH_API_URL ?? '';
		for (const url of ['http://127.0.0.1:1/helix/users', `${api}evil`, `${api}/../other`])
			await expect(here.access.call(id, elsewhere(url))).rejects.toThrow('none of the platform');
		here.platform.fault('/helix/users', {
			status: 302,
			body: '',
			headers: { location: `${api}/streams` }
		});
		await here.access.call(id, things(here, 'POST'));
		expect(here.platform.count('/helix/streams')).toBe(0);
		here.platform.fault('/helix/users', { status: 200, body: 'x'.repeat(5 * 1024 * 1024) });
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'malformed' });
	});

	it('are noted, each with how it went', async () => {
		const here = await world();
		const id = await here.connect();
		here.platform.fault('/helix/users', { status: 500, body: 'oh' });
		await here.access.call(id, things(here));
		await here.access.requests.settled();
		const rows = await db.sql`
			select call, status, failure, connection_id = ${id} as ours from app.fetch_log
			where account_id = ${here.account} order by call, status`;
		expect(rows.map((row) => ({ ...row }))).toEqual([
			{ call: 'twitch.identify', status: 200, failure: null, ours: null },
			{ call: 'twitch.poll_device', status: 200, failure: null, ours: null },
			{ call: 'twitch.start_device', status: 200, failure: null, ours: null },
			{ call: 'twitch.things', status: 200, failure: null, ours: true },
			{ call: 'twitch.things', status: 500, failure: 'unavailable', ours: true }
		]);
	});
});

describe('a program’s own token', () => {
	it('is got once, kept, and got anew when it is refused', async () => {
		const here = await world();
		const ask = (access = here.access) =>
			access.callAsApp(here.account, 'twitch', things(here, 'GET', '/streams'));
		const count = () => here.platform.count('/oauth2/token');
		expect(await Promise.all([ask(), ask(), ask()])).toMatchObject([
			{ ok: true },
			{ ok: true },
			{ ok: true }
		]);
		expect(count()).toBe(1);
		await ask(here.open().access);
		expect(count()).toBe(1);
		here.platform.fault('/helix/streams', { status: 401, body: 'no' });
		expect(await ask()).toMatchObject({ ok: true });
		expect(count()).toBe(2);
		const refused = { status: 401, body: 'no' };
		here.platform.fault('/helix/streams', refused, refused);
		expect(await ask()).toMatchObject({ failure: 'unauthorized' });
		expect(count()).toBe(3);
		await purgeAccess(db.sql, new Date(here.time.ms + 500 * END));
		expect(await ask()).toMatchObject({ ok: true });
		expect(count()).toBe(4);
	});

	it('does not exist for a client without a secret', async () => {
		const here = await world({ isPublic: true });
		expect(
			await here.access.callAsApp(here.account, 'twitch', things(here, 'GET', '/streams'))
		).toMatchObject({
			failure: 'forbidden'
		});
	});
});

describe('secrets', () => {
	it('are nowhere in the clear: not in the database, the logs, the messages', async () => {
		const here = await world({ isPublic: true });
		const known: string[] = [];
		const id = await here.connect();
		const learn = async () => known.push(...((await here.access.tokensOf(id))?.tokens ?? []));
		await learn();
		const { id: waiting } = await here.begin();
		const [device] = await db.sql<{ code: Buffer }[]>`
			select device_ciphertext as code from app.pending_authorizations where id = ${waiting}`;
		known.push(
			secrets.open(device?.code ?? Buffer.of(), ownerOf.deviceCode(here.account, 'twitch')) ?? ''
		);
		here.time.ms += END;
		await here.access.call(id, things(here));
		await learn();
		await here.access.validate(id);
		here.platform.fault('/oauth2/token', 'lost');
		here.time.ms += END;
		await here.access.call(id, things(here));
		here.time.ms += 2_000;
		await here.access.call(id, things(here));
		await here.access.requests.settled();
		const tables = await db.sql<{ name: string }[]>`
			select format('%I.%I', schemaname, tablename) as name from pg_tables
			where schemaname in ('app', 'realtime', 'identity')`;
		let dump = lines.join('\n');
		for (const { name } of tables) {
			const [row] = await db.sql.unsafe<{ text: string }[]>(
				`select coalesce(string_agg(t::text, E'\\n'), '') as text from ${name} t`
			);
			dump += row?.text ?? '';
		}
		expect(dump).toContain(here.user.id);
		// Two access tokens, two refresh tokens, a device's code.
		expect(new Set(known.filter(({ length }) => length >= 20)).size).toBe(5);
		for (const secret of known) {
			expect(dump).not.toContain(secret);
			expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
			expect(dump).not.toContain(Buffer.from(secret).toString('base64').slice(0, 30));
		}
	});

	it('open for their own account, channel and use only', async () => {
		const here = await world();
		const there = await world();
		const mine = await here.connect();
		const theirs = await there.connect();
		await db.sql`update app.connection_tokens t
			set access_ciphertext = s.access_ciphertext, refresh_ciphertext = s.refresh_ciphertext
			from app.connection_tokens s where t.connection_id = ${theirs} and s.connection_id = ${mine}`;
		expect(await there.access.call(theirs, things(there))).toMatchObject({
			failure: 'unauthorized',
			reason: expect.stringContaining('cannot be read')
		});
		await db.sql`update app.connection_tokens set refresh_ciphertext = access_ciphertext
			where connection_id = ${mine}`;
		here.time.ms += END;
		await here.access.call(mine, things(here));
		expect(await here.row(mine)).toMatchObject({ status_reason: 'unreadable' });
	});

	it('of another program are not used: the channel has to be connected again', async () => {
		const here = await world();
		const id = await here.connect();
		await db.sql`update app.connection_tokens set client_id = 'another' where connection_id = ${id}`;
		const before = here.platform.count();
		expect(await here.access.call(id, things(here))).toMatchObject({ failure: 'unauthorized' });
		expect(here.platform.count()).toBe(before);
		expect(await here.row(id)).toMatchObject({ status_reason: 'client_changed' });
	});
});

/** What was done stands in the audit log; an account goes out whole, and away without a trace. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actions } from '../../src/lib/server/actions/index.ts';
import { until } from '../database/embedded-folder.ts';
import { Listener, openStream, PASSWORD, startDoors, type Doors, type Json } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
	doors = await startDoors();
}, 120_000);
afterAll(() => doors?.close());

const text = z.string();
const idIn = (body: Record<string, Json>, part?: string) =>
	z.object({ id: z.uuid() }).parse(part === undefined ? body : body[part]).id;

const Entries = z.object({
	items: z.array(z.object({ action: z.string(), actor_kind: z.string() })),
	next_cursor: z.string().nullable()
});
const entries = async (query = 'limit=100') =>
	Entries.parse((await doors.owner.ask('GET', `/v1/audit?${query}`)).body);

/** Writes whose record is not an entry of the log, and what it is. */
const elsewhere: Record<string, string> = {
	'events.create': 'the event itself',
	'events.emit': 'the event itself',
	'events.test': 'the event itself',
	'overlay.session': 'the page’s instance',
	'overlay.heartbeat': 'the page’s instance',
	'overlay.claim': 'the play’s transitions',
	'overlay.report': 'the play’s transitions',
	'realtime.token': 'nothing is written',
	'connections.authorize': 'the pending authorization, and connection.save when it comes back',
	'connections.reconcile': 'the source’s own log',
	'spotify.manual_start': 'a play of the account, shown in its status',
	'spotify.manual_stop': 'a play of the account, shown in its status'
};

describe('the audit log', () => {
	const ask = (method: string, path: string, body?: Json) => async () =>
		(await doors.owner.ask(method, `/v1${path}`, body)).body;
	const event = async () => {
		const { body } = await doors.owner.ask('POST', '/v1/events/test', {
			event_type: 'twitch:follower'
		});
		return text.parse(body.event_id);
	};
	const key = async () =>
		idIn(await ask('POST', '/keys', { name: 'One', permissions: ['events:read'] })(), 'key');
	let types = 0;
	const eventType = async () => {
		const name = `score_${(types += 1)}`;
		await ask('POST', '/event-types', { type: `custom:${name}`, title: 'Score' })();
		return name;
	};
	let templates = 0;
	const aTemplate = () => {
		const name = `Hello ${(templates += 1)}`;
		return { name, event_type: 'twitch:follower', text: 'Hello {user}' };
	};
	const template = async () =>
		text.parse((await ask('POST', '/event-templates', aTemplate())()).id);
	const invitation = async () => ask('POST', '/invitations', { role: 'moderator' })();
	let people = 0;
	const member = () => doors.join('moderator', `person-${(people += 1)}@example.com`);
	/** A member of whom nothing is known here: no password to be hashed. */
	const somebody = async () => {
		const user_id = randomUUID();
		await doors.db.sql`insert into app.members (account_id, user_id, role)
			values (${doors.account_id}, ${user_id}, 'moderator')`;
		return user_id;
	};
	const connection = async () =>
		idIn(
			await ask('POST', '/connections', {
				...{ platform: 'twitch', channel_id: '4242', secret: 'a-secret-of-some-length' }
			})()
		);

	/** By id of the action: what it does, and the entry it leaves. */
	const deeds: Record<string, [entry: string, deed: () => Promise<unknown>]> = {
		'events.cancel': ['event.cancel', async () => ask('PUT', `/events/${await event()}/cancel`)()],
		'events.replay': [
			'event.replay',
			async () => ask('POST', `/events/${await event()}/replay`, {})()
		],
		'plays.cancel': [
			'play.cancel',
			async () => {
				await event();
				const [play] = await doors.db.sql`
					select id from app.plays where account_id = ${doors.account_id} and ended_at is null limit 1`;
				await ask('POST', `/plays/${text.parse(play?.id)}/cancel`, {})();
			}
		],
		'queue.pause': ['queue.pause', ask('POST', '/queue/pause', {})],
		'queue.resume': ['queue.resume', ask('POST', '/queue/resume', {})],
		'queue.skip': [
			'queue.skip',
			async () => ask('POST', '/queue/skip', { overlay_id: doors.overlay_id })()
		],
		'keys.create': ['key.create', key],
		'keys.rotate': ['key.rotate', async () => ask('POST', `/keys/${await key()}/rotate`, {})()],
		'keys.revoke': ['key.revoke', async () => ask('DELETE', `/keys/${await key()}`)()],
		'overlays.keys.create': [
			'key.create',
			async () => ask('POST', `/overlays/${doors.overlay_id}/keys`, { name: 'Second' })()
		],
		'keys.pairings.create': ['pairing.create', ask('POST', '/keys/pairings', {})],
		'keys.pair': [
			'key.create',
			async () => {
				const { code } = await ask('POST', '/keys/pairings', {})();
				await ask('POST', '/keys/pair', { code: code ?? null, name: 'Phone' })();
			}
		],
		'invitations.create': ['invitation.create', invitation],
		'invitations.revoke': [
			'invitation.revoke',
			async () => ask('DELETE', `/invitations/${idIn(await invitation(), 'invitation')}`)()
		],
		'invitations.accept': ['invitation.accept', member],
		'members.role': [
			'member.role',
			async () => ask('PUT', `/members/${await somebody()}`, { role: 'administrator' })()
		],
		'members.remove': [
			'member.remove',
			async () => ask('DELETE', `/members/${await somebody()}`)()
		],
		'members.leave': [
			'member.leave',
			async () => (await member()).caller.ask('POST', '/v1/members/leave', {})
		],
		'members.transfer': [
			'member.transfer',
			async () => {
				const { caller, user_id } = await member();
				const { body } = await doors.owner.ask('GET', '/v1/me');
				await ask('POST', `/members/${user_id}/transfer`, {})();
				await caller.ask('POST', `/v1/members/${idIn(body, 'user')}/transfer`, {});
			}
		],
		'accounts.switch': [
			'member.default',
			ask('PUT', '/accounts/current', { account_id: '', is_default: true })
		],
		'sessions.revoke': [
			'session.end',
			async () => {
				const { caller } = await member();
				const { body } = await caller.ask('GET', '/v1/sessions');
				const [session] = z.array(z.object({ id: z.uuid() })).parse(body.items);
				await caller.ask('DELETE', `/v1/sessions/${session?.id}`);
			}
		],
		'sessions.revoke_all': [
			'session.end',
			async () => (await member()).caller.ask('DELETE', '/v1/sessions', {})
		],
		'connections.save': ['connection.save', connection],
		'connections.update': [
			'connection.update',
			async () => ask('PUT', `/connections/${await connection()}`, { groups: [] })()
		],
		'connections.disconnect': [
			'connection.disconnect',
			async () => ask('DELETE', `/connections/${await connection()}`)()
		],
		'platforms.save_client': [
			'client.save',
			ask('PUT', '/platforms/twitch/client', {
				...{ client_id: 'abcdefghijklmnopqrstuvwxyz0123', client_secret: null }
			})
		],
		'platforms.remove_client': ['client.remove', ask('DELETE', '/platforms/twitch/client')],
		'tasks.run': ['task.run', ask('POST', '/tasks/purge_expired/run', {})],
		'tasks.update': ['task.enable', ask('PUT', '/tasks/purge_expired', { is_enabled: true })],
		'viewers.erase': [
			'viewer.erase',
			async () => {
				const [viewer] = await doors.db.sql`
					insert into app.viewers (account_id, platform, platform_user_id, login, name, named_at,
						first_seen_at, last_seen_at)
					values (${doors.account_id}, 'twitch', '77', 'ann', 'Ann', now(), now(), now())
					returning id`;
				await ask('DELETE', `/viewers/${text.parse(viewer?.id)}`)();
			}
		],
		'event-types.create': ['event_type.create', async () => eventType()],
		'event-types.update': [
			'event_type.update',
			async () => ask('PUT', `/event-types/${await eventType()}`, { title: 'Best' })()
		],
		'event-types.delete': [
			'event_type.delete',
			async () => ask('DELETE', `/event-types/${await eventType()}`)()
		],
		'event-templates.create': ['event_template.create', async () => template()],
		'event-templates.update': [
			'event_template.update',
			async () => ask('PUT', `/event-templates/${await template()}`, aTemplate())()
		],
		'event-templates.delete': [
			'event_template.delete',
			async () => ask('DELETE', `/event-templates/${await template()}`)()
		],
		'subscriptions.set': [
			'subscriptions.set',
			async () => {
				const path = `/subscriptions/${doors.overlay_id}`;
				const { items } = await ask('GET', path)();
				await ask('PUT', path, { items: items ?? [] })();
			}
		],
		'setup.run': ['account.create', async () => undefined],
		// The log goes with the account; that it is gone is what the deletion below proves.
		'account.delete': ['account.create', async () => undefined]
	};

	it('knows of every action that writes', () => {
		const writes = actions.filter(({ method }) => method !== 'GET').map(({ id }) => id);
		const unknown = writes.filter((id) => !(id in deeds) && !(id in elsewhere));
		expect(unknown).toEqual([]);
	});

	it.each(Object.entries(deeds))('%s leaves its entry', async (id, [entry, deed]) => {
		if (id === 'accounts.switch')
			await doors.owner.ask('PUT', '/v1/accounts/current', {
				...{ account_id: doors.account_id, is_default: true }
			});
		else await deed();
		const { items } = await entries(`action=${entry}&limit=1`);
		expect(items.map(({ action }) => action)).toEqual([entry]);
	});

	it('is searched, paged by cursor, and read by who may only', async () => {
		const first = await entries('limit=2');
		const second = await entries(`limit=2&cursor=${first.next_cursor}`);
		expect(second.items).toHaveLength(2);
		expect(second.items).not.toEqual(first.items);
		const all = await entries();
		const keys = await entries('action=key&limit=100');
		expect(new Set(keys.items.map(({ action }) => action.split('.')[0]))).toEqual(new Set(['key']));
		expect(keys.items.length).toBeLessThan(all.items.length);
		expect((await entries('search=SECOND')).items.length).toBeGreaterThan(0);
		expect((await entries('search=%25')).items).toEqual([]);
		expect((await entries(`actor=${randomUUID()}`)).items).toEqual([]);
		expect((await entries('to=2020-01-01T00:00:00Z')).items).toEqual([]);
		const { caller } = await doors.join('moderator', 'no-audit@example.com');
		expect((await caller.ask('GET', '/v1/audit')).status).toBe(403);
		expect((await caller.ask('GET', '/v1/audit/export')).status).toBe(403);
	});

	it('goes out as lines of JSON and as CSV without formulas', async () => {
		const wicked = '=HYPERLINK("http://evil.test")';
		await doors.owner.ask('POST', '/v1/keys', { name: wicked, permissions: ['events:read'] });
		const lines = await doors.owner.ask('GET', '/v1/audit/export');
		expect(lines.headers.get('content-type')).toBe('application/x-ndjson');
		const parsed = lines.text
			.trimEnd()
			.split('\n')
			.map((line) => z.object({ id: z.int() }).parse(JSON.parse(line)).id);
		const [count] = await doors.db.sql`
			select count(*)::int as n from app.audit_log where account_id = ${doors.account_id}`;
		expect(parsed).toHaveLength(z.int().parse(count?.n));
		expect(parsed).toEqual(parsed.toSorted((a, b) => b - a));
		await doors.db.sql`
			select app.log_command(${doors.account_id}, '=1+1', 'key', null, null, clock_timestamp())`;
		const csv = await doors.owner.ask('GET', '/v1/audit/export?format=csv');
		expect(csv.headers.get('content-disposition')).toContain('audit.csv');
		expect(csv.text).toContain("'=1+1");
		expect(csv.text).not.toMatch(/(^|,)=/m);
	});
});

describe('the account', () => {
	it('goes out whole, without anything that opens something', async () => {
		const secret = text.parse(
			(
				await doors.owner.ask('POST', '/v1/keys', {
					name: 'Exported',
					permissions: ['events:read']
				})
			).body.secret
		);
		const answer = await doors.owner.ask('GET', '/v1/account/export');
		const { tables } = z
			.object({ tables: z.record(z.string(), z.array(z.record(z.string(), z.json()))) })
			.parse(answer.body);
		for (const [table, rows] of Object.entries(tables)) {
			if (table === 'accounts') continue;
			const [count] = await doors.db.sql`
				select count(*)::int as n from ${doors.db.sql(`app.${table}`)} t
				where to_jsonb(t) ->> 'account_id' is null or to_jsonb(t) ->> 'account_id' = ${doors.account_id}`;
			// The export itself is an entry that came before.
			expect([table, rows.length]).toEqual([table, z.int().parse(count?.n)]);
		}
		expect(tables.keys?.some(({ name }) => name === 'Exported')).toBe(true);
		expect(answer.text).not.toContain(secret);
		expect(answer.text).not.toMatch(/"[a-z_]*(hash|cipher|secret|token)[a-z_]*":\s*"/);
		const { caller } = await doors.join('administrator', 'no-export@example.com');
		expect((await caller.ask('GET', '/v1/account/export')).status).toBe(403);
		expect((await caller.ask('DELETE', '/v1/account', { name: 'Mine' })).status).toBe(403);
	});

	it('is deleted by its name: everything everywhere, and who has no other account', async () => {
		const { caller: stays, user_id } = await doors.join('moderator', 'stays@example.com');
		const { createAccount } = await import('../../src/lib/server/backend/statements/accounts.ts');
		const other = await createAccount(doors.db.sql, 'Other', user_id, {});
		expect((await doors.owner.ask('DELETE', '/v1/account', { name: 'mine' })).status).toBe(400);
		const stream = await openStream(doors.owner);
		const { listener } = await Listener.join(stays);
		const page = await doors.browser().ask('POST', '/v1/overlay/session', {
			key: doors.overlay_url.split('#')[1] ?? ''
		});
		const overlay = doors.program(text.parse(page.body.token));
		expect((await overlay.ask('GET', '/v1/overlay/state')).status).toBe(200);

		const gone = await doors.owner.ask('DELETE', '/v1/account', { name: 'Mine' });
		expect(gone.body).toEqual({ account_id: doors.account_id });
		await until(() => stream.ended() && !listener.joined);
		listener.close();
		expect((await overlay.ask('GET', '/v1/overlay/state')).status).toBeGreaterThanOrEqual(400);
		expect((await doors.owner.ask('GET', '/v1/me')).status).toBe(401);

		const left = async () => {
			// Any row anywhere that mentions the account: no list of tables to forget one in.
			const tables = await doors.db.sql<{ name: string }[]>`
				select n.nspname || '.' || c.relname as name
				from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where n.nspname in ('app', 'identity', 'realtime') and c.relkind = 'r'`;
			const found: string[] = [];
			for (const { name } of tables) {
				const [row] = await doors.db.sql`
					select count(*)::int as n from ${doors.db.sql(name)} t
					where to_jsonb(t)::text like ${`%${doors.account_id}%`}
						or to_jsonb(t)::text like ${`%${doors.overlay_id}%`}`;
				if (row?.n !== 0) found.push(name);
			}
			return found;
		};
		await until(async () => (await left()).length === 0);
		const users = await doors.db.sql`select email from identity."user"`;
		expect(users.map(({ email }) => text.parse(email))).toEqual(['stays@example.com']);
		const [orphans] = await doors.db.sql`
			select count(*)::int as n from identity.session where "userId" <> ${user_id}`;
		expect(orphans?.n).toBe(0);
		expect((await stays.ask('GET', '/v1/me')).body).toMatchObject({ account_id: other.account_id });
		await stays.ask('POST', '/auth/sign-in/email', {
			email: 'stays@example.com',
			password: PASSWORD
		});
	});
});

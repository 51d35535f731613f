/** Who belongs, who may, and how soon it shows: over real HTTP, streams and sockets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { until } from '../database/embedded-folder.ts';
import { Listener, openStream, PASSWORD, startDoors, type Caller, type Doors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
	doors = await startDoors();
}, 120_000);
afterAll(() => doors?.close());

const text = z.string();
const invite = async (from: Caller, role: string) =>
	text.parse((await from.ask('POST', '/v1/invitations', { role })).body.secret);
const statusOf = async (caller: Caller, path: string) => (await caller.ask('GET', path)).status;

describe('an invitation', () => {
	it('is shown once, tells its holder no more than it must, and makes one member', async () => {
		const made = await doors.owner.ask('POST', '/v1/invitations', {
			role: 'moderator',
			note: 'mara@example.com'
		});
		expect(made.status).toBe(201);
		const secret = text.parse(made.body.secret);
		expect(made.body.url).toBe(`${doors.origin}/join#${secret}`);
		expect((await doors.owner.ask('GET', '/v1/invitations')).text).not.toContain(secret);

		const guest = doors.browser();
		const info = await guest.ask('GET', `/v1/invitations/info?secret=${secret}`);
		expect(Object.keys(info.body).toSorted()).toEqual(['account', 'expires_at', 'role', 'state']);
		expect(info.body).toMatchObject({ account: 'Mine', role: 'moderator', state: 'open' });
		expect(await statusOf(guest, '/v1/invitations/info?secret=ck_invite_guess')).toBe(404);

		expect((await guest.ask('POST', '/v1/invitations/accept', { secret })).status).toBe(401);
		const form = {
			secret,
			sign_up: { name: 'Mara', email: 'mara@example.com', password: PASSWORD }
		};
		const accepted = await guest.ask('POST', '/v1/invitations/accept', form);
		expect(accepted.body).toEqual({ account_id: doors.account_id, role: 'moderator' });
		expect((await guest.ask('GET', '/v1/me')).body).toMatchObject({
			user: { email: 'mara@example.com' },
			account_id: doors.account_id
		});
		const second = doors.browser();
		const again = { ...form, sign_up: { ...form.sign_up, email: 'second@example.com' } };
		expect((await second.ask('POST', '/v1/invitations/accept', again)).status).toBe(410);
		const [left] = await doors.db.sql`
			select count(*)::int as n from identity."user" where email = 'second@example.com'`;
		expect(left?.n).toBe(0);
	});

	it('of two who accept at once takes one, and leaves no user of the other', async () => {
		const secret = await invite(doors.owner, 'moderator');
		const answers = await Promise.all(
			['a@race.test', 'b@race.test'].map((email) =>
				doors.browser().ask('POST', '/v1/invitations/accept', {
					secret,
					sign_up: { name: 'Racer', email, password: PASSWORD }
				})
			)
		);
		expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410]);
		const [users] = await doors.db.sql`
			select count(*)::int as n from identity."user" where email like '%@race.test'`;
		expect(users?.n).toBe(1);
	});

	it('that is revoked or of somebody who lost the right opens nothing', async () => {
		const { body } = await doors.owner.ask('POST', '/v1/invitations', { role: 'moderator' });
		const { invitation } = z.object({ invitation: z.object({ id: z.uuid() }) }).parse(body);
		await doors.owner.ask('DELETE', `/v1/invitations/${invitation.id}`);
		const state = (secret: string) =>
			doors
				.browser()
				.ask('GET', `/v1/invitations/info?secret=${secret}`)
				.then((answer) => answer.body.state);
		expect(await state(text.parse(body.secret))).toBe('revoked');

		const { caller, user_id } = await doors.join('administrator', 'inviter@example.com');
		const secret = await invite(caller, 'administrator');
		expect(await state(secret)).toBe('open');
		await doors.owner.ask('PUT', `/v1/members/${user_id}`, { role: 'moderator' });
		expect(await state(secret)).toBe('revoked');
		expect((await caller.ask('POST', '/v1/invitations', { role: 'moderator' })).status).toBe(403);
	});
});

describe('roles', () => {
	it('nobody grants what they lack or changes their own', async () => {
		const { caller, user_id } = await doors.join('administrator', 'admin@example.com');
		const members = z
			.object({ items: z.array(z.object({ user_id: z.uuid(), role: z.string() })) })
			.parse((await caller.ask('GET', '/v1/members')).body).items;
		const owner = members.find(({ role }) => role === 'owner')?.user_id ?? '';
		const put = (id: string, role: string) => caller.ask('PUT', `/v1/members/${id}`, { role });
		expect((await put(user_id, 'moderator')).status).toBe(403);
		expect((await put(owner, 'moderator')).status).toBe(403);
		expect((await caller.ask('DELETE', `/v1/members/${owner}`)).status).toBe(403);
		expect((await caller.ask('POST', '/v1/invitations', { role: 'owner' })).status).toBe(403);
		expect((await caller.ask('POST', `/v1/members/${user_id}/transfer`, {})).status).toBe(403);
		expect((await doors.owner.ask('POST', '/v1/members/leave', {})).status).toBe(409);
	});

	it('of two owners who demote each other at once, one stays', async () => {
		const { caller, user_id } = await doors.join('owner', 'other-owner@example.com');
		const me = await doors.owner.ask('GET', '/v1/me');
		const mine = z.object({ user: z.object({ id: z.uuid() }) }).parse(me.body).user.id;
		const answers = await Promise.all([
			doors.owner.ask('PUT', `/v1/members/${user_id}`, { role: 'moderator' }),
			caller.ask('PUT', `/v1/members/${mine}`, { role: 'moderator' })
		]);
		expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 403]);
		const [owners] = await doors.db.sql`
			select count(*)::int as n, min(user_id::text) as id from app.members
			where account_id = ${doors.account_id} and role = 'owner'`;
		expect(owners?.n).toBe(1);
		// Whoever won gives the account back.
		if (owners?.id !== mine) {
			const back = await caller.ask('POST', `/v1/members/${mine}/transfer`, {});
			expect(back.body).toMatchObject({ user_id: mine, role: 'owner' });
		}
		const both = await Promise.all([
			doors.owner.ask('POST', '/v1/members/leave', {}),
			doors.owner.ask('POST', '/v1/members/leave', {})
		]);
		expect(both.map(({ status }) => status)).toEqual([409, 409]);
	});
});

it('a person of two accounts switches between them, and begins where they said', async () => {
	const { caller } = await doors.join('moderator', 'both@example.com');
	const { createAccount } = await import('../../src/lib/server/backend/statements/accounts.ts');
	const me = z
		.object({ user: z.object({ id: z.uuid() }) })
		.parse((await caller.ask('GET', '/v1/me')).body).user.id;
	const { account_id: own } = await createAccount(doors.db.sql, 'Zz own', me, {});
	const current = async () => (await caller.ask('GET', '/v1/me')).body.account_id;
	expect(await current()).toBe(doors.account_id);
	expect((await caller.ask('PUT', '/v1/accounts/current', { account_id: own })).body).toMatchObject(
		{
			role: 'owner'
		}
	);
	expect(await current()).toBe(own);
	const foreign = { account_id: '00000000-0000-4000-8000-000000000000' };
	expect((await caller.ask('PUT', '/v1/accounts/current', foreign)).status).toBe(404);
	await caller.ask('PUT', '/v1/accounts/current', { account_id: own, is_default: true });
	caller.forget();
	await caller.ask('POST', '/auth/sign-in/email', {
		email: 'both@example.com',
		password: PASSWORD
	});
	expect(await current()).toBe(own);
	const { body } = await caller.ask('GET', '/v1/accounts');
	expect(body.items).toMatchObject([
		{ name: 'Mine', is_default: false },
		{ name: 'Zz own', is_default: true }
	]);
});

describe('what is lost is lost at once', () => {
	const Made = z.object({ key: z.object({ id: z.uuid() }), secret: z.string() });
	const keyOf = async (caller: Caller, permissions: string[]) =>
		Made.parse((await caller.ask('POST', '/v1/keys', { name: 'Program', permissions })).body);

	it('a member who is removed loses REST, streams, sockets, and so do their keys', async () => {
		const { caller, user_id } = await doors.join('administrator', 'removed@example.com');
		const made = await keyOf(caller, ['events:read', 'events:userinfo']);
		const program = doors.program(made.secret);
		const streams = [await openStream(caller), await openStream(program)];
		const sockets = [await Listener.join(caller), await Listener.join(program)];
		expect(sockets.map(({ listener }) => listener.joined)).toEqual([true, true]);

		expect((await doors.owner.ask('DELETE', `/v1/members/${user_id}`)).status).toBe(200);
		await until(() => streams.every(({ ended }) => ended()));
		await until(() => sockets.every(({ listener }) => !listener.joined));
		expect(await statusOf(caller, '/v1/events')).toBe(403);
		expect(await statusOf(program, '/v1/events')).toBe(403);
		for (const { listener } of sockets) listener.close();
	});

	it('a member who may less, and the key made before, may less', async () => {
		const { caller, user_id } = await doors.join('administrator', 'demoted@example.com');
		const made = await keyOf(caller, ['connections:edit', 'connections:read', 'keys:edit']);
		const program = doors.program(made.secret);
		expect(await statusOf(program, '/v1/keys')).toBe(200);
		await doors.owner.ask('PUT', `/v1/members/${user_id}`, { role: 'moderator' });
		await until(async () => (await statusOf(program, '/v1/keys')) === 403);
		expect(await statusOf(caller, '/v1/keys')).toBe(403);
		expect(await statusOf(program, '/v1/connections')).toBe(200);
		const { body } = await doors.owner.ask('GET', '/v1/keys?kind=api');
		const Listed = z.array(
			z.object({ id: z.string(), effective_permissions: z.array(z.string()) })
		);
		expect(
			Listed.parse(body.items).find(({ id }) => id === made.key.id)?.effective_permissions
		).toEqual(['connections:read']);
	});

	it('a session that is ended takes its socket and stream along, and its token', async () => {
		const { caller } = await doors.join('moderator', 'sessions@example.com');
		const other = doors.browser();
		await other.ask('POST', '/auth/sign-in/email', {
			...{ email: 'sessions@example.com', password: PASSWORD }
		});
		const { listener, token } = await Listener.join(other);
		const stays = await Listener.join(caller);
		const stream = await openStream(other);
		const Sessions = z.array(z.object({ id: z.uuid(), is_current: z.boolean() }));
		const { body } = await caller.ask('GET', '/v1/sessions');
		const target = Sessions.parse(body.items).find(({ is_current }) => !is_current)?.id ?? '';
		expect((await caller.ask('DELETE', `/v1/sessions/${target}`)).status).toBe(200);
		await until(() => stream.ended() && !listener.joined);
		expect(await statusOf(other, '/v1/me')).toBe(401);
		expect(stays.listener.joined).toBe(true);
		// The token is valid by its signature for an hour; the session it names is not there.
		const again = await Listener.join(caller, token);
		expect(again.listener.joined).toBe(false);
		for (const each of [listener, stays.listener, again.listener]) each.close();
	});

	it('a rotated key goes on for its overlap, then ends with what it holds open', async () => {
		const first = await keyOf(doors.owner, ['events:read', 'events:userinfo']);
		const rotate = (id: string) =>
			doors.owner.ask('POST', `/v1/keys/${id}/rotate`, { overlap_minutes: 10 });
		const second = Made.parse((await rotate(first.key.id)).body);
		expect((await rotate(first.key.id)).status).toBe(409);
		const [old, young] = [doors.program(first.secret), doors.program(second.secret)];
		expect([await statusOf(old, '/v1/events'), await statusOf(young, '/v1/events')]).toEqual([
			200, 200
		]);
		const stream = await openStream(old);
		const { listener } = await Listener.join(old);
		// Ten minutes later.
		await doors.db.sql`
			update app.keys set ends_at = clock_timestamp() where id = ${first.key.id}`;
		await until(() => stream.ended() && !listener.joined);
		await until(async () => (await statusOf(old, '/v1/events')) === 401);
		expect(await statusOf(young, '/v1/events')).toBe(200);
		listener.close();
	});
});

describe('phones and ingest', () => {
	it('a code pairs one phone within a minute', async () => {
		const { body } = await doors.owner.ask('POST', '/v1/keys/pairings', {});
		const { pairing, code, url } = z
			.object({ pairing: z.object({ id: z.uuid() }), code: z.string(), url: z.string() })
			.parse(body);
		expect(url).toBe(`${doors.origin}/remote#pair=${code}`);
		const phone = doors.browser();
		const pair = (name: string, with_: string) =>
			phone.ask('POST', '/v1/keys/pair', { code: with_, name });
		expect((await pair('Phone', 'guess')).status).toBe(404);
		const answers = await Promise.all([pair('Phone', code), pair('Thief', code)]);
		expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 410]);
		const secret = text.parse(answers.find(({ status }) => status === 201)?.body.secret);
		expect(secret).toMatch(/^ck_remote_/);
		expect(await statusOf(doors.program(secret), '/v1/events')).toBe(200);
		expect(await statusOf(doors.program(secret), '/v1/keys')).toBe(403);
		expect((await doors.owner.ask('GET', `/v1/keys/pairings/${pairing.id}`)).body).toMatchObject({
			state: 'paired',
			key: { kind: 'remote' }
		});

		const late = (await doors.owner.ask('POST', '/v1/keys/pairings', {})).body;
		await doors.db.sql`update app.pairings set expires_at = clock_timestamp() where key_id is null`;
		expect((await pair('Late', text.parse(late.code))).status).toBe(410);
	});

	it('an ingest key brings events and does nothing else', async () => {
		const { body } = await doors.owner.ask('POST', '/v1/keys', { name: 'Bot', kind: 'ingest' });
		const bot = doors.program(text.parse(body.secret));
		expect((await bot.ask('POST', '/v1/events/emit', { event_type: 'custom:made' })).status).toBe(
			201
		);
		expect(await statusOf(bot, '/v1/events')).toBe(403);
		const wide = { name: 'Wide', kind: 'ingest', permissions: ['events:read'] };
		expect((await doors.owner.ask('POST', '/v1/keys', wide)).status).toBe(400);
	});
});

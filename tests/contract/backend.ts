/**
 * What every backend promises, whichever database is behind it: statements, transactions judged by
 * claims, and hints in commit order.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type {
	Backend,
	Claims,
	FeedMessage,
	Revocation
} from '../../src/lib/server/backend/index.ts';
import type { Migration } from '../../src/lib/server/backend/files.ts';
import { until } from '../database/embedded-folder.ts';

/** A small schema of its own, so that the suite does not depend on the product's. */
export const contractMigrations: readonly Migration[] = [
	{
		version: '20260101000000',
		name: 'contract',
		text: `
			create schema contract;
			create table contract.notes (id int primary key, owner uuid not null);
			alter table contract.notes enable row level security;
			create policy own on contract.notes for all to authenticated
				using (owner = (select auth.uid())) with check (owner = (select auth.uid()));
			grant usage on schema contract to authenticated;
			grant select, insert on contract.notes to authenticated;
			create function contract.refuse() returns void language plpgsql as
				$$ begin raise exception 'not this' using errcode = 'CU409'; end $$;`
	}
];

const alice: Claims = {
	sub: '11111111-1111-4111-8111-111111111111',
	role: 'authenticated',
	aud: 'authenticated',
	kind: 'member'
};
const bob: Claims = { ...alice, sub: '22222222-2222-4222-8222-222222222222' };

/** Runs the suite; `open` gives a backend migrated with `contractMigrations`. */
export function testBackend(name: string, open: () => Promise<Backend>): void {
	describe(`${name} as a backend`, () => {
		let backend: Backend;
		beforeAll(async () => {
			backend = await open();
		});
		afterAll(() => backend?.close());

		testStatements(() => backend);
		testClaims(() => backend);
		testFeed(() => backend);
	});
}

function testStatements(backend: () => Backend): void {
	it('answers, runs statements by themselves, and rolls a failed transaction back', async () => {
		const { sql, ping } = backend().database;
		await ping();
		await sql`create table contract.plain (n int)`;
		await sql`insert into contract.plain values (1)`;
		const failed = sql.begin(async (tx) => {
			await tx`insert into contract.plain values (2)`;
			throw new Error('no');
		});
		await expect(failed).rejects.toThrow('no');
		expect(await sql`select n from contract.plain`).toEqual([{ n: 1 }]);
	});

	it('never takes a transaction for committed in which a statement failed', async () => {
		const { sql } = backend().database;
		const hidden = sql.begin(async (tx) => {
			await tx`create table contract.hidden (n int)`;
			await tx`select nonsense`.catch(() => []);
		});
		await expect(hidden).rejects.toThrow(/rolled back/);
		const [seen] = await sql`select to_regclass('contract.hidden') is null as gone`;
		expect(seen).toEqual({ gone: true });
	});

	it('lets nothing more be said in a transaction that is over or lost its connection', async () => {
		const { sql } = backend().database;
		const kept = await sql.begin((tx) => Promise.resolve({ tx }));
		expect(() => kept.tx`select 1`).toThrow(/over/);
		const lost = sql.begin(async (tx) => {
			const [mine] = await tx`select pg_backend_pid() as pid`;
			await sql`select pg_terminate_backend(${Number(mine?.pid)})`;
			// Until the loss is noticed a statement fails; afterwards it is refused at once.
			await until(() => {
				try {
					tx`insert into contract.plain values (99)`.catch(() => []);
					return false;
				} catch (error) {
					expect(error).toMatchObject({ code: 'CONNECTION_CLOSED' });
					return true;
				}
			});
			return 'not committed';
		});
		await expect(lost).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
		expect(await sql`select n from contract.plain where n = 99`).toEqual([]);
	});

	it('takes and gives arrays', async () => {
		const { sql } = backend().database;
		const texts = ['a', 'b "c"', null, '{d}'];
		const ids = [alice.sub, bob.sub];
		const [row] = await sql`
			select ${texts}::text[] as texts, ${ids}::uuid[] as ids, ${[1, 2]}::int[] as numbers,
				array[true, null] as flags, array['{"a":[1]}'::jsonb] as documents, '{}'::text[] as none`;
		expect(row).toEqual({
			texts,
			ids,
			numbers: [1, 2],
			flags: [true, null],
			documents: [{ a: [1] }],
			none: []
		});
	});

	it('lends connections one by one to whoever reserves', async () => {
		const { identity } = backend().database;
		const all = await Promise.all([1, 2, 3].map(() => identity.reserve()));
		const pids = await Promise.all(all.map((one) => one.unsafe('select pg_backend_pid() as pid')));
		expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(3);
		let waited = false;
		const fourth = identity.reserve().then((one) => {
			waited = true;
			return one;
		});
		await identity`select 1`;
		expect(waited).toBe(false);
		all[0]?.release();
		(await fourth).release();
		for (const one of all) one.release();
		expect(() => all[1]?.unsafe('select 1')).toThrow(/over/);
	});

	it('ends a statement that takes too long', async () => {
		const { sql, identity } = backend().database;
		expect(await sql`show statement_timeout`).toEqual([{ statement_timeout: '5s' }]);
		expect(await identity`show statement_timeout`).toEqual([{ statement_timeout: '5s' }]);
	});

	it('gives the identity pool its own schema', async () => {
		expect(await backend().database.identity`show search_path`).toEqual([
			{ search_path: 'identity' }
		]);
	});

	it('leaves no transaction open and loses no statement under a flood', async () => {
		const { sql } = backend().database;
		await sql`create table contract.flood (n int)`;
		const work = Array.from({ length: 900 }, (_, n) =>
			n % 3 === 0
				? sql.begin((tx) => tx`insert into contract.flood values (${n})`)
				: sql`insert into contract.flood values (${n})`
		);
		await Promise.all(work);
		const [count] = await sql`select count(distinct n)::int as n from contract.flood`;
		expect(count).toEqual({ n: 900 });
		const open = await sql`
			select query from pg_stat_activity
			where datname = current_database() and state like 'idle in transaction%'`;
		expect(open).toEqual([]);
	});
}

function testClaims(backend: () => Backend): void {
	it('lets the database judge by the claims, and forgets them afterwards', async () => {
		const { database } = backend();
		await database.as(alice, (sql) => sql`insert into contract.notes values (1, ${alice.sub})`);
		const seen = (claims: Claims) =>
			database.as(
				claims,
				async (sql) => sql`
				select current_user::text as who, auth.uid()::text as sub, auth.role() as role,
					auth.jwt() ->> 'kind' as kind, (select count(*)::int from contract.notes) as notes`
			);
		const { sub, role, kind } = alice;
		expect(await seen(alice)).toEqual([{ who: 'authenticated', sub, role, kind, notes: 1 }]);
		expect(await seen(bob)).toMatchObject([{ sub: bob.sub, notes: 0 }]);

		// Every connection of the pool: none may still be somebody.
		const after = await Promise.all(
			Array.from({ length: 20 }, () =>
				database.sql.begin(
					(sql) => sql`
						select current_user = session_user as trusted,
							nullif(current_setting('request.jwt.claims', true), '') as claims`
				)
			)
		);
		for (const [row] of after) expect(row).toEqual({ trusted: true, claims: null });
	});

	it('keeps nothing of a transaction that the database or the caller refuses', async () => {
		const { database } = backend();
		const asBob = database.as(alice, async (sql) => {
			await sql`insert into contract.notes values (2, ${alice.sub})`;
			await sql`insert into contract.notes values (3, ${bob.sub})`;
		});
		await expect(asBob).rejects.toMatchObject({ code: '42501' });
		const thrown = database.as(alice, async (sql) => {
			await sql`insert into contract.notes values (4, ${alice.sub})`;
			throw new TypeError('on our side');
		});
		await expect(thrown).rejects.toThrow(TypeError);
		const coded = database.as(alice, (sql) => sql`select contract.refuse()`);
		await expect(coded).rejects.toMatchObject({ code: 'CU409', message: 'not this' });
		const rows = await database.sql`select id from contract.notes where id > 1`;
		expect(rows).toEqual([]);
	});

	it('lets no client read or send messages by itself', async () => {
		const { database } = backend();
		await database.sql`select realtime.send('{"a":1}', 'x', 'account:none', true)`;
		const read = await database.as(alice, (sql) => sql`select id from realtime.messages`);
		expect(read).toEqual([]);
		const write = database.as(
			alice,
			(sql) => sql`insert into realtime.messages (topic, extension) values ('t', 'broadcast')`
		);
		await expect(write).rejects.toMatchObject({ code: '42501' });
		// As on hosted Supabase a refused send is a warning, and the caller's work goes on.
		const went = await database.as(alice, async (sql) => {
			await sql`select realtime.send('{"a":1}', 'forged', 'account:none', true)`;
			return sql`select 1 as one`;
		});
		expect(went).toEqual([{ one: 1 }]);
		const forged = await database.sql`select id from realtime.messages where event = 'forged'`;
		expect(forged).toEqual([]);
	});
}

function testFeed(backend: () => Backend): void {
	// The feed brings everybody's messages, some of them late: each test hears a topic of its own.
	let topic = '';
	let topics = 0;
	let heard: FeedMessage[] = [];
	beforeEach(() => {
		const mine = `account:feed-${++topics}`;
		const messages: FeedMessage[] = [];
		topic = mine;
		heard = messages;
		return backend().feed.subscribe((some) =>
			messages.push(...some.filter((message) => message.topic === mine))
		);
	});
	const send = (n: number) =>
		backend().database.sql`
			select realtime.send(jsonb_build_object('n', ${n}::int), 'COUNT', ${topic}, true)`;
	const numbers = () => heard.map((message) => message.payload.n);

	it('brings a message whole: names, payload as object and as text, time', async () => {
		const text = 'ünï💡\n"\\';
		await backend().database.sql`
			select realtime.send(${backend().database.sql.json({ text })}, 'SAID', ${topic}, true)`;
		await until(() => heard.length >= 1);
		const [message] = heard;
		expect(message).toMatchObject({ topic, event: 'SAID', private: true });
		expect(message?.payload).toEqual({ text, id: message?.id });
		expect(JSON.parse(message?.payload_json ?? '')).toEqual(message?.payload);
		expect(new Date(message?.inserted_at ?? '').getTime()).toBeGreaterThan(Date.UTC(2026));
	});

	it('keeps the order of commits, and of sends within one', async () => {
		const { sql } = backend().database;
		let commitFirst = () => {};
		const wait = new Promise<void>((done) => (commitFirst = done));
		let sent = () => {};
		const firstSent = new Promise<void>((done) => (sent = done));
		// It sends first and commits last, so it is heard last.
		const slow = sql.begin(async (tx) => {
			for (const n of [10, 11, 12])
				await tx`select realtime.send(jsonb_build_object('n', ${n}::int), 'COUNT', ${topic})`;
			sent();
			await wait;
		});
		await firstSent;
		await send(1);
		await send(2);
		commitFirst();
		await slow;
		await send(20);
		await until(() => heard.length >= 6);
		expect(numbers()).toEqual([1, 2, 10, 11, 12, 20]);
	});

	it('brings a thousand messages of one commit, and large ones', async () => {
		const { sql } = backend().database;
		await sql.begin(async (tx) => {
			await tx`
				select realtime.send(jsonb_build_object('n', n, 'fill', repeat('x', 20000)), 'COUNT', ${topic})
				from generate_series(1, 1000) as n`;
		});
		await until(() => heard.length >= 1_000);
		expect(numbers()).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
	});

	it('says nothing of what was rolled back or is no broadcast', async () => {
		const { sql } = backend().database;
		const undone = sql.begin(async (tx) => {
			await tx`select realtime.send('{"n":1}', 'COUNT', ${topic}, true)`;
			throw new Error('undo');
		});
		await expect(undone).rejects.toThrow('undo');
		await sql`select realtime.send('[2]', 'COUNT', ${topic}, true)`;
		await sql`select realtime.send(null, 'COUNT', ${topic}, true)`;
		await sql`insert into realtime.messages (topic, extension) values (${topic}, 'presence')`;
		await send(3);
		await until(() => heard.length > 0);
		expect(numbers()).toEqual([3]);
	});

	it('goes on when one of several listeners throws or leaves', async () => {
		const { feed } = backend();
		const others: unknown[] = [];
		const ends = [
			feed.subscribe(() => {
				throw new Error('mine');
			}),
			feed.subscribe((messages) => {
				const mine = messages.filter((message) => message.topic === topic);
				others.push(...mine.map(({ payload }) => payload.n));
			})
		];
		await send(1);
		await until(() => heard.length === 1 && others.length === 1);
		for (const end of ends) end();
		await send(2);
		await until(() => heard.length >= 2);
		expect(others).toEqual([1]);
	});

	it('tells who lost the right to listen', async () => {
		const { feed, database } = backend();
		const revoked: Revocation[] = [];
		const end = feed.onRevoked((revocation) => revoked.push(revocation));
		const key = { key_id: alice.sub };
		const member = { user_id: alice.sub, account_id: bob.sub };
		for (const payload of [JSON.stringify(key), 'nonsense', '{"key_id":7}', JSON.stringify(member)])
			await database.sql`select pg_notify('cuelight_revoked', ${payload})`;
		await until(() => revoked.length === 2);
		end();
		expect(revoked).toEqual([key, member]);
	});

	it('asks readers to pull when its connection was lost, and hears again', async () => {
		const { feed, database } = backend();
		let resets = 0;
		const end = feed.onReset(() => resets++);
		for (let round = 1; round <= 3; round++) {
			const killed = await database.sql`
				select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and query ~* '^(listen|select .listening)'`;
			expect(killed).toHaveLength(1);
			await until(() => resets === round);
			await send(round);
			await until(() => heard.length >= round);
		}
		end();
		expect(numbers()).toEqual([1, 2, 3]);
	});
}

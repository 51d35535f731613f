/**
 * What holds for every function and grant that the migrations make, beyond what
 * `supabase/tests/security.test.sql` says of tables, and whether those rules find what they are
 * for: each is shown an offence that it must name.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransactionSql } from '../../src/lib/server/backend/index.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

let db: TestDatabase;
beforeAll(async () => {
	db = await testDatabase();
}, 60_000);
afterAll(() => db?.close());

/** Rules that are said here; each answers the offenders by name. */
const own: Readonly<Record<string, { query: string; offence: string; found: string }>> = {
	'a function that a token may execute and that acts as its owner judges who asks': {
		query: `
			with recursive judges as (
				-- What refuses or answers by the claims of who asks.
				select p.oid, p.proname from pg_proc p
				where p.pronamespace = 'app'::regnamespace and p.prosrc ~ 'auth\\.jwt\\(\\)'
				union
				select p.oid, p.proname from pg_proc p
				join judges j on p.prosrc ~ ('\\mapp\\.' || j.proname || '\\(')
				where p.pronamespace = 'app'::regnamespace
			)
			select p.oid::regprocedure::text as name from pg_proc p
			where p.pronamespace = 'app'::regnamespace and p.prosecdef
				and has_function_privilege('authenticated', p.oid, 'execute')
				and p.oid not in (select oid from judges)`,
		offence: `
			create function app.offence(p_account uuid) returns bigint language sql security definer
			set search_path = '' as 'select count(*) from app.plays where account_id = p_account';
			grant execute on function app.offence(uuid) to authenticated`,
		found: 'app.offence(uuid)'
	},
	'a function that acts as its owner is owned by who owns the tables': {
		query: `
			select p.oid::regprocedure::text as name from pg_proc p
			where p.pronamespace in ('app'::regnamespace, 'identity'::regnamespace) and p.prosecdef
				and p.proowner <> (select c.relowner from pg_class c where c.oid = 'app.accounts'::regclass)`,
		offence: `
			create function app.offence() returns int language sql security definer
			set search_path = '' as 'select 1';
			grant create on schema app to service_role;
			alter function app.offence() owner to service_role`,
		found: 'app.offence()'
	},
	'SQL that is put together quotes what it puts in': {
		query: `
			select p.oid::regprocedure::text as name from pg_proc p
			where p.pronamespace = 'app'::regnamespace and p.prosrc ~* '\\mexecute\\s+[^;]*\\|\\|'
				and p.prosrc !~* 'quote_(ident|literal)'
				-- These join constants of their own, or values that are handed over beside.
				and p.proname not in ('list_events', 'purge_accounts')`,
		offence: `
			create function app.offence(p_name text) returns void language plpgsql set search_path = ''
			as $$ begin execute 'drop table ' || p_name; end $$`,
		found: 'app.offence(text)'
	},
	'nothing of ours lies where a client looks without being told': {
		query: `
			select c.oid::regclass::text as name from pg_class c
			where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
			union all
			select p.oid::regprocedure::text from pg_proc p
			where p.pronamespace = 'public'::regnamespace
				and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
		offence: 'create table public.offence (id int primary key)',
		found: 'offence'
	},
	'no sequence is told to a client': {
		query: `
			select c.oid::regclass::text as name from pg_class c
			cross join unnest('{anon,authenticated}'::text[]) role
			where c.relkind = 'S' and c.relnamespace in ('app'::regnamespace, 'identity'::regnamespace)
				and has_sequence_privilege(role, c.oid, 'usage, select, update')`,
		offence: 'create sequence app.offence; grant usage on sequence app.offence to authenticated',
		found: 'app.offence'
	},
	'every policy goes by who asks, or is of a list that is the same for all': {
		query: `
			select p.polrelid::regclass::text as name from pg_policy p
			where p.polrelid::regclass::text not in ('app.permissions', 'app.roles', 'app.role_permissions')
				and coalesce(pg_get_expr(p.polqual, p.polrelid), '') !~ 'app\\.(permitted_accounts|may_join)\\('`,
		offence: 'create policy offence on app.plays for select to authenticated using (true)',
		found: 'app.plays'
	}
};

/** Runs in a transaction that leaves nothing behind. */
async function undone<T>(run: (sql: TransactionSql) => Promise<T>): Promise<T> {
	const nothing = new Error('undone');
	let answer: { is: T } | undefined;
	await db.sql
		.begin(async (sql) => {
			answer = { is: await run(sql) };
			throw nothing;
		})
		.catch((error: unknown) => {
			if (error !== nothing) throw error;
		});
	if (answer === undefined) throw nothing;
	return answer.is;
}

const namesOf = async (sql: TransactionSql, query: string) =>
	(await sql.unsafe<{ name: string }[]>(query)).map(({ name }) => name);

describe.each(Object.entries(own))('%s', (_rule, { query, offence, found }) => {
	test('everywhere', async () => {
		expect(await namesOf(db.sql, query)).toEqual([]);
	});
	test('and an offence is found', async () => {
		const names = await undone(async (sql) => {
			await sql.unsafe(offence).simple();
			return namesOf(sql, query);
		});
		expect(names).toContain(found);
	});
});

/** The rules of `security.test.sql`, by the beginning of their names, and what each must find. */
const offences: Readonly<Record<string, string>> = {
	'Every table has row level security': 'create table app.offence (id int primary key)',
	'Every view judges by who asks': 'create view app.offence as select 1 as id',
	'Every function sets an empty search_path':
		"create function app.offence() returns int language sql as 'select 1'",
	'The anonymous may execute nothing': `
		create function app.offence() returns int language sql as 'select 1';
		grant execute on function app.offence() to anon`,
	'Public may execute nothing':
		"create function app.offence() returns int language sql as 'select 1'",
	'Nobody but the owner may write a table': 'grant update on app.plays to authenticated',
	'What tokens may read has a policy': 'grant select on app.fetch_log to authenticated',
	'Clients never send':
		'create policy offence on realtime.messages for insert to authenticated with check (true)',
	'Every foreign key has an index':
		'create table app.offence (id int primary key, account_id uuid references app.accounts (id))',
	'Every table has a primary key': 'create table app.offence (id int)'
};

/** Each query of the file that must be empty, by its name. */
const said = new Map(
	[
		...readFileSync(
			new URL('../../supabase/tests/security.test.sql', import.meta.url),
			'utf8'
		).matchAll(/select is_empty\(\$\$([\s\S]*?)\$\$, '((?:[^']|'')*)'\)/g)
	].map(([, query = '', name = '']) => [name, query])
);

describe('the rules of security.test.sql', () => {
	test('are all shown an offence', () => {
		const without = [...said.keys()].filter(
			(name) => !Object.keys(offences).some((beginning) => name.startsWith(beginning))
		);
		expect(without).toEqual([]);
	});
	test.each(Object.entries(offences))('%s: the offence is found', async (beginning, offence) => {
		const [, query = ''] = [...said].find(([name]) => name.startsWith(beginning)) ?? [];
		const count = (sql: TransactionSql) => sql.unsafe(query).then((rows) => rows.length);
		expect(await count(db.sql)).toBe(0);
		const found = await undone(async (sql) => {
			await sql.unsafe(offence).simple();
			return count(sql);
		});
		expect(found).toBeGreaterThan(0);
	});
});

/** Bringing a database to the newest schema, as Supabase's CLI would record it. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { openPool } from '../../src/lib/server/backend/connection.ts';
import {
	orderMigrations,
	readBootstrap,
	readMigrations,
	type Migration
} from '../../src/lib/server/backend/files.ts';
import type postgres from 'postgres';
import { migrate } from '../../src/lib/server/backend/migrate.ts';
import { createDatabase } from '../harness/cluster.ts';
import { dataFolder, quiet, start } from './embedded-folder.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** An empty database that knows nothing of Supabase. */
async function empty(
	server: { url: string } = inject('cluster')
): Promise<{ url: string; sql: postgres.Sql }> {
	const { url, drop } = await createDatabase(server);
	const sql = openPool(url, { max: 2, log: quiet });
	onTestFinished(async () => {
		await sql.end({ timeout: 1 });
		await drop();
	});
	return { url, sql };
}

/** A server of its own: roles belong to all databases of a server, and the shared one has them. */
const newServer = () => start(dataFolder(), { settings: { fsync: 'off' } });

const run = (url: string, migrations: readonly Migration[], supabase = false) =>
	migrate({ url, supabase, log: quiet, migrations });

const first: Migration = {
	version: '20260101000000',
	name: 'first',
	text: 'create table public.first (n int);\n-- a remark\ncreate table public.more (n int);\n'
};
const second: Migration = {
	version: '20260102000000',
	name: 'second',
	text: 'insert into public.first values (1);'
};
const broken: Migration = {
	version: '20260103000000',
	name: 'broken',
	text: 'create table public.third (n int);\n\nselect nonsense;\n'
};

describe('migrating', () => {
	it('prepares an empty database, applies all in order and records them as the CLI does', async () => {
		const { url, sql } = await empty();
		expect(await run(url, [first, second])).toEqual([first.version, second.version]);
		expect(await sql`select n from public.first`).toEqual([{ n: 1 }]);
		const [table] = await sql`select to_regclass('realtime.messages')::text as name`;
		expect(table).toEqual({ name: 'realtime.messages' });
		const columns = await sql`
			select column_name as name, udt_name as type, is_nullable as nullable
			from information_schema.columns where table_schema = 'supabase_migrations'
			order by ordinal_position`;
		expect(columns).toEqual([
			{ name: 'version', type: 'text', nullable: 'NO' },
			{ name: 'statements', type: '_text', nullable: 'YES' },
			{ name: 'name', type: 'text', nullable: 'YES' }
		]);
		expect(await sql`select * from supabase_migrations.schema_migrations order by version`).toEqual(
			[
				{ version: first.version, statements: [first.text], name: 'first' },
				{ version: second.version, statements: [second.text], name: 'second' }
			]
		);
	});

	it('applies only what is missing', async () => {
		const { url, sql } = await empty();
		await run(url, [first]);
		expect(await run(url, [first, second])).toEqual([second.version]);
		expect(await run(url, [first, second])).toEqual([]);
		expect(await sql`select n from public.first`).toEqual([{ n: 1 }]);
	});

	it('keeps what went before a broken one, nothing of it, and names file and line', async () => {
		const { url, sql } = await empty();
		await expect(run(url, [first, broken])).rejects.toThrow(
			/20260103000000_broken\.sql failed in line 3.*nonsense/
		);
		const [seen] = await sql`
			select to_regclass('public.first') is not null as first,
				to_regclass('public.third') is not null as third,
				(select array_agg(version) from supabase_migrations.schema_migrations) as versions`;
		expect(seen).toEqual({ first: true, third: false, versions: [first.version] });
		// Mended, it goes on from there.
		const mended = { ...broken, text: 'create table public.third (n int);' };
		expect(await run(url, [first, mended])).toEqual([broken.version]);
	});

	it('is done once by several processes that start together', async () => {
		const { url, sql } = await empty();
		const counted = {
			...second,
			text: 'insert into public.first values (1); select pg_sleep(0.1);'
		};
		const all = await Promise.all(Array.from({ length: 5 }, () => run(url, [first, counted])));
		expect(all.flat().sort()).toEqual([first.version, counted.version]);
		expect(await sql`select n from public.first`).toEqual([{ n: 1 }]);
	});

	it('prepares several databases of one new server at the same time', async () => {
		const server = await newServer();
		const all = await Promise.all(Array.from({ length: 4 }, () => empty(server)));
		await expect(Promise.all(all.map(({ url }) => run(url, [first])))).resolves.toHaveLength(4);
	});

	it('works as a user who is no superuser', async () => {
		const { url, sql } = await empty(await newServer());
		await sql.unsafe('create role humble login createrole bypassrls');
		const [place] = await sql<{ name: string }[]>`select current_database() as name`;
		await sql.unsafe(`alter database ${place?.name} owner to humble`);
		const theirs = new URL(url);
		theirs.username = 'humble';
		expect(await run(theirs.href, [{ ...first, text: 'create schema theirs' }])).toHaveLength(1);
		const them = openPool(theirs.href, { max: 1, log: quiet });
		const [me] = await them`select set_config('role', 'authenticated', false) as role`;
		await them.end();
		expect(me).toEqual({ role: 'authenticated' });
	});

	it('refuses a user whom row-level security would blind, and says what to do', async () => {
		const { url, sql } = await empty();
		const role = `weak_${randomBytes(4).toString('hex')}`;
		await sql.unsafe(`create role ${role} login`);
		onTestFinished(async () => {
			await sql.unsafe(`drop role ${role}`);
		});
		const weak = new URL(url);
		weak.username = role;
		await expect(run(weak.href, [first])).rejects.toThrow(
			new RegExp(`${role}.*BYPASSRLS.*alter role`)
		);
	});

	it('leaves what is Supabase’s alone, and asks for SUPABASE_URL where it is missing', async () => {
		const { url, sql } = await empty();
		await sql.unsafe('create schema realtime; create table realtime.messages (topic text)');
		await expect(run(url, [first])).rejects.toThrow(/SUPABASE_URL/);
		expect(await run(url, [first], true)).toEqual([first.version]);
		const [seen] = await sql`
			select to_regprocedure('realtime.topic()') is null as untouched,
				to_regclass('public.first') is not null as migrated`;
		expect(seen).toEqual({ untouched: true, migrated: true });
	});
});

describe('the bootstrap', () => {
	it('may run again without harm', async () => {
		const { url, sql } = await empty();
		await run(url, []);
		await sql`select realtime.send('{"kept":true}', 'E', 'account:x', true)`;
		await sql.unsafe(readBootstrap());
		const rows = await sql`select topic, event, private, extension from realtime.messages`;
		expect(rows).toEqual([
			{ topic: 'account:x', event: 'E', private: true, extension: 'broadcast' }
		]);
	});
});

describe('the migration files', () => {
	it('are found, all of them, ordered and well named', () => {
		const names = readdirSync('supabase/migrations').filter((name) => name.endsWith('.sql'));
		expect(readMigrations().map(({ version, name }) => `${version}_${name}.sql`)).toEqual(
			names.sort()
		);
	});

	it('are refused when misnamed or of one version', () => {
		expect(() => orderMigrations({ '/a/1_x.sql': '' })).toThrow(/1_x\.sql is misnamed/);
		const twice = { '/a/20260101000000_a.sql': '', '/a/20260101000000_b.sql': '' };
		expect(() => orderMigrations(twice)).toThrow(/Two migrations.*20260101000000/);
	});
});

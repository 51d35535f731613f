/**
 * Brings a database to the newest schema: the bootstrap where Supabase's own objects are missing,
 * then each migration in the order of its file name.
 *
 * One transaction each, recorded as Supabase's CLI records them, so `supabase migration list` and
 * `db push` agree with us. Several processes may start at once: each step takes the same lock and
 * looks again under it.
 */
import { AppError } from '../../bus/error.ts';
import postgres from 'postgres';
import type { Log } from '../log.ts';
import { openPool } from './connection.ts';
import { readBootstrap, readMigrations, type Migration } from './files.ts';
import { openLending, type Lending } from './lending.ts';

/** Any fixed number; all processes that migrate a database take this advisory lock. */
const LOCK = '7166771';

export interface MigrateOptions {
	url: string;
	/** Hosted or self-hosted Supabase has its roles, `auth` and `realtime` already. */
	supabase: boolean;
	log: Log;
	/** Instead of the product's own files. */
	migrations?: readonly Migration[];
}

/**
 * Applies what is missing; resolves with the versions applied now.
 * @throws Error that names the file and line of a migration that fails; what came before it stays.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
	const { log } = options;
	const connection = openLending({
		max: 1,
		waitMs: 0,
		open: (onclose) =>
			openPool(options.url, {
				max: 1,
				bounded: false,
				lasting: true,
				log,
				// As the hosted project's `postgres` user has it.
				session: { search_path: '"$user",public,extensions' },
				onclose
			})
	});
	try {
		await requirePower(connection);
		if (!options.supabase) await bootstrap(connection, log);
		await prepareRecord(connection);
		const applied: string[] = [];
		for (const migration of options.migrations ?? readMigrations())
			if (await apply(connection, migration, log)) applied.push(migration.version);
		if (applied.length > 0) log.info('the schema was brought up to date', { applied });
		return applied;
	} finally {
		await connection.end({ timeout: 5 });
	}
}

/** Row-level security is forced on our tables, and our definer functions must see past it. */
async function requirePower(connection: Lending): Promise<void> {
	const [user] = await connection.transact(
		(sql) => sql<{ name: string; able: boolean; version: number }[]>`
		select rolname as name, rolsuper or rolbypassrls as able,
			current_setting('server_version_num')::int as version
		from pg_catalog.pg_roles where rolname = current_user`
	);
	if (user !== undefined && user.version < 150_000)
		throw new AppError(
			'invalid_input',
			`DATABASE_URL points to PostgreSQL ${Math.floor(user.version / 10_000)}; Cuelight needs 15 or newer.`
		);
	if (user?.able !== true)
		throw new AppError(
			'invalid_input',
			`DATABASE_URL connects as ${user?.name}, who is neither superuser nor has BYPASSRLS. Run "alter role ${user?.name} bypassrls createrole" as a superuser, or connect as another user.`
		);
}

async function bootstrap(connection: Lending, log: Log): Promise<void> {
	const made = await connection.transact(async (tx) => {
		await tx`select pg_advisory_xact_lock(${LOCK})`;
		const [found] = await tx<{ has: boolean; ours: boolean }[]>`
			select to_regclass('realtime.messages') is not null as has,
				exists (select from pg_catalog.pg_attribute
					where attrelid = to_regclass('realtime.messages') and attname = 'txid') as ours`;
		if (found?.has && !found.ours)
			throw new AppError(
				'invalid_input',
				"This database is Supabase's: set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY beside DATABASE_URL."
			);
		if (found?.has) return false;
		await tx.unsafe(readBootstrap());
		return true;
	});
	if (made) log.info('the database was prepared');
}

async function prepareRecord(connection: Lending): Promise<void> {
	await connection.transact(async (tx) => {
		await tx`select pg_advisory_xact_lock(${LOCK})`;
		await tx.unsafe(`
			create schema if not exists supabase_migrations;
			create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
			alter table supabase_migrations.schema_migrations add column if not exists statements text[];
			alter table supabase_migrations.schema_migrations add column if not exists name text;`);
	});
}

async function apply(connection: Lending, migration: Migration, log: Log): Promise<boolean> {
	const { version, name, text } = migration;
	return connection.transact(async (tx) => {
		await tx`select pg_advisory_xact_lock(${LOCK})`;
		const [record] = await tx<{ text: string | null }[]>`
			select array_to_string(statements, E';\n') as text
			from supabase_migrations.schema_migrations where version = ${version}`;
		if (record !== undefined) {
			// The CLI keeps single statements, we the whole file: only ours can be compared.
			if (record.text?.includes('\n') && strip(record.text) !== strip(text))
				log.debug('a migration differs from what was applied', { version, name });
			return false;
		}
		try {
			await tx.unsafe(text);
		} catch (error) {
			throw new Error(`The migration ${version}_${name}.sql failed${placeOf(error, text)}`, {
				cause: error
			});
		}
		// The whole file as one statement: `supabase migration fetch` gives it back as it was.
		await tx`
			insert into supabase_migrations.schema_migrations (version, statements, name)
			values (${version}, ${[text]}, ${name})`;
		return true;
	});
}

const strip = (text: string): string => text.replace(/[\s;]+/g, ' ').trim();

/** ` in line 12: message` from the position that PostgreSQL reports. */
function placeOf(error: unknown, text: string): string {
	if (!(error instanceof postgres.PostgresError)) return `: ${String(error)}`;
	const position = Number(error.position);
	const line = position > 0 ? ` in line ${text.slice(0, position).split('\n').length}` : '';
	return `${line}: ${error.message} (${error.code})${error.where ? `, ${error.where}` : ''}`;
}

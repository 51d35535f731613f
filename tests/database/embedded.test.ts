/** The embedded database on a good day: first start, settings, stop, folders, binaries. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readAddress } from '../../src/lib/server/backend/connection.ts';
import { processesOf } from '../../src/lib/server/backend/embedded/process.ts';
import { clusterOf, dataFolder, pool, quiet, start } from './embedded-folder.ts';
import { startEmbedded } from '../../src/lib/server/backend/embedded/index.ts';

// Each test makes a database of its own with real syncs; a busy disk takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const asRoot = process.getuid?.() === 0;

describe('the embedded database', () => {
	it('starts in an empty folder as PostgreSQL 18 and is durable', async () => {
		const server = await start(dataFolder());
		const sql = pool(server.url);
		const [set] = await sql`
			select current_setting('server_version_num')::int / 10000 as version,
				current_setting('fsync') as fsync,
				current_setting('synchronous_commit') as synchronous_commit,
				current_setting('full_page_writes') as full_page_writes,
				current_setting('listen_addresses') as listen_addresses,
				current_setting('unix_socket_permissions') as unix_socket_permissions,
				current_setting('server_encoding') as encoding,
				(select datlocprovider::text || ':' || datlocale from pg_database
					where datname = current_database()) as locale`;
		expect(set).toEqual({
			version: 18,
			fsync: 'on',
			synchronous_commit: 'on',
			full_page_writes: 'on',
			listen_addresses: '',
			unix_socket_permissions: '0700',
			encoding: 'UTF8',
			locale: 'b:C.UTF-8'
		});
	});

	it('stops without a trace, gives the folder free and keeps what was committed', async () => {
		const folder = dataFolder();
		const first = await start(folder);
		await pool(first.url).unsafe('create table kept (n int); insert into kept values (7)');
		await first.stop();
		expect(processesOf(clusterOf(folder))).toEqual([]);
		expect(readdirSync(folder)).not.toContain('cuelight.lock');

		const second = await start(folder);
		expect(second.adopted).toBe(false);
		expect(await pool(second.url)`select n from kept`).toEqual([{ n: 7 }]);
	});

	it('leaves no half-made folders and no password for others to read', async () => {
		const folder = dataFolder();
		await start(folder);
		expect(readdirSync(folder).filter((name) => name.startsWith('initdb'))).toEqual([]);
		const open = readdirSync(folder).filter(
			(name) =>
				name !== 'pg18' && name !== 'run' && (statSync(join(folder, name)).mode & 0o77) !== 0
		);
		expect(open).toEqual([]);
		expect(statSync(join(folder, 'run')).mode & 0o777).toBe(0o700);
	});

	it('puts the socket elsewhere when its path would be too long', async () => {
		const folder = dataFolder({ inside: 'd'.repeat(120) });
		const server = await start(folder);
		const { path } = readAddress(server.url);
		expect(path?.startsWith(folder)).toBe(false);
		expect(await pool(server.url)`select 1 as one`).toEqual([{ one: 1 }]);
	});

	it('runs over loopback TCP and pg_ctl, as on Windows, and asks for the password', async () => {
		const folder = dataFolder();
		const server = await start(folder, { transport: 'tcp', starter: 'pg_ctl' });
		expect(await pool(server.url)`select 1 as one`).toEqual([{ one: 1 }]);
		const wrong = new URL(server.url);
		wrong.password = 'wrong';
		await expect(pool(wrong.href)`select 1`).rejects.toMatchObject({ code: '28P01' });
	});

	it('refuses a cluster of another PostgreSQL version and leaves it alone', async () => {
		const folder = dataFolder();
		await (await start(folder)).stop();
		writeFileSync(join(folder, 'pg18', 'PG_VERSION'), '17\n');
		await expect(startEmbedded({ dataDir: folder, log: quiet })).rejects.toThrow(
			/version 17.*CUELIGHT_DATA/
		);
		expect(readFileSync(join(folder, 'pg18', 'PG_VERSION'), 'utf8')).toBe('17\n');
		expect(existsSync(join(folder, 'cuelight.lock'))).toBe(false);
	});

	it('tells the last words of a server that does not start', async () => {
		const folder = dataFolder();
		await (await start(folder)).stop();
		const refused = startEmbedded({
			dataDir: folder,
			log: quiet,
			settings: { shared_buffers: 'plenty' }
		});
		await expect(refused).rejects.toThrow(/shared_buffers.*plenty[\s\S]*DATABASE_URL/);
		expect(existsSync(join(folder, 'cuelight.lock'))).toBe(false);
	});

	it.runIf(asRoot)('runs as another user where that one can reach the folder', async () => {
		const folder = dataFolder();
		const server = await start(folder);
		expect(statSync(join(folder, 'pg18')).uid).not.toBe(0);
		expect(await pool(server.url)`select 1 as one`).toEqual([{ one: 1 }]);
	});

	it.runIf(asRoot)('runs in a user namespace where only root can reach the folder', async () => {
		const folder = dataFolder({ mode: 0o700 });
		const first = await start(folder);
		expect(statSync(join(folder, 'pg18')).uid).toBe(0);
		expect(await pool(first.url)`select 1 as one`).toEqual([{ one: 1 }]);
		await first.stop();
		expect(processesOf(clusterOf(folder))).toEqual([]);
		// The owner of what is there decides from now on.
		const second = await start(folder);
		expect(await pool(second.url)`select 1 as one`).toEqual([{ one: 1 }]);
	});
});

/** The embedded database on a bad day: kills of everything, at every moment, and what they leave. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { startEmbedded } from '../../src/lib/server/backend/embedded/index.ts';
import { isPostmaster, processesOf } from '../../src/lib/server/backend/embedded/process.ts';
import type postgres from 'postgres';
import {
	answers,
	clusterOf,
	dataFolder,
	hold,
	kill9,
	killAll,
	pool,
	quiet,
	start,
	until
} from './embedded-folder.ts';

// Each test makes a database of its own with real syncs; a busy disk takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Writes rows from four sides until told to stop; knows what was acknowledged. */
function writer(sql: postgres.Sql): { acknowledged: number[]; stop(): Promise<void> } {
	const acknowledged: number[] = [];
	let next = 0;
	let ended = false;
	const sides = Array.from({ length: 4 }, async () => {
		while (!ended) {
			const n = next++;
			try {
				await sql`insert into rows values (${n})`;
				acknowledged.push(n);
			} catch {
				// Not acknowledged; it may be there or not.
			}
		}
	});
	return {
		acknowledged,
		async stop() {
			ended = true;
			await Promise.all(sides);
		}
	};
}

describe('a running server', () => {
	it.each([
		['the postmaster', (_: string, pid: number) => process.kill(pid, 'SIGKILL')],
		[
			'every process of it',
			(folder: string) => {
				for (const pid of processesOf(clusterOf(folder))) process.kill(pid, 'SIGKILL');
			}
		],
		[
			'one of its backends',
			(folder: string, pid: number) => {
				const backend = processesOf(clusterOf(folder)).find(
					(other) =>
						other !== pid &&
						readFileSync(`/proc/${other}/cmdline`, 'utf8').startsWith('postgres: postgres postgres')
				);
				process.kill(backend ?? 0, 'SIGKILL');
			}
		]
	])('is back by itself after a SIGKILL of %s, and lost nothing', async (_, kill) => {
		const folder = dataFolder();
		const server = await start(folder);
		const sql = pool(server.url);
		await sql`create table rows (n int primary key)`;
		for (let round = 0; round < 3; round++) {
			const [before] = await sql`select pg_postmaster_start_time()::text as postmaster,
				(select min(backend_start)::text from pg_stat_activity
					where backend_type = 'checkpointer') as children`;
			const writing = writer(sql);
			const some = writing.acknowledged.length + 50;
			await until(() => writing.acknowledged.length > some);
			kill(folder, server.pid);
			// Its children are new in any case; its postmaster only when that was killed.
			await until(async () => {
				const [after] = await sql`select (select min(backend_start)::text from pg_stat_activity
					where backend_type = 'checkpointer') as children`;
				return after?.children !== null && after?.children !== before?.children;
			});
			await writing.stop();
			const missing = await sql`
				select n from unnest(${writing.acknowledged}::int[]) as t (n)
				where not exists (select from rows where rows.n = t.n)`;
			expect(missing).toEqual([]);
			await sql`truncate rows`;
		}
		expect(isPostmaster(server.pid, clusterOf(folder))).toBe(true);
	});

	it('leaves every pool whole, however often it is killed under load', async () => {
		const folder = dataFolder();
		const server = await start(folder);
		const database = openDatabase(server.url, quiet);
		onTestFinished(() => database.close());
		const { sql, identity } = database;
		let over = false;
		const busy = (work: () => Promise<unknown>) =>
			Array.from({ length: 15 }, async () => {
				while (!over) await work().catch(() => until(() => true));
			});
		const work = [
			...busy(() => sql`select ${1}::int`),
			...busy(() => sql.begin((tx) => tx`select 1`)),
			...busy(async () => {
				const one = await identity.reserve();
				await one`select 1`.finally(() => one.release());
			})
		];
		for (let round = 0; round < 8; round++) {
			const { pid } = server;
			for (const victim of round % 2 ? [pid] : processesOf(clusterOf(folder)))
				process.kill(victim, 'SIGKILL');
			await until(() => server.pid !== pid);
			await answers(pool(server.url));
		}
		over = true;
		await Promise.all(work); // None of them waits for an answer that never comes.
		const all = <T>(count: number, make: () => Promise<T>) =>
			Promise.all(Array.from({ length: count }, make));
		await all(10, () => until(() => sql`select 1`.then(() => true)));
		const reserved = await all(3, () => identity.reserve());
		for (const one of reserved) one.release();
		const held = await all(10, () => sql.reserve());
		expect(held).toHaveLength(10);
		for (const one of held) one.release();
	});

	it('refuses a query soon while it is down, and serves again when it is back', async () => {
		const folder = dataFolder();
		const server = await start(folder);
		const sql = pool(server.url);
		await answers(sql);
		await server.stop();
		await expect(sql`select 1`).rejects.toMatchObject({ code: /^E|^CONNECTION_/ });
		await expect(sql`select 1`).rejects.toMatchObject({ code: /^E|^CONNECTION_/ });
		await start(folder);
		await answers(sql);
	});

	it('that is frozen is given up, in the middle of a query and at connecting', async () => {
		const folder = dataFolder();
		const server = await start(folder);
		const sql = pool(server.url);
		const [mine] = await sql`select pg_backend_pid() as pid`;
		const query = sql`select pg_sleep(0.2), 1 as one`;
		const frozen = [server.pid, Number(mine?.pid)];
		query.catch(() => {});
		await until(async () => {
			const state = readFileSync(`/proc/${mine?.pid}/cmdline`, 'utf8');
			return state.includes('SELECT');
		});
		for (const pid of frozen) process.kill(pid, 'SIGSTOP');
		onTestFinished(() => {
			for (const pid of frozen) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGCONT');
		});
		await expect(query).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
		await expect(pool(server.url)`select 1`).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
		for (const pid of frozen) process.kill(pid, 'SIGCONT');
		await answers(sql);
	});
});

describe('a killed product', () => {
	it('leaves a server that the next start adopts and keeps running', async () => {
		const folder = dataFolder();
		const { child, said } = await hold(folder);
		const before = await said;
		await kill9(child);

		const server = await start(folder);
		expect({ url: server.url, pid: server.pid, adopted: server.adopted }).toEqual({
			...before,
			adopted: true
		});
		const sql = pool(server.url);
		await answers(sql);
		// An adopted server is not our child, and is watched all the same.
		process.kill(server.pid, 'SIGKILL');
		await until(() => server.pid !== ('pid' in before ? before.pid : 0));
		await answers(sql);
		await server.stop();
		expect(processesOf(clusterOf(folder))).toEqual([]);
	});

	it('that died with its server is no hindrance', async () => {
		const folder = dataFolder();
		const { child, said } = await hold(folder);
		await said;
		await kill9(child);
		await killAll(folder);
		expect(existsSync(join(folder, 'pg18', 'postmaster.pid'))).toBe(true);
		const server = await start(folder);
		expect(server.adopted).toBe(false);
		await answers(pool(server.url));
	});

	it('may be killed at any moment of its first start', async () => {
		for (let moment = 0; moment < 6; moment++) {
			const folder = dataFolder();
			const { child } = await hold(folder);
			// Later each time: folder made, initdb at work, its files there, cluster in place.
			await until(() => {
				const names = existsSync(folder) ? readdirSync(folder) : [];
				const aside = names.find((name) => name.startsWith('initdb-'));
				const cluster = aside === undefined ? null : join(folder, aside, 'cluster');
				return [
					names.includes('cuelight.lock'),
					aside !== undefined,
					cluster !== null && existsSync(join(cluster, 'PG_VERSION')),
					cluster !== null && existsSync(join(cluster, 'global', 'pg_control')),
					names.includes('pg18'),
					existsSync(join(folder, 'pg18', 'postmaster.pid'))
				].some((reached, index) => index >= moment && reached);
			});
			await kill9(child);
			const server = await start(folder);
			await answers(pool(server.url));
			await server.stop();
			expect(readdirSync(folder).filter((name) => name.startsWith('initdb'))).toEqual([]);
		}
	});
});

describe('two products on one folder', () => {
	it('the second gets an error that names the first and the way out', async () => {
		const folder = dataFolder();
		const { child, said } = await hold(folder);
		await said;
		await expect(startEmbedded({ dataDir: folder, log: quiet })).rejects.toThrow(
			new RegExp(`Another Cuelight.*pid ${child.pid}.*CUELIGHT_DATA`)
		);
		const other = await hold(folder);
		expect(await other.said).toMatchObject({ failed: expect.stringContaining('Another Cuelight') });
		// The first is not disturbed, and its end frees the folder.
		child.kill('SIGTERM');
		await once(child, 'exit');
		await answers(pool((await start(folder)).url));
	});

	it('of several that start at once one runs', async () => {
		const folder = dataFolder();
		const children = await Promise.all(Array.from({ length: 4 }, () => hold(folder)));
		const said = await Promise.all(children.map((child) => child.said));
		expect(said.filter((one) => 'url' in one)).toHaveLength(1);
	});

	it('takes over the lock of a dead one, also when its pid belongs to somebody else now', async () => {
		const folder = dataFolder();
		mkdirSync(folder, { mode: 0o711 });
		const stranger = spawn('sleep', ['600']);
		onTestFinished(() => void stranger.kill());
		const { hostname } = await import('node:os');
		const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
		for (const stale of [
			{ pid: 4_000_000, started: '1', boot, host: hostname() },
			{ pid: stranger.pid, started: '1', boot, host: hostname() },
			{ pid: stranger.pid, started: '1', boot: 'an earlier one', host: hostname() }
		]) {
			writeFileSync(join(folder, 'cuelight.lock'), JSON.stringify(stale));
			const server = await start(folder);
			await answers(pool(server.url));
			await server.stop();
		}
		// On another host nobody can look: as long as it shows signs of life it is alive.
		const elsewhere = { pid: 4_000_000, started: '1', boot, host: 'elsewhere' };
		writeFileSync(join(folder, 'cuelight.lock'), JSON.stringify(elsewhere));
		await expect(startEmbedded({ dataDir: folder, log: quiet })).rejects.toThrow(/on elsewhere/);
	});
});

describe('stale lock files of PostgreSQL', () => {
	it('are cleared when their pid belongs to a stranger of the same user now', async () => {
		const folder = dataFolder({ mode: 0o700 }); // As root: PostgreSQL runs as our own user.
		const first = await start(folder);
		await first.stop();
		const stranger = spawn('sleep', ['600']);
		onTestFinished(() => void stranger.kill());
		const lines = [stranger.pid, clusterOf(folder), 1, 5432, join(folder, 'run'), '', 0, 'ready'];
		writeFileSync(join(folder, 'pg18', 'postmaster.pid'), lines.join('\n') + '\n');
		writeFileSync(join(folder, 'run', '.s.PGSQL.5432'), '');
		writeFileSync(join(folder, 'run', '.s.PGSQL.5432.lock'), `${stranger.pid}\n`);
		const second = await start(folder);
		expect(second.adopted).toBe(false);
		await answers(pool(second.url));
		expect(stranger.exitCode).toBeNull();
	});

	it('are cleared when their pid is a zombie', async () => {
		const folder = dataFolder({ mode: 0o700 });
		await (await start(folder)).stop();
		// A shell that never reaps its child.
		const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 600'], {
			stdio: ['ignore', 'pipe', 'ignore']
		});
		onTestFinished(() => void parent.kill());
		const [printed] = await once(parent.stdout, 'data');
		const zombie = Number(String(printed).trim());
		await until(() => readFileSync(`/proc/${zombie}/stat`, 'utf8').includes(') Z '));
		const lines = [zombie, clusterOf(folder), 1, 5432, join(folder, 'run'), '', 0, 'ready'];
		writeFileSync(join(folder, 'pg18', 'postmaster.pid'), lines.join('\n') + '\n');
		writeFileSync(join(folder, 'run', '.s.PGSQL.5432.lock'), `${zombie}\n`);
		await answers(pool((await start(folder)).url));
		expect(existsSync(`/proc/${zombie}`)).toBe(true);
	});
});

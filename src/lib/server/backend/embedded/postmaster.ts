/**
 * One run of the PostgreSQL server: adopt the one that survived us, or clear what a dead one
 * left and start ours; stop it cleanly.
 *
 * A server is never judged or killed by the number in its pid file alone, see process.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	closeSync,
	existsSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { Binaries } from './binaries.ts';
import {
	cleanEnvironment,
	explain,
	readPidFile,
	run,
	SOCKET_PORT,
	type PidFile
} from './cluster.ts';
import { asOwner, giveTo, type Owner } from './owner.ts';
import { clearProcesses, isAlive, isPostmaster, lifeOf, programOf } from './process.ts';

/** All that a start needs to know. */
export interface Site {
	dataDir: string;
	/** Real path, as the server's own working folder shows it. */
	cluster: string;
	owner: Owner;
	binaries: Binaries;
	/** A Unix socket in this folder, or loopback TCP. */
	socketFolder: string | null;
	/** Tried first on TCP, so that pools find a restarted server where they left it. */
	port: number | null;
	settings: Record<string, string>;
	/** pg_ctl drops administrator rights, which postgres.exe refuses: Windows needs it. */
	starter: 'direct' | 'pg_ctl';
	log: Log;
}

export interface Postmaster {
	pid: number;
	port: number;
	socketFolder: string;
	/** It ran before us, or is not our child: only looking tells that it ended. */
	adopted: boolean;
	gone: Promise<void>;
}

/** How long leftover processes of a dead server may take to notice before they are killed. */
const LEFTOVER_MS = 1_000;

/**
 * The running server, ready for connections: the one found, else a new one.
 * @throws Error with the server's own last words when it does not start.
 */
export async function runPostmaster(site: Site): Promise<Postmaster> {
	const found = await findRunning(site);
	if (found !== null) return watch(found);
	for (let attempt = 1; ; attempt++) {
		await clearRemains(site);
		try {
			return await launch(site);
		} catch (error) {
			// Where /proc cannot tell, the leftovers of a killed server still hold its memory.
			const held = error instanceof Error && /shared memory block|lock file/.test(error.message);
			if (!held || attempt === 10) throw error;
			await pause(500);
		}
	}
}

/** Stops what runs on the cluster, if anything does, and waits until it is gone. */
export async function stopPostmaster(site: Site): Promise<void> {
	const file = readPidFile(site.cluster);
	if (file === null || !(await isRunning(site, file))) return;
	for (const mode of ['fast', 'immediate']) {
		const { command, args, options } = asOwner(site.owner, site.binaries.pgCtl, [
			...['stop', '-D', site.cluster, '-m', mode, '-w', '-t', '30']
		]);
		const { code, output } = await run(command, args, { ...options, env: cleanEnvironment() });
		if (code === 0 || !(await isRunning(site, file))) return;
		// Immediate is a crash on purpose: the next start recovers, nothing committed is lost.
		site.log.warn('the database did not stop', { mode, output: output.trim() });
	}
}

async function findRunning(site: Site): Promise<PidFile | null> {
	for (;;) {
		const file = readPidFile(site.cluster);
		if (file === null || !(await isRunning(site, file))) return null;
		if (file.status === 'ready') {
			const unfit = whyUnfit(site, file);
			if (unfit === null) return file;
			site.log.info('the database that runs is stopped to start it anew', { why: unfit });
			await stopPostmaster(site);
		}
		await pause(20);
	}
}

/** Why a running server cannot be adopted; null when it can. */
function whyUnfit(site: Site, file: PidFile): string | null {
	const program = programOf(file.pid);
	if (program !== null && program.endsWith(' (deleted)')) return 'its programs were replaced';
	if (site.socketFolder === null) return file.port > 0 ? null : 'it has no port';
	const socket = join(file.socketFolder, `.s.PGSQL.${file.port}`);
	return file.socketFolder !== '' && existsSync(socket) ? null : 'its socket is gone';
}

async function isRunning(site: Site, file: PidFile): Promise<boolean> {
	if (!isPostmaster(file.pid, site.cluster)) return false;
	if (process.platform !== 'win32') return true;
	const { code } = await run(site.binaries.pgCtl, ['status', '-D', site.cluster], {
		env: cleanEnvironment()
	});
	return code === 0;
}

/**
 * A dead server's processes, pid file and socket lock. PostgreSQL refuses to start while a pid in
 * such a file is taken by anybody of the same user, or by a zombie: for ever, in a container.
 */
async function clearRemains(site: Site): Promise<void> {
	await clearProcesses(site.cluster, LEFTOVER_MS);
	rmSync(join(site.cluster, 'postmaster.pid'), { force: true });
	if (site.socketFolder === null) return;
	const socket = join(site.socketFolder, `.s.PGSQL.${SOCKET_PORT}`);
	rmSync(socket, { force: true });
	rmSync(socket + '.lock', { force: true });
}

async function launch(site: Site): Promise<Postmaster> {
	const port = site.socketFolder === null ? await freePort(site.port) : SOCKET_PORT;
	const settings = Object.entries({ ...placement(site, port), ...site.settings });
	const flags = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
	const logFile = turnLog(site);
	const from = statSync(logFile).size;
	const words = () => readFileSync(logFile, 'utf8').slice(from);
	if (site.starter === 'pg_ctl') return launchByPgCtl(site, flags, logFile, words);

	const { command, args, options } = asOwner(site.owner, site.binaries.postgres, [
		...['-D', site.cluster, ...flags]
	]);
	const output = openSync(logFile, 'a');
	// Detached: a Ctrl-C in the terminal must not reach it before the product has drained.
	const child = spawn(command, args, {
		...options,
		cwd: site.cluster,
		detached: true,
		stdio: ['ignore', output, output],
		env: cleanEnvironment()
	});
	closeSync(output);
	child.unref();
	let ended: { code: number | null } | null = null;
	const gone = once(child, 'exit').then(
		([code]) => {
			ended = { code: typeof code === 'number' ? code : null };
		},
		(error: unknown) => {
			site.log.error('the database program cannot be run', { error });
			ended = { code: null };
		}
	);
	for (;;) {
		const file = readPidFile(site.cluster);
		// Recovery after a crash may take minutes: as long as it runs, it is waited for.
		if (file?.pid === child.pid && file?.status === 'ready')
			return { ...file, adopted: false, gone };
		if (ended !== null) throw new Error(explain('postgres', exitCode(ended), words()));
		await pause(10);
	}
}

/** The compiler cannot see that a callback sets it. */
const exitCode = (ended: { code: number | null }): number | null => ended.code;

async function launchByPgCtl(
	site: Site,
	flags: string[],
	logFile: string,
	words: () => string
): Promise<Postmaster> {
	const quoted = flags.map((flag) => (/[\s"]/.test(flag) ? `"${flag}"` : flag)).join(' ');
	const { command, args, options } = asOwner(site.owner, site.binaries.pgCtl, [
		...['start', '-D', site.cluster, '-w', '-t', '600', '-l', logFile, '-o', quoted]
	]);
	// Not piped: the server would inherit the pipe and hold it open.
	const child = spawn(command, args, { ...options, stdio: 'ignore', env: cleanEnvironment() });
	const [code] = await once(child, 'exit');
	const file = readPidFile(site.cluster);
	if (code !== 0 || file === null)
		throw new Error(explain('pg_ctl', typeof code === 'number' ? code : null, words()));
	return { ...watch(file), adopted: false };
}

/** A server that is not our child ends without telling us. */
function watch(file: PidFile): Postmaster {
	const life = lifeOf(file.pid);
	const gone = new Promise<void>((done) => {
		const timer = setInterval(() => {
			if (life !== null && isAlive(life)) return;
			clearInterval(timer);
			done();
		}, 100);
		timer.unref();
	});
	return { ...file, adopted: true, gone };
}

function placement(site: Site, port: number): Record<string, string> {
	if (site.socketFolder === null) return { listen_addresses: '127.0.0.1', port: String(port) };
	return {
		listen_addresses: '',
		port: String(port),
		unix_socket_directories: site.socketFolder,
		unix_socket_permissions: '0700'
	};
}

/** The wished port if it is free, else any. */
async function freePort(wished: number | null): Promise<number> {
	for (const port of [wished ?? 0, 0]) {
		const server = createServer();
		const bound = await new Promise<number | null>((done) => {
			server.once('error', () => done(null));
			server.listen(port, '127.0.0.1', () => {
				const address = server.address();
				done(typeof address === 'object' && address !== null ? address.port : null);
			});
		});
		if (bound === null) continue;
		await new Promise((done) => server.close(done));
		return bound;
	}
	throw new Error('No free port on 127.0.0.1 for the database. Set DATABASE_URL to use another.');
}

/** The server's log, kept short: past 4 MB it is put aside at the next start. */
function turnLog(site: Site): string {
	const file = join(site.dataDir, 'postgres.log');
	if (existsSync(file) && statSync(file).size > 4_000_000) renameSync(file, file + '.1');
	closeSync(openSync(file, 'a', 0o600));
	giveTo(site.owner, file);
	return file;
}

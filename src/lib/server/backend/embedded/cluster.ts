/**
 * The cluster on disk: where its parts lie, how it is made, and what its pid file says.
 *
 * initdb works in a folder aside that is renamed when it is whole, so a kill in the middle
 * leaves nothing that looks like a database.
 */
import { spawn, type SpawnOptions } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
	chmodSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	realpathSync,
	renameSync,
	rmSync,
	writeFileSync
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { asOwner, giveTo, type Owner } from './owner.ts';
import { clearProcesses } from './process.ts';

export const MAJOR = '18';
/** The only port name used on a socket; on TCP a free one is taken instead. */
export const SOCKET_PORT = 5432;

/** Longest socket path that the system takes. */
const longest = process.platform === 'darwin' ? 103 : 107;

export const clusterIn = (dataDir: string): string => join(dataDir, `pg${MAJOR}`);

/**
 * Whether the cluster was made before.
 * @throws Error when what lies there is of another PostgreSQL major version.
 */
export function clusterExists(dataDir: string): boolean {
	const found = readdirSync(dataDir).filter((name) => /^pg\d+$/.test(name));
	for (const name of found) {
		const file = join(dataDir, name, 'PG_VERSION');
		const version = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown';
		if (version !== MAJOR)
			throw new Error(
				`The database in ${join(dataDir, name)} is of PostgreSQL version ${version}, and this Cuelight brings ${MAJOR}. Start the Cuelight that made it and export, or set CUELIGHT_DATA to a new folder.`
			);
	}
	return found.includes(`pg${MAJOR}`);
}

/** PostgreSQL's own settings come as arguments only; the caller's locale must not leak in. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
	const kept = Object.entries(process.env).filter(([name]) => !/^(LC_|LANG|PG)/.test(name));
	return Object.fromEntries(kept);
}

/** Makes the cluster; harmless to kill at any moment. Resolves when it is in its place. */
export async function makeCluster(
	dataDir: string,
	owner: Owner,
	binaries: Binaries
): Promise<void> {
	for (const name of readdirSync(dataDir).filter((name) => name.startsWith('initdb-'))) {
		// The initdb of a killed start lives on and would go on writing.
		await clearProcesses(join(dataDir, name), 0);
		rmSync(join(dataDir, name), { recursive: true, force: true });
	}
	const aside = join(dataDir, `initdb-${process.pid}-${randomBytes(4).toString('hex')}`);
	mkdirSync(aside, { mode: 0o700 });
	giveTo(owner, aside);
	const password = join(aside, 'password');
	writeFileSync(password, passwordOf(dataDir), { mode: 0o600 });
	giveTo(owner, password);
	const made = join(aside, 'cluster');
	// The builtin provider sorts the same on every platform; never -N, which skips the sync.
	const { command, args, options } = asOwner(owner, binaries.initdb, [
		...['-D', made, '-U', 'postgres', '--auth-local=trust', '--auth-host=scram-sha-256'],
		...[`--pwfile=${password}`, '--encoding=UTF8', '--locale=C'],
		...['--locale-provider=builtin', '--builtin-locale=C.UTF-8']
	]);
	const { code, output } = await run(command, args, {
		...options,
		cwd: aside,
		env: cleanEnvironment()
	});
	if (code !== 0) throw new Error(explain('initdb', code, output));
	renameSync(made, clusterIn(dataDir));
	rmSync(aside, { recursive: true, force: true });
}

/** The superuser's password: only TCP asks for it. Made at first use, kept beside the cluster. */
export function passwordOf(dataDir: string): string {
	const file = join(dataDir, `pg${MAJOR}.password`);
	if (existsSync(file)) return readFileSync(file, 'utf8').trim();
	const password = randomBytes(24).toString('base64url');
	// Renamed when whole: a kill must not leave an empty one, which initdb would refuse for ever.
	writeFileSync(file + '.new', password, { mode: 0o600 });
	renameSync(file + '.new', file);
	return password;
}

/** A folder for the socket, closed to others; in the temporary folder where the path is too long. */
export function socketFolder(dataDir: string, owner: Owner): string {
	const usual = join(dataDir, 'run');
	const fits = Buffer.byteLength(join(usual, `.s.PGSQL.${SOCKET_PORT}`)) <= longest;
	const name = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
	const folder = fits ? usual : join(tmpdir(), `cuelight-${name}`);
	if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
	const now = lstatSync(folder);
	const ours = [process.getuid?.(), owner.kind === 'user' ? owner.uid : undefined];
	// The temporary folder is everybody's: somebody may have put a trap there under our name.
	if (!now.isDirectory() || !ours.includes(now.uid))
		throw new Error(
			`${folder} should be Cuelight's socket folder, and belongs to somebody else. Remove it, or set CUELIGHT_DATA to a shorter path.`
		);
	giveTo(owner, folder);
	chmodSync(folder, 0o700);
	return folder;
}

/** What postmaster.pid says; null when there is none or it is still being written. */
export interface PidFile {
	pid: number;
	port: number;
	/** '' on TCP only. */
	socketFolder: string;
	status: 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';
}

export function readPidFile(cluster: string): PidFile | null {
	let lines: string[];
	try {
		lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
	} catch {
		return null;
	}
	const pid = Number(lines[0]);
	if (!Number.isSafeInteger(pid) || pid <= 0) return null;
	const status = lines[7]?.trim();
	return {
		pid,
		port: Number(lines[3]),
		socketFolder: lines[4]?.trim() ?? '',
		status:
			status === 'starting' || status === 'stopping' || status === 'ready' || status === 'standby'
				? status
				: 'unknown'
	};
}

/** The program's exit told for people, with the known way out where there is one. */
export function explain(program: string, code: number | null, output: string): string {
	// 0xC0000135, 0xC000007B, 0xC0000005: Windows without the C++ runtime.
	if (code !== null && [0xc0000135, 0xc000007b, 0xc0000005].includes(code >>> 0))
		return `${program} needs the Visual C++ runtime: install https://aka.ms/vs/17/release/vc_redist.x64.exe and start again.`;
	const last = output.trim().split('\n').slice(-12).join('\n');
	return `${program} ended with ${code ?? 'a signal'}. It said:\n${last}\nFree what it names, or set DATABASE_URL to a PostgreSQL of your own.`;
}

/** Runs a program to its end; resolves with its exit code and all it wrote. */
export function run(
	command: string,
	args: readonly string[],
	options: SpawnOptions
): Promise<{ code: number | null; output: string }> {
	return new Promise((done, fail) => {
		const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
		let output = '';
		const take = (chunk: Buffer) => (output += chunk.toString());
		child.stdout.on('data', take);
		child.stderr.on('data', take);
		child.on('error', fail);
		child.on('close', (code) => done({ code, output }));
	});
}

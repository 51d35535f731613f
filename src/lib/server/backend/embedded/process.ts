/**
 * What the operating system knows about a process. A number in a pid file proves nothing: the
 * process may be dead, a zombie that nobody reaped, or another program that got the number
 * since. On Linux everything is read from /proc; macOS asks `ps`; Windows knows only whether
 * the number is taken.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The life of one process: two with the same pid differ in `started`. */
export interface Life {
	pid: number;
	/** Opaque; '' where the system does not say. */
	started: string;
}

/** The process that runs under this number, or null when none does or it is a zombie. */
export function lifeOf(pid: number): Life | null {
	if (!Number.isSafeInteger(pid) || pid <= 0) return null;
	if (process.platform === 'linux') return fromProc(pid);
	if (process.platform === 'win32') return takesSignals(pid) ? { pid, started: '' } : null;
	const [state, ...started] = ps(pid, 'stat=', 'lstart=').split(/\s+/);
	if (!state || state.startsWith('Z')) return null;
	return { pid, started: started.join(' ') };
}

/** Whether that very process still runs. */
export const isAlive = (life: Life): boolean => lifeOf(life.pid)?.started === life.started;

/** Whether `pid` is the postmaster (not a backend) that serves this cluster folder (a real path). */
export function isPostmaster(pid: number, cluster: string): boolean {
	if (lifeOf(pid) === null) return false;
	if (process.platform === 'linux') {
		// Backends and workers share folder and program, but rewrite their command line.
		return servesFolder(pid, cluster) && !commandLine(pid).startsWith('postgres: ');
	}
	if (process.platform === 'win32') return true; // pg_ctl judges there.
	const command = ps(pid, 'command=');
	return command.includes('postgres') && command.includes(cluster);
}

/**
 * Every PostgreSQL process that works in this folder (a real path) or below: a server with its
 * children, or initdb. Only Linux can say; elsewhere none.
 */
export function processesOf(folder: string): number[] {
	if (process.platform !== 'linux') return [];
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => servesFolder(pid, folder));
}

/** Kills what `processesOf` finds after a grace and waits until nothing is left. */
export async function clearProcesses(folder: string, graceMs: number): Promise<void> {
	const since = performance.now();
	for (let left = processesOf(folder); left.length > 0; left = processesOf(folder)) {
		if (performance.now() - since >= graceMs)
			for (const pid of left) {
				try {
					process.kill(pid, 'SIGKILL');
				} catch {
					// It went by itself.
				}
			}
		await pause(10);
	}
}

/** The program a process was started from, ending in ' (deleted)' when it was replaced since. */
export function programOf(pid: number): string | null {
	return process.platform === 'linux' ? link(`/proc/${pid}/exe`) : null;
}

function servesFolder(pid: number, folder: string): boolean {
	const [program, place] = ['exe', 'cwd'].map((what) =>
		link(`/proc/${pid}/${what}`)?.replace(/ \(deleted\)$/, '')
	);
	if (program === undefined || place === undefined) return false;
	if (!['postgres', 'initdb'].includes(basename(program))) return false;
	return place === folder || place.startsWith(folder + '/');
}

function fromProc(pid: number): Life | null {
	const stat = read(`/proc/${pid}/stat`);
	if (stat === null) return null;
	// "pid (name with anything) state ppid …": fields count from the last parenthesis.
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	const dead = fields[0] === 'Z' || fields[0] === 'X';
	return dead ? null : { pid, started: fields[19] ?? '' };
}

const commandLine = (pid: number): string => read(`/proc/${pid}/cmdline`) ?? '';

function read(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}

function link(path: string): string | null {
	try {
		return readlinkSync(path);
	} catch {
		return null;
	}
}

function ps(pid: number, ...columns: string[]): string {
	const asked = columns.flatMap((column) => ['-o', column]);
	return spawnSync('ps', [...asked, '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
}

function takesSignals(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error instanceof Error && 'code' in error && error.code === 'EPERM';
	}
}

/**
 * One product process for one data folder. The lock is a file that names its holder; a holder
 * that is gone (killed, or from before a reboot) leaves a stale file that the next start takes
 * over. It also keeps two starts from running initdb or clearing PostgreSQL's lock files at once.
 */
import { linkSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, lifeOf } from './process.ts';

const Holder = z.object({
	pid: z.int(),
	started: z.string(),
	/** Differs after a reboot; '' where the system does not say. */
	boot: z.string(),
	host: z.string()
});
type Holder = z.infer<typeof Holder>;

/** How often a holder shows that it lives, and after what silence one elsewhere counts as gone. */
const TOUCH_MS = 5_000;
const SILENCE_MS = 20_000;

export interface Lock {
	release(): void;
}

/**
 * Takes the data folder for this process.
 * @throws Error when another running process holds it; names its pid and the ways out.
 */
export function acquireLock(dataDir: string): Lock {
	const path = join(dataDir, 'cuelight.lock');
	const me = self();
	// The second round meets the lock of a process that took over the stale one before us.
	for (let round = 0; round < 2; round++) {
		if (create(path, me)) return hold(path, me);
		const other = readHolder(path);
		// Made this moment and not yet written: its holder is alive.
		if (other === null && Date.now() - modified(path) < 2_000) break;
		if (other !== null && isHeld(path, other)) {
			const where = other.host === me.host ? '' : ` on ${other.host}`;
			throw new Error(
				`Another Cuelight is running on this data folder (pid ${other.pid}${where}): ${dataDir}. Stop it, or set CUELIGHT_DATA to another folder.`
			);
		}
		takeOver(path, me, other);
	}
	throw new Error(
		`The data folder ${dataDir} is being taken by another Cuelight that is just starting. Stop it, or set CUELIGHT_DATA to another folder.`
	);
}

/** Removes a stale lock, unless somebody else does so at this moment: a second lock says who may. */
function takeOver(path: string, me: Holder, stale: Holder | null): void {
	const guard = path + '.takeover';
	const before = readHolder(guard);
	if (before === null || !isHeld(guard, before)) rmSync(guard, { force: true });
	if (!create(guard, me)) return;
	try {
		const now = readHolder(path);
		if (JSON.stringify(now) === JSON.stringify(stale)) rmSync(path, { force: true });
	} finally {
		rmSync(guard, { force: true });
	}
}

/**
 * Makes the file with its text in one step, so that a process killed in the middle leaves either
 * nothing or the whole: the text is written aside and linked into place, which fails when the place
 * is taken.
 */
function create(path: string, holder: Holder): boolean {
	const aside = `${path}.${process.pid}`;
	writeFileSync(aside, JSON.stringify(holder), { mode: 0o600 });
	try {
		linkSync(aside, path);
		return true;
	} catch (error) {
		const code = error instanceof Error && 'code' in error ? error.code : null;
		if (code === 'EEXIST') return false;
		// File systems without hard links (FAT): made first and written next is the best there is.
		if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS')
			return createInPlace(path, holder);
		throw error;
	} finally {
		rmSync(aside, { force: true });
	}
}

function createInPlace(path: string, holder: Holder): boolean {
	try {
		writeFileSync(path, JSON.stringify(holder), { flag: 'wx', mode: 0o600 });
		return true;
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
		throw error;
	}
}

function hold(path: string, me: Holder): Lock {
	// Only a process on another host (a container that shares the folder) needs the sign of life.
	const touch = setInterval(() => {
		try {
			utimesSync(path, new Date(), new Date());
		} catch {
			// The folder is gone: PostgreSQL will say so more clearly.
		}
	}, TOUCH_MS);
	touch.unref();
	return {
		release() {
			clearInterval(touch);
			const holder = readHolder(path);
			if (holder !== null && JSON.stringify(holder) === JSON.stringify(me)) rmSync(path);
		}
	};
}

function isHeld(path: string, holder: Holder): boolean {
	const me = self();
	if (holder.host !== me.host) return Date.now() - modified(path) < SILENCE_MS;
	if (holder.boot !== me.boot) return false;
	return isAlive(holder);
}

/** Null when there is none, or what is there was cut off by a crash (a disk that was full). */
function readHolder(path: string): Holder | null {
	try {
		return Holder.parse(JSON.parse(readFileSync(path, 'utf8')));
	} catch {
		return null;
	}
}

function modified(path: string): number {
	try {
		return statSync(path).mtimeMs;
	} catch {
		return 0;
	}
}

function self(): Holder {
	const life = lifeOf(process.pid);
	return { pid: process.pid, started: life?.started ?? '', boot: bootId(), host: hostname() };
}

function bootId(): string {
	try {
		return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
	} catch {
		return '';
	}
}

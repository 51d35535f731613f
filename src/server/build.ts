/** Brings the build up to date: what is run is always what the source says. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The folder with package.json. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const serverFile = join(root, 'build/server.js');

/** What goes into the build. */
const SOURCES = [
	'src',
	'static',
	'supabase/migrations',
	'package-lock.json',
	'svelte.config.js',
	'vite.config.ts'
];
const LOCK_FRESH_MS = 10_000;

/** Newest change below a path, in milliseconds since 1970; tests do not count. */
function newest(path: string): number {
	const stat = statSync(path, { throwIfNoEntry: false });
	if (stat === undefined || /\.test\.ts$/.test(path)) return 0;
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Why a build is needed, or null when it is not. */
function reasonToBuild(): 'missing' | 'outdated' | null {
	const built = statSync(serverFile, { throwIfNoEntry: false });
	if (built === undefined) return 'missing';
	return SOURCES.some((path) => newest(join(root, path)) > built.mtimeMs) ? 'outdated' : null;
}

/** Builds when the build is missing or older than the source. Throws when the build fails. */
export async function ensureBuilt(say: (line: string) => void): Promise<void> {
	if (reasonToBuild() === null) return;
	const release = await takeLock(say);
	try {
		// Whoever held the lock may have built what we need.
		const reason = reasonToBuild();
		if (reason === null) return;
		const why = reason === 'missing' ? 'for the first time' : 'because its source has changed';
		say(`Building Cuelight ${why}: this takes about half a minute …`);
		const started = Date.now();
		await build();
		say(`Built in ${Math.round((Date.now() - started) / 1000)} s.`);
	} finally {
		release();
	}
}

function build(): Promise<void> {
	return new Promise((resolve, reject) => {
		const vite = join(root, 'node_modules/vite/bin/vite.js');
		if (!existsSync(vite)) {
			reject(new Error('The packages are not installed: run npm install first.'));
			return;
		}
		const child = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
			cwd: root,
			// A build for tests is the build for people.
			env: { ...process.env, NODE_ENV: 'production', VITEST: undefined },
			stdio: ['ignore', 'pipe', 'pipe']
		});
		const output: Buffer[] = [];
		child.stdout.on('data', (data: Buffer) => output.push(data));
		child.stderr.on('data', (data: Buffer) => output.push(data));
		child.once('error', reject);
		child.once('exit', (code) => {
			if (code === 0) resolve();
			else reject(new Error(`The build failed:\n${Buffer.concat(output).toString()}`));
		});
	});
}

/** One build at a time in this folder; answers how to let go. */
async function takeLock(say: (line: string) => void): Promise<() => void> {
	const lock = join(root, '.svelte-kit/cuelight-build-lock');
	mkdirSync(dirname(lock), { recursive: true });
	for (let told = false; ; await pause(200)) {
		try {
			mkdirSync(lock);
			break;
		} catch {
			// Its holder touches it while it lives.
			const held = statSync(lock, { throwIfNoEntry: false });
			if (held && Date.now() - held.mtimeMs > LOCK_FRESH_MS) rmSync(lock, { recursive: true });
			else if (!told) say('Waiting for another build in this folder …');
			told = true;
		}
	}
	const touch = setInterval(() => utimesSync(lock, new Date(), new Date()), LOCK_FRESH_MS / 4);
	return () => {
		clearInterval(touch);
		rmSync(lock, { recursive: true, force: true });
	};
}

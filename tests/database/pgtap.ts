/**
 * pgTAP in a test database. The embedded PostgreSQL has no such extension, but pgTAP is plain SQL:
 * the npm package made for PGlite ships it (as a tar archive), and it is loaded as a script into
 * schema `extensions`, where the Supabase CLI would put the extension.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { openPool } from '../../src/lib/server/backend/connection.ts';

const require = createRequire(import.meta.url);

/** A pool of one connection, for the session's settings hold from one statement to the next. */
type Session = ReturnType<typeof openPool>;

/** One file's result. */
export interface TapReport {
	passed: number;
	/** Failing lines with their diagnostics, as pgTAP wrote them. */
	failures: string[];
}

/** Installs pgTAP and then a script of helpers. */
export async function loadPgtap(session: Session, helpers: string): Promise<void> {
	await session.unsafe('set search_path = extensions, public').simple();
	await session.unsafe(readPgtap()).simple();
	await session.unsafe(helpers).simple();
}

/**
 * Runs a test file, which begins and rolls back its own transaction.
 * @throws Error when a statement outside an assertion fails.
 */
export async function runTap(session: Session, text: string): Promise<TapReport> {
	try {
		const results: unknown = await session.unsafe(text).simple();
		return readTap(linesOf(results));
	} finally {
		// After an error the file's own rollback was not reached.
		await session.unsafe('rollback').simple();
	}
}

/** The text of every row of one column, whatever the statement was. */
function linesOf(results: unknown): string[] {
	if (Array.isArray(results)) return results.flatMap(linesOf);
	if (results === null || typeof results !== 'object') return [];
	const [value] = Object.values(results);
	return typeof value === 'string' ? value.split('\n') : [];
}

function readTap(lines: string[]): TapReport {
	const failures: string[] = [];
	let passed = 0;
	let failing = false;
	for (const line of lines) {
		if (/^ok \d+/.test(line)) {
			passed += 1;
			failing = false;
		} else if (/^not ok \d+/.test(line)) {
			failures.push(line);
			failing = true;
		} else if (/^# Looks like/.test(line)) failures.push(line);
		else if (failing && line.startsWith('#')) failures.push(line);
	}
	return { passed, failures };
}

/** `pgtap.sql` out of the archive: 512-byte headers with name and octal size, then the content. */
function readPgtap(): string {
	const archive = gunzipSync(
		readFileSync(join(dirname(require.resolve('@electric-sql/pglite-pgtap')), 'pgtap.tar.gz'))
	);
	const text = (from: number, length: number): string =>
		archive.toString('utf8', from, from + length).replace(/\0.*$/s, '');
	for (let at = 0; at + 512 <= archive.length;) {
		const size = parseInt(text(at + 124, 12), 8) || 0;
		if (text(at, 100).endsWith('/pgtap.sql'))
			return archive.toString('utf8', at + 512, at + 512 + size);
		at += 512 + Math.ceil(size / 512) * 512;
	}
	throw new Error('@electric-sql/pglite-pgtap ships no pgtap.sql any more: look where it went.');
}

/** A data folder of its own for a test of the embedded database, and ways to be cruel to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type postgres from 'postgres';
import { openPool } from '../../src/lib/server/backend/connection.ts';
import { clusterIn } from '../../src/lib/server/backend/embedded/cluster.ts';
import {
	startEmbedded,
	type EmbeddedOptions,
	type EmbeddedServer
} from '../../src/lib/server/backend/embedded/index.ts';
import { clearProcesses } from '../../src/lib/server/backend/embedded/process.ts';
import { createLog } from '../../src/lib/server/log.ts';

export const quiet = createLog({ level: 'silent' });

/** A new folder; what runs in it and the folder itself are gone after the test. */
export function dataFolder(options: { mode?: number; inside?: string } = {}): string {
	const top = mkdtempSync(join(tmpdir(), 'cuelight-embedded-'));
	chmodSync(top, options.mode ?? 0o711);
	const folder = join(top, options.inside ?? 'data');
	onTestFinished(async () => {
		await killAll(folder);
		rmSync(top, { recursive: true, force: true });
	});
	return folder;
}

/** Starts the embedded database in this process; stopped after the test. */
export async function start(
	dataDir: string,
	options: Partial<EmbeddedOptions> = {}
): Promise<EmbeddedServer> {
	const server = await startEmbedded({ dataDir, log: quiet, ...options });
	onTestFinished(() => server.stop());
	return server;
}

/** A pool on it, closed after the test. */
export function pool(url: string): postgres.Sql {
	const sql = openPool(url, { max: 4, log: quiet });
	onTestFinished(() => sql.end({ timeout: 1 }));
	return sql;
}

const Said = z.union([
	z.object({ url: z.string(), pid: z.int(), adopted: z.boolean() }),
	z.object({ failed: z.string() })
]);

/** Starts it in another Node process, as a running product would. */
export async function hold(
	dataDir: string
): Promise<{ child: ChildProcess; said: Promise<z.infer<typeof Said>> }> {
	const script = fileURLToPath(new URL('./embedded-holder.ts', import.meta.url));
	const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir], {
		stdio: ['ignore', 'pipe', 'inherit']
	});
	onTestFinished(() => void child.kill('SIGKILL'));
	const lines = createInterface(child.stdout);
	const said = once(lines, 'line').then(([line]) => Said.parse(JSON.parse(String(line))));
	said.catch(() => {}); // It may be killed before it says anything.
	return { child, said };
}

/** Kills a process and waits until it is reaped. */
export async function kill9(child: ChildProcess): Promise<void> {
	const gone = once(child, 'exit');
	child.kill('SIGKILL');
	await gone;
}

/** The cluster's folder as the system shows it. */
export const clusterOf = (dataDir: string): string => clusterIn(realpathSync(dataDir));

/** SIGKILL to every PostgreSQL process of the folder, until none is left. */
export async function killAll(dataDir: string): Promise<void> {
	if (!existsSync(dataDir)) return;
	await clearProcesses(realpathSync(dataDir), 0);
}

/** Waits for a condition; errors count as "not yet". The test's own timeout is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	for (;;) {
		try {
			if (await condition()) return;
		} catch {
			// Not yet.
		}
		await pause(10);
	}
}

/** Waits until the database answers. */
export const answers = (sql: postgres.Sql): Promise<void> =>
	until(async () => (await sql`select 1 as one`)[0]?.one === 1);

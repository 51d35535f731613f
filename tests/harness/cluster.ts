/**
 * One embedded cluster for all database tests of a run, in a temporary folder, with a migrated
 * template that each test file clones. Vitest runs it as a global setup; scripts (chaos, bench)
 * call `startCluster` themselves.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openPool, withDatabase } from '../../src/lib/server/backend/connection.ts';
import { clusterIn } from '../../src/lib/server/backend/embedded/cluster.ts';
import { startEmbedded } from '../../src/lib/server/backend/embedded/index.ts';
import { acquireLock } from '../../src/lib/server/backend/embedded/lock.ts';
import { processesOf } from '../../src/lib/server/backend/embedded/process.ts';
import { migrate } from '../../src/lib/server/backend/migrate.ts';
import { createLog } from '../../src/lib/server/log.ts';

/** What a test needs to reach the cluster; plain data, so that vitest can hand it to workers. */
export interface ClusterInfo {
	/** DATABASE_URL of its `postgres` database. */
	url: string;
	/** Name of the migrated template. */
	template: string;
	/** Why there is no template: a migration that fails. Tests that need one say so. */
	failure: string | null;
}

export interface Cluster extends ClusterInfo {
	stop(): Promise<void>;
}

declare module 'vitest' {
	interface ProvidedContext {
		cluster: ClusterInfo;
	}
}

const PREFIX = 'cuelight-test-';
const TEMPLATE = 'cuelight_template';

export interface ClusterOptions {
	/** Durable as the product's (bench, chaos); by default fast and forgetful. */
	durable?: boolean;
	settings?: Record<string, string>;
}

/** Starts a cluster with a migrated template. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
	sweep();
	const folder = mkdtempSync(join(tmpdir(), PREFIX));
	chmodSync(folder, 0o711); // As root, PostgreSQL runs as another user who must pass through.
	const log = createLog({ level: 'warn' });
	const forgetful = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
	const server = await startEmbedded({
		dataDir: join(folder, 'data'),
		log,
		settings: {
			max_connections: '300',
			...(options.durable ? {} : forgetful),
			...options.settings
		}
	});
	const failure = await makeTemplate(server.url);
	return {
		url: server.url,
		template: TEMPLATE,
		failure,
		async stop() {
			await server.stop();
			rmSync(folder, { recursive: true, force: true });
		}
	};
}

/** Clones the template; answers the clone's DATABASE_URL and how to drop it. */
export async function cloneDatabase(
	cluster: ClusterInfo
): Promise<{ url: string; name: string; drop(): Promise<void> }> {
	if (cluster.failure !== null) throw new Error(`There is no template: ${cluster.failure}`);
	return createDatabase(cluster, cluster.template);
}

/** A database of its own name; of `template0` it is empty and knows nothing of Supabase. */
export async function createDatabase(
	cluster: Pick<ClusterInfo, 'url'>,
	template = 'template0'
): Promise<{ url: string; name: string; drop(): Promise<void> }> {
	const name = `test_${randomBytes(6).toString('hex')}`;
	await administer(cluster.url, `create database ${name} template ${template}`);
	return {
		name,
		url: withDatabase(cluster.url, name),
		drop: () => administer(cluster.url, `drop database if exists ${name} with (force)`)
	};
}

async function makeTemplate(url: string): Promise<string | null> {
	const log = createLog({ level: 'warn' });
	await administer(url, `create database ${TEMPLATE} template template0`);
	try {
		await migrate({ url: withDatabase(url, TEMPLATE), supabase: false, log });
		return null;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

async function administer(url: string, command: string): Promise<void> {
	const sql = openPool(url, { max: 1, bounded: false, log: createLog({ level: 'warn' }) });
	try {
		await sql.unsafe(command);
	} finally {
		await sql.end({ timeout: 5 });
	}
}

/** Clusters of runs that were killed: nobody holds their lock. */
function sweep(): void {
	for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(PREFIX))) {
		const dataDir = join(tmpdir(), name, 'data');
		if (!existsSync(join(dataDir, 'cuelight.lock'))) continue;
		try {
			acquireLock(dataDir).release();
		} catch {
			continue; // Another run is using it.
		}
		for (const pid of processesOf(clusterIn(realpathSync(dataDir)))) process.kill(pid, 'SIGKILL');
		rmSync(join(tmpdir(), name), { recursive: true, force: true });
	}
}

/** Vitest's global setup. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	const cluster = await startCluster();
	const { url, template, failure } = cluster;
	project.provide('cluster', { url, template, failure });
	return () => cluster.stop();
}

/**
 * The embedded database: real PostgreSQL as a child process, kept running.
 *
 * Promises: acknowledged commits survive any kill; after a kill of the product the server lives
 * on and the next start adopts it; after a kill of the server it is started again at once; one
 * product process for one data folder. Recipe and reasons stand with each file of this folder.
 */
import { chmodSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { findBinaries } from './binaries.ts';
import { clusterExists, clusterIn, makeCluster, passwordOf, socketFolder } from './cluster.ts';
import { acquireLock, type Lock } from './lock.ts';
import { chooseOwner } from './owner.ts';
import { runPostmaster, stopPostmaster, type Postmaster, type Site } from './postmaster.ts';

export interface EmbeddedOptions {
	dataDir: string;
	log: Log;
	/** Server settings over ours. Tests trade durability for speed with it; the product does not. */
	settings?: Record<string, string>;
	/** Node cannot dial PostgreSQL's sockets on Windows, hence TCP there. */
	transport?: 'socket' | 'tcp';
	starter?: Site['starter'];
}

export interface EmbeddedServer {
	/** Where to connect, as a DATABASE_URL; stays the same when the server is restarted. */
	readonly url: string;
	/** Whether it ran before this process. */
	readonly adopted: boolean;
	/** The server process now; changes when it is restarted. */
	readonly pid: number;
	/** Stops the server cleanly and gives the data folder free. */
	stop(): Promise<void>;
}

/**
 * Starts or adopts the server of a data folder and keeps it running until `stop`.
 * @throws Error that says what is in the way and the ways out, DATABASE_URL among them.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
	const lock = lockFolder(options.dataDir);
	try {
		const site = await prepare(options);
		const first = await runPostmaster(site);
		return supervise(site, first, lock);
	} catch (error) {
		lock.release();
		throw error;
	}
}

function lockFolder(dataDir: string): Lock {
	// Others may pass through but not look: PostgreSQL may run as another user (see owner.ts).
	if (!existsSync(dataDir)) {
		mkdirSync(dataDir, { recursive: true });
		chmodSync(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
	}
	return acquireLock(dataDir);
}

async function prepare(options: EmbeddedOptions): Promise<Site> {
	const { log } = options;
	const dataDir = realpathSync(options.dataDir);
	const binaries = findBinaries();
	const cluster = clusterIn(dataDir);
	const exists = clusterExists(dataDir);
	const owner = chooseOwner({ dataDir, cluster, binaries }, exists);
	if (!exists) {
		log.info('making the database', { folder: cluster, owner: owner.kind });
		await makeCluster(dataDir, owner, binaries);
	}
	const transport = options.transport ?? (process.platform === 'win32' ? 'tcp' : 'socket');
	return {
		dataDir,
		cluster,
		owner,
		binaries,
		socketFolder: transport === 'socket' ? socketFolder(dataDir, owner) : null,
		port: null,
		settings: { ...settings, ...options.settings },
		starter: options.starter ?? (process.platform === 'win32' ? 'pg_ctl' : 'direct'),
		log
	};
}

/** For a small machine that also runs the product and a browser; durable without exception. */
const settings: Record<string, string> = {
	fsync: 'on',
	synchronous_commit: 'on',
	full_page_writes: 'on',
	...(process.platform === 'darwin' ? { wal_sync_method: 'fsync_writethrough' } : {}),
	max_connections: '60',
	shared_buffers: '128MB',
	effective_cache_size: '512MB',
	work_mem: '8MB',
	maintenance_work_mem: '64MB',
	max_wal_size: '512MB',
	wal_compression: 'on',
	random_page_cost: '1.1',
	max_parallel_workers_per_gather: '1',
	max_parallel_workers: '2',
	// Our statements are short; compiling them costs more than it gains.
	jit: 'off',
	huge_pages: 'off',
	timezone: 'UTC',
	log_timezone: 'UTC',
	log_checkpoints: 'off'
};

function supervise(site: Site, first: Postmaster, lock: Lock): EmbeddedServer {
	const { log } = site;
	let current = first;
	let stopping = false;
	site.port = first.port;
	log.info(first.adopted ? 'the database ran already' : 'the database is ready', {
		pid: first.pid
	});

	const watching = (async () => {
		for (;;) {
			await current.gone;
			if (stopping) return;
			log.error('the database died and is started again', { pid: current.pid });
			for (let failures = 0; ; failures++) {
				try {
					current = await runPostmaster(site);
					log.info('the database is back', { pid: current.pid });
					break;
				} catch (error) {
					if (stopping) return;
					log.error('the database does not start', { error });
					await pause(Math.min(100 * 2 ** failures, 5_000));
				}
			}
			// A stop that came while it was starting found nothing to stop.
			if (stopping) await stopPostmaster(site);
		}
	})();

	return {
		url: urlOf(site, first),
		adopted: first.adopted,
		get pid() {
			return current.pid;
		},
		async stop() {
			if (stopping) return watching;
			stopping = true;
			await stopPostmaster(site);
			await watching;
			lock.release();
		}
	};
}

function urlOf(site: Site, server: Postmaster): string {
	const password = site.socketFolder === null ? `:${passwordOf(site.dataDir)}` : '';
	const url = new URL(`postgresql://postgres${password}@localhost/postgres`);
	if (site.socketFolder === null) {
		url.hostname = '127.0.0.1';
		url.port = String(server.port);
	} else {
		url.searchParams.set('host', server.socketFolder);
		url.searchParams.set('port', String(server.port));
	}
	return url.href;
}

/** The server's own log, for people. */
export const logOf = (dataDir: string): string => join(dataDir, 'postgres.log');

/**
 * The one place where embedded database, own PostgreSQL and Supabase differ. Whoever opens the
 * backend gets a migrated database and the feed of its hints, and need not know which it is.
 *
 * Migrations come from the build (or the source tree, see files.ts) unless given.
 */
import type { Log } from '../log.ts';
import { openDatabase, type Database } from './database.ts';
import { startEmbedded } from './embedded/index.ts';
import { openFeed, type ConnectionFeed, type HintFeed } from './feed.ts';
import type { Migration } from './files.ts';
import { migrate } from './migrate.ts';

export type { Claims, Database, Sql, TransactionSql } from './database.ts';
export type { ConnectionFeed, FeedMessage, HintFeed, Revocation } from './feed.ts';

/** What it needs of the product's configuration (a `Config` will do). */
export interface BackendConfig {
	/** Folder of the embedded database; unused when there is a databaseUrl. */
	dataDir: string;
	databaseUrl: string | null;
	supabaseUrl: string | null;
	/** Instead of the product's own. */
	migrations?: readonly Migration[];
}

export interface Backend {
	mode: 'embedded' | 'postgres' | 'supabase';
	/** Where the database is, as a DATABASE_URL; may hold a password: never log it. */
	url: string;
	database: Database;
	feed: HintFeed & ConnectionFeed;
	/** Closes feed and pools, then stops the embedded server. */
	close(): Promise<void>;
}

/**
 * Starts the embedded database or connects to the given one, migrates, opens the feed.
 * @throws Error or AppError that says what is in the way and how to get on.
 */
export async function openBackend(config: BackendConfig, parentLog: Log): Promise<Backend> {
	const log = parentLog.child({ part: 'backend' });
	const mode =
		config.databaseUrl === null
			? 'embedded'
			: config.supabaseUrl === null
				? 'postgres'
				: 'supabase';
	const server =
		config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir, log }) : null;
	const url = server?.url ?? config.databaseUrl ?? '';
	try {
		const { migrations } = config;
		await migrate({ url, supabase: mode === 'supabase', log, ...(migrations && { migrations }) });
		const feed = await openFeed(url, log);
		const database = openDatabase(url, log);
		return {
			mode,
			url,
			database,
			feed,
			async close() {
				await feed.close();
				await database.close();
				await server?.stop();
			}
		};
	} catch (error) {
		await server?.stop();
		throw error;
	}
}

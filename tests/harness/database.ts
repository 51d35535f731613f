/** A fresh migrated database for one test file. */
import { inject } from 'vitest';
import type {
	ConnectionFeed,
	Database,
	HintFeed,
	Sql
} from '../../src/lib/server/backend/index.ts';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { openFeed } from '../../src/lib/server/backend/feed.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { cloneDatabase } from './cluster.ts';

export interface TestDatabase {
	/** Its DATABASE_URL. */
	url: string;
	/** The trusted connection (superuser), the same as `database.sql`. */
	sql: Sql;
	database: Database;
	feed: HintFeed & ConnectionFeed;
	close(): Promise<void>;
}

/** Clones the template of this run's cluster; close it in `afterAll`. */
export async function testDatabase(): Promise<TestDatabase> {
	const { url, drop } = await cloneDatabase(inject('cluster'));
	const log = createLog({ level: 'error' });
	const database = openDatabase(url, log);
	const feed = await openFeed(url, log);
	return {
		url,
		sql: database.sql,
		database,
		feed,
		async close() {
			await feed.close();
			await database.close();
			await drop();
		}
	};
}

/**
 * Writes what is generated and committed: supabase/schema.sql, from a fresh database. With
 * `--check` nothing is written, and a difference is an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { dumpSchema } from '../database/schema.ts';
import { cloneDatabase, startCluster } from '../harness/cluster.ts';

const file = join(import.meta.dirname, '../../supabase/schema.sql');

const cluster = await startCluster();
try {
	const { url } = await cloneDatabase(cluster);
	const database = openDatabase(url, createLog({ level: 'warn' }));
	try {
		const text = await dumpSchema(database.sql);
		if (!process.argv.includes('--check')) {
			writeFileSync(file, text);
			console.log('supabase/schema.sql is written.');
		} else if (readFileSync(file, 'utf8') === text)
			console.log('supabase/schema.sql is up to date.');
		else {
			console.error('supabase/schema.sql is not what the migrations make: run `npm run gen`.');
			process.exitCode = 1;
		}
	} finally {
		await database.close();
	}
} finally {
	await cluster.stop();
}

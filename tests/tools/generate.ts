/**
 * Writes what is generated and committed: supabase/schema.sql, from a fresh database, and the
 * client's types, from the API's document. With `--check` nothing is written, and a difference is
 * an error.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { dumpSchema } from '../database/schema.ts';
import { cloneDatabase, startCluster } from '../harness/cluster.ts';
import { clientFile, clientTypes } from './client.ts';

const root = join(import.meta.dirname, '../..');
const schemaFile = join(root, 'supabase/schema.sql');

function keep(file: string, text: string, source: string): void {
	const name = relative(root, file);
	if (!process.argv.includes('--check')) {
		writeFileSync(file, text);
		console.log(`${name} is written.`);
	} else if (readFileSync(file, 'utf8') === text) console.log(`${name} is up to date.`);
	else {
		console.error(`${name} is not what ${source} make: run \`npm run gen\`.`);
		process.exitCode = 1;
	}
}

async function schemaText(): Promise<string> {
	const cluster = await startCluster();
	try {
		const { url } = await cloneDatabase(cluster);
		const database = openDatabase(url, createLog({ level: 'warn' }));
		try {
			return await dumpSchema(database.sql);
		} finally {
			await database.close();
		}
	} finally {
		await cluster.stop();
	}
}

keep(schemaFile, await schemaText(), 'the migrations');
keep(clientFile, await clientTypes(), 'the actions');

/** Every file of supabase/tests, on a migrated database. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '../../src/lib/server/backend/connection.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import { loadPgtap, runTap } from './pgtap.ts';

const folder = join(import.meta.dirname, '../../supabase/tests');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const files = readdirSync(folder).filter((name) => name.endsWith('.test.sql'));

let db: TestDatabase;
let session: ReturnType<typeof openPool>;
beforeAll(async () => {
	db = await testDatabase();
	session = openPool(db.url, {
		max: 1,
		bounded: false,
		lasting: true,
		log: createLog({ level: 'error' })
	});
	await loadPgtap(session, read('_helpers.sql'));
});
afterAll(async () => {
	await session?.end();
	await db?.close();
});

test.each(files)('%s', async (name) => {
	const { passed, failures } = await runTap(session, read(name));
	expect(failures.join('\n')).toBe('');
	expect(passed).toBeGreaterThan(0);
});

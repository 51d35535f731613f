/** The backend's contract, for the embedded database and for one given by DATABASE_URL. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openBackend } from '../../src/lib/server/backend/index.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { createDatabase } from '../harness/cluster.ts';
import { contractMigrations as migrations, testBackend } from './backend.ts';

const log = createLog({ level: 'silent' });

testBackend('the embedded database', async () => {
	const top = mkdtempSync(join(tmpdir(), 'cuelight-contract-'));
	chmodSync(top, 0o711);
	const config = { dataDir: join(top, 'data'), databaseUrl: null, supabaseUrl: null, migrations };
	const backend = await openBackend(config, log);
	return {
		...backend,
		async close() {
			await backend.close();
			rmSync(top, { recursive: true });
		}
	};
});

testBackend('a PostgreSQL of ones own', async () => {
	const { url, drop } = await createDatabase(inject('cluster'));
	const config = { dataDir: '', databaseUrl: url, supabaseUrl: null, migrations };
	const backend = await openBackend(config, log);
	return {
		...backend,
		async close() {
			await backend.close();
			await drop();
		}
	};
});

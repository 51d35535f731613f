/**
 * Stands for a running product that keeps sources, to be killed. What it needs comes as JSON in
 * argv; it says which connection it hears as one line of stdout each, and lives until it is killed.
 */
import { z } from 'zod';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { openFeed } from '../../src/lib/server/backend/feed.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { SecretBox } from '../../src/lib/server/secrets.ts';
import { openProcess } from '../harness/source-process.ts';

const { url, key, client, addresses } = z
	.object({
		url: z.string(),
		key: z.base64(),
		client: z.object({ id: z.string(), secret: z.string() }),
		addresses: z.record(z.string(), z.string())
	})
	.parse(JSON.parse(process.argv[2] ?? ''));
const log = createLog({ level: 'silent' });
const secrets = new SecretBox(Buffer.from(key, 'base64'));
const { sql } = openDatabase(url, log);
const feed = await openFeed(url, log);
const sources = await openProcess({ sql, feed, secrets, client, addresses }).start();
const told = new Set<string>();
setInterval(() => {
	for (const source of sources.held) {
		const { connection_id, state } = source.getStatus();
		if (state !== 'live' || told.has(connection_id)) continue;
		told.add(connection_id);
		process.stdout.write(`${connection_id}\n`);
	}
}, 20);

/**
 * Stands for a running product: starts the embedded database of the folder in argv, says so on
 * stdout as one JSON line, and lives until it is killed. A SIGTERM stops the database too.
 */
import { startEmbedded } from '../../src/lib/server/backend/embedded/index.ts';
import { createLog } from '../../src/lib/server/log.ts';

const alive = setInterval(() => {}, 60_000);
const log = createLog({ level: 'silent' });
startEmbedded({ dataDir: process.argv[2] ?? '', log }).then(
	(server) => {
		process.on('SIGTERM', () => void server.stop().then(() => clearInterval(alive)));
		const { url, pid, adopted } = server;
		process.stdout.write(JSON.stringify({ url, pid, adopted }) + '\n');
	},
	(error: unknown) => {
		process.stdout.write(JSON.stringify({ failed: String(error) }) + '\n');
		clearInterval(alive);
	}
);

/**
 * Stands for a running product in the middle of a task, to be killed. The database's address and
 * the calendar's time come as JSON in argv; it prints `running` when the task runs.
 */
import { z } from 'zod';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { Scheduler } from '../../src/lib/server/jobs/scheduler.ts';
import { createLog } from '../../src/lib/server/log.ts';

const { url, at, task } = z
	.object({ url: z.string(), at: z.iso.datetime(), task: z.string() })
	.parse(JSON.parse(process.argv[2] ?? ''));
const log = createLog({ level: 'silent' });
const { sql } = openDatabase(url, log);
const endless = () =>
	new Promise<void>(() => {
		process.stdout.write('running\n');
	});
await new Scheduler({
	...{ sql, log, now: () => new Date(at) },
	tasks: [{ name: task, title: task, interval_s: 60, run: endless }]
}).tick();

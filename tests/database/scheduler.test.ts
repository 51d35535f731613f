/** Schedulers that share one database: who runs what, and what becomes of a task whose process dies. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { Scheduler, type Task } from '../../src/lib/server/jobs/scheduler.ts';
import { createLog } from '../../src/lib/server/log.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

let db: TestDatabase;
let clock = Date.parse('2030-01-01T00:00:00Z');
const now = () => new Date(clock);
const pass = (seconds: number) => (clock += seconds * 1_000);

beforeAll(async () => {
	db = await testDatabase();
});
beforeEach(() => db.sql`delete from app.tasks`);
afterAll(() => db?.close());

/** A run of a task that lasts until it is told to end. */
interface Run {
	readonly by: number;
	readonly task: string;
	readonly signal: AbortSignal;
	end(error?: Error): void;
}

/** Some schedulers with the same tasks, which tell of each run that begins. */
function servers(count: number, names: readonly string[], interval_s = 60) {
	const runs: Run[] = [];
	const lines: string[] = [];
	const log = createLog({ level: 'info', json: false, write: (line) => lines.push(line) });
	const taskOf = (by: number, name: string): Task => ({
		name,
		title: name,
		interval_s,
		run: (signal) =>
			new Promise<void>((resolve, reject) => {
				const run: Run = {
					...{ by, task: name, signal },
					end(error) {
						runs.splice(runs.indexOf(run), 1);
						if (error === undefined) resolve();
						else reject(error);
					}
				};
				signal.addEventListener('abort', () => run.end());
				runs.push(run);
			})
	});
	const schedulers = Array.from(
		{ length: count },
		(_, by) =>
			new Scheduler({ sql: db.sql, log, now, tasks: names.map((name) => taskOf(by, name)) })
	);
	const [first, second] = schedulers;
	if (first === undefined || second === undefined) throw new Error('There are at least two.');
	return { runs, lines, schedulers, first, second };
}

const only = (runs: readonly Run[]): Run => {
	const [run] = runs;
	if (run === undefined) throw new Error('Nothing runs.');
	expect(runs).toHaveLength(1);
	return run;
};

it('a task runs once, whoever comes', async () => {
	const { runs, first, second } = servers(2, ['a', 'b', 'c']);
	await Promise.all([first.tick(), second.tick(), first.tick()]);
	await Promise.all([first.tick(), second.tick()]);
	expect(runs.map(({ task }) => task).toSorted()).toEqual(['a', 'b', 'c']);
	for (const run of [...runs]) run.end();
	await Promise.all([first.idle(), second.idle()]);
	await Promise.all([first.tick(), second.tick()]);
	expect(runs).toEqual([]);
	pass(60);
	await second.tick();
	expect(runs.map(({ by }) => by)).toEqual([1, 1, 1]);
	await second.stop();
});

it('a task whose process dies is another’s when its lease ends', async () => {
	const { runs, first, second } = servers(2, ['a']);
	await first.tick();
	const lost = only(runs);
	// The first never ticks again.
	pass(59);
	await second.tick();
	expect(only(runs).by).toBe(0);
	pass(1);
	await second.tick();
	expect(runs.map(({ by }) => by)).toEqual([0, 1]);

	// It was only frozen: it hears that the task is no longer its own, and changes nothing.
	await first.tick();
	await first.idle();
	expect(lost.signal.aborted).toBe(true);
	only(runs).end();
	await second.idle();
	const [row] = await db.sql`select runs, failures, run_owner from app.tasks`;
	expect(row).toEqual({ runs: '2', failures: '1', run_owner: null });
});

it('a task whose process is killed frees itself, and runs once elsewhere', async () => {
	const { runs, first, second } = servers(2, ['a']);
	const script = fileURLToPath(new URL('scheduler-holder.ts', import.meta.url));
	const what = JSON.stringify({ url: db.url, at: now().toISOString(), task: 'a' });
	const child = spawn(process.execPath, ['--import', 'tsx', script, what], {
		stdio: ['ignore', 'pipe', 'inherit']
	});
	onTestFinished(() => void child.kill('SIGKILL'));
	await once(child.stdout, 'data');
	child.kill('SIGKILL');
	await once(child, 'exit');

	pass(59);
	await Promise.all([first.tick(), second.tick()]);
	expect(runs).toEqual([]);
	pass(1);
	await Promise.all([first.tick(), second.tick()]);
	only(runs).end();
	await Promise.all([first.idle(), second.idle()]);
	const [row] = await db.sql`select runs, failures, run_owner from app.tasks`;
	expect(row).toEqual({ runs: '2', failures: '1', run_owner: null });
});

it('a long run is kept by its heartbeat', async () => {
	const { runs, first, second } = servers(2, ['a']);
	await first.tick();
	for (let i = 0; i < 20; i++) {
		pass(15);
		await first.tick();
		await second.tick();
	}
	expect(only(runs)).toMatchObject({ by: 0, signal: { aborted: false } });
	await first.stop();
});

it('a failure is told once, by whoever it comes to', async () => {
	const { runs, lines, first, second } = servers(2, ['a']);
	for (const scheduler of [first, second, first]) {
		await scheduler.tick();
		only(runs).end(new Error('no network'));
		await scheduler.idle();
		pass(3_600);
	}
	expect(lines.filter((line) => line.includes('no network'))).toHaveLength(1);
	await second.tick();
	only(runs).end();
	await second.idle();
	expect(lines).toHaveLength(2);
	expect(lines[1]).toContain('works again');
});

it('what is broken off by a stop is free at once', async () => {
	const { runs, first, second } = servers(2, ['a']);
	await first.tick();
	await first.stop();
	await second.tick();
	expect(only(runs).by).toBe(1);
	await second.stop();
});

it('without a database it goes on, and tells of it once', async () => {
	const { runs, lines, first, second } = servers(2, ['a']);
	await db.sql`alter table app.tasks rename to tasks_away`;
	await first.tick();
	await first.tick();
	await db.sql`alter table app.tasks_away rename to tasks`;
	expect(lines).toHaveLength(1);
	await first.tick();
	expect(lines).toHaveLength(2);
	only(runs).end();
	await Promise.all([first.stop(), second.stop()]);
});

it('never lets a living process and another run the same task', async () => {
	const server = fc.integer({ min: 0, max: 2 });
	const step = fc.oneof(
		{ weight: 4, arbitrary: fc.record({ kind: fc.constant('tick' as const), server }) },
		fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 45 }) }),
		fc.record({ kind: fc.constant('end' as const), server, fails: fc.boolean() }),
		fc.record({ kind: fc.constant('freeze' as const), server })
	);
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
			await db.sql`delete from app.tasks`;
			const { runs, schedulers } = servers(3, ['a', 'b'], 30);
			const frozen = new Set<number>();
			const lastTick = schedulers.map(() => clock);
			for (const step of steps) {
				if (step.kind === 'pass') pass(step.seconds);
				if (step.kind === 'freeze') frozen.add(step.server);
				if (step.kind === 'end' && !frozen.has(step.server)) {
					for (const run of runs.filter(({ by }) => by === step.server))
						run.end(step.fails ? new Error('no') : undefined);
					await schedulers[step.server]?.idle();
				}
				if (step.kind === 'tick' && !frozen.has(step.server)) {
					lastTick[step.server] = clock;
					await schedulers[step.server]?.tick();
				}
				for (const task of ['a', 'b']) {
					const alive = runs.filter(
						(run) => run.task === task && clock - (lastTick[run.by] ?? 0) < 60_000
					);
					expect(alive.length).toBeLessThanOrEqual(1);
				}
			}
			// However many died: after a lease one that lives gets everything done.
			pass(3_600);
			const heir = servers(2, ['a', 'b'], 30);
			await heir.first.tick();
			expect(heir.runs.map(({ task }) => task).toSorted()).toEqual(['a', 'b']);
			for (const run of [...runs, ...heir.runs]) run.end();
			await Promise.all([...schedulers, heir.first].map((scheduler) => scheduler.idle()));
		}),
		{ numRuns: 25 }
	);
});

/** Tasks. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const TaskState = z.object({
	name: z.string(),
	title: z.string(),
	interval_s: z.int().positive(),
	is_enabled: z.boolean(),
	next_run_at: z.string(),
	last_run_at: z.string().nullable(),
	last_duration_ms: z.int().nonnegative().nullable(),
	/** In full for the operator of the server only: it may speak of any account. */
	last_error: z.string().nullable(),
	is_running: z.boolean(),
	runs: z.int().nonnegative(),
	failures: z.int().nonnegative()
});
export type TaskState = z.infer<typeof TaskState>;

const Finished = z.object({
	failures_before: z.int().nonnegative(),
	failures_in_row: z.int().nonnegative()
});
export type Finished = z.infer<typeof Finished>;

const Names = z.array(z.string());

export const listTasks = (
	sql: Sql | TransactionSql,
	accountId: string,
	now?: Date
): Promise<TaskState[]> =>
	ask(
		z.array(TaskState),
		sql`select app.list_tasks(${accountId}, coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Makes a task due now. For the owner of the operator's account. */
export const runTask = (
	sql: Sql | TransactionSql,
	accountId: string,
	name: string,
	now?: Date
): Promise<TaskState> =>
	ask(
		TaskState,
		sql`select app.run_task(${accountId}, ${name}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

/** For the owner of the operator's account. */
export const setTaskEnabled = (
	sql: Sql | TransactionSql,
	accountId: string,
	name: string,
	isEnabled: boolean,
	now?: Date
): Promise<TaskState> =>
	ask(
		TaskState,
		sql`select app.set_task_enabled(${accountId}, ${name}, ${isEnabled},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Makes the tasks of a server known. Trusted server, as is all below. */
export async function registerTasks(
	sql: Sql | TransactionSql,
	tasks: readonly { name: string; title: string; interval_s: number }[],
	now?: Date
): Promise<void> {
	const listed = tasks.map(({ name, title, interval_s }) => ({ name, title, interval_s }));
	await ask(
		z.unknown(),
		sql`select app.register_tasks(${sql.json(listed)}, coalesce(${now ?? null}, clock_timestamp()))::text
			as answer`
	);
}

/** Takes due tasks of these names under a lease; nobody else gets them meanwhile. */
export const claimTasks = (
	sql: Sql | TransactionSql,
	owner: string,
	names: readonly string[],
	limit: number,
	leaseS: number,
	now?: Date
): Promise<string[]> =>
	ask(
		Names,
		sql`select to_jsonb(app.claim_tasks(${owner}, ${[...names]}, ${limit}, ${leaseS},
			coalesce(${now ?? null}, clock_timestamp()))) as answer`
	);

/** Which of these tasks are still the owner's, their leases renewed. */
export const renewTasks = (
	sql: Sql | TransactionSql,
	owner: string,
	names: readonly string[],
	leaseS: number,
	now?: Date
): Promise<string[]> =>
	ask(
		Names,
		sql`select to_jsonb(app.renew_tasks(${owner}, ${[...names]}, ${leaseS},
			coalesce(${now ?? null}, clock_timestamp()))) as answer`
	);

/** Ends a run; `error` null: it went well. Null: it was not the owner's any more. */
export const finishTask = (
	sql: Sql | TransactionSql,
	owner: string,
	name: string,
	error: string | null,
	durationMs: number,
	now?: Date
): Promise<Finished | null> =>
	ask(
		Finished.nullable(),
		sql`select app.finish_task(${owner}, ${name}, ${error}, ${durationMs},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Gives back a task that was broken off. */
export async function releaseTask(
	sql: Sql | TransactionSql,
	owner: string,
	name: string,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.release_task(${owner}, ${name}, coalesce(${now ?? null}, clock_timestamp()))::text
			as answer`
	);
}

/** Forgets sessions and verifications that have ended. */
export const purgeSessions = (
	sql: Sql | TransactionSql,
	now?: Date
): Promise<{ sessions: number; verifications: number }> =>
	ask(
		z.object({ sessions: z.int(), verifications: z.int() }),
		sql`select app.purge_sessions(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Drops whole months of events that ended before; how many. */
export const dropEventPartitions = (
	sql: Sql | TransactionSql,
	before: Date,
	now?: Date
): Promise<number> =>
	ask(
		z.int(),
		sql`select app.drop_event_partitions(${before}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

/** What `/v1/tasks` answers: see `answers.ts`. */
import { z } from 'zod';

export const Task = z.object({
	name: z.string(),
	title: z.string(),
	interval_s: z.number().positive(),
	is_enabled: z.boolean(),
	next_run_at: z.string().nullable(),
	last_run_at: z.string().nullable(),
	last_duration_ms: z.number().nonnegative().nullable(),
	last_error: z.string().nullable(),
	is_running: z.boolean(),
	runs: z.int().nonnegative(),
	failures: z.int().nonnegative()
});
export type Task = z.infer<typeof Task>;

/** The server's recurring tasks. They work for all accounts: only the operator starts or stops them. */
import { z } from 'zod';
import * as tasks from '$lib/server/backend/statements/tasks.ts';
import { defineAction } from './define.ts';
import { listed } from './fields.ts';
import { accountOf } from './principal.ts';

const TaskName = z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be the name of a task');

const list = defineAction({
	id: 'tasks.list',
	summary: 'Lists what this server does again and again, when, and how it went.',
	method: 'GET',
	path: '/tasks',
	permission: 'connections:read',
	polled: true,
	input: z.strictObject({}),
	output: listed(tasks.TaskState),
	run: async ({ as, principal }) => ({
		items: await as((sql) => tasks.listTasks(sql, accountOf(principal)))
	})
});

const runNow = defineAction({
	id: 'tasks.run',
	summary:
		'Runs a task now, also a disabled one. Tasks work for every account of this server, so only the owner of the account that was made first on it may.',
	method: 'POST',
	path: '/tasks/{name}/run',
	permission: 'account:manage',
	input: z.strictObject({ name: TaskName }),
	output: tasks.TaskState,
	run: async ({ as, principal, services }, { name }) => {
		const task = await as((sql) => tasks.runTask(sql, accountOf(principal), name));
		// Another process may take it at its next tick; this one looks at once.
		services.scheduler.nudge();
		return task;
	}
});

const update = defineAction({
	id: 'tasks.update',
	summary:
		'Lets a task run by itself, or not. Only for the owner of the account that was made first on this server.',
	method: 'PUT',
	path: '/tasks/{name}',
	permission: 'account:manage',
	input: z.strictObject({ name: TaskName, is_enabled: z.boolean() }),
	output: tasks.TaskState,
	run: ({ as, principal }, { name, is_enabled }) =>
		as((sql) => tasks.setTaskEnabled(sql, accountOf(principal), name, is_enabled))
});

export const taskActions = [list, runNow, update];

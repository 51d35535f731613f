/** How a connection's events come, how reliably, and what is the matter. */
import { z } from 'zod';
import { wait } from '$lib/bus/clock.ts';
import {
	getSource,
	requestReconcile,
	StoredSource
} from '$lib/server/backend/statements/sources.ts';
import { describe } from '$lib/server/sources/problems.ts';
import { defineAction, type ActionContext } from './define.ts';
import { Id } from './fields.ts';
import { accountOf } from './principal.ts';

const SourceAnswer = StoredSource.extend({
	problems: z.array(
		z.object({
			/** Stable. */
			code: z.string(),
			text: z.string(),
			way_out: z.string(),
			since: z.string()
		})
	)
});

const read = async ({ as, principal }: ActionContext, id: string) => {
	const stored = await as((sql) => getSource(sql, accountOf(principal), id));
	return { ...stored, problems: stored.problems.map(describe) };
};

const get = defineAction({
	id: 'connections.source',
	summary: 'Tells how a channel’s events come: state, subscriptions, quota, polls, problems.',
	method: 'GET',
	path: '/connections/{id}/source',
	polled: true,
	permission: 'connections:read',
	input: z.strictObject({ id: Id }),
	output: SourceAnswer,
	run: (context, { id }) => read(context, id)
});

/** How long an answer waits for another process to have done it. */
const WAIT_MS = 10_000;
const LOOK_MS = 250;

const reconcile = defineAction({
	id: 'connections.reconcile',
	summary:
		'Compares a channel’s subscriptions with what should be, mends them, and looks at its lists.',
	method: 'POST',
	path: '/connections/{id}/reconcile',
	permission: 'connections:edit',
	input: z.strictObject({ id: Id }),
	output: SourceAnswer,
	run: async (context, { id }) => {
		const { as, principal, services, signal } = context;
		const asked = await as((sql) => requestReconcile(sql, accountOf(principal), id));
		const source = services.sources.find(id);
		if (source !== undefined) {
			await source.refresh();
			return read(context, id);
		}
		// Another process has it and hears of the request.
		for (let waited = 0; ; waited += LOOK_MS) {
			const answer = await read(context, id);
			const isDone =
				answer.reconciled_at !== null && Date.parse(answer.reconciled_at) >= Date.parse(asked);
			if (isDone || waited >= WAIT_MS || signal.aborted) return answer;
			await wait(LOOK_MS, signal);
		}
	}
});

export const sourceActions = [get, reconcile];

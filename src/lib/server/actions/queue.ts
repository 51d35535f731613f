/** The queue: what plays, what waits, and the commands that steer it. */
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';
import * as queue from '$lib/server/backend/statements/queue.ts';
import { defineAction } from './define.ts';
import { Id } from './fields.ts';
import { accountOf } from './principal.ts';

const get = defineAction({
	id: 'queue.get',
	summary: 'Reads the queues of all overlays: playing, waiting, recent, and who shows them.',
	method: 'GET',
	path: '/queue',
	polled: true,
	permission: 'events:read',
	input: z.strictObject({}),
	output: queue.Queue,
	run: ({ as, principal }) => as((sql) => queue.getQueue(sql, accountOf(principal)))
});

const Target = z.strictObject({ overlay_id: Id.nullable().default(null) });

const pause = defineAction({
	id: 'queue.pause',
	summary: 'Lets nothing new begin, on one overlay or on all. What plays ends as usual.',
	method: 'POST',
	path: '/queue/pause',
	permission: 'queue:control',
	input: Target,
	output: queue.Paused,
	run: ({ as, principal }, { overlay_id }) =>
		as((sql) => queue.pause(sql, accountOf(principal), overlay_id))
});

const resume = defineAction({
	id: 'queue.resume',
	summary: 'Ends a pause, of one overlay or of all.',
	method: 'POST',
	path: '/queue/resume',
	permission: 'queue:control',
	input: Target,
	output: queue.Paused,
	run: ({ as, principal }, { overlay_id }) =>
		as((sql) => queue.resume(sql, accountOf(principal), overlay_id))
});

const skip = defineAction({
	id: 'queue.skip',
	summary: 'Ends what plays on an overlay, in one lane or in all, and lets the next begin.',
	method: 'POST',
	path: '/queue/skip',
	permission: 'queue:control',
	input: z.strictObject({ overlay_id: Id, lane: Text(100).min(1).nullable().default(null) }),
	output: queue.Skipped,
	run: ({ as, principal }, { overlay_id, lane }) =>
		as((sql) => queue.skip(sql, accountOf(principal), overlay_id, lane))
});

const cancelPlay = defineAction({
	id: 'plays.cancel',
	summary: 'Takes one play off its screen or out of its queue.',
	method: 'POST',
	path: '/plays/{id}/cancel',
	permission: 'queue:control',
	input: z.strictObject({ id: Id }),
	output: queue.Cancelled,
	run: ({ as, principal }, { id }) => as((sql) => queue.cancelPlay(sql, accountOf(principal), id))
});

export const queueActions = [get, pause, resume, skip, cancelPlay];

/** Events: list, read, send, test, cancel, replay. */
import { z } from 'zod';
import {
	Draft,
	EventClass,
	EventOrigin,
	EventStatus,
	EventType,
	JsonObject,
	Metadata,
	Priority,
	Text
} from '$lib/bus/event.ts';
import { AppError } from '$lib/bus/error.ts';
import type { TransactionSql } from '$lib/server/backend/index.ts';
import { findTemplate } from '$lib/server/backend/statements/event-types.ts';
import * as events from '$lib/server/backend/statements/events.ts';
import * as queue from '$lib/server/backend/statements/queue.ts';
import { fillTemplate, Variables } from '$lib/server/event-template.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import { defineAction, type ActionContext } from './define.ts';
import { findKind, requireKind } from './event-types.ts';
import { Count, Id, Instant, ListOf, PlatformName } from './fields.ts';
import { accountOf } from './principal.ts';

/** What events may be narrowed to, wherever they are listed. */
export const EventFilter = {
	types: ListOf(EventType, 50).optional(),
	platform: ListOf(PlatformName, 20).optional(),
	origin: ListOf(EventOrigin, 4).optional(),
	status: EventStatus.optional(),
	search: Text(200).trim().min(1).optional(),
	from: Instant.optional(),
	to: Instant.optional()
};

const list = defineAction({
	id: 'events.list',
	summary: 'Lists events, newest first, by page or by cursor.',
	method: 'GET',
	path: '/events',
	permission: 'events:read',
	input: z
		.strictObject({
			...EventFilter,
			page: Count(1, 1_000_000).default(1),
			limit: Count(1, 100).default(25),
			cursor: Count(1, Number.MAX_SAFE_INTEGER).optional(),
			/** `upcoming`: those that wait for their `scheduled_at`, the next one first. */
			scheduled: z.enum(['upcoming']).optional()
		})
		.superRefine((filter, context) => {
			if (filter.scheduled === undefined) return;
			for (const path of ['origin', 'status', 'search', 'from', 'to', 'cursor'] as const)
				if (filter[path] !== undefined)
					context.addIssue({
						code: 'custom',
						path: [path],
						message: 'cannot be combined with "scheduled"'
					});
		})
		.refine(({ from, to }) => !from || !to || Date.parse(from) <= Date.parse(to), {
			path: ['from'],
			message: 'must not be after "to"'
		}),
	output: events.EventPage,
	run: ({ as, principal }, { scheduled, ...filter }) =>
		as((sql) =>
			scheduled === undefined
				? events.listEvents(sql, accountOf(principal), filter)
				: events.listUpcoming(sql, accountOf(principal), filter)
		)
});

const get = defineAction({
	id: 'events.get',
	summary: 'Reads one event with its plays and their history.',
	method: 'GET',
	path: '/events/{id}',
	permission: 'events:read',
	input: z.strictObject({ id: Id }),
	output: events.EventDetail,
	run: ({ as, principal }, { id }) => as((sql) => events.getEvent(sql, accountOf(principal), id))
});

const Emitted = z
	.object({
		event_id: z.uuid(),
		seq: z.int(),
		status: EventStatus,
		outcome: z.enum(['recorded', 'duplicate'])
	})
	.meta({ id: 'Emitted' });

/** Records one event as the principal, who is named in the audit log. */
async function emit(
	sql: TransactionSql,
	accountId: string,
	draft: Draft
): Promise<z.infer<typeof Emitted>> {
	const [first] = await events.emitEvents(sql, accountId, [draft]);
	if (first === undefined) throw new AppError('internal', 'No outcome for one draft.');
	const { event_id, seq, status, outcome } = first;
	return { event_id, seq, status, outcome };
}

const Emit = z
	.strictObject({
		/** Unless a template says it. */
		event_type: EventType.optional(),
		/** Unless given: what the template or the event type says, else `animated`. */
		class: EventClass.optional(),
		platform: PlatformName.optional(),
		external_id: Text(300).min(1).optional(),
		/** Over a template's data, field by field. */
		data: JsonObject.default({}),
		metadata: Metadata.default({}),
		priority: Priority.optional(),
		duration_ms: z.int().min(500).max(120_000).optional(),
		cancelable: z.boolean().default(true),
		replayable: z.boolean().default(true),
		scheduled_at: Instant.optional(),
		occurred_at: Instant.optional(),
		/** A template to make the event of. */
		template_id: Id.optional(),
		/** All that the template needs. */
		variables: Variables.optional()
	})
	.superRefine(({ event_type, template_id, variables }, context) => {
		const refuse = (path: string, message: string) =>
			context.addIssue({ code: 'custom', path: [path], message });
		if (event_type === undefined && template_id === undefined)
			refuse('event_type', 'is needed, or a template_id');
		if (event_type !== undefined && template_id !== undefined)
			refuse('event_type', 'is what the template says: leave one of them out');
		if (variables !== undefined && template_id === undefined)
			refuse('variables', 'are for a template: name it in template_id');
	});

const emission = {
	summary: 'Records an event and shows it on the overlays that want it.',
	method: 'POST',
	permission: 'events:create',
	input: Emit,
	output: Emitted,
	status: 201,
	run: ({ as, principal }: ActionContext, input: z.infer<typeof Emit>) =>
		as(async (sql) => {
			const { template_id, variables = {}, ...given } = input;
			const account = accountOf(principal);
			const template =
				template_id === undefined ? null : await findTemplate(sql, account, template_id);
			const event_type = given.event_type ?? template?.event_type ?? '';
			const kind = await findKind(sql, account, event_type);
			const filled = template === null ? {} : fillTemplate(template, variables);
			const data = { ...filled, ...given.data };
			kind?.judge(data);
			const eventClass = given.class ?? template?.class ?? kind?.class ?? 'animated';
			if (given.scheduled_at !== undefined && eventClass !== 'animated' && eventClass !== 'alert')
				throw new AppError('invalid_input', 'scheduled_at: only what is shown can wait.', {
					issues: [
						{
							path: 'scheduled_at',
							message: `is for animated events and alerts: ${eventClass} events are passed on at once`
						}
					]
				});
			const draft = parseInput(Draft, {
				...given,
				...{ event_type, data, class: eventClass, origin: 'manual' },
				platform: given.platform ?? event_type.split(':')[0],
				priority: given.priority ?? template?.priority ?? kind?.priority,
				duration_ms: given.duration_ms ?? template?.duration_ms ?? kind?.duration_ms ?? null
			});
			return emit(sql, account, draft);
		})
} as const;

const create = defineAction({ ...emission, id: 'events.create', path: '/events' });
const emitNow = defineAction({ ...emission, id: 'events.emit', path: '/events/emit' });

const test = defineAction({
	id: 'events.test',
	summary: 'Sends an invented event of a known type, marked as a test.',
	method: 'POST',
	path: '/events/test',
	permission: 'events:create',
	input: z.strictObject({
		event_type: EventType,
		/** Takes the place of the sample, field by field. */
		data: JsonObject.default({})
	}),
	output: Emitted,
	status: 201,
	run: ({ as, principal }, { event_type, data }) =>
		as(async (sql) => {
			const account = accountOf(principal);
			const kind = requireKind(await findKind(sql, account, event_type), event_type);
			const shown = { ...kind.sample, ...data };
			kind.judge(shown);
			const draft = parseInput(Draft, {
				...{ event_type, data: shown, origin: 'test' },
				class: kind.class,
				platform: event_type.split(':')[0],
				priority: kind.priority,
				duration_ms: kind.duration_ms
			});
			return emit(sql, account, draft);
		})
});

const cancel = defineAction({
	id: 'events.cancel',
	summary: 'Takes an event off every screen and out of every queue, for good.',
	method: 'PUT',
	path: '/events/{id}/cancel',
	permission: 'queue:control',
	input: z.strictObject({ id: Id }),
	output: queue.Cancelled,
	run: ({ as, principal }, { id }) => as((sql) => queue.cancelEvent(sql, accountOf(principal), id))
});

const replay = defineAction({
	id: 'events.replay',
	summary: 'Shows an event again, on the overlays that had it or on one.',
	method: 'POST',
	path: '/events/{id}/replay',
	permission: 'queue:control',
	input: z.strictObject({ id: Id, overlay_id: Id.nullable().default(null) }),
	output: queue.Replayed,
	run: ({ as, principal }, { id, overlay_id }) =>
		as((sql) => queue.replayEvent(sql, accountOf(principal), id, overlay_id))
});

export const eventActions = [list, get, create, emitNow, test, cancel, replay];

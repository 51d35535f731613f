/** Events: list, read, send, test, cancel, replay, and which kinds there are. */
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
import { eventTypes, findEventType } from '$lib/platforms/catalog.ts';
import type { EventTypeDefinition } from '$lib/platforms/platform.ts';
import * as events from '$lib/server/backend/statements/events.ts';
import * as queue from '$lib/server/backend/statements/queue.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import { defineAction, type ActionContext } from './define.ts';
import { Count, Id, Instant, listed, ListOf } from './fields.ts';
import { accountOf } from './principal.ts';

const PlatformName = z
	.string()
	.max(50)
	.regex(/^[a-z][a-z0-9_]*$/, 'must be the name of a platform, in lower case');

const list = defineAction({
	id: 'events.list',
	summary: 'Lists events, newest first, by page or by cursor.',
	method: 'GET',
	path: '/events',
	permission: 'events:read',
	input: z
		.strictObject({
			types: ListOf(EventType, 50).optional(),
			platform: ListOf(PlatformName, 20).optional(),
			origin: ListOf(EventOrigin, 4).optional(),
			status: EventStatus.optional(),
			search: Text(200).trim().min(1).optional(),
			from: Instant.optional(),
			to: Instant.optional(),
			page: Count(1, 1_000_000).default(1),
			limit: Count(1, 100).default(25),
			cursor: Count(1, Number.MAX_SAFE_INTEGER).optional()
		})
		.refine(({ from, to }) => !from || !to || Date.parse(from) <= Date.parse(to), {
			path: ['from'],
			message: 'must not be after "to"'
		}),
	output: events.EventPage,
	run: ({ as, principal }, filter) =>
		as((sql) => events.listEvents(sql, accountOf(principal), filter))
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
	{ as, principal }: ActionContext,
	draft: Draft
): Promise<z.infer<typeof Emitted>> {
	const [first] = await as((sql) => events.emitEvents(sql, accountOf(principal), [draft]));
	if (first === undefined) throw new AppError('internal', 'No outcome for one draft.');
	const { event_id, seq, status, outcome } = first;
	return { event_id, seq, status, outcome };
}

/** Data of a known type must have the shape that its type documents: elements rely on it. */
function judgeData(known: EventTypeDefinition | undefined, data: JsonObject): void {
	if (known !== undefined) parseInput(z.object({ data: known.data }), { data });
}

const Emit = z.strictObject({
	event_type: EventType,
	/** Unless given: what the event type says, else `animated`. */
	class: EventClass.optional(),
	platform: PlatformName.optional(),
	external_id: Text(300).min(1).optional(),
	data: JsonObject.default({}),
	metadata: Metadata.default({}),
	priority: Priority.optional(),
	duration_ms: z.int().min(500).max(120_000).optional(),
	cancelable: z.boolean().default(true),
	replayable: z.boolean().default(true),
	scheduled_at: Instant.optional(),
	occurred_at: Instant.optional()
});

const emission = {
	summary: 'Records an event and shows it on the overlays that want it.',
	method: 'POST',
	permission: 'events:create',
	input: Emit,
	output: Emitted,
	status: 201,
	run: async (context: ActionContext, input: z.infer<typeof Emit>) => {
		const known = findEventType(input.event_type);
		judgeData(known, input.data);
		return emit(
			context,
			Draft.parse({
				...input,
				class: input.class ?? known?.class ?? 'animated',
				platform: input.platform ?? input.event_type.split(':')[0],
				priority: input.priority ?? known?.priority,
				duration_ms: input.duration_ms ?? known?.duration_ms ?? null,
				origin: 'manual'
			})
		);
	}
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
	run: async (context, { event_type, data }) => {
		const known = findEventType(event_type);
		if (known === undefined)
			throw new AppError('invalid_input', `event_type: ${event_type} is not a known event type.`, {
				issues: [{ path: 'event_type', message: 'is not a known event type' }]
			});
		const shown = { ...known.sample, ...data };
		judgeData(known, shown);
		return emit(
			context,
			Draft.parse({
				event_type,
				class: known.class,
				platform: event_type.split(':')[0],
				priority: known.priority,
				duration_ms: known.duration_ms,
				data: shown,
				origin: 'test'
			})
		);
	}
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

const types = defineAction({
	id: 'event-types.list',
	summary: 'Lists the kinds of events that are known, with a sample of each.',
	method: 'GET',
	path: '/event-types',
	polled: true,
	permission: 'signed-in',
	input: z.strictObject({}),
	output: listed(
		z.object({
			type: EventType,
			platform: z.string(),
			class: EventClass,
			title: z.string(),
			description: z.string(),
			duration_ms: z.int().nullable(),
			priority: Priority,
			sample: z.record(z.string(), z.json())
		})
	),
	run: async () => ({
		items: eventTypes.map(
			({ type, class: eventClass, title, description, duration_ms, priority, sample }) => ({
				type,
				platform: type.split(':')[0] ?? '',
				class: eventClass,
				title,
				description,
				duration_ms,
				priority,
				sample
			})
		)
	})
});

export const eventActions = [list, get, create, emitNow, test, cancel, replay, types];

/** Kinds of events: those that platforms bring, and an account's own, `custom:…`. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { EventClass, EventType, JsonObject, Priority, Text } from '$lib/bus/event.ts';
import { eventTypes, findEventType } from '$lib/platforms/catalog.ts';
import type { TransactionSql } from '$lib/server/backend/index.ts';
import * as own from '$lib/server/backend/statements/event-types.ts';
import { judgeBySchema, schemaIssues } from '$lib/server/event-schema.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import { defineAction } from './define.ts';
import { listed, Name } from './fields.ts';
import { accountOf } from './principal.ts';

/** What a type says of its events. `judge` throws `invalid_input` for data of another shape. */
export interface EventKind {
	readonly class: EventClass;
	readonly priority: Priority;
	readonly duration_ms: number | null;
	readonly sample: JsonObject;
	judge(data: JsonObject): void;
}

/** A type as the platforms or the account define it; null for one that nobody wrote down. */
export async function findKind(
	sql: TransactionSql,
	accountId: string,
	type: string
): Promise<EventKind | null> {
	const builtIn = findEventType(type);
	if (builtIn !== undefined)
		return {
			...builtIn,
			judge: (data) => void parseInput(z.object({ data: builtIn.data }), { data })
		};
	const custom = await own.findOwnEventType(sql, accountId, type);
	if (custom === null) return null;
	const { schema } = custom;
	return {
		...custom,
		judge: (data) => schema !== null && judgeBySchema(schema, data, 'data')
	};
}

const EventTypeInfo = z.object({
	type: EventType,
	platform: z.string(),
	class: EventClass,
	title: z.string(),
	description: z.string(),
	duration_ms: z.int().nullable(),
	priority: Priority,
	sample: z.record(z.string(), z.json()),
	/** Made by this account; others come with their platform. */
	is_custom: z.boolean(),
	/** JSON Schema of the data of a custom type; null: any data. */
	schema: z.record(z.string(), z.json()).nullable()
});

const infoOf = (type: own.OwnEventType): z.infer<typeof EventTypeInfo> => ({
	type: type.type,
	platform: 'custom',
	class: type.class,
	title: type.title,
	description: type.description,
	duration_ms: type.duration_ms,
	priority: type.priority,
	sample: type.sample,
	is_custom: true,
	schema: type.schema
});

const builtIn: readonly z.infer<typeof EventTypeInfo>[] = eventTypes.map(
	({ type, class: eventClass, title, description, duration_ms, priority, sample }) => ({
		...{ type, title, description, duration_ms, priority, sample },
		platform: type.split(':')[0] ?? '',
		class: eventClass,
		is_custom: false,
		schema: null
	})
);

const list = defineAction({
	id: 'event-types.list',
	summary: 'Lists the kinds of events that are known, with a sample of each.',
	method: 'GET',
	path: '/event-types',
	polled: true,
	permission: 'signed-in',
	input: z.strictObject({}),
	output: listed(EventTypeInfo),
	run: async ({ as, principal }) => {
		// Somebody without an account yet has no types of their own.
		if (principal.kind === 'member' && principal.account_id === null)
			return { items: [...builtIn] };
		const mine = await as((sql) => own.listEventTypes(sql, accountOf(principal)));
		return { items: [...builtIn, ...mine.map(infoOf)] };
	}
});

const Described = z.strictObject({
	title: Name,
	description: Text(500).trim().default(''),
	class: EventClass.default('animated'),
	duration_ms: z.int().min(500).max(120_000).nullable().default(null),
	priority: Priority.default('normal'),
	/** JSON Schema of the data, without `$ref`, `pattern` and `uniqueItems`; null: any data. */
	schema: JsonObject.superRefine((schema, context) => {
		for (const { path, message } of schemaIssues(schema).slice(0, 20))
			context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('.'), message });
	})
		.nullable()
		.default(null),
	/** What a test event and the designer show. */
	sample: JsonObject.default({})
});

const CustomName = z
	.string()
	.regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be a word in lower case, of at most 50 letters');

/** A sample of another shape than its schema would make every test fail. */
function judgeSample({ schema, sample }: z.infer<typeof Described>): void {
	if (schema !== null) judgeBySchema(schema, sample, 'sample');
}

const create = defineAction({
	id: 'event-types.create',
	summary: 'Makes a kind of event of one’s own, such as custom:high_score.',
	method: 'POST',
	path: '/event-types',
	permission: 'overlays:edit',
	status: 201,
	input: Described.extend({
		type: z
			.string()
			.regex(
				/^custom:[a-z][a-z0-9_]{0,49}$/,
				'must look like custom:name, in lower case, of at most 50 letters'
			)
	}),
	output: EventTypeInfo,
	run: async ({ as, principal }, form) => {
		judgeSample(form);
		return infoOf(await as((sql) => own.createEventType(sql, accountOf(principal), form)));
	}
});

const update = defineAction({
	id: 'event-types.update',
	summary: 'Changes a kind of event of one’s own; {name} is what follows custom:.',
	method: 'PUT',
	path: '/event-types/{name}',
	permission: 'overlays:edit',
	input: Described.extend({ name: CustomName }),
	output: EventTypeInfo,
	run: async ({ as, principal }, { name, ...form }) => {
		judgeSample(form);
		const named = { ...form, type: `custom:${name}` };
		return infoOf(await as((sql) => own.updateEventType(sql, accountOf(principal), named)));
	}
});

const remove = defineAction({
	id: 'event-types.delete',
	summary: 'Deletes a kind of event of one’s own; its events stay.',
	method: 'DELETE',
	path: '/event-types/{name}',
	permission: 'overlays:edit',
	input: z.strictObject({ name: CustomName }),
	output: z.object({ deleted: z.literal(true) }),
	run: ({ as, principal }, { name }) =>
		as((sql) => own.deleteEventType(sql, accountOf(principal), `custom:${name}`))
});

/** Refuses a type that has no definition, where one is needed. */
export function requireKind(kind: EventKind | null, type: string): EventKind {
	if (kind !== null) return kind;
	throw new AppError('invalid_input', `event_type: ${type} is not a known event type.`, {
		issues: [{ path: 'event_type', message: 'is not a known event type' }]
	});
}

export const eventTypeActions = [list, create, update, remove];

/**
 * What happened. One JSON document, made by an adapter, never reshaped afterwards.
 * Field names are snake_case because the same document is a row, a broadcast and a REST answer.
 */
import { z } from 'zod';

export const eventClasses = ['animated', 'data', 'alert', 'system'] as const;
export const EventClass = z.enum(eventClasses);
export type EventClass = z.infer<typeof EventClass>;

export const eventOrigins = ['live', 'test', 'manual', 'poll'] as const;
export const EventOrigin = z.enum(eventOrigins);
export type EventOrigin = z.infer<typeof EventOrigin>;

/** Ordered from least to most urgent; SQL keeps them as 0, 10, 20, 30 so that a plain sort works. */
export const priorities = ['low', 'normal', 'high', 'critical'] as const;
export const Priority = z.enum(priorities);
export type Priority = z.infer<typeof Priority>;

/** Derived from an event's plays, never set beside them; `pending` also before any play exists. */
export const eventStatuses = ['pending', 'active', 'completed', 'cancelled'] as const;
export const EventStatus = z.enum(eventStatuses);
export type EventStatus = z.infer<typeof EventStatus>;

/** `platform:action`, both lower case: `twitch:follower`, `chat:message`, `custom:high_score`. */
export const EventType = z
	.string()
	.max(100)
	.regex(/^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$/, 'must look like platform:action');
export type EventType = z.infer<typeof EventType>;

/** Postgres refuses U+0000 in text and jsonb, and lone surrogates: refuse them at the door. */
const storable = (text: string) => !text.includes('\u0000') && text.isWellFormed();
const notStorable = 'contains a character that cannot be stored (U+0000 or a lone surrogate)';

/** Text that Postgres can store. */
export const Text = (max: number) => z.string().max(max).refine(storable, notStorable);

/** Largest `data` or `raw` document, in UTF-16 code units of its JSON. */
export const MAX_DOCUMENT_LENGTH = 65_536;
/** Deepest nesting of `data` or `raw`. */
export const MAX_DOCUMENT_DEPTH = 32;

function depthOf(value: unknown, limit: number): number {
	if (value === null || typeof value !== 'object') return 0;
	if (limit === 0) return 1;
	let deepest = 0;
	for (const child of Object.values(value)) deepest = Math.max(deepest, depthOf(child, limit - 1));
	return deepest + 1;
}

/**
 * A JSON object of bounded size and depth whose text Postgres can store. Unknown keys are kept:
 * what the document means is its type's business.
 */
export const JsonObject = z.record(z.string(), z.json()).superRefine((value, context) => {
	if (depthOf(value, MAX_DOCUMENT_DEPTH + 1) > MAX_DOCUMENT_DEPTH) {
		context.addIssue({ code: 'custom', message: `nests deeper than ${MAX_DOCUMENT_DEPTH}` });
		return;
	}
	const json = JSON.stringify(value);
	if (json.length > MAX_DOCUMENT_LENGTH)
		context.addIssue({ code: 'custom', message: `is longer than ${MAX_DOCUMENT_LENGTH}` });
	// JSON.stringify writes both forbidden kinds as escapes, so one look at the text finds them.
	if (/(?<!\\)(?:\\\\)*\\u(0000|d[89a-f])/i.test(json))
		context.addIssue({ code: 'custom', message: notStorable });
});
export type JsonObject = z.infer<typeof JsonObject>;

export const Metadata = z
	.object({
		tournament_id: z.int().optional(),
		division_id: z.int().optional(),
		user_id: z.int().optional(),
		tags: z.array(Text(100)).max(50).optional()
	})
	.strict();
export type Metadata = z.infer<typeof Metadata>;

export const Instant = z.iso.datetime({ offset: true });

/**
 * What an adapter hands to the door: an event that has no id and no seq yet.
 * `transport_key` names the delivery (a webhook's message id), `business_key` the fact itself
 * (a redemption's id); either one seen before makes the draft a duplicate.
 */
export const Draft = z.object({
	event_type: EventType,
	class: EventClass,
	platform: z.string().min(1).max(50),
	origin: EventOrigin.default('live'),
	external_id: Text(300).nullable().default(null),
	transport_key: Text(400).nullable().default(null),
	business_key: Text(400).nullable().default(null),
	/** Normalised, the shape its event type documents. */
	data: JsonObject,
	/** As the platform sent it. */
	raw: JsonObject.nullable().default(null),
	metadata: Metadata.default({}),
	priority: Priority.default('normal'),
	duration_ms: z.int().min(500).max(120_000).nullable().default(null),
	cancelable: z.boolean().default(true),
	replayable: z.boolean().default(true),
	scheduled_at: Instant.nullable().default(null),
	/** When the platform says it happened; never used for order. */
	occurred_at: Instant.nullable().default(null)
});
export type Draft = z.infer<typeof Draft>;
export type DraftInput = z.input<typeof Draft>;

/** An event as stored, broadcast and answered. */
export const StreamingEvent = z.object({
	id: z.uuid(),
	account_id: z.uuid(),
	/** Position in the account's log: 1, 2, 3 … without holes, in commit order. */
	seq: z.int().positive(),
	event_type: EventType,
	class: EventClass,
	platform: z.string(),
	origin: EventOrigin,
	external_id: z.string().nullable(),
	data: z.record(z.string(), z.json()),
	metadata: z.record(z.string(), z.json()),
	priority: Priority,
	status: EventStatus,
	duration_ms: z.int().nullable(),
	cancelable: z.boolean(),
	replayable: z.boolean(),
	scheduled_at: z.string().nullable(),
	occurred_at: z.string().nullable(),
	created_at: z.string(),
	started_at: z.string().nullable(),
	completed_at: z.string().nullable()
});
export type StreamingEvent = z.infer<typeof StreamingEvent>;

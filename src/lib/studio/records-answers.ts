/** What `/v1/audit`, `/v1/analytics` and `/v1/keys` answer, beyond `answers.ts`: see there. */
import { z } from 'zod';

export const keyKinds = ['api', 'ingest', 'overlay', 'remote'] as const;
export type KeyKind = (typeof keyKinds)[number];

export const AuditEntry = z.object({
	id: z.int(),
	at: z.string(),
	actor_kind: z.string(),
	actor_id: z.uuid().nullable(),
	actor_name: z.string().nullable(),
	action: z.string(),
	target_kind: z.string().nullable(),
	target_id: z.uuid().nullable(),
	detail: z.record(z.string(), z.json())
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = z.object({
	items: z.array(AuditEntry),
	next_cursor: z.string().nullable()
});
export type AuditPage = z.infer<typeof AuditPage>;

const Span = z.object({
	from: z.string(),
	to: z.string(),
	time_zone: z.string(),
	interval: z.enum(['hour', 'day'])
});
const Figure = z.number().nonnegative();

/** What is nought is left out of the lists. */
export const EventFigures = Span.extend({
	total: Figure,
	by_type: z.array(z.object({ event_type: z.string(), count: Figure })),
	by_platform: z.array(z.object({ platform: z.string(), count: Figure })),
	by_hour: z.array(z.object({ hour: z.int(), count: Figure })),
	series: z.array(z.object({ at: z.string(), count: Figure }))
});
export type EventFigures = z.infer<typeof EventFigures>;

export const OverlayFigures = z.object({
	overlay_id: z.uuid(),
	name: z.string(),
	plays: Figure,
	shown: Figure,
	completed: Figure,
	cancelled: Figure,
	skipped: Figure,
	expired: Figure,
	failed: Figure,
	delay: z.object({
		plays: Figure,
		p50_ms: Figure.nullable(),
		p95_ms: Figure.nullable(),
		max_ms: Figure.nullable()
	})
});
export type OverlayFigures = z.infer<typeof OverlayFigures>;

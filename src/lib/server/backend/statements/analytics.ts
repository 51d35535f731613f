/** Counts. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

const Count = z.int().nonnegative();
const Span = {
	/** As counted: whole quarters of an hour. */
	from: z.string(),
	to: z.string(),
	time_zone: z.string(),
	interval: z.enum(['hour', 'day'])
};

export const EventAnalytics = z
	.object({
		...Span,
		total: Count,
		/** Most first. What is nought is left out, here and below. */
		by_type: z.array(z.object({ event_type: z.string(), count: Count })),
		by_platform: z.array(z.object({ platform: z.string(), count: Count })),
		/** Hour of the day in the time zone, 0 to 23. */
		by_hour: z.array(z.object({ hour: z.int().min(0).max(23), count: Count })),
		/** `at`: start of the hour or day in the time zone. */
		series: z.array(z.object({ at: z.string(), count: Count }))
	})
	.meta({ id: 'EventAnalytics' });
export type EventAnalytics = z.infer<typeof EventAnalytics>;

export const OverlayAnalytics = z
	.object({
		...Span,
		items: z.array(
			z.object({
				overlay_id: z.uuid(),
				name: z.string(),
				/** Those that ended in this time. */
				plays: Count,
				/** Of them, those that a page has drawn. */
				shown: Count,
				completed: Count,
				cancelled: Count,
				skipped: Count,
				expired: Count,
				failed: Count,
				/**
				 * From the event, or the time it was scheduled for, to its first frame here. p50 and p95
				 * are right to 1 %, max exactly; null without plays.
				 */
				delay: z.object({
					plays: Count,
					p50_ms: Count.nullable(),
					p95_ms: Count.nullable(),
					max_ms: Count.nullable()
				}),
				series: z.array(
					z.object({
						at: z.string(),
						plays: Count,
						shown: Count,
						cancelled: Count,
						expired: Count,
						failed: Count
					})
				)
			})
		)
	})
	.meta({ id: 'OverlayAnalytics' });
export type OverlayAnalytics = z.infer<typeof OverlayAnalytics>;

export interface SpanFilter {
	from?: string | undefined;
	to?: string | undefined;
	time_zone: string;
	interval: 'hour' | 'day';
}

export const eventAnalytics = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: SpanFilter & { types?: string[] | undefined; platform?: string[] | undefined },
	now?: Date
): Promise<EventAnalytics> =>
	ask(
		EventAnalytics,
		sql`select app.event_analytics(${accountId}, ${sql.json({ ...filter })},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export const overlayAnalytics = (
	sql: Sql | TransactionSql,
	accountId: string,
	filter: SpanFilter,
	now?: Date
): Promise<OverlayAnalytics> =>
	ask(
		OverlayAnalytics,
		sql`select app.overlay_analytics(${accountId}, ${sql.json({ ...filter })},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Brings the counts that are kept ready up to date; how many accounts were behind. Trusted server. */
export const rollAnalytics = (sql: Sql | TransactionSql, now?: Date): Promise<number> =>
	ask(
		z.int(),
		sql`select app.roll_analytics(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

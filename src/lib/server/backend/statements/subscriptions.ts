/** Which events an overlay wants. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import { Condition } from '$lib/bus/condition.ts';
import { EventClass } from '$lib/bus/event.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

/** Not named `Subscription`: GraphQL's own root has that name. */
export const Subscription = z
	.object({
		/** `twitch:follower`, `twitch:*` or `*`. */
		pattern: z.string(),
		classes: z.array(EventClass),
		lane: z.string(),
		/** Null: every event that matches. */
		condition: Condition.nullable()
	})
	.meta({ id: 'SubscriptionEntry' });
export type Subscription = z.infer<typeof Subscription>;

export const Subscriptions = z
	.object({ overlay_id: z.uuid(), items: z.array(Subscription) })
	.meta({ id: 'Subscriptions' });
export type Subscriptions = z.infer<typeof Subscriptions>;

export const getSubscriptions = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string
): Promise<Subscriptions> =>
	ask(Subscriptions, sql`select app.get_subscriptions(${accountId}, ${overlayId}) as answer`);

/** Puts these in place of all that the overlay had. */
export const setSubscriptions = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string,
	items: readonly Subscription[],
	now?: Date
): Promise<Subscriptions> =>
	ask(
		Subscriptions,
		sql`select app.set_subscriptions(${accountId}, ${overlayId}, ${sql.json(z.json().parse(items))},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

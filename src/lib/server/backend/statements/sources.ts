/** Sources: who keeps a connection's events coming, and how that goes. */
import { z } from 'zod';
import { connectionModes, connectionStatuses } from '$lib/platforms/connect.ts';
import type { Quota } from '$lib/platforms/source.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { Sealed } from './connections.ts';
import { ask } from './refusal.ts';

type AnySql = Sql | TransactionSql;

export const sourceStates = [
	'live',
	'connecting',
	'polling',
	'waiting',
	'stopped',
	'problem'
] as const;
export type SourceState = (typeof sourceStates)[number];

export const HeldSource = z.object({
	connection_id: z.uuid(),
	account_id: z.uuid(),
	platform: z.string(),
	channel_id: z.string(),
	mode: z.enum(connectionModes),
	status: z.enum(connectionStatuses),
	scopes: z.array(z.string()),
	groups: z.array(z.string()),
	secret_ciphertext: Sealed.nullable(),
	connected_at: z.string(),
	/** Sessions on the platform that were ours, the latest first. */
	sessions: z.array(z.string()),
	/** Somebody asked for a reconcile that has not been done yet. */
	reconcile_wanted: z.boolean()
});
export type HeldSource = z.infer<typeof HeldSource>;

/** What a page is told of a subscription. */
export const subscriptionStates = ['enabled', 'pending', 'missing', 'revoked', 'failed'] as const;

export const StoredSource = z.object({
	connection_id: z.uuid(),
	platform: z.string(),
	mode: z.enum(connectionModes),
	state: z.enum(sourceStates),
	since: z.string(),
	last_event_at: z.string().nullable(),
	session_count: z.int(),
	subscriptions: z.array(
		z.object({
			type: z.string(),
			version: z.string(),
			status: z.enum(subscriptionStates),
			/** The platform's own word, or a short one of ours. */
			reason: z.string().nullable(),
			cost: z.int(),
			received: z.int(),
			last_event_at: z.string().nullable(),
			last_poll_at: z.string().nullable(),
			/** Whether the last poll that checked it found nothing missing. */
			last_poll_agreed: z.boolean().nullable(),
			/** Events that only a poll brought. */
			missed: z.int()
		})
	),
	quota: z
		.object({
			total: z.int(),
			total_cost: z.int(),
			max_total_cost: z.int(),
			at: z.string()
		})
		.nullable(),
	polls: z.array(
		z.object({
			name: z.string(),
			every_s: z.int().nullable(),
			last_at: z.string().nullable(),
			next_at: z.string().nullable(),
			last_error: z.string().nullable(),
			missed: z.int()
		})
	),
	reliability: z.object({ received: z.int(), missed: z.int(), since: z.string() }),
	problems: z.array(
		z.object({ code: z.string(), detail: z.string().nullable(), since: z.string() })
	),
	reconciled_at: z.string().nullable()
});
export type StoredSource = z.infer<typeof StoredSource>;

/** Renews what `owner` holds and takes what nobody holds; `elsewhere`: what others hold. */
export const claimSources = (
	sql: AnySql,
	owner: string,
	platforms: readonly string[],
	leaseS: number,
	now?: Date
): Promise<{ held: HeldSource[]; elsewhere: string[] }> =>
	ask(
		z.object({ held: z.array(HeldSource), elsewhere: z.array(z.uuid()) }),
		sql`select app.claim_sources(${owner}, ${[...platforms]}, ${leaseS},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Gives back what `owner` holds; `connectionId` null: all of it. */
export async function releaseSources(
	sql: AnySql,
	owner: string,
	connectionId: string | null
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.release_sources(${owner}, ${connectionId})::text as answer`
	);
}

export interface SourceReport {
	state: SourceState;
	session_count: number;
	problems: readonly { code: string; detail: string | null }[];
	/** A session that has just become ours. */
	session: string | null;
	/** By type, since the last report. */
	counts: Record<string, { received: number; last_event_at: string }>;
}

/** Notes how a source is; false when somebody else holds it now. */
export const reportSource = (
	sql: AnySql,
	connectionId: string,
	owner: string,
	{ state, session_count, problems, session, counts }: SourceReport,
	now?: Date
): Promise<boolean> =>
	ask(
		z.boolean(),
		sql`select app.report_source(${connectionId}, ${owner}, ${state}, ${session_count},
			${JSON.stringify(problems)}::text::jsonb, ${session}, ${JSON.stringify(counts)}::text::jsonb,
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export interface SubscriptionRow {
	type: string;
	version: string;
	status: (typeof subscriptionStates)[number];
	reason: string | null;
	platform_id: string | null;
	cost: number;
}

/** Notes what has become of subscriptions. `all`: these are all that the connection wants. */
export async function saveSubscriptions(
	sql: AnySql,
	connectionId: string,
	rows: readonly SubscriptionRow[],
	all: boolean,
	quota: Quota | null,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.save_subscriptions(${connectionId}, ${JSON.stringify(rows)}::text::jsonb, ${all},
			${quota === null ? null : JSON.stringify(quota)}::text::jsonb,
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

export const KnownMember = z.object({
	id: z.string(),
	login: z.string(),
	name: z.string(),
	since: z.string().nullable(),
	about: z.record(z.string(), z.union([z.string(), z.boolean()]))
});

export const OpenPoll = z.object({
	version: z.int(),
	opened_at: z.string(),
	known_until: z.string().nullable(),
	/** Who was in the list at the last look; null before the first. */
	members: z.array(KnownMember).nullable(),
	/** Who came or went since then, by what was delivered. */
	delivered: z.array(
		z.object({ id: z.string(), login: z.string(), name: z.string(), came: z.boolean() })
	),
	seq: z.int()
});
export type OpenPoll = z.infer<typeof OpenPoll>;

/** Begins a look at a list. */
export const openPoll = (
	sql: AnySql,
	connectionId: string,
	name: string,
	came: readonly string[],
	left: readonly string[],
	now?: Date
): Promise<OpenPoll> =>
	ask(
		OpenPoll,
		sql`select app.open_poll(${connectionId}, ${name}, ${[...came]}, ${[...left]},
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

export interface SettledPoll {
	version: number;
	known_until: Date | null;
	members: readonly z.infer<typeof KnownMember>[] | null;
	seq: number;
	checked: readonly { type: string; missed: number }[];
}

/** Ends a look that succeeded. */
export async function settlePoll(
	sql: AnySql,
	connectionId: string,
	name: string,
	{ version, known_until, members, seq, checked }: SettledPoll,
	now?: Date
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.settle_poll(${connectionId}, ${name}, ${version}, ${known_until},
			${members === null ? null : JSON.stringify(members)}::text::jsonb, ${seq},
			${JSON.stringify(checked)}::text::jsonb,
			coalesce(${now ?? null}, clock_timestamp()))::text as answer`
	);
}

/** Notes when a list is looked at next, and why the last look failed. */
export async function schedulePoll(
	sql: AnySql,
	connectionId: string,
	name: string,
	everyS: number,
	nextAt: Date,
	error: string | null
): Promise<void> {
	await ask(
		z.unknown(),
		sql`select app.schedule_poll(${connectionId}, ${name}, ${everyS}, ${nextAt}, ${error})::text as answer`
	);
}

/** How a connection's events come. @throws AppError not_found when the account has no such connection. */
export const getSource = (
	sql: AnySql,
	accountId: string,
	connectionId: string
): Promise<StoredSource> =>
	ask(StoredSource, sql`select app.get_source(${accountId}, ${connectionId}) as answer`);

/** Asks whoever holds the source to reconcile; answers the instant of the request. */
export const requestReconcile = (
	sql: AnySql,
	accountId: string,
	connectionId: string
): Promise<string> =>
	ask(z.string(), sql`select app.request_reconcile(${accountId}, ${connectionId}) as answer`);

/** Asks for a reconcile of the sources that have had none for a while; how many. */
export const requestReconciles = (
	sql: AnySql,
	reconciledBefore: Date,
	lookedBefore: Date
): Promise<number> =>
	ask(z.int(), sql`select app.request_reconciles(${reconciledBefore}, ${lookedBefore}) as answer`);

/** Forgets what is kept for a time only; how many rows. */
export const purgeSources = (sql: AnySql, now?: Date): Promise<number> =>
	ask(
		z.int(),
		sql`select app.purge_sources(coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

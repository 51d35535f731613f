/** Channel status and the manual Spotify connect. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Draft } from '$lib/bus/event.ts';
import type { Category } from '$lib/platforms/channel-status.ts';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const ChannelStatus = z.object({
	platform: z.string(),
	is_online: z.boolean(),
	stream_title: z.string().nullable(),
	category: z.string().nullable(),
	/** Address of the category's picture. */
	category_picture: z.string().nullable(),
	viewer_count: z.int().nonnegative().nullable(),
	started_at: z.string().nullable(),
	updated_at: z.string()
});
export type ChannelStatus = z.infer<typeof ChannelStatus>;

export const SpotifyManual = z.object({
	active: z.boolean(),
	/** Null when it is not active. */
	remaining_seconds: z.int().nonnegative().nullable()
});
export type SpotifyManual = z.infer<typeof SpotifyManual>;

/** All statuses of an account, by platform. */
export const getStatus = (sql: Sql | TransactionSql, accountId: string): Promise<ChannelStatus[]> =>
	ask(z.array(ChannelStatus), sql`select app.get_status(${accountId}) as answer`);

export const getSpotifyManual = (
	sql: Sql | TransactionSql,
	accountId: string,
	now?: Date
): Promise<SpotifyManual> =>
	ask(
		SpotifyManual,
		sql`select app.get_spotify_manual(${accountId}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

/** Starts half an hour, or starts it anew. */
export const startSpotifyManual = (
	sql: Sql | TransactionSql,
	accountId: string,
	now?: Date
): Promise<SpotifyManual> =>
	ask(
		SpotifyManual,
		sql`select app.start_spotify_manual(${accountId}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

export const stopSpotifyManual = (
	sql: Sql | TransactionSql,
	accountId: string,
	now?: Date
): Promise<SpotifyManual> =>
	ask(
		SpotifyManual,
		sql`select app.stop_spotify_manual(${accountId}, coalesce(${now ?? null}, clock_timestamp()))
			as answer`
	);

// Trusted server, all below.

/** Whether any of the account's channels is live. */
export const isAnyOnline = (sql: Sql | TransactionSql, accountId: string): Promise<boolean> =>
	ask(z.boolean(), sql`select app.is_any_online(${accountId}) as answer`);

const OnlineAccount = z.object({ account_id: z.uuid(), platforms: z.array(z.string()) });

/** Who is live by what the database knows: where a worker begins after a restart. */
export const getAllOnlineAccounts = (
	sql: Sql | TransactionSql
): Promise<z.infer<typeof OnlineAccount>[]> =>
	ask(z.array(OnlineAccount), sql`select app.get_all_online_accounts() as answer`);

const Watched = z.object({
	account_id: z.uuid(),
	channel_id: z.string(),
	connection_id: z.uuid()
});
export type Watched = z.infer<typeof Watched>;

/** The channels to ask about, one for each account. */
export const findWatched = (sql: Sql | TransactionSql, platform: string): Promise<Watched[]> =>
	ask(z.array(Watched), sql`select app.find_watched(${platform}) as answer`);

const ToldAbout = z.object({ account_id: z.uuid(), platform: z.string() });

/** Where an event told something that nobody has judged yet. */
export const findTold = (sql: Sql | TransactionSql): Promise<z.infer<typeof ToldAbout>[]> =>
	ask(z.array(ToldAbout), sql`select app.find_told() as answer`);

const FoundWatch = z.object({
	version: z.int(),
	watch: z.unknown(),
	told: z.array(z.unknown())
});

export const getWatch = (
	sql: Sql | TransactionSql,
	accountId: string,
	platform: string
): Promise<z.infer<typeof FoundWatch>> =>
	ask(FoundWatch, sql`select app.get_watch(${accountId}, ${platform}) as answer`);

export interface JudgedWatch {
	/** The version that was judged. */
	version: number;
	watch: Record<string, unknown>;
	changes: readonly Record<string, unknown>[];
	drafts: readonly Draft[];
}

/** Stores what was judged and does what follows; false: something else was first, judge again. */
export const applyWatch = (
	sql: Sql,
	accountId: string,
	platform: string,
	{ version, watch, changes, drafts }: JudgedWatch,
	now?: Date
): Promise<boolean> =>
	ask(
		z.boolean(),
		sql`select app.apply_watch(${accountId}, ${platform}, ${version}, ${JSON.stringify(watch)}::text::jsonb,
			${JSON.stringify(changes)}::text::jsonb, ${JSON.stringify(drafts)}::text::jsonb,
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

/** Categories whose picture is not known, or was asked for before. */
export const findCategories = (
	sql: Sql | TransactionSql,
	platform: string,
	before: Date,
	limit: number
): Promise<string[]> =>
	ask(
		z.array(z.string()),
		sql`select app.find_categories(${platform}, ${before}, ${limit}) as answer`
	);

/** Keeps categories; how many changed. */
export const saveCategories = (
	sql: Sql | TransactionSql,
	platform: string,
	categories: readonly Category[],
	now?: Date
): Promise<number> =>
	ask(
		z.int(),
		sql`select app.save_categories(${platform}, ${JSON.stringify(categories)}::text::jsonb,
			coalesce(${now ?? null}, clock_timestamp())) as answer`
	);

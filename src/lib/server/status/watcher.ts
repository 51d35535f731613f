/**
 * Watches whether channels are live: asks each platform about all its connected channels, a hundred
 * in one question, and judges what is seen together with what events told (machine.ts). What it
 * knows stands in the database, so any process may ask next, and a restart in mid-stream goes on
 * where it was.
 */
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '$lib/bus/error.ts';
import { Draft } from '$lib/bus/event.ts';
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';
import type { ChannelStatusSource } from '$lib/platforms/channel-status.ts';
import type { Platform } from '$lib/platforms/platform.ts';
import type { PlatformAccess } from '$lib/server/access/index.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	applyWatch,
	findCategories,
	findTold,
	findWatched,
	getAllOnlineAccounts,
	getWatch,
	saveCategories,
	type Watched
} from '$lib/server/backend/statements/channel-status.ts';
import { step, Told, Watch, type Change, type Observation } from './machine.ts';

/** Judged again so often when another process is faster. */
const TRIES = 5;
/** Connections whose consent is tried for one question. */
const CALLERS = 3;
/** Pictures of categories change rarely. */
const CATEGORY_MS = 7 * 24 * 3_600_000;

interface Parts {
	sql: Sql;
	access: Pick<PlatformAccess, 'call' | 'callAsApp'>;
	platforms: readonly Platform[];
	now: () => Date;
}

type Watchable = Platform & { readonly status: ChannelStatusSource };

const isWatchable = (platform: Platform): platform is Watchable => platform.status !== undefined;

export class StatusWatcher {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** The platforms that tell whether a channel is live. */
	get platforms(): readonly Watchable[] {
		return this.#parts.platforms.filter(isWatchable);
	}

	/**
	 * Asks a platform about all channels, once.
	 * @throws AppError unavailable when it did not answer about some; nothing follows from that.
	 */
	async poll(platform: Watchable, signal?: AbortSignal): Promise<void> {
		const { sql } = this.#parts;
		const watched = await findWatched(sql, platform.name);
		const online = await getAllOnlineAccounts(sql);
		const failures: string[] = [];
		for (const batch of batches(watched, platform.status.batch)) {
			if (signal?.aborted) return;
			const ids = batch.map(({ channel_id }) => channel_id);
			const answer = await this.#ask(platform, batch, (access) =>
				platform.status.streams(access, ids)
			);
			if (answer.ok) {
				const live = new Map(answer.value.map((stream) => [stream.channel_id, stream]));
				for (const { account_id, channel_id } of batch) {
					const stream = live.get(channel_id);
					await this.#judge(
						platform,
						account_id,
						channel_id,
						stream === undefined ? { kind: 'absent' } : { kind: 'live', stream }
					);
				}
			} else if (answer.failure !== 'unauthorized' && answer.failure !== 'forbidden')
				failures.push(answer.reason);
		}
		// Of a channel that is no longer connected nobody will tell that its stream ended.
		const asked = new Set(watched.map(({ account_id }) => account_id));
		for (const { account_id, platforms } of online)
			if (!asked.has(account_id) && platforms.includes(platform.name))
				await this.#judge(platform, account_id, null, { kind: 'absent' });
		if (failures.length > 0)
			throw new AppError(
				'unavailable',
				`${platform.title} did not say which channels are live: ${failures[0] ?? ''}`
			);
	}

	/** Judges what events told since; how many statuses. */
	async settle(): Promise<number> {
		const told = await findTold(this.#parts.sql);
		for (const { account_id, platform } of told) {
			const watchable = this.platforms.find(({ name }) => name === platform);
			if (watchable === undefined) continue;
			const watched = await findWatched(this.#parts.sql, platform);
			const channel = watched.find((one) => one.account_id === account_id);
			await this.#judge(watchable, account_id, channel?.channel_id ?? null, null);
		}
		return told.length;
	}

	/** Asks for the pictures of categories that channels show; how many are new. */
	async syncCategories(platform: Watchable): Promise<number> {
		const { sql, now } = this.#parts;
		const before = new Date(now().getTime() - CATEGORY_MS);
		const ids = await findCategories(sql, platform.name, before, platform.status.batch);
		if (ids.length === 0) return 0;
		const watched = await findWatched(sql, platform.name);
		const answer = await this.#ask(platform, watched, (access) =>
			platform.status.categories(access, ids)
		);
		if (answer.ok) return saveCategories(sql, platform.name, answer.value, now());
		if (answer.failure === 'unauthorized' || answer.failure === 'forbidden') return 0;
		throw new AppError(
			'unavailable',
			`${platform.title} did not say how categories look: ${answer.reason}`
		);
	}

	/**
	 * Asks what anybody's consent opens: with the program's own token, else with that of one of these
	 * connections. `unauthorized` or `forbidden`: nobody here can ask, which is no fault of a moment
	 * (channels connected by the secret of their webhooks have no tokens).
	 */
	async #ask<T>(
		platform: Platform,
		connections: readonly Watched[],
		make: (access: Access) => Call<T>
	): Promise<CallResult<T>> {
		const { access } = this.#parts;
		const nobody = { ok: false, failure: 'unauthorized', reason: 'Nobody can ask.' } as const;
		let answer: CallResult<T> = { ...nobody, retry_after_s: null };
		const [first] = connections;
		if (first === undefined) return answer;
		for (const { connection_id } of connections.slice(0, CALLERS)) {
			answer = await access.call(connection_id, make);
			if (answer.ok) return answer;
		}
		const asApp = await access.callAsApp(first.account_id, platform.name, make);
		return asApp.ok || answer.failure === 'unauthorized' ? asApp : answer;
	}

	async #judge(
		platform: Watchable,
		accountId: string,
		channelId: string | null,
		seen: Observation | null
	): Promise<void> {
		const { sql, now } = this.#parts;
		for (let tries = 0; tries < TRIES; tries++) {
			const found = await getWatch(sql, accountId, platform.name);
			const at = now();
			const told = found.told.flatMap((one) => Told.safeParse(one).data ?? []);
			const before = Watch.parse(found.watch);
			let watch = before;
			const changes: Change[] = [];
			for (const observation of seen === null ? told : [...told, seen]) {
				const judged = step(watch, observation, at.getTime(), platform.status.patience);
				watch = judged.watch;
				changes.push(...judged.changes);
			}
			if (found.told.length === 0 && changes.length === 0 && isDeepStrictEqual(watch, before))
				return;
			const drafts =
				channelId === null
					? []
					: changes.flatMap((change) => draftsOf(platform, channelId, change, at));
			const judged = { version: found.version, watch, changes: changes.map(asRow), drafts };
			if (await applyWatch(sql, accountId, platform.name, judged, at)) return;
		}
	}
}

const asRow = ({ kind, stream }: Change) => ({ kind, stream });

/** The events of what was found by asking; what an event told is in the log already. */
function draftsOf({ status }: Watchable, channelId: string, change: Change, at: Date): Draft[] {
	if (change.kind === 'data' || change.is_told) return [];
	return [
		Draft.parse(
			change.kind === 'online'
				? status.onlineDraft(channelId, change.stream)
				: status.offlineDraft(channelId, change.stream, at)
		)
	];
}

function* batches<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
	for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size);
}

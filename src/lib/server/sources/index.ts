/**
 * Sources: one for each connection by consent, in one process at a time. Which process that is
 * stands in the database as a lease, renewed by a heartbeat; a process that dies renews nothing, and
 * another one goes on within `LEASE_S`. A process that cannot reach the database keeps its sources:
 * what two of them bring is stored once.
 *
 * With no connection there is no timer: a change wakes it.
 */
import { randomUUID } from 'node:crypto';
import type { PlatformAccess } from '$lib/server/access/index.ts';
import type { DeliveryRecord } from '$lib/platforms/ingest.ts';
import type { Platform } from '$lib/platforms/platform.ts';
import type { Source as PlatformSource } from '$lib/platforms/source.ts';
import { take, type TakePorts } from '$lib/platforms/take.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	claimSources,
	releaseSources,
	type HeldSource
} from '$lib/server/backend/statements/sources.ts';
import type { Log } from '$lib/server/log.ts';
import type { SecretBox } from '$lib/server/secrets.ts';
import { systemClock, type SourceClock } from './clock.ts';
import { openWebSocket, type SocketOpener } from './sockets.ts';
import { Source } from './source.ts';

export type { SourceStatus } from './parts.ts';
export { Source } from './source.ts';
export { describe } from './problems.ts';
export { sourceTasks } from './tasks.ts';

const LEASE_S = 20;
const HEARTBEAT_MS = 5_000;
const SOON_MS = 20;

export interface SourcesParts {
	sql: Sql;
	log: Log;
	access: Pick<PlatformAccess, 'call' | 'callAsApp' | 'revoked' | 'onChanged'>;
	secrets: SecretBox;
	platforms: readonly Platform[];
	ports: TakePorts;
	/** Where each platform is, by the names of its addresses. */
	addresses: (platform: string) => Readonly<Record<string, string>>;
	/** This server's public address. */
	origin: string;
	clock?: SourceClock;
	chance?: () => number;
	open?: SocketOpener;
	capacity?: number;
}

type WithSource = Platform & { readonly source: PlatformSource };

export class Sources {
	readonly #parts: SourcesParts;
	readonly #clock: SourceClock;
	readonly #owner = randomUUID();
	readonly #platforms: ReadonlyMap<string, WithSource>;
	readonly #sources = new Map<string, Source>();
	readonly #leave: () => void;
	#timer: (() => void) | null = null;
	#timerAt = Infinity;
	#run: Promise<void> = Promise.resolve();
	#isFailing = false;
	#isOver = false;

	constructor(parts: SourcesParts) {
		this.#parts = parts;
		this.#clock = parts.clock ?? systemClock;
		this.#platforms = new Map(
			parts.platforms.flatMap((platform) =>
				platform.source === undefined
					? []
					: [[platform.name, { ...platform, source: platform.source }]]
			)
		);
		this.#leave = parts.access.onChanged(() => this.#in(SOON_MS));
	}

	/** Takes what nobody holds. */
	start(): Promise<void> {
		return this.tick();
	}

	/** The source of a connection, if this process has it. */
	find(connectionId: string): Source | undefined {
		return this.#sources.get(connectionId);
	}

	get held(): readonly Source[] {
		return [...this.#sources.values()];
	}

	/** What came in by the door, which is not a source's own road but says how one is. */
	noteDelivery({ connection_id, outcome, detail }: DeliveryRecord): void {
		const source = connection_id === null ? undefined : this.#sources.get(connection_id);
		source?.noteDelivery(outcome, detail);
	}

	/** One heartbeat. Never throws, never overlaps itself. */
	tick(): Promise<void> {
		this.#run = this.#run.then(() => this.#beat());
		return this.#run;
	}

	/** Stops all sources and gives them back. */
	async stop(): Promise<void> {
		this.#isOver = true;
		this.#leave();
		this.#timer?.();
		await this.#run;
		await Promise.all(this.held.map((source) => source.destroy()));
		this.#sources.clear();
		await releaseSources(this.#parts.sql, this.#owner, null).catch(() => undefined);
	}

	#in(ms: number): void {
		const at = this.#clock.now() + ms;
		if (this.#isOver || this.#timerAt <= at) return;
		this.#timer?.();
		this.#timerAt = at;
		this.#timer = this.#clock.after(ms, () => {
			this.#timerAt = Infinity;
			void this.tick();
		});
	}

	async #beat(): Promise<void> {
		if (this.#isOver || this.#platforms.size === 0) return;
		const { sql, log, clock } = this.#parts;
		try {
			const names = [...this.#platforms.keys()];
			const { held, elsewhere } = await claimSources(
				sql,
				this.#owner,
				names,
				LEASE_S,
				clock?.date()
			);
			await this.#apply(held, new Set(elsewhere));
			if (this.#isFailing) log.info('sources are held again');
			this.#isFailing = false;
			if (held.length + elsewhere.length > 0) this.#in(HEARTBEAT_MS);
		} catch (error) {
			if (!this.#isFailing) log.warn('sources cannot be claimed; it is tried again', { error });
			this.#isFailing = true;
			this.#in(HEARTBEAT_MS);
		}
	}

	/** Makes the running sources those that are held. */
	async #apply(held: readonly HeldSource[], elsewhere: ReadonlySet<string>): Promise<void> {
		const wanted = new Map(held.map((one) => [one.connection_id, one]));
		for (const [id, source] of this.#sources) {
			const now = wanted.get(id);
			if (now !== undefined && !isOther(source.held, now)) continue;
			this.#sources.delete(id);
			// Held no more and not elsewhere either: it was removed.
			const isGone = now === undefined ? !elsewhere.has(id) : leavesBehind(source.held, now);
			await source.destroy({ isGone });
		}
		for (const one of held) {
			const source = this.#sources.get(one.connection_id);
			if (source === undefined) this.#begin(one);
			else if (isChanged(source.held, one)) source.change(one);
			else if (one.reconcile_wanted) void source.reconcile();
		}
	}

	#begin(held: HeldSource): void {
		const platform = this.#platforms.get(held.platform);
		if (platform === undefined || this.#isOver) return;
		const { sql, log, access, secrets, ports, addresses, origin, capacity } = this.#parts;
		const source = new Source(held, {
			...{ sql, platform, clock: this.#clock, owner: this.#owner },
			log: log.child({ platform: held.platform, connection: held.connection_id }),
			chance: this.#parts.chance ?? Math.random,
			open: this.#parts.open ?? openWebSocket,
			addresses: addresses(held.platform),
			callback: `${origin}/webhooks/${held.platform}`,
			call: (id, make) => access.call(id, make),
			callAsApp: (account, make) => access.callAsApp(account, held.platform, make),
			revoked: (id, reason) => access.revoked(id, reason),
			take: (account_id, said) => take(platform, { account_id }, said, ports),
			secretOf: ({ secret_ciphertext: sealed, account_id, platform: provider }) =>
				sealed === null ? null : secrets.open(sealed, { account_id, provider }),
			...(capacity !== undefined && { capacity })
		});
		this.#sources.set(held.connection_id, source);
		source.initialize();
	}
}

/** Whether a source cannot become the other but has to be made anew. */
const isOther = (a: HeldSource, b: HeldSource): boolean =>
	a.status !== b.status || a.account_id !== b.account_id || leavesBehind(a, b);

/** Whether what is subscribed for the one is of no use to the other: it is signed with a secret. */
const leavesBehind = (a: HeldSource, b: HeldSource): boolean =>
	a.mode !== b.mode ||
	a.channel_id !== b.channel_id ||
	Buffer.compare(a.secret_ciphertext ?? Buffer.of(), b.secret_ciphertext ?? Buffer.of()) !== 0;

const isChanged = (a: HeldSource, b: HeldSource): boolean =>
	a.scopes.join() !== b.scopes.join() || a.groups.join() !== b.groups.join();

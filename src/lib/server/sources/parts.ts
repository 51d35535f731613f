/** What a source is given, and what it tells of itself. */
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';
import type { Arrival } from '$lib/platforms/gather.ts';
import type { Platform, Reading } from '$lib/platforms/platform.ts';
import type { Source as PlatformSource } from '$lib/platforms/source.ts';
import type { Taken } from '$lib/platforms/take.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import type {
	HeldSource,
	SourceState,
	SubscriptionRow
} from '$lib/server/backend/statements/sources.ts';
import type { Log } from '$lib/server/log.ts';
import type { SourceClock } from './clock.ts';
import type { Problem } from './condition.ts';
import type { SocketOpener } from './sockets.ts';

export interface SourceParts {
	sql: Sql;
	log: Log;
	clock: SourceClock;
	chance: () => number;
	/** Names this process. */
	owner: string;
	platform: Platform & { readonly source: PlatformSource };
	open: SocketOpener;
	/** Where the platform is, by the names of its addresses. */
	addresses: Readonly<Record<string, string>>;
	/** Where the platform's webhooks come in. */
	callback: string;
	call<T>(connectionId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	callAsApp<T>(accountId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	/** The consent has ended, by the platform's own word. */
	revoked(connectionId: string, reason: string): Promise<void>;
	take(accountId: string, said: Reading | readonly Arrival[]): Promise<Taken>;
	/** The webhook secret of a connection in the clear; null when there is none that opens. */
	secretOf(held: HeldSource): string | null;
	/** How much may wait for the database. */
	capacity?: number;
}

export interface SourceStatus {
	readonly connection_id: string;
	readonly mode: HeldSource['mode'];
	readonly state: SourceState;
	readonly session_count: number;
	readonly subscriptions: readonly SubscriptionRow[];
	readonly problems: readonly Problem[];
	/** What came and is not stored yet, and what could not be held. */
	readonly waiting: number;
	readonly dropped: number;
}

/**
 * The embedded Realtime server: Supabase Realtime's wire protocol for the unmodified supabase-js,
 * inside this process. See README.md in this folder for what it promises and what it leaves out.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Database, FeedMessage, HintFeed, Revocation } from '../backend/index.ts';
import { createAuthorizer } from './authorizer.ts';
import type { Channel } from './channel.ts';
import { systemClock, type RealtimeClock } from './clock.ts';
import { Connection } from './connection.ts';
import type { Core, RealtimeLog } from './core.ts';
import { Hub } from './hub.ts';
import { payloadBytes, RateCounter, RealtimeLimits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { createReplay } from './replay.ts';
import { createRest } from './rest.ts';
import { identityOfToken, type Role } from './token.ts';
import { createUpgrade } from './upgrade.ts';

export { RealtimeLimits } from './limits.ts';
export type { RealtimeClock } from './clock.ts';

export interface RealtimeDeps {
	database: Database;
	feed: HintFeed;
	/** The claims of a JWT; throws (a `jose` error, or any) when it is not sound. */
	verifyToken(jwt: string): Promise<object>;
	/** Known API keys (`sb_publishable_…`, `sb_secret_…`) and the role each stands for. */
	apiKeys: Readonly<Record<string, Role>>;
	/** Whether a page of this origin (or, undefined, a program) may connect to this host. */
	allowOrigin(origin: string | undefined, host: string): boolean;
	/** Differences from the defaults, which are hosted Supabase's. An unknown name throws. */
	limits?: Partial<RealtimeLimits> | Readonly<Record<string, number>>;
	clock?: RealtimeClock;
	log: RealtimeLog;
}

export interface RealtimeStats {
	connections: number;
	channels: number;
	topics: number;
	/** Broadcasts handed to receivers since the start. */
	deliveries: number;
}

export interface RealtimeServer {
	/** Takes an HTTP upgrade for `/realtime/v1/websocket` or `/socket/websocket`; false for others. */
	handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
	/** Answers requests to `/realtime/v1/api/broadcast…`. Never throws. */
	handleHttp(request: Request): Promise<Response>;
	stats(): RealtimeStats;
	/** Tells every client that the server restarts (1012); after 2 s those still there are cut. */
	close(): Promise<void>;
}

const IDLE_CHECK_MS = 5_000;
/** A revocation takes effect within a second, even when the database is slow to say what is left. */
const REVOKE_MS = 800;
/** After a lost feed channels are sent to rejoin one after another, at this pace and no longer than … */
const RESET_STEP_MS = 1;
const RESET_MS = 2_000;

/** Whether the channel's rights may have changed: its own key or user, or a key of that account. */
function isHit({ identity: { claims } }: Channel, revoked: Revocation): boolean {
	if ('key_id' in revoked) return claims.key_id === revoked.key_id || claims.sub === revoked.key_id;
	if ('session_id' in revoked) return claims.session_id === revoked.session_id;
	if (claims.sub === revoked.user_id) return true;
	// A key holds no more than its creator does, and the claims do not say who that was.
	return claims.key_id !== undefined && claims.account_id === revoked.account_id;
}

export function createRealtimeServer(deps: RealtimeDeps): RealtimeServer {
	const { database, feed, log, clock = systemClock } = deps;
	const limits = RealtimeLimits.parse(deps.limits ?? {});
	const connections = new Set<Connection>();
	const core: Core = {
		hub: new Hub(),
		outbox: new Outbox(),
		authorizer: createAuthorizer(database, { clock, timeoutMs: limits.authorizeMs }),
		replay: createReplay(database),
		limits,
		clock,
		log,
		rates: {
			joins: new RateCounter(),
			presence: new RateCounter(),
			requests: new RateCounter()
		},
		identify: (jwt) => identityOfToken(jwt, deps.verifyToken, clock.now),
		channels: new Set(),
		revocations: 0,
		closing: false
	};

	const upgrade = createUpgrade(core, deps, (ws, socket, codec, standing) => {
		const connection: Connection = new Connection(core, ws, socket, codec, standing, () =>
			connections.delete(connection)
		);
		connections.add(connection);
	});

	const publish = (messages: readonly FeedMessage[]) => {
		for (const { id, topic, event, private: isPrivate, payload_json } of messages) {
			const body = Buffer.from(payload_json);
			if (body.length > payloadBytes(limits)) {
				log.warn('realtime: a message is too large and was not sent', { topic, event, id });
				continue;
			}
			const broadcast = { event, body, encoding: 'json', meta: { id } } as const;
			core.hub.publish({ name: topic, private: isPrivate }, broadcast);
		}
	};

	const revoke = (revoked: Revocation) => {
		core.revocations++;
		for (const channel of core.channels) {
			if (!isHit(channel, revoked)) continue;
			const cancel = clock.after(REVOKE_MS, () => channel.crash());
			void channel.reauthorize().finally(cancel);
		}
	};

	/**
	 * Messages and revocations may have been missed, so every channel must be judged and its client
	 * must pull. `phx_error` makes the unmodified client do both: it rejoins after a second and is
	 * SUBSCRIBED afresh. The client adds no jitter, so the server spreads the errors.
	 */
	const reset = () => {
		core.revocations++;
		const step = Math.min(RESET_STEP_MS, RESET_MS / Math.max(1, core.channels.size));
		[...core.channels].forEach((channel, index) =>
			clock.after(Math.floor(index * step), () => channel.crash())
		);
	};

	const unsubscribe = [feed.subscribe(publish), feed.onRevoked(revoke), feed.onReset(reset)];

	let stopIdleCheck = () => {};
	const checkIdle = () => {
		const now = clock.now();
		for (const connection of connections) connection.checkIdle(now);
		stopIdleCheck = clock.after(IDLE_CHECK_MS, checkIdle);
	};
	stopIdleCheck = clock.after(IDLE_CHECK_MS, checkIdle);

	return {
		handleUpgrade: (request, socket, head) => upgrade.handle(request, socket, head),
		handleHttp: createRest(core, deps),
		stats: () => ({
			connections: connections.size,
			channels: core.channels.size,
			topics: core.hub.size,
			deliveries: core.hub.deliveries
		}),
		async close() {
			if (core.closing) return;
			core.closing = true;
			stopIdleCheck();
			for (const off of unsubscribe) off();
			const gone = [...connections].map((connection) => connection.goodbye(1012, 'restarting'));
			await Promise.all(gone);
		}
	};
}

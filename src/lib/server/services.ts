/**
 * Everything that lives as long as the server does, started in one order and stopped in the
 * reverse: config → database and feed → keys and tokens → sessions → recorder → realtime →
 * streams → setup token → access and
 * sources → recurring tasks.
 *
 * Kept on `globalThis`: the built server's entry (which is not part of the bundle) reaches it
 * there, and in development a reloaded module first stops what its predecessor started.
 */
import { performance } from 'node:perf_hooks';
import { AppError } from '$lib/bus/error.ts';
import { platforms } from '$lib/platforms/catalog.ts';
import { accessTasks, Consents, PlatformAccess } from './access/index.ts';
import { Permits } from './actions/permits.ts';
import { createAuth, type Auth } from './auth.ts';
import { openBackend, type Backend, type Database } from './backend/index.ts';
import { accountExists } from './backend/statements/accounts.ts';
import { findConnections, recordDelivery } from './backend/statements/connections.ts';
import { recordEvents } from './backend/statements/events.ts';
import { findInvitation } from './backend/statements/invitations.ts';
import { readConfig, type Config } from './config.ts';
import { ConnectionDirectory } from './connections.ts';
import { DeliveryLog } from './deliveries.ts';
import { EventRecorder } from './events.ts';
import { Gatherer } from './gather.ts';
import { AuthDoor } from './http/auth.ts';
import { Doorkeeper } from './http/identify.ts';
import { RateLimiter, readRates } from './http/rates.ts';
import { Scheduler } from './jobs/scheduler.ts';
import { loops, tasks } from './jobs/tasks.ts';
import { Ticker } from './jobs/ticker.ts';
import { createLog, type Log } from './log.ts';
import { allowsSocket, type OriginPolicy } from './origin.ts';
import { createRealtimeServer, type RealtimeServer } from './realtime/index.ts';
import { hashKey, openSecretBox, type SecretBox } from './secrets.ts';
import { SetupToken } from './setup.ts';
import { statusLoop, statusTasks } from './status/tasks.ts';
import { StatusWatcher } from './status/watcher.ts';
import { Sources, sourceTasks } from './sources/index.ts';
import { Streams } from './sse.ts';
import { openTokens, PUBLISHABLE_KEY, type Tokens } from './tokens.ts';

export interface Services {
	readonly config: Config;
	readonly log: Log;
	readonly policy: OriginPolicy;
	/** The server's own address, for links where no request says better. */
	readonly origin: string;
	readonly backend: Backend;
	readonly database: Database;
	readonly secrets: SecretBox;
	readonly tokens: Tokens;
	readonly auth: Auth;
	readonly recorder: EventRecorder;
	readonly gatherer: Gatherer;
	readonly connections: ConnectionDirectory;
	readonly deliveries: DeliveryLog;
	readonly permits: Permits;
	readonly doorkeeper: Doorkeeper;
	readonly rates: RateLimiter;
	readonly authDoor: AuthDoor;
	readonly realtime: RealtimeServer;
	readonly streams: Streams;
	readonly setup: SetupToken;
	readonly access: PlatformAccess;
	readonly consents: Consents;
	readonly sources: Sources;
	readonly scheduler: Scheduler;
}

/** What the entry and the development plugin, which are outside the bundle, may ask. */
interface Hub {
	services: Services | null;
	/** The link of first run, while nobody has set up. */
	setupLink(): string | null;
	/** Ends streams and sockets, so that the HTTP server can close. */
	endConnections(): Promise<void>;
	stop(): Promise<void>;
}

declare global {
	var __cuelight: Hub | undefined;
}

const REALTIME = Symbol.for('cuelight.realtime');
const PULL_MS_WITHOUT_FEED = 2_000;

/** The address under which people on this machine reach the server. */
export function localOrigin({ host, port, origin }: Config): string {
	if (origin !== null) return origin;
	const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
	return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

async function open(): Promise<{ services: Services; hub: Hub }> {
	const config = readConfig();
	const log = createLog({ level: config.logLevel });
	const origin = localOrigin(config);
	const policy = { listen: config.host, origin: config.origin ?? undefined };
	const backend = await openBackend(config, log);
	try {
		const { database, feed } = backend;
		const now = () => performance.now();
		const secrets = await openSecretBox(config.dataDir, config.encryptionKey ?? undefined);
		const tokens = await openTokens(config.dataDir, config.signingKey ?? undefined);
		const auth = createAuth({
			...{ database, secret: secrets.derive('sessions'), origin, log },
			signIn: config.signIn
		});
		const recorder = new EventRecorder((account, drafts) =>
			recordEvents(database.sql, account, drafts)
		);
		const gatherer = new Gatherer({
			...{ sql: database.sql, platforms, clock: () => new Date() },
			log: log.child({ part: 'gatherings' })
		});
		const connections = new ConnectionDirectory({
			look: (platform, channelId) => findConnections(database.sql, platform, channelId),
			...{ secrets, log, now }
		});
		const deliveries = new DeliveryLog(
			(connection, message, kind, outcome) =>
				recordDelivery(database.sql, connection, message, kind, outcome),
			now
		);
		const permits = new Permits(now);
		const doorkeeper = new Doorkeeper({ database, auth, tokens, now });
		const authDoor = new AuthDoor({
			auth,
			now,
			isInvited: async (secret) =>
				(await findInvitation(database.sql, hashKey(secret)))?.state === 'open'
		});
		const rates = new RateLimiter(readRates(config.rateLimits), now);
		feed.onRevoked((revocation) => {
			permits.forget(revocation);
			doorkeeper.forget(revocation);
		});
		const realtime = createRealtimeServer({
			database,
			feed,
			verifyToken: tokens.verify,
			apiKeys: { [PUBLISHABLE_KEY]: 'anon' },
			allowOrigin: (from, host) => allowsSocket(policy, from, host),
			limits: config.realtimeLimits,
			log
		});
		const streams = new Streams({
			feed,
			log,
			pull_ms: backend.mode === 'supabase' ? PULL_MS_WITHOUT_FEED : null
		});
		const setup = await SetupToken.open(config.dataDir, origin, await accountExists(database.sql));
		const access = new PlatformAccess({
			...{ sql: database.sql, feed, secrets, clients: config.clients, now },
			log: log.child({ part: 'access' })
		});
		const consents = new Consents({ access, database, secrets });
		const sources = new Sources({
			...{ sql: database.sql, access, secrets, platforms, origin },
			ports: {
				record: (account, drafts) => recorder.record(account, drafts),
				gather: (account, parts) => gatherer.gather(account, parts)
			},
			addresses: (platform) => config.clients[platform]?.addresses ?? {},
			log: log.child({ part: 'sources' })
		});
		const watcher = new StatusWatcher({
			...{ sql: database.sql, access, platforms },
			now: () => new Date()
		});
		// Last: from here on something runs that only `stop` ends.
		const ticker = new Ticker([...loops(database, gatherer), statusLoop(watcher)], log);
		const scheduler = new Scheduler({
			sql: database.sql,
			tasks: [
				...tasks({ database, eventMonths: config.eventMonths }),
				...accessTasks(access, consents, database),
				...statusTasks(watcher),
				...sourceTasks(database.sql)
			],
			log: log.child({ part: 'tasks' })
		});
		scheduler.start();
		void sources.start();
		const services: Services = {
			...{ config, log, policy, origin, backend, database, secrets, tokens, auth, recorder },
			...{
				connections,
				gatherer,
				deliveries,
				permits,
				doorkeeper,
				rates,
				authDoor,
				realtime,
				streams,
				setup,
				access,
				consents,
				sources
			},
			...{ scheduler }
		};
		const endConnections = async () => {
			streams.close();
			await realtime.close();
		};
		const hub: Hub = {
			services,
			setupLink: () => (setup.waiting === null ? null : `${origin}/setup#${setup.waiting}`),
			endConnections,
			stop: async () => {
				hub.services = null;
				await endConnections();
				// First: what it has heard is stored by the others.
				await sources.stop();
				await ticker.stop();
				await gatherer.stop();
				await scheduler.stop();
				await access.close();
				await backend.close();
			}
		};
		return { services, hub };
	} catch (error) {
		await backend.close();
		throw error;
	}
}

/** Starts everything, after stopping what an earlier call started. */
export async function startServices(): Promise<Services> {
	await stopServices();
	const { services, hub } = await open();
	globalThis.__cuelight = hub;
	const { realtime } = services;
	const handleUpgrade: RealtimeServer['handleUpgrade'] = (...upgrade) =>
		realtime.handleUpgrade(...upgrade);
	Object.assign(globalThis, { [REALTIME]: { handleUpgrade } });
	return services;
}

/** The running services. Throws `unavailable` before they run and after they stopped. */
export function services(): Services {
	const running = globalThis.__cuelight?.services;
	if (!running) throw new AppError('unavailable', 'The server is starting.', { retryAfter: 1 });
	return running;
}

/** Stops everything; nothing happens when nothing runs. */
export async function stopServices(): Promise<void> {
	const hub = globalThis.__cuelight;
	globalThis.__cuelight = undefined;
	await hub?.stop();
}

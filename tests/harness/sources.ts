/**
 * Sources over a real database and the simulated Twitch, whose clock is also theirs: `pass` moves
 * both on. Sessions promise keepalives an hour apart unless a test says otherwise, so that time may
 * pass without sockets counting as dead.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { ConnectionMode } from '../../src/lib/platforms/connect.ts';
import { groups as allGroups } from '../../src/lib/platforms/twitch/groups.ts';
import { ownerOf } from '../../src/lib/server/access/clients.ts';
import type { Sql } from '../../src/lib/server/backend/index.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { recordEvents } from '../../src/lib/server/backend/statements/events.ts';
import { getSource } from '../../src/lib/server/backend/statements/sources.ts';
import { SecretBox } from '../../src/lib/server/secrets.ts';
import type { Source, Sources, SourcesParts } from '../../src/lib/server/sources/index.ts';
import { startTwitch, type TwitchOptions } from '../simulators/twitch/index.ts';
import { until } from '../database/embedded-folder.ts';
import { testDatabase } from './database.ts';
import { openProcess } from './source-process.ts';

export const SCOPES = [...new Set(allGroups.flatMap(({ scopes }) => scopes))];

export interface NewChannel {
	mode?: ConnectionMode;
	scopes?: readonly string[];
	groups?: readonly string[];
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** One simulator and one database, for a test file. `key`: what secrets are sealed with. */
export async function openStage({ key, ...options }: TwitchOptions & { key?: Buffer } = {}) {
	const db = await testDatabase();
	const twitch = await startTwitch({ keepaliveS: 3_600, ...options });
	const secrets = new SecretBox(key ?? randomBytes(32));
	const clock = {
		now: () => twitch.clock.now().getTime(),
		date: () => twitch.clock.now(),
		after: (ms: number, task: () => void) => twitch.clock.after(ms, task)
	};
	/** Where events are stored, if not in the database: nowhere, while it is away. */
	const storage: { port: Sql | null; calls: number } = { port: null, calls: 0 };
	const { client, addresses } = twitch;
	const one = openProcess({
		...{ sql: db.sql, feed: db.feed, secrets, client, addresses },
		store: async (account, drafts) => {
			storage.calls += 1;
			// A pool that asks where nobody listens: what a database that is away looks like from here.
			return recordEvents(storage.port ?? db.sql, account, drafts);
		}
	});
	let channels = 40_000;

	return {
		...{ db, twitch, clock, storage, secrets, access: one.access },
		/** One process that keeps sources. */
		start: (more: Partial<SourcesParts> = {}): Promise<Sources> => one.start({ clock, ...more }),
		/** A connection by consent, of an account of its own, as it is stored when one was given. */
		async connect({
			mode = 'websocket',
			scopes = SCOPES,
			groups = allGroups.map(({ id }) => id)
		}: NewChannel = {}) {
			const owner = randomUUID();
			const { account_id: account } = await createAccount(db.sql, 'Sources', owner, {});
			const channel = String((channels += 1));
			twitch.world.meet(channel);
			const { access_token, refresh_token, expires_in } = twitch.tokenFor(channel, scopes);
			const of = { account_id: account, platform: 'twitch', channel_id: channel };
			const secret = secrets.seal(randomUUID(), { account_id: account, provider: 'twitch' });
			const now = twitch.clock.now();
			const [row] = await db.sql<{ id: string }[]>`
				insert into app.platform_connections (account_id, platform, channel_id, mode, groups, scopes,
					secret_ciphertext, created_at, updated_at)
				values (${account}, 'twitch', ${channel}, ${mode}, ${[...groups]}, ${[...scopes]},
					${mode === 'webhook' ? secret : null}, ${now}, ${now})
				returning id`;
			const id = row?.id ?? '';
			await db.sql`
				insert into app.connection_tokens (connection_id, client_id, access_ciphertext,
					refresh_ciphertext, expires_at, obtained_at)
				values (${id}, ${twitch.client.id},
					${secrets.seal(access_token, ownerOf.token(of, 'access_token'))},
					${secrets.seal(refresh_token, ownerOf.token(of, 'refresh_token'))},
					${new Date(Date.now() + expires_in * 1_000)}, ${now})`;
			return { id, account, channel, owner };
		},
		/** What an account's owner is told of a connection's source. */
		stored: ({ id, account, owner }: { id: string; account: string; owner: string }) =>
			db.database.as(
				{ sub: owner, role: 'authenticated', aud: 'authenticated', kind: 'member' },
				(sql) => getSource(sql, account, id)
			),
		/** Lets time pass and what it brings arrive. */
		async pass(ms: number): Promise<void> {
			twitch.clock.advance(ms);
			for (let turns = 0; turns < 5; turns += 1) await turn();
		},
		/** The events of an account, in order. */
		events: (account: string, type = 'twitch:%') =>
			db.sql<{ event_type: string; origin: string; who: string | null }[]>`
				select event_type, origin, data #>> '{user,id}' as who from app.platform_events
				where account_id = ${account} and event_type like ${type} order by seq`,
		async close(): Promise<void> {
			await one.close();
			await twitch.stop();
			await db.close();
		}
	};
}

/** The source of a connection, once this process has it. */
export async function sourceOf(sources: Sources, id: string): Promise<Source> {
	await until(async () => {
		await sources.tick();
		return sources.find(id) !== undefined;
	});
	const source = sources.find(id);
	if (source === undefined) throw new Error(`nobody has ${id}`);
	return source;
}

/** The same, once its events are delivered. */
export async function liveSource(sources: Sources, id: string): Promise<Source> {
	const source = await sourceOf(sources, id);
	await until(() => source.getStatus().state === 'live' && isSettled(source));
	return source;
}

/** Whether it is known of every subscription what has become of it. */
export const isSettled = (source: Source): boolean =>
	source.getStatus().subscriptions.every(({ status }) => status !== 'pending');

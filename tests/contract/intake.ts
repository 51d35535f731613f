/**
 * The door's ports on a real database: an account that is connected to one channel, and time at
 * the test's will. Secrets stand in the clear, sealing them is not the door's affair.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { gatherParts, dueGatherings } from '../../src/lib/server/backend/statements/gatherings.ts';
import { settleGathering } from '../../src/lib/server/gather.ts';
import type { DeliveryRecord, IngestPorts } from '../../src/lib/platforms/ingest.ts';
import type { Platform } from '../../src/lib/platforms/platform.ts';
import { starterDocument } from '../../src/lib/overlay/starter.ts';
import type { Claims } from '../../src/lib/server/backend/index.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import {
	findConnections,
	recordDelivery,
	saveConnection
} from '../../src/lib/server/backend/statements/connections.ts';
import {
	ensureEventPartitions,
	recordEvents
} from '../../src/lib/server/backend/statements/events.ts';
import { EventRecorder } from '../../src/lib/server/events.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

export interface Intake {
	readonly db: TestDatabase;
	readonly accountId: string;
	readonly overlayId: string;
	/** The owner, for commands. */
	readonly owner: Claims;
	readonly log: DeliveryRecord[];
	/** The ports as they are at that instant; the stored secret unless others are named. */
	ports(at: Date, secrets?: readonly string[]): IngestPorts;
	/** Judges what is due at that instant, as the server does after each arrival and later. */
	settle(at: Date): Promise<void>;
	countEvents(): Promise<number>;
	close(): Promise<void>;
}

export async function openIntake(given: {
	platform: Platform;
	channelId: string;
	secret: string;
	now: Date;
}): Promise<Intake> {
	const db = await testDatabase();
	const { sql, database } = db;
	// The test's clock is its own: its months may not be the calendar's.
	await ensureEventPartitions(sql, 1, given.now);
	const owner: Claims = {
		sub: randomUUID(),
		role: 'authenticated',
		aud: 'authenticated',
		kind: 'member'
	};
	const { account_id: accountId, overlay_id: overlayId } = await createAccount(
		sql,
		'Lumen',
		owner.sub,
		z.json().parse(starterDocument()),
		given.now
	);
	const connection = {
		platform: given.platform.name,
		channel_id: given.channelId,
		channel_name: null,
		secret_ciphertext: Buffer.from(given.secret)
	};
	await database.as(owner, (as) => saveConnection(as, accountId, connection, given.now));
	const log: DeliveryRecord[] = [];
	return {
		db,
		accountId,
		overlayId,
		owner,
		log,
		ports(at, secrets) {
			const recorder = new EventRecorder((account, drafts) =>
				recordEvents(sql, account, drafts, at)
			);
			return {
				clock: () => at,
				record: (account, drafts) => recorder.record(account, drafts),
				async gather(account, parts) {
					const outcomes = await gatherParts(sql, account, parts, at);
					return outcomes.map((outcome) => ({ outcome, event_id: null, seq: null }));
				},
				async connections(platform, channelId) {
					const found = await findConnections(sql, platform, channelId);
					return found.map(({ id, account_id, secret_ciphertext }) => ({
						id,
						account_id,
						secrets: secrets ?? [secret_ciphertext?.toString() ?? '']
					}));
				},
				async logDelivery(line) {
					log.push(line);
					const { connection_id, message_id, kind, outcome } = line;
					if (connection_id === null) return;
					await recordDelivery(sql, connection_id, message_id, kind, outcome, at);
				}
			};
		},
		async settle(at) {
			for (const { account_id, name } of await dueGatherings(sql, at))
				await settleGathering(sql, [given.platform], account_id, name, () => at);
		},
		async countEvents() {
			const [row] = await sql<{ count: number }[]>`
				select count(*)::int as count from app.platform_events where account_id = ${accountId}`;
			return row?.count ?? 0;
		},
		close: () => db.close()
	};
}

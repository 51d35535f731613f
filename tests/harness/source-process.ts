/** What one process needs to keep sources: the product's own parts over a database and a platform. */
import { platforms } from '../../src/lib/platforms/catalog.ts';
import type { Draft } from '../../src/lib/bus/event.ts';
import { PlatformAccess } from '../../src/lib/server/access/index.ts';
import type { ConnectionFeed, HintFeed, Sql } from '../../src/lib/server/backend/index.ts';
import {
	recordEvents,
	type RecordOutcome
} from '../../src/lib/server/backend/statements/events.ts';
import { EventRecorder } from '../../src/lib/server/events.ts';
import { Gatherer } from '../../src/lib/server/gather.ts';
import { createLog } from '../../src/lib/server/log.ts';
import type { SecretBox } from '../../src/lib/server/secrets.ts';
import { Sources, type SourcesParts } from '../../src/lib/server/sources/index.ts';

export interface ProcessParts {
	sql: Sql;
	feed: HintFeed & ConnectionFeed;
	secrets: SecretBox;
	client: { id: string; secret: string };
	addresses: Readonly<Record<string, string>>;
	/** Stores events; in the database unless a test decides. */
	store?: (account: string, drafts: Draft[]) => Promise<RecordOutcome[]>;
}

export function openProcess({ sql, feed, secrets, client, addresses, store }: ProcessParts) {
	const log = createLog({ level: 'silent' });
	const access = new PlatformAccess({
		...{ sql, feed, secrets, log, now: () => performance.now() },
		clients: { twitch: { ...client, addresses } },
		wait: () => Promise.resolve()
	});
	const gatherer = new Gatherer({ sql, platforms, log, clock: () => new Date() });
	const recorder = new EventRecorder(
		store ?? ((account, drafts) => recordEvents(sql, account, drafts))
	);
	const opened = new Set<Sources>();
	return {
		access,
		async start(more: Partial<SourcesParts> = {}): Promise<Sources> {
			const sources = new Sources({
				...{ sql, log, access, secrets, platforms },
				ports: {
					record: (account, drafts) => recorder.record(account, drafts),
					gather: (account, parts) => gatherer.gather(account, parts)
				},
				addresses: () => addresses,
				origin: 'http://127.0.0.1:9',
				chance: () => 0.5,
				...more
			});
			opened.add(sources);
			await sources.start();
			return sources;
		},
		async close(): Promise<void> {
			for (const sources of opened) await sources.stop();
			await gatherer.stop();
			await access.close();
		}
	};
}

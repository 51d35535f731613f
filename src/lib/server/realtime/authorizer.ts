/**
 * May this identity read or write on this private topic? The policies on `realtime.messages`
 * decide: probe rows are inserted as the server, then read back as the client's role with its
 * claims, all in one transaction that is always rolled back. Writing is probed by an insert as the
 * client. Hosted Realtime does the same, so a policy that works there works here.
 *
 * Policies see `realtime.topic()`, `extension`, the claims and the application's own tables; the
 * probe rows have neither event nor payload.
 */
import { randomUUID } from 'node:crypto';
import type { Database, TransactionSql } from '../backend/index.ts';
import type { RealtimeClock } from './clock.ts';
import type { Identity } from './token.ts';
import { isRecord } from './wire.ts';

export type Extension = 'broadcast' | 'presence';

export interface Authorizer {
	/** Which extensions may be read. Throws `AuthorizationUnavailable` when nobody could tell. */
	read(identity: Identity, topic: string, extensions: readonly Extension[]): Promise<Extension[]>;
	/** Whether this extension may be written. Throws likewise. */
	write(identity: Identity, topic: string, extension: Extension): Promise<boolean>;
}

/** The database could not judge; trying again makes sense. `reason` as hosted says it. */
export class AuthorizationUnavailable extends Error {
	readonly reason: string;
	constructor(reason: string, options?: ErrorOptions) {
		super(reason, options);
		this.name = 'AuthorizationUnavailable';
		this.reason = reason;
	}
}

/** Leaves the transaction without a trace, with its answer. */
class RolledBack<T> extends Error {
	readonly answer: T;
	constructor(answer: T) {
		super('rolled back on purpose');
		this.answer = answer;
	}
}

const sqlstateOf = (error: unknown): string =>
	isRecord(error) && typeof error.code === 'string' ? error.code : '';

/** Errors that a policy raised (a wrong cast, its own exception) mean "no"; the rest mean "later". */
function isPolicyError(sqlstate: string): boolean {
	return /^(22|23|2F|38|39|42|44|P0|CU)/.test(sqlstate);
}

/** One question, waiting for its turn. */
interface Asked {
	identity: Identity;
	topic: string;
	probes: { id: string; topic: string; extension: Extension }[];
	answer(readable: Extension[]): void;
	fail(error: unknown): void;
	/** Answered, or not waited for any longer. */
	over: boolean;
}

/** Questions judged by one transaction, and transactions at once: the pool is the product's too. */
const BATCH = 32;
const WIDTH = 3;

export interface AuthorizerOptions {
	clock: RealtimeClock;
	/** Milliseconds after which an answer is not waited for. */
	timeoutMs: number;
}

export function createAuthorizer(
	database: Database,
	{ clock, timeoutMs }: AuthorizerOptions
): Authorizer {
	/** When thousands rejoin at once, those that wait share a transaction. */
	const waiting: Asked[] = [];
	let running = 0;

	function next(): void {
		while (running < WIDTH && waiting.length > 0) {
			running++;
			void judge(waiting.splice(0, BATCH).filter(({ over }) => !over)).finally(() => {
				running--;
				next();
			});
		}
	}

	async function judge(batch: readonly Asked[]): Promise<void> {
		if (batch.length === 0) return;
		try {
			const readable = await probe(async (sql) => {
				// Sent at once, run in this order: one round trip.
				const inserted =
					sql`insert into realtime.messages ${sql(batch.flatMap(({ probes }) => probes))}`.execute();
				const asked = batch.map(async ({ identity, topic, probes }) => {
					const ids = probes.map(({ id }) => id);
					const [, visible] = await Promise.all([
						become(sql, identity, topic).execute(),
						sql<{ extension: Extension }[]>`
							select extension from realtime.messages where id = any(${ids}::uuid[])`.execute()
					]);
					return visible.map(({ extension }) => extension);
				});
				const [answers] = await Promise.all([Promise.all(asked), inserted]);
				return answers;
			});
			batch.forEach(({ answer }, index) => answer(readable[index] ?? []));
		} catch (error) {
			// One policy that raises ends the transaction for all: each gets its own.
			if (batch.length > 1 && isPolicyError(sqlstateOf(error)))
				for (const asked of batch) await judge([asked]);
			else for (const { fail } of batch) fail(error);
		}
	}

	async function probe<T>(work: (sql: TransactionSql) => Promise<T>): Promise<T> {
		try {
			await database.sql.begin(async (sql) => {
				throw new RolledBack(await work(sql));
			});
		} catch (error) {
			if (error instanceof RolledBack) return error.answer;
			throw error;
		}
		throw new Error('authorizer: the probe committed');
	}

	function within<T>(task: () => Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			const cancel = clock.after(timeoutMs, () =>
				reject(
					new AuthorizationUnavailable(
						'QueryCanceled: The policies of this channel did not answer in time'
					)
				)
			);
			task().then(resolve, reject).finally(cancel);
		});
	}

	/** What the client is, for the rest of the transaction. */
	const become = (sql: TransactionSql, { role, claims }: Identity, topic: string) => sql`
		select set_config('role', ${role}, true),
			set_config('realtime.topic', ${topic}, true),
			set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
			set_config('request.jwt.claim.sub', ${typeof claims.sub === 'string' ? claims.sub : ''}, true),
			set_config('request.jwt.claim.role', ${role}, true),
			set_config('request.headers', '{}', true)`;

	async function judged<T>(task: () => Promise<T>, denied: T): Promise<T> {
		try {
			return await within(task);
		} catch (error) {
			if (error instanceof AuthorizationUnavailable) throw error;
			const sqlstate = sqlstateOf(error);
			if (isPolicyError(sqlstate)) return denied;
			if (sqlstate === '57014')
				throw new AuthorizationUnavailable(
					'QueryCanceled: The policies of this channel took too long',
					{ cause: error }
				);
			throw new AuthorizationUnavailable(
				'UnableToConnectToProject: Realtime was unable to connect to the project database',
				{ cause: error }
			);
		}
	}

	return {
		read(identity, topic, extensions) {
			const probes = extensions.map((extension) => ({ id: randomUUID(), topic, extension }));
			let asked: Asked | null = null;
			const ask = () =>
				new Promise<Extension[]>((answer, fail) => {
					asked = { identity, topic, probes, answer, fail, over: false };
					waiting.push(asked);
					next();
				});
			return judged(ask, []).finally(() => {
				if (asked) asked.over = true;
			});
		},

		write(identity, topic, extension) {
			return judged(
				() =>
					probe(async (sql) => {
						await Promise.all([
							become(sql, identity, topic),
							sql`insert into realtime.messages (topic, extension) values (${topic}, ${extension})`
						]);
						return true;
					}),
				false
			);
		}
	};
}

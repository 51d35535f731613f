/**
 * Connections lent to one borrower at a time: for transactions, and for better-auth, which reserves.
 *
 * The driver's own `begin` and `reserve` do not bear the loss of their connection (3.4.9): the
 * rollback it then sends meets a socket that is gone, outside any promise, and ends the process;
 * or the slot has connected anew for somebody else, and the rest of a transaction runs there with
 * other rights. So each connection is a client of its own here. Once lost it is thrown away, and
 * whatever is still said through it is refused.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type postgres from 'postgres';

/** What a transaction offers: statements, but no second transaction. */
export type TransactionSql = postgres.ISql<Record<never, never>>;

export interface Loan {
	/** Refuses as soon as the connection is lost or given back. */
	readonly sql: postgres.Sql;
	/** Whether the connection was lost: what was not committed is undone. */
	readonly lost: boolean;
	giveBack(): void;
}

export interface Lending {
	/** Waits for a free connection; rejects like a connection that cannot be made after `waitMs`. */
	borrow(): Promise<Loan>;
	/** Runs fn in a transaction; commits when it resolves, else rolls back. */
	transact<T>(fn: (sql: TransactionSql) => Promise<T>): Promise<T>;
	end(options?: { timeout?: number }): Promise<void>;
}

interface Client {
	sql: postgres.Sql;
	lost: boolean;
}

export interface LendingOptions {
	max: number;
	waitMs: number;
	/** Makes a client of one connection that tells when it lost it. */
	open(onclose: () => void): postgres.Sql;
}

export function openLending({ max, waitMs, open }: LendingOptions): Lending {
	const clients = new Set<Client>();
	const idle: Client[] = [];
	const waiting: ((client: Client) => void)[] = [];
	let ended = false;

	function make(): Client {
		const client: Client = { sql: open(() => (client.lost = true)), lost: false };
		clients.add(client);
		return client;
	}

	function discard(client: Client): void {
		clients.delete(client);
		void client.sql.end({ timeout: 0 });
	}

	function find(): Client | null {
		for (let client = idle.pop(); client !== undefined; client = idle.pop()) {
			if (!client.lost) return client;
			discard(client); // Closed for its silence, or by a server that went.
		}
		return clients.size < max ? make() : null;
	}

	async function wait(): Promise<Client> {
		const patience = new AbortController();
		let turn: (client: Client) => void = () => {};
		const come = new Promise<Client>((done) => (turn = done));
		waiting.push(turn);
		const late = pause(waitMs, null, { signal: patience.signal, ref: false }).catch(() => null);
		const client = await Promise.race([come, late]);
		patience.abort();
		if (client !== null) return client;
		waiting.splice(waiting.indexOf(turn), 1);
		throw gone('CONNECT_TIMEOUT', `all ${max} connections are in use for ${waitMs} ms`);
	}

	function takeBack(client: Client): void {
		if (client.lost || ended) discard(client);
		else idle.push(client);
		const next = waiting[0] === undefined || ended ? null : find();
		if (next !== null) waiting.shift()?.(next);
	}

	async function borrow(): Promise<Loan> {
		if (ended) throw gone('CONNECTION_ENDED', 'the database is closed');
		const client = find() ?? (await wait());
		let back = false;
		const sql = guarded(client.sql, () => {
			if (back) throw gone('CONNECTION_ENDED', 'the transaction is over');
			if (client.lost) throw gone('CONNECTION_CLOSED', 'the connection was lost');
		});
		return {
			sql,
			get lost() {
				return client.lost;
			},
			giveBack() {
				if (back) return;
				back = true;
				takeBack(client);
			}
		};
	}

	return {
		borrow,
		transact: (fn) => transact(borrow, fn),
		async end(options) {
			ended = true;
			await Promise.all([...clients].map((client) => client.sql.end(options)));
		}
	};
}

async function transact<T>(
	borrow: () => Promise<Loan>,
	fn: (sql: TransactionSql) => Promise<T>
): Promise<T> {
	const loan = await borrow();
	const { sql } = loan;
	try {
		await sql.unsafe('begin');
		let value: T;
		try {
			value = await fn(sql);
		} catch (error) {
			// Without a connection there is nothing to roll back: the server did.
			if (!loan.lost) await sql.unsafe('rollback').catch(() => undefined);
			throw error;
		}
		const { command } = await sql.unsafe('commit');
		// PostgreSQL answers so, without an error, when a statement had failed.
		if (command !== 'COMMIT')
			throw new Error('The transaction was rolled back: a statement in it failed.');
		return value;
	} finally {
		loan.giveBack();
	}
}

/** The same client, with a check before each statement. */
function guarded(sql: postgres.Sql, check: () => void): postgres.Sql {
	return new Proxy(sql, {
		apply(target, self, args) {
			check();
			return Reflect.apply(target, self, args);
		},
		get(target, name) {
			const value: unknown = Reflect.get(target, name);
			if ((name !== 'unsafe' && name !== 'file') || typeof value !== 'function') return value;
			return (...args: unknown[]) => {
				check();
				return Reflect.apply(value, target, args) as unknown;
			};
		}
	});
}

const gone = (code: string, message: string): Error => Object.assign(new Error(message), { code });

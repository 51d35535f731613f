/**
 * The database as the rest of the server sees it: the trusted `sql`, and `as` for statements that
 * the database itself must judge by the caller's claims.
 */
import type postgres from 'postgres';
import type { Log } from '../log.ts';
import { openPool } from './connection.ts';
import { openLending, type Lending, type TransactionSql } from './lending.ts';

export type { TransactionSql } from './lending.ts';

/** Single statements, and transactions by `begin`. */
export interface Sql extends TransactionSql {
	begin<T>(fn: (sql: TransactionSql) => Promise<T>): Promise<T>;
	/** A connection for oneself until `release`. */
	reserve(): Promise<postgres.ReservedSql>;
}

/** Who acts; becomes `request.jwt.claims`, which has_permission and the policies read. */
export interface Claims {
	sub: string;
	role: 'authenticated';
	aud: 'authenticated';
	kind: 'member' | 'api' | 'remote' | 'ingest' | 'overlay';
	account_id?: string;
	/** Of a member's token: it ends with this session. */
	session_id?: string;
	key_id?: string;
	overlay_id?: string;
}

export interface Database {
	/** The trusted server. One statement is one transaction; `sql.begin` makes longer ones. */
	readonly sql: Sql;
	/** Runs fn in one transaction as `authenticated` with these claims: RLS and has_permission judge. */
	as<T>(claims: Claims, fn: (sql: TransactionSql) => Promise<T>): Promise<T>;
	/** Own pool with search_path identity, for better-auth's Kysely dialect. */
	readonly identity: postgres.Sql;
	/** Resolves when the database answers; rejects with the connection's error. */
	ping(): Promise<void>;
	/** Lets running statements end (5 s), then closes all connections. */
	close(): Promise<void>;
}

/** How long a transaction waits for a connection when all are in use. */
const WAIT_MS = 5_000;

/** Opens the pools (they connect at the first query). `url` is a DATABASE_URL. */
export function openDatabase(url: string, log: Log): Database {
	const service = openPool(url, { max: 10, log });
	const lend = (max: number, session: Record<string, string>) =>
		openLending({
			max,
			waitMs: WAIT_MS,
			open: (onclose) => openPool(url, { max: 1, lasting: true, log, session, onclose })
		});
	// A named statement turns to a generic plan at its sixth run, which for a filtered history was
	// 200 times slower than the plan for the values at hand.
	const transactions = lend(10, { plan_cache_mode: 'force_custom_plan' });
	const reserved = lend(3, { search_path: 'identity' });
	const identity = openPool(url, { max: 1, log, session: { search_path: 'identity' } });
	const sql = Object.assign(service, {
		begin: transactions.transact,
		reserve: () => reserve(transactions)
	});

	return {
		sql,
		identity: Object.assign(identity, { reserve: () => reserve(reserved) }),
		as: (claims, fn) => actAs(transactions, claims, fn),
		async ping() {
			await sql`select 1`;
		},
		async close() {
			const all = [service, transactions, reserved, identity];
			await Promise.all(all.map((pool) => pool.end({ timeout: 5 })));
		}
	};
}

/** A connection as the driver's own `reserve` would lend it. */
async function reserve(lending: Lending): Promise<postgres.ReservedSql> {
	const loan = await lending.borrow();
	return new Proxy(Object.assign(loan.sql, { release: () => {} }), {
		get: (target, name) => (name === 'release' ? loan.giveBack : Reflect.get(target, name))
	});
}

function actAs<T>(
	transactions: Lending,
	claims: Claims,
	fn: (sql: TransactionSql) => Promise<T>
): Promise<T> {
	return transactions.transact(async (sql) => {
		await sql`
			select
				set_config('request.jwt.claims', ${JSON.stringify(claims)}, true),
				set_config('request.jwt.claim.sub', ${claims.sub}, true),
				set_config('request.jwt.claim.role', ${claims.role}, true),
				set_config('role', ${claims.role}, true)`;
		return fn(sql);
	});
}

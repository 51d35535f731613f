/**
 * Pools of connections, made so that a query never waits without end.
 *
 * - A connection that cannot be made fails within 3 s; between tries the driver pauses 50 ms, not
 *   up to 20 s as it does by default, so the first query after a restart gets through.
 * - The server ends statements after 5 s. A server that does not even do that (frozen, network
 *   gone) is given up by the socket itself after 8 seconds without an answer.
 * - What the driver does badly when a database is killed is kept from it by dial.ts and lending.ts:
 *   use neither its `begin` nor its `reserve`.
 */
import type { Socket } from 'node:net';
import postgres from 'postgres';
import { AppError } from '../../bus/error.ts';
import type { Log } from '../log.ts';
import { arrayTypes } from './arrays.ts';
import { dial, type Place, type SslMode } from './dial.ts';

const CONNECT_MS = 3_000;
const STATEMENT_MS = 5_000;
const LOCK_MS = 3_000;
const SILENCE_MS = 8_000;

export interface PoolOptions {
	max: number;
	log: Log;
	/** Session settings, sent when the connection is made. */
	session?: Record<string, string | number>;
	/** False: statements and silence may last (migrations, LISTEN). */
	bounded?: boolean;
	/** Never closed by age, which would lose what is notified meanwhile. */
	lasting?: boolean;
	/** Each NOTIFY received; and each connection lost. */
	onnotify?: (channel: string, payload: string) => void;
	onclose?: () => void;
}

/** A DATABASE_URL taken apart. */
interface Address extends Place {
	/** For the driver: user, password, database. */
	url: string;
}

const sslModes: readonly SslMode[] = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads a DATABASE_URL as libpq does: `?host=/folder` names a Unix socket, `?sslmode=` the
 * encryption (by default none on this machine, elsewhere what the server offers).
 * @throws AppError invalid_input when it is no such address.
 */
export function readAddress(text: string): Address {
	let url: URL;
	try {
		url = new URL(text);
	} catch (cause) {
		throw new AppError(
			'invalid_input',
			'DATABASE_URL cannot be read: it looks like postgres://user:password@host:5432/database, with special characters of the password percent-encoded.',
			{ cause }
		);
	}
	const said = url.searchParams;
	const host = said.get('host') ?? url.hostname.replace(/^\[|\]$/g, '');
	const port = Number(said.get('port') ?? url.port) || 5432;
	const path = host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : null;
	const local = path !== null || /^(localhost$|127\.|::1$)/.test(host);
	const wished = said.get('sslmode');
	const ssl = sslModes.find((mode) => mode === wished) ?? (local ? 'disable' : 'prefer');
	if (wished !== null && wished !== ssl)
		throw new AppError(
			'invalid_input',
			`DATABASE_URL has sslmode=${wished}; known are ${sslModes.join(', ')}.`
		);
	// The driver would hand these on to the server, which refuses what it does not know.
	for (const name of ['host', 'port', 'sslmode']) said.delete(name);
	return { url: url.href, path, host, port, ssl };
}

/** The same server, another database on it. */
export function withDatabase(url: string, database: string): string {
	const changed = new URL(url);
	changed.pathname = '/' + encodeURIComponent(database);
	return changed.href;
}

/** Opens a pool; connects at the first query. */
export function openPool(url: string, options: PoolOptions): postgres.Sql {
	const address = readAddress(url);
	const bounded = options.bounded ?? true;
	const sockets = new Set<Socket>();
	let ended = false;
	// The driver knows `socket` and `onnotify`; its types do not.
	const settings: postgres.Options<Record<string, postgres.PostgresType>> & Undeclared = {
		max: options.max,
		connect_timeout: CONNECT_MS / 1000,
		...(options.lasting ? { max_lifetime: null } : {}),
		backoff: () => 0.05,
		fetch_types: false,
		types: arrayTypes,
		ssl: false, // dial.ts sees to it.
		connection: { application_name: 'cuelight', options: sessionOptions(bounded, options) },
		async socket() {
			const silenceMs = bounded ? SILENCE_MS : null;
			const socket = await dial(address, { timeoutMs: CONNECT_MS, silenceMs });
			sockets.add(socket);
			socket.once('close', () => sockets.delete(socket));
			if (ended) socket.destroy();
			// The driver's error messages name these.
			return Object.assign(socket, { host: address.path ?? address.host, port: address.port });
		},
		onnotice: (notice) => options.log.debug('the database remarks', { notice: notice.message }),
		...(options.onnotify ? { onnotify: options.onnotify } : {}),
		...(options.onclose ? { onclose: options.onclose } : {})
	};
	const sql = postgres(address.url, settings);
	const end = sql.end;
	return Object.assign(sql, {
		async end(how?: { timeout?: number }) {
			await end(how);
			// One that was just being made would stay open and keep the process alive.
			ended = true;
			for (const socket of sockets) socket.destroy();
		}
	});
}

interface Undeclared {
	socket: () => Promise<Socket>;
	onnotify?: (channel: string, payload: string) => void;
}

/**
 * Session settings in the form `-c name=value`, as libpq's `options` takes them. Padded, so that
 * the driver sends the first message of a connection at once (see dial.ts).
 */
function sessionOptions(bounded: boolean, options: PoolOptions): string {
	const settings = {
		TimeZone: 'UTC',
		statement_timeout: bounded ? STATEMENT_MS : 0,
		...(bounded ? { lock_timeout: LOCK_MS, idle_in_transaction_session_timeout: SILENCE_MS } : {}),
		...options.session
	};
	const flags = Object.entries(settings).map(([name, value]) => {
		const escaped = String(value).replace(/[\\ ]/g, '\\$&');
		return `-c ${name}=${escaped}`;
	});
	return flags.join(' ').padEnd(1_100);
}

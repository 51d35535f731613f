/**
 * Makes the driver's sockets. The driver would do so itself; four of its ways (3.4.9) do not bear
 * a database that is killed:
 *
 * - What is said between a socket's `error` and its `close` is never answered nor refused.
 * - A socket that closes in the same turn in which something was written leaves the driver
 *   believing that a flush is due; it never writes on that slot again. So a socket is handed over
 *   only when connected, tells its end in one piece and after all writes of the turn, and `openPool`
 *   makes the first message so long that it is flushed at once.
 * - A server that is frozen, or a network that swallows packets, is waited for without end.
 * - A factory that throws costs the pool a slot for ever: a failure is told by events instead.
 */
import { connect as connectTcp, isIP, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface Place {
	/** Set for a Unix socket. */
	path: string | null;
	host: string;
	port: number;
	ssl: SslMode;
}

export interface DialOptions {
	/** For name lookup, TCP and TLS together. */
	timeoutMs: number;
	/** A connection that owes an answer and stays silent for so long is closed; null: never. */
	silenceMs: number | null;
}

/** A connected socket; or one that will fail by its events, with the error's reason as `code`. */
export async function dial(place: Place, options: DialOptions): Promise<Socket> {
	try {
		const socket = await connected(place, options.timeoutMs);
		if (options.silenceMs !== null) endSilence(socket, options.silenceMs);
		return endingAtOnce(socket);
	} catch (error) {
		return stillborn(error instanceof Error ? error : new Error(String(error)));
	}
}

function connected(place: Place, timeoutMs: number): Promise<Socket> {
	const { path, host, port } = place;
	const plain = path === null ? connectTcp({ host, port }) : connectTcp({ path });
	return new Promise((done, fail) => {
		const timer = setTimeout(() => {
			const where = path ?? `${host}:${port}`;
			refuse(Object.assign(new Error(`connecting to ${where} took too long`), timeout));
		}, timeoutMs);
		function refuse(error: Error & { code?: string }): void {
			clearTimeout(timer);
			// A socket's file is missing exactly when nobody listens.
			fail(error.code === 'ENOENT' ? Object.assign(error, { code: 'ECONNREFUSED' }) : error);
			plain.destroy();
		}
		function accept(socket: Socket): void {
			clearTimeout(timer);
			plain.off('error', refuse).off('close', closed);
			socket.off('error', refuse);
			done(socket);
		}
		const closed = () => refuse(Object.assign(new Error('closed while connecting'), reset));
		plain.once('error', refuse).once('close', closed);
		plain.once('connect', () => {
			if (path !== null || place.ssl === 'disable') return accept(plain);
			askForTls(plain, place, refuse, accept);
		});
	});
}

const timeout = { code: 'CONNECT_TIMEOUT' };
const reset = { code: 'ECONNRESET' };

/** PostgreSQL's SSLRequest: answered by one byte, S for yes. */
function askForTls(
	plain: Socket,
	place: Place,
	refuse: (error: Error) => void,
	accept: (socket: Socket) => void
): void {
	plain.once('data', (answer) => {
		if (answer[0] !== 0x53) {
			if (place.ssl === 'prefer') return accept(plain);
			return refuse(new Error(`${place.host} offers no TLS, and sslmode=${place.ssl} asks for it`));
		}
		const verify = place.ssl.startsWith('verify');
		const options: ConnectionOptions = {
			socket: plain,
			rejectUnauthorized: verify,
			...(isIP(place.host) ? {} : { servername: place.host }),
			...(place.ssl === 'verify-ca' ? { checkServerIdentity: () => undefined } : {})
		};
		const secure = connectTls(options);
		secure.once('error', refuse);
		secure.once('secureConnect', () => accept(secure));
	});
	plain.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
}

/** Closes a connection that does not answer. One that is idle may be silent for ever. */
function endSilence(socket: Socket, silenceMs: number): void {
	const write = socket.write;
	socket.write = (...args: unknown[]): boolean => {
		socket.setTimeout(silenceMs);
		return Reflect.apply(write, socket, args);
	};
	socket.on('timeout', () => socket.destroy());
	socket.on('data', (chunk: Buffer) => {
		// ReadyForQuery ends an answer: 'Z', length 5, state.
		const ready = chunk.length >= 6 && chunk.readUInt32BE(chunk.length - 6) === 0x5a000000;
		socket.setTimeout(ready ? 0 : silenceMs);
	});
}

/** A connection's end as one event, which refuses everything that the driver still awaits on it. */
function endingAtOnce(socket: Socket): Socket {
	const emit = socket.emit;
	const tell = (...event: unknown[]) => Reflect.apply(emit, socket, event);
	let answered = false;
	socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
		if (event === 'data') answered = true;
		if (event === 'error') return true; // The close that follows says enough.
		if (event !== 'close') return tell(event, ...args);
		setImmediate(() => {
			// The driver would try again and again, at once, whoever hangs up without a word.
			if (!answered) tell('error', Object.assign(new Error('closed while connecting'), reset));
			tell('close', false);
		});
		return true;
	};
	return socket;
}

/** Swallows the driver's first message, then fails: by then the driver listens. */
function stillborn(error: Error): Socket {
	const socket = new Socket();
	socket.write = () => true;
	setImmediate(() => setImmediate(() => socket.destroy(error)));
	return socket;
}

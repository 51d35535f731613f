/**
 * What `node build/server.js` runs: the built app behind one HTTP server of our own, which also
 * upgrades WebSockets and goes down in good order. It is copied beside the build as it is, so it
 * imports nothing but Node and the build; the running services are reached through globalThis.
 *
 * Going down takes at most 5 s: no new connections, streams and sockets are told to come back
 * (1012), requests at hand end, services close.
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';
import process from 'node:process';

const LONGEST_STOP_MS = 5_000;
const LONGEST_REQUEST_AT_STOP_MS = 1_500;
const UNCAUGHT_IN_A_MINUTE = 10;

// An empty variable means the same as none.
for (const name of ['HOST', 'PORT', 'ORIGIN'])
	if (process.env[name] === '') delete process.env[name];
const host = (process.env.HOST ??= '127.0.0.1');
// The build reads these when it is loaded. Each door has its own, smaller limit.
process.env.BODY_SIZE_LIMIT ??= '9M';
process.env.PROTOCOL_HEADER ??= 'x-forwarded-proto';

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));
/** @param {unknown} error @returns {unknown} */
const codeOf = (error) =>
	typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** @param {string} message @returns {never} */
function giveUp(message) {
	process.stderr.write(`\nCuelight did not start: ${message}\n`);
	process.exit(1);
}

/**
 * A port that can be listened on, asked before anything starts so that a second start disturbs
 * nothing. Port 0 takes any free one.
 * @param {string} wanted
 * @returns {Promise<number>}
 */
function findPort(wanted) {
	const port = Number(wanted);
	if (!Number.isInteger(port) || port < 0 || port > 65_535)
		giveUp(`PORT is "${wanted}" and must be a number up to 65535.`);
	return new Promise((resolve) => {
		const probe = net.createServer();
		probe.once('error', (error) => giveUp(reasonNotToListen(error, port)));
		probe.listen({ host, port }, () => {
			const address = probe.address();
			const found = typeof address === 'object' && address !== null ? address.port : port;
			probe.close(() => resolve(found));
		});
	});
}

/** @param {unknown} error @param {number} port */
function reasonNotToListen(error, port) {
	switch (codeOf(error)) {
		case 'EADDRINUSE':
			return `port ${port} is in use. Perhaps Cuelight is running already: look at http://127.0.0.1:${port}. Otherwise choose another: PORT=${port + 1} npm start`;
		case 'EACCES':
			return `port ${port} may not be used by this user. Choose one above 1023: PORT=4517 npm start`;
		case 'EADDRNOTAVAIL':
		case 'ENOTFOUND':
			return `this machine has no address ${host}. Use HOST=127.0.0.1 for this machine only, or HOST=0.0.0.0 for the whole network.`;
		default:
			return `${host}:${port} cannot be listened on: ${messageOf(error)}`;
	}
}

/**
 * @param {http.ServerResponse} response
 * @param {number} status
 * @param {string} code
 * @param {string} title
 */
function refuse(response, status, code, title) {
	const instance = randomBytes(9).toString('base64url');
	const problem = { type: 'about:blank', title, status, code, detail: title, instance };
	response.writeHead(status, {
		'content-type': 'application/problem+json',
		'x-content-type-options': 'nosniff',
		...(status === 405 ? { allow: 'GET, HEAD, POST, PUT, DELETE' } : {}),
		connection: 'close'
	});
	response.end(JSON.stringify(problem));
}

/** Of these a request has one: who sends two wants two parsers to disagree. */
const SINGLE = new Set(['host', 'content-type', 'content-length', 'authorization', 'origin']);

/** @param {readonly string[]} rawHeaders names and values in turn */
function repeatsHeader(rawHeaders) {
	const seen = new Set();
	for (let i = 0; i < rawHeaders.length; i += 2) {
		const name = rawHeaders[i]?.toLowerCase();
		if (SINGLE.has(name ?? '') && seen.size === seen.add(name).size) return true;
	}
	return false;
}

/**
 * Makes a request fit to be handed on.
 * @param {http.IncomingMessage} request
 */
function prepare({ headers }) {
	// Only a proxy that ends TLS sets this; anything else than its two values is noise.
	const protocol = headers['x-forwarded-proto'];
	headers['x-forwarded-proto'] = protocol === 'https' ? 'https' : 'http';
	// Without a type the body would be dropped unread; the doors judge it themselves.
	const hasBody =
		headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
	if (hasBody) headers['content-type'] ??= 'application/octet-stream';
}

const port = await findPort(process.env.PORT ?? '4517');
process.env.PORT = String(port);

/** @type {{ handler: (request: http.IncomingMessage, response: http.ServerResponse, next: () => void) => unknown }} */
const { handler } = await import(new URL('./handler.js', import.meta.url).href).catch((error) => {
	const isExpected = error instanceof Error && error.name === 'AppError';
	return giveUp(isExpected ? error.message : (error?.stack ?? messageOf(error)));
});
const hub = () => globalThis.__cuelight;

const server = http.createServer({
	headersTimeout: 10_000,
	requestTimeout: 30_000,
	keepAliveTimeout: 30_000
});

server.on('request', async (request, response) => {
	try {
		if (!request.url?.startsWith('/'))
			return refuse(response, 400, 'invalid_input', 'The address must begin with a slash');
		if (request.method === 'TRACE' || request.method === 'TRACK')
			return refuse(response, 405, 'method_not_allowed', 'This server does not take that method');
		if (repeatsHeader(request.rawHeaders))
			return refuse(response, 400, 'invalid_input', 'A header came twice that may come once');
		prepare(request);
		response.setHeader('x-content-type-options', 'nosniff');
		await handler(request, response, () =>
			refuse(response, 404, 'not_found', 'There is nothing at this address')
		);
	} catch (error) {
		report(error);
		if (!response.headersSent) refuse(response, 500, 'internal', 'Something went wrong here');
		else response.destroy();
	}
});

server.on('upgrade', (request, socket, head) => {
	// A peer that resets the connection is not our failure.
	socket.on('error', () => socket.destroy());
	try {
		/** @type {{ handleUpgrade?: (request: http.IncomingMessage, socket: import('node:stream').Duplex, head: Buffer) => boolean } | undefined} */
		const realtime = Reflect.get(globalThis, Symbol.for('cuelight.realtime'));
		if (!stopping && realtime?.handleUpgrade?.(request, socket, head)) return;
	} catch (error) {
		report(error);
	}
	socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
});

/** @param {unknown} error */
function report(error) {
	const log = hub()?.services?.log;
	if (log) log.error('an error nobody caught', { error });
	else console.error(error);
}

let uncaught = 0;
/** A fault in one corner must not take the show off the air; a fault again and again must. */
process.on('uncaughtException', (error) => {
	report(error);
	uncaught += 1;
	setTimeout(() => (uncaught -= 1), 60_000).unref();
	if (uncaught > UNCAUGHT_IN_A_MINUTE) void stop(1);
});
process.on('unhandledRejection', report);

let stopping = 0;
/** @param {number} exitCode */
async function stop(exitCode) {
	// A terminal's Ctrl-C arrives twice, from the terminal and from `npm start`; a person's second
	// one means it.
	if (stopping > 0) {
		if (Date.now() - stopping > 1_000) process.exit(exitCode || 130);
		return;
	}
	stopping = Date.now();
	setTimeout(() => process.exit(exitCode || 1), LONGEST_STOP_MS).unref();
	const closed = new Promise((resolve) => server.close(resolve));
	server.closeIdleConnections();
	try {
		await hub()?.endConnections();
		const late = setTimeout(() => server.closeAllConnections(), LONGEST_REQUEST_AT_STOP_MS);
		const idle = setInterval(() => server.closeIdleConnections(), 50);
		await closed;
		clearTimeout(late);
		clearInterval(idle);
		await hub()?.stop();
	} catch (error) {
		report(error);
	}
	process.exit(exitCode);
}
process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
// Whoever started this process is gone without a word.
process.on('disconnect', () => void stop(0));

server.once('error', async (error) => {
	await hub()
		?.stop()
		.catch(() => {});
	giveUp(reasonNotToListen(error, port));
});
server.listen({ host, port }, () => {
	const running = hub();
	const setupLink = running?.setupLink() ?? null;
	console.log(`Cuelight is running at ${running?.services?.origin}`);
	if (setupLink !== null) console.log(`First run: set up at ${setupLink}`);
});

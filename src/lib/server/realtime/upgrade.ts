/**
 * The door: may this HTTP request become a socket? Address, origin, caps, version, key, in that
 * order. A refusal is a plain HTTP answer with a JSON body in hosted Realtime's words; a browser
 * cannot read it, so it is for people with other tools.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Standing } from './connection.ts';
import type { Core } from './core.ts';
import { identityOfKey, TokenRefused, type Role } from './token.ts';
import { v1 } from './v1.ts';
import { v2 } from './v2.ts';
import type { Codec } from './wire.ts';

const PATHS = new Set(['/realtime/v1/websocket', '/socket/websocket']);

export interface UpgradeDeps {
	apiKeys: Readonly<Record<string, Role>>;
	allowOrigin(origin: string | undefined, host: string): boolean;
}

class Refused extends Error {
	readonly status: number;
	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

function refuse(socket: Duplex, status: number, error: string): void {
	const body = JSON.stringify({ error });
	socket.once('finish', () => socket.destroy());
	socket.end(
		`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
			`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
	);
}

function urlOf(request: IncomingMessage): URL | null {
	try {
		return new URL(request.url ?? '', 'http://unknown');
	} catch {
		return null;
	}
}

/** `1.0.0` when missing, as Phoenix takes it. */
function codecOf(vsn: string | null): Codec {
	if (vsn === null || /^1\.\d+\.\d+$/.test(vsn)) return v1;
	if (/^2\.\d+\.\d+$/.test(vsn)) return v2;
	throw new Refused(400, 'Protocol versions 1.0.0 and 2.0.0 are spoken here (vsn)');
}

/** Connections from one address; this machine's own (and so a proxy on it) are not counted. */
class Addresses {
	#counts = new Map<string, number>();

	static isOwn(address: string): boolean {
		return /^(::1|(::ffff:)?127\.)/.test(address);
	}

	/** Counts one; null when there are too many, else what to call when it is gone. */
	enter(address: string, most: number): (() => void) | null {
		if (Addresses.isOwn(address)) return () => {};
		const count = this.#counts.get(address) ?? 0;
		if (count >= most) return null;
		this.#counts.set(address, count + 1);
		return () => {
			const left = (this.#counts.get(address) ?? 1) - 1;
			if (left > 0) this.#counts.set(address, left);
			else this.#counts.delete(address);
		};
	}
}

/** Takes over an opened socket. */
export type Accept = (ws: WebSocket, socket: Duplex, codec: Codec, standing: Standing) => void;

export function createUpgrade(core: Core, deps: UpgradeDeps, accept: Accept) {
	const { limits } = core;
	const addresses = new Addresses();
	let connections = 0;
	const server = new WebSocketServer({
		noServer: true,
		clientTracking: false,
		// Small messages gain nothing from it, and a bomb of zeros would.
		perMessageDeflate: false,
		maxPayload: limits.frameBytes,
		// A thousand one-byte fragments cost more than the message is worth.
		maxFragments: 64,
		maxBufferedChunks: 4096
	});

	async function standingOf(request: IncomingMessage, url: URL): Promise<Standing> {
		const header = request.headers['x-api-key'];
		const key = (typeof header === 'string' && header) || url.searchParams.get('apikey');
		if (!key) throw new Refused(401, 'API key is missing');
		const role = Object.hasOwn(deps.apiKeys, key) ? deps.apiKeys[key] : undefined;
		if (role !== undefined) return { identity: identityOfKey(role), token: null };
		try {
			return { identity: await core.identify(key), token: key };
		} catch (error) {
			if (error instanceof TokenRefused) throw new Refused(401, error.message);
			throw error;
		}
	}

	async function open(request: IncomingMessage, socket: Duplex, head: Buffer, url: URL) {
		const { origin, host } = request.headers;
		if (!deps.allowOrigin(origin, host ?? '')) throw new Refused(403, 'Origin not allowed');
		if (core.closing) throw new Refused(503, 'Realtime is restarting, please standby');
		const address = request.socket.remoteAddress ?? 'unknown';
		const leave =
			connections < limits.connections
				? addresses.enter(address, limits.connectionsPerAddress)
				: null;
		if (leave === null) throw new Refused(429, 'Too many connected users');
		connections++;
		socket.once('close', () => {
			connections--;
			leave();
		});
		const codec = codecOf(url.searchParams.get('vsn'));
		const standing = await standingOf(request, url);
		if (core.closing) throw new Refused(503, 'Realtime is restarting, please standby');
		server.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, codec, standing));
	}

	return {
		/** Whether the request was for this server; if so it is answered from here on. */
		handle(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
			const url = urlOf(request);
			if (url === null || !PATHS.has(url.pathname)) return false;
			socket.on('error', () => socket.destroy());
			open(request, socket, head, url).catch((error: unknown) => {
				if (error instanceof Refused) return refuse(socket, error.status, error.message);
				core.log.error('realtime: an upgrade failed', { error });
				refuse(socket, 500, 'Error connecting to Realtime');
			});
			return true;
		}
	};
}

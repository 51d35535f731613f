/**
 * Whom this server answers. Any web page that the streamer visits can reach 127.0.0.1, so being
 * local proves nothing: the Host header must be a name that is ours (else a rebound DNS name would
 * make a foreign page same-origin), and a browser that changes something with its cookie must come
 * from one of our own pages. Callers that carry a Bearer token or sign their request are judged by
 * that instead: a foreign page cannot make a browser send either.
 */
import { isIP } from 'node:net';
import { hostname as machineName } from 'node:os';

export interface OriginPolicy {
	/** The address the server listens on (HOST). */
	listen: string;
	/** The public address (ORIGIN), when there is one. */
	origin?: string | undefined;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** Private and link-local literals: a literal cannot be rebound, and only neighbours reach it. */
const LAN =
	/^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cd][0-9a-f]{2}:|\[fe[89ab][0-9a-f]:)/;

/** A Host header as URL parts, or null when it is none. */
function parseHost(host: string | null | undefined): URL | null {
	if (!host || !/^[a-z0-9.\-:[\]]{1,255}$/i.test(host)) return null;
	try {
		return new URL(`http://${host}`);
	} catch {
		return null;
	}
}

/** Whether the server answers requests that name this host. */
export function answersFor(policy: OriginPolicy, host: string | null | undefined): boolean {
	const url = parseHost(host);
	if (url === null) return false;
	const name = url.hostname.replace(/\.$/, '');
	if (LOOPBACK.test(name)) return true;
	if (policy.origin !== undefined && sameHost(policy.origin, url.host)) return true;
	const listen = parseHost(isIP(policy.listen) === 6 ? `[${policy.listen}]` : policy.listen);
	if (listen !== null && LOOPBACK.test(listen.hostname)) return false;
	return (
		name === listen?.hostname ||
		(isIP(name.replace(/^\[|\]$/g, '')) > 0 && LAN.test(name)) ||
		name === machineName().toLowerCase() ||
		name.endsWith('.local')
	);
}

/** Compares an origin's host with a Host header, whatever the scheme: a proxy may end TLS. */
function sameHost(origin: string, host: string): boolean {
	const from = parseOrigin(origin);
	if (from === null) return false;
	const bare = (text: string) => text.toLowerCase().replace(/:(?:80|443)$/, '');
	return bare(from.host) === bare(host);
}

function parseOrigin(origin: string): URL | null {
	if (!/^https?:\/\/[^/?#@\\\s]+$/i.test(origin)) return null;
	try {
		return new URL(origin);
	} catch {
		return null;
	}
}

/** Whether an `Origin` header names one of our own pages. */
export function isOwnOrigin(policy: OriginPolicy, origin: string, host: string): boolean {
	if (policy.origin !== undefined && parseOrigin(origin)?.origin === new URL(policy.origin).origin)
		return true;
	return answersFor(policy, host) && sameHost(origin, host);
}

/**
 * Whether a socket may be opened. Programs send no Origin and prove themselves by their token;
 * browsers always send one.
 */
export function allowsSocket(
	policy: OriginPolicy,
	origin: string | undefined,
	host: string
): boolean {
	return answersFor(policy, host) && (origin === undefined || isOwnOrigin(policy, origin, host));
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a request may change something, judged by where it comes from. `usesCookie`: the request
 * acts with a browser's session. Without one and without browser headers it is a program.
 */
export function mayChange(policy: OriginPolicy, request: Request, usesCookie: boolean): boolean {
	if (READS.has(request.method)) return true;
	const origin = request.headers.get('origin');
	if (origin !== null) return isOwnOrigin(policy, origin, request.headers.get('host') ?? '');
	const site = request.headers.get('sec-fetch-site');
	if (site !== null) return site === 'same-origin';
	return !usesCookie;
}

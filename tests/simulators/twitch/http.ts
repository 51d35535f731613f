/** What the simulator's endpoints see of HTTP, and how they answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Asked {
	readonly method: string;
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
	/** The address that the program was reached by, as `http://host:port`. */
	readonly origin: string;
}

export interface Answer {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	/** Text is sent as HTML, all else as JSON. */
	readonly body?: unknown;
}

const MAX_BODY = 1_000_000;

export async function readAsked(request: IncomingMessage): Promise<Asked> {
	const origin = `http://${request.headers.host ?? '127.0.0.1'}`;
	const url = new URL(request.url ?? '/', origin);
	const parts: Buffer[] = [];
	let size = 0;
	for await (const part of request) {
		const bytes = Buffer.from(part);
		size += bytes.length;
		if (size <= MAX_BODY) parts.push(bytes);
	}
	return {
		method: request.method ?? 'GET',
		path: url.pathname,
		query: url.searchParams,
		headers: request.headers,
		body: Buffer.concat(parts).toString('utf8'),
		origin
	};
}

export function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
	if (body === undefined) response.writeHead(status, headers).end();
	else if (typeof body === 'string')
		response
			.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers })
			.end(body);
	else
		response
			.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
			.end(JSON.stringify(body));
}

const words: Readonly<Record<number, string>> = {
	400: 'Bad Request',
	401: 'Unauthorized',
	403: 'Forbidden',
	404: 'Not Found',
	409: 'Conflict',
	429: 'Too Many Requests',
	500: 'Internal Server Error',
	503: 'Service Unavailable'
};

/** Helix's way to say no. */
export const refuse = (status: number, message: string, more: object = {}): Answer => ({
	status,
	body: { error: words[status] ?? 'Error', status, message, ...more }
});

/** OAuth's way to say no. */
export const refuseOAuth = (status: number, message: string): Answer => ({
	status,
	body: { status, message }
});

/** The one value of a header; empty when it is missing or said twice. */
export function header({ headers }: Asked, name: string): string {
	const value = headers[name];
	return typeof value === 'string' ? value : '';
}

/** A request's form; null when the body is none. OAuth also reads the query, as Twitch does. */
export function formOf(asked: Asked): URLSearchParams {
	const isForm = header(asked, 'content-type').startsWith('application/x-www-form-urlencoded');
	return isForm ? new URLSearchParams(asked.body) : asked.query;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

export function jsonOf({ body }: Asked): Record<string, unknown> | null {
	try {
		const value: unknown = JSON.parse(body);
		return isRecord(value) ? value : null;
	} catch {
		return null;
	}
}

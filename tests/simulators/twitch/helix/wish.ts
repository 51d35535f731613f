/** Reading the body of `POST /eventsub/subscriptions`: what is wished for, or why it cannot be. */
import { isRecord, refuse, type Answer } from '../http.ts';
import type { Sockets } from '../sockets.ts';
import type { Transport } from '../subscriptions.ts';
import type { Access } from '../tokens.ts';
import { eventSubTypes, type EventSubType } from '../types.ts';
import type { WebhookRules } from '../webhooks.ts';

export interface Wish {
	readonly type: string;
	readonly version: string;
	readonly condition: Readonly<Record<string, string>>;
	readonly transport: Readonly<Record<string, unknown>>;
	readonly rule: EventSubType;
}

export function readWish(body: Record<string, unknown> | null): Wish | Answer {
	if (body === null) return refuse(400, 'invalid request body');
	const { type, version, condition, transport } = body;
	if (typeof type !== 'string' || type === '') return refuse(400, 'missing or invalid field type');
	if (typeof version !== 'string') return refuse(400, 'missing or invalid field version');
	const rule = Object.hasOwn(eventSubTypes, type) ? eventSubTypes[type] : undefined;
	if (rule === undefined || rule.version !== version)
		return refuse(400, 'invalid subscription type and version');
	if (!isRecord(transport)) return refuse(400, 'missing or invalid field transport');
	if (!isRecord(condition)) return refuse(400, 'missing or invalid field condition');
	const known = [...rule.required, ...rule.optional];
	const texts: Record<string, string> = {};
	for (const [key, value] of Object.entries(condition)) {
		if (!known.includes(key) || typeof value !== 'string')
			return refuse(400, `invalid condition ${key}`);
		texts[key] = value;
	}
	const missing = rule.required.find((key) => !texts[key]);
	if (missing !== undefined) return refuse(400, `missing condition ${missing}`);
	const named = Object.values(texts).filter((value) => value !== '').length;
	// A raid: where from or where to, never both.
	if (rule.required.length === 0 && named !== 1)
		return refuse(400, 'specify exactly one condition');
	// Twitch writes the keys that were left out as empty texts.
	const complete = Object.fromEntries(known.map((key) => [key, texts[key] ?? '']));
	return { type, version, condition: complete, transport, rule };
}

export function transportOf(
	{ transport, rule }: Wish,
	access: Access,
	sockets: Sockets,
	{ isHttpsOnly }: WebhookRules
): Transport | Answer {
	const combination = refuse(400, 'invalid transport and auth combination');
	if (transport['method'] === 'websocket') {
		if (access.userId === null || rule.webhookOnly) return combination;
		const session = sockets.find(String(transport['session_id']));
		if (session === undefined)
			return refuse(400, 'websocket transport session does not exist or has already disconnected');
		if (session.userId !== null && session.userId !== access.userId)
			return refuse(
				400,
				'websocket transport cannot have subscriptions created by different users'
			);
		return { method: 'websocket', session, disconnectedAt: null };
	}
	if (transport['method'] !== 'webhook') return refuse(400, 'invalid transport method');
	if (access.userId !== null) return combination;
	const { callback, secret } = transport;
	if (typeof callback !== 'string' || !isCallback(callback, isHttpsOnly))
		return refuse(400, 'invalid callback: it must be https on port 443');
	if (typeof secret !== 'string' || !/^[\x20-\x7e]{10,100}$/.test(secret))
		return refuse(400, 'invalid secret: it must be 10 to 100 ASCII characters');
	return { method: 'webhook', callback, secret };
}

function isCallback(callback: string, isHttpsOnly: boolean): boolean {
	if (!URL.canParse(callback)) return false;
	const { protocol, port, hostname } = new URL(callback);
	if (protocol === 'https:' && port === '') return true;
	const isLoopback = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname);
	return !isHttpsOnly && isLoopback && /^https?:$/.test(protocol);
}

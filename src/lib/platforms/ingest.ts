/**
 * THE DOOR: every delivery of every platform enters here, and what enters is durable before the
 * platform hears 2xx.
 *
 *   identify → whose secrets → verify each → read → take (COMMIT) → 2xx
 *
 * What it promises:
 * - never throws, and never lets a delivery's content cause a 5xx;
 * - 2xx only for what is durably stored, already known, or of no use even if it came again;
 * - 4xx as problem documents. Unknown channel, wrong signature and wrong age are one and the same
 *   answer after the same work, so that nobody can probe which channels or secrets exist; what
 *   really was the matter goes to the delivery log;
 * - 503 with `Retry-After` when the database is away, so that the platform sends again.
 */
import { AppError } from '../bus/index.ts';
import {
	accepted,
	echo,
	problem,
	type Answer,
	type DeliveryOutcome,
	type Recorded
} from './answer.ts';
import type { Delivery, Identity, Platform, Reading, WebhookDoor } from './platform.ts';
import { outcomeOf, take, type TakePorts } from './take.ts';

/** Largest body taken, in bytes. The server refuses more before buffering; this is the last word. */
export const MAX_DELIVERY_BYTES = 262_144;

/** Seconds after which a platform should send again when the database was away. */
const RETRY_AFTER_S = 5;

/** An account's link to its channel on a platform. */
export interface Connection {
	readonly id: string;
	readonly account_id: string;
	/** In the clear; two while one is being replaced by the next. */
	readonly secrets: readonly string[];
}

/** One line of the delivery log. */
export interface DeliveryRecord {
	readonly platform: string;
	/** null while nothing is proven: such lines must not be able to fill an account's log. */
	readonly connection_id: string | null;
	readonly message_id: string | null;
	readonly kind: string;
	readonly outcome: DeliveryOutcome;
	readonly detail: string | null;
	readonly at: Date;
}

export interface IngestPorts extends TakePorts {
	/** All live connections to this channel, of whatever account. */
	connections(platform: string, channelId: string | null): Promise<readonly Connection[]>;
	logDelivery(record: DeliveryRecord): void | Promise<void>;
	clock(): Date;
	/** Names this request in problem documents. */
	readonly request_id?: string;
}

export type { Answer, DeliveryOutcome, Recorded } from './answer.ts';

/** Takes one delivery. See the promises above. */
export async function ingest(
	platform: Platform,
	delivery: Delivery,
	ports: IngestPorts
): Promise<Answer> {
	const request = { instance: ports.request_id };
	const door = platform.webhook;
	if (door === undefined)
		return problem('not_found', `${platform.title} does not deliver here`, 'malformed', request);
	if (delivery.body.byteLength > MAX_DELIVERY_BYTES) {
		const detail = `a delivery has at most ${MAX_DELIVERY_BYTES} bytes`;
		return problem('payload_too_large', detail, 'malformed', request);
	}
	const now = ports.clock();
	let identity: Identity = { channel_id: null, message_id: null, kind: 'unknown' };
	/** Writes a line of the log. Only a revocation waits for it: there the line is the fact itself. */
	const log = async (outcome: DeliveryOutcome, detail: string | null, connection?: Connection) =>
		ports.logDelivery({
			platform: platform.name,
			connection_id: connection?.id ?? null,
			message_id: identity.message_id,
			kind: identity.kind,
			outcome,
			detail,
			at: now
		});
	/** The answer never depends on whether its line could be written. */
	const note = (...line: Parameters<typeof log>): void => void log(...line).catch(() => undefined);

	try {
		const identified = door.identify(delivery);
		if ('refused' in identified) {
			note('malformed', identified.refused);
			return problem('invalid_input', identified.refused, 'malformed', request);
		}
		identity = identified;
		const candidates = await ports.connections(platform.name, identity.channel_id);
		const { genuine, verdict } = await verify(door, delivery, candidates, now);
		if (verdict !== null) {
			note(verdict, null);
			// One sentence for all three: see the promises.
			const detail = 'The signature does not fit a delivery for this address at this time.';
			return problem('forbidden', detail, verdict, request);
		}
		const reading = door.read(delivery);
		return await settle(platform, reading, genuine, ports, log, note);
	} catch (error) {
		note('failed', (error instanceof Error ? error.message : String(error)).slice(0, 500));
		// A refusal by the database would be the same next time: say so, in its own words.
		if (error instanceof AppError && error.status < 500) {
			const { code, message, retryAfter } = error;
			return problem(code, message, 'failed', { ...request, retryAfter });
		}
		// A fault of ours, whatever it is: nothing was acknowledged, so nothing may be lost.
		const retryAfter = (error instanceof AppError && error.retryAfter) || RETRY_AFTER_S;
		const detail = 'Not stored; please send it again.';
		return problem('unavailable', detail, 'failed', { ...request, retryAfter });
	}
}

type Log = (
	outcome: DeliveryOutcome,
	detail: string | null,
	connection?: Connection
) => Promise<void>;
type Note = (...line: Parameters<Log>) => void;

/** The connections whose secret signed this, or else why there are none. */
async function verify(
	door: WebhookDoor,
	delivery: Delivery,
	candidates: readonly Connection[],
	now: Date
): Promise<{
	genuine: Connection[];
	verdict: 'unknown_channel' | 'forged' | 'stale' | null;
}> {
	if (candidates.length === 0) {
		// The same work as for a channel we know: the time taken tells nothing either.
		await door.verify(delivery, 'no-connection-has-this-secret', now);
		return { genuine: [], verdict: 'unknown_channel' };
	}
	const genuine: Connection[] = [];
	let stale = false;
	for (const connection of candidates) {
		const verdicts = await Promise.all(
			connection.secrets.map((secret) => door.verify(delivery, secret, now))
		);
		if (verdicts.includes('genuine')) genuine.push(connection);
		stale ||= verdicts.includes('stale');
	}
	if (genuine.length > 0) return { genuine, verdict: null };
	return { genuine, verdict: stale ? 'stale' : 'forged' };
}

/** Acts on what a genuine delivery says. */
async function settle(
	platform: Platform,
	reading: Reading,
	genuine: readonly Connection[],
	ports: IngestPorts,
	log: Log,
	note: Note
): Promise<Answer> {
	const noteAll = (outcome: DeliveryOutcome, detail: string | null) => {
		for (const connection of genuine) note(outcome, detail, connection);
	};
	switch (reading.kind) {
		case 'malformed':
			noteAll('malformed', reading.reason);
			return problem('invalid_input', reading.reason, 'malformed', { instance: ports.request_id });
		case 'challenge':
			noteAll('challenge', null);
			return echo(reading.answer);
		case 'revoked':
			for (const connection of genuine)
				await log('revoked', `${reading.subscription}: ${reading.reason}`, connection);
			return accepted('revoked', []);
		case 'ignored':
			noteAll('ignored', reading.reason);
			return accepted('ignored', [], reading.reason);
		case 'events': {
			const recorded: Recorded[] = [];
			let ignored: string | null = null;
			for (const connection of genuine) {
				const taken = await take(platform, connection, reading, ports);
				recorded.push(...taken.recorded);
				note(taken.outcome, taken.reason, connection);
				if (taken.outcome === 'ignored') ignored = taken.reason;
			}
			return ignored === null
				? accepted(outcomeOf(recorded), recorded)
				: accepted('ignored', [], ignored);
		}
	}
}

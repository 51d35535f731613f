/**
 * What the door answers, free of transport: 2xx with what became of the delivery, or a problem
 * document (RFC 9457) with the bus's stable code.
 */
import { errorCodes, type ErrorCode } from '../bus/index.ts';

/** What the database made of one draft. */
export type Recorded =
	| {
			readonly outcome: 'recorded' | 'duplicate';
			readonly event_id: string;
			readonly seq: number;
	  }
	/** A part: it waits for the rest, or was here before. */
	| {
			readonly outcome: 'gathered' | 'duplicate';
			readonly event_id: null;
			readonly seq: null;
	  };

export type DeliveryOutcome =
	| 'recorded'
	/** Stored as a part of what is not whole yet. */
	| 'gathered'
	/** Known already, by transport or by business key. */
	| 'duplicate'
	/** Genuine, stored as nothing; `detail` says why. */
	| 'ignored'
	| 'challenge'
	| 'revoked'
	/** Not of the platform's form, or contradicting itself. */
	| 'malformed'
	| 'unknown_channel'
	| 'forged'
	| 'stale'
	/** Could not be recorded; the platform was asked to send again. */
	| 'failed';

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
	readonly outcome: DeliveryOutcome;
}

/** 200: the platform need not send this again. `reason` says why nothing was stored. */
export function accepted(
	outcome: DeliveryOutcome,
	recorded: readonly Recorded[],
	reason?: string
): Answer {
	const events = recorded.map(({ outcome, event_id, seq }) => ({ outcome, event_id, seq }));
	return {
		status: 200,
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ outcome, ...(reason === undefined ? {} : { reason }), events }),
		outcome
	};
}

/** 200 with the sender's own text, byte for byte; it must never be taken for a page. */
export function echo(text: string): Answer {
	return {
		status: 200,
		headers: { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' },
		body: text,
		outcome: 'challenge'
	};
}

/** 4xx or 503 as a problem document; `detail` is read by the sender. */
export function problem(
	code: ErrorCode,
	detail: string,
	outcome: DeliveryOutcome,
	options: { instance?: string; retryAfter?: number | null } = {}
): Answer {
	const { status, title } = errorCodes[code];
	const { instance, retryAfter } = options;
	return {
		status,
		headers: {
			'content-type': 'application/problem+json',
			...(retryAfter ? { 'retry-after': String(retryAfter) } : {})
		},
		body: JSON.stringify({ type: 'about:blank', title, status, code, detail, instance }),
		outcome
	};
}

/**
 * Reading what Twitch answers over HTTP: a JSON body of a documented shape, or a refusal in the
 * words that all platforms share.
 *
 * Helix says `{"error","status","message"}`, OAuth `{"status","message"}`. A consent that was not
 * given comes as 401 with `Missing scope: …`, which is not the token's end.
 * Source: dev.twitch.tv/docs/api/guide, dev.twitch.tv/docs/authentication.
 */
import { z } from 'zod';
import type { Budget } from '../connect.ts';
import type { CallFailure, CallResult, HttpAnswer } from '../call.ts';
import { foreignText } from '../platform.ts';

const Refused = z.object({ message: z.string() });
const REASON_LENGTH = 200;
/** Longer than any pause that Twitch asks for. */
const MAX_RETRY_AFTER_S = 3_600;

type Failed = Extract<CallResult<never>, { ok: false }>;

/** A refusal of a kind, with what people may read about it. */
export const failed = (
	failure: CallFailure,
	reason: string,
	retry_after_s: number | null = null
): Failed => ({ ok: false, failure, reason: foreignText(reason, REASON_LENGTH), retry_after_s });

function json(body: string): unknown {
	try {
		return JSON.parse(body);
	} catch {
		return undefined;
	}
}

/** What Twitch says is the matter; null when it says nothing in its own form. */
export const messageOf = (answer: HttpAnswer): string | null =>
	Refused.safeParse(json(answer.body)).data?.message ?? null;

/** Seconds until asking again makes sense: `Retry-After`, else when the bucket is full again. */
function retryAfter({ headers }: HttpAnswer, now: Date): number | null {
	const after = /^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0];
	const reset = /^\d{1,12}$/.exec(headers['ratelimit-reset'] ?? '')?.[0];
	if (after === undefined && reset === undefined) return null;
	const seconds = after === undefined ? Number(reset) - now.getTime() / 1_000 : Number(after);
	return Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_S);
}

/** The refusal that an answer outside 2xx is. */
export function refusalOf(answer: HttpAnswer, now: Date): Failed {
	const { status } = answer;
	const reason = messageOf(answer) ?? `HTTP ${status}`;
	if (status === 401)
		return failed(/missing scope/i.test(reason) ? 'forbidden' : 'unauthorized', reason);
	if (status === 403) return failed('forbidden', reason);
	if (status === 404) return failed('not_found', reason);
	if (status === 409) return failed('conflict', reason);
	if (status === 429) return failed('rate_limited', reason, retryAfter(answer, now));
	if (status >= 500) return failed('unavailable', reason, retryAfter(answer, now));
	if (status >= 400) return failed('rejected', reason);
	return failed('malformed', `an answer with status ${status} was not expected`);
}

/** The value that a 2xx answer holds by its schema, or the refusal that the answer is. */
export function readAnswer<Value>(
	answer: HttpAnswer,
	now: Date,
	schema: z.ZodType<Value>
): CallResult<Value> {
	if (answer.status < 200 || answer.status > 299) return refusalOf(answer, now);
	const read = schema.safeParse(json(answer.body));
	if (read.success) return { ok: true, value: read.data };
	const [issue] = read.error.issues;
	const place = issue?.path.map(String).join('.') || 'the body';
	return failed('malformed', `${place}: ${issue?.message ?? 'is not what is documented'}`);
}

/** What is left of the bucket of points, from the `Ratelimit-…` headers of any Helix answer. */
export function budget({ headers }: HttpAnswer): Budget | null {
	const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
		/^\d{1,12}$/.test(headers[`ratelimit-${name}`] ?? '')
			? Number(headers[`ratelimit-${name}`])
			: null
	);
	if (limit == null || remaining == null || reset == null) return null;
	return { limit, remaining, reset_at: new Date(reset * 1_000) };
}

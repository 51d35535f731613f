/**
 * What an overlay page asks of the server, over HTTP. Every call has a time limit, every answer is
 * parsed, and every refusal becomes an `AppError`, so that the player can tell "not now" from
 * "never". The key is exchanged for a short-lived token; a call refused for its token is repeated
 * once with a new one.
 */
import { z } from 'zod';
import { AppError, errorCodes, OverlayState, type ErrorCode } from '../bus/index.ts';
import { ClaimAnswer, HeartbeatAnswer, OverlaySession, ReportAnswer } from './answers.ts';
import type { Clock } from './clock.ts';
import type { Report } from './outbox.ts';

/** Spoken by this page; the server notes it with each heartbeat. */
export const PROTOCOL = '1';
/** A lease lasts 5 s, so an answer that takes longer is of no use. */
const QUICK_MS = 4_000;
const PULL_MS = 10_000;

export interface OverlayApi {
	/** Exchanges the key anew. Rejects with `unauthenticated` when the key is not good (any more). */
	openSession(): Promise<OverlaySession>;
	/** A token that is good for a while yet; `fresh` asks for a new one whatever the old one says. */
	token(options?: { fresh?: boolean }): Promise<string>;
	pull(epoch: string | null, cursor: number | null): Promise<OverlayState>;
	heartbeat(instanceId: string, visible: boolean): Promise<HeartbeatAnswer>;
	claim(instanceId: string, lane: string): Promise<ClaimAnswer>;
	report(instanceId: string, report: Report): Promise<ReportAnswer>;
}

export interface OverlayApiOptions {
	/** Where the server is: `https://cuelight.example`, without a path. */
	origin: string;
	/** `ck_overlay_…` */
	key: string;
	/** The browser's `fetch`. */
	request: typeof fetch;
	clock: Clock;
	/** Each session as it is opened: also the renewals, which may tell of a newer server. */
	onSession?: (session: OverlaySession) => void;
}

/** Whether the server will give the same refusal for ever: the report in question is not repeated. */
export const isFinal = (error: unknown): boolean =>
	error instanceof AppError &&
	error.status >= 400 &&
	error.status < 500 &&
	!['unauthenticated', 'too_many_requests'].includes(error.code);

/** Whether the key itself was refused: it was revoked, or never was one. */
export class KeyRefused extends AppError {}

const Problem = z.object({
	status: z.int(),
	code: z.string(),
	detail: z.string().optional()
});

export function overlayApi(options: OverlayApiOptions): OverlayApi {
	const { origin, key, request, clock } = options;
	let session: { token: string; renew_at: number } | null = null;
	let opening: Promise<OverlaySession> | null = null;

	async function call<Answer>(
		path: string,
		init: RequestInit,
		limit_ms: number,
		answer: z.ZodType<Answer>
	): Promise<Answer> {
		const limit = new AbortController();
		const stop = clock.after(limit_ms, () => limit.abort());
		try {
			const response = await request(`${origin}/v1/overlay/${path}`, {
				...init,
				signal: limit.signal,
				// Sign-in cookies of somebody who looks at the page must not speak for the key.
				credentials: 'omit',
				cache: 'no-store'
			});
			const body: unknown = await response.json().catch(() => null);
			if (!response.ok) throw refusal(path, response.status, body);
			const parsed = answer.safeParse(body);
			if (!parsed.success)
				throw new AppError('internal', `${path} answered with a shape this page does not know.`, {
					cause: parsed.error
				});
			return parsed.data;
		} catch (error) {
			if (error instanceof AppError) throw error;
			throw new AppError('unavailable', `${path}: the server could not be reached.`, {
				cause: error
			});
		} finally {
			stop();
		}
	}

	/** Calls that come while one is under way share its answer. */
	function openSession(): Promise<OverlaySession> {
		opening ??= exchange().finally(() => {
			opening = null;
		});
		return opening;
	}

	async function exchange(): Promise<OverlaySession> {
		try {
			const opened = await call('session', json({ key }), PULL_MS, OverlaySession);
			// Well before its end: a hidden page's timers, and the realtime client's beats, are slow.
			session = {
				token: opened.token,
				renew_at: clock.now() + opened.expires_in * 1000 * 0.75
			};
			options.onSession?.(opened);
			return opened;
		} catch (error) {
			if (error instanceof AppError && ['unauthenticated', 'gone'].includes(error.code))
				throw new KeyRefused('unauthenticated', error.message, { cause: error });
			throw error;
		}
	}

	async function token({ fresh = false } = {}): Promise<string> {
		if (!fresh && session !== null && clock.now() < session.renew_at) return session.token;
		return (await openSession()).token;
	}

	async function authorized<Answer>(
		path: string,
		init: RequestInit,
		limit_ms: number,
		answer: z.ZodType<Answer>
	): Promise<Answer> {
		const attempt = async (fresh: boolean) =>
			call(path, withBearer(init, await token({ fresh })), limit_ms, answer);
		try {
			return await attempt(false);
		} catch (error) {
			const refused = error instanceof AppError && error.code === 'unauthenticated';
			if (!refused || error instanceof KeyRefused) throw error;
			return attempt(true);
		}
	}

	return {
		openSession,
		token,
		pull(epoch, cursor) {
			const query = new URLSearchParams();
			if (epoch !== null) query.set('epoch', epoch);
			if (cursor !== null) query.set('cursor', String(cursor));
			return authorized(`state?${query}`, {}, PULL_MS, OverlayState);
		},
		heartbeat: (instance_id, visible) =>
			authorized(
				'heartbeat',
				json({ instance_id, visible, protocol: PROTOCOL }),
				QUICK_MS,
				HeartbeatAnswer
			),
		claim: (instance_id, lane) =>
			authorized('claim', json({ instance_id, lane }), QUICK_MS, ClaimAnswer),
		report: (instance_id, { play_id, attempt, report, detail }) =>
			authorized(
				'report',
				json({ instance_id, play_id, attempt, report, detail }),
				PULL_MS,
				ReportAnswer
			)
	};
}

const json = (body: unknown): RequestInit => ({
	method: 'POST',
	headers: { 'content-type': 'application/json' },
	body: JSON.stringify(body)
});

function withBearer(init: RequestInit, token: string): RequestInit {
	const headers = new Headers(init.headers);
	headers.set('authorization', `Bearer ${token}`);
	return { ...init, headers };
}

const isCode = (code: string): code is ErrorCode => code in errorCodes;

/**
 * Only our own problem document is a refusal. A proxy's 404 while the server is being replaced is
 * "not now": taking it for the server's word would blank an overlay in mid-stream.
 */
function refusal(path: string, status: number, body: unknown): AppError {
	const problem = Problem.safeParse(body);
	if (problem.success && isCode(problem.data.code))
		return new AppError(problem.data.code, problem.data.detail ?? problem.data.code);
	return new AppError('unavailable', `${path}: answered ${status}, not by Cuelight.`);
}

/**
 * The studio's one door to the server. Every answer is parsed; every failure becomes an
 * `ApiError` whose `code` the pages tell in plain words. The same code for each fault whether the
 * server refused (its problem document says why) or could not be reached (`unreachable`).
 */
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '$lib/bus';
import * as answers from './answers.ts';
import * as sources from './source-answers.ts';
import { peopleCalls } from './people-calls.ts';
import { recordCalls } from './records-calls.ts';
import { securityCalls } from './security-calls.ts';
import { ChannelStatus } from './status-answers.ts';
import { Task } from './tasks-answers.ts';
import { ViewerCard, ViewerPage } from './viewers-answers.ts';

const Problem = z.object({
	code: z.string(),
	title: z.string().optional(),
	detail: z.string().optional(),
	instance: z.string().optional(),
	issues: z.array(z.object({ path: z.string(), message: z.string() })).optional()
});

export type ApiErrorCode = ErrorCode | 'unreachable' | 'unreadable';

export class ApiError extends Error {
	constructor(
		readonly code: ApiErrorCode,
		readonly detail: string | null = null,
		readonly issues: readonly { path: string; message: string }[] = [],
		/** The server's name for the request, to find it in its log. */
		readonly requestId: string | null = null,
		/** Seconds after which it may be tried again, where the server says so. */
		readonly retryAfterS: number | null = null
	) {
		super(detail ?? code);
		this.name = 'ApiError';
	}
}

const known = (code: string): code is ErrorCode => code in errorCodes;

function codeOfStatus(status: number): ErrorCode {
	const entry = Object.entries(errorCodes).find(([, { status: own }]) => own === status);
	if (entry !== undefined && known(entry[0])) return entry[0];
	return status >= 500 ? 'unavailable' : 'invalid_input';
}

async function readProblem(response: Response): Promise<ApiError> {
	const parsed = Problem.safeParse(await response.json().catch(() => null));
	const wait = Number(response.headers.get('retry-after') ?? NaN);
	const retryAfter = Number.isFinite(wait) ? wait : null;
	if (!parsed.success)
		return new ApiError(codeOfStatus(response.status), null, [], null, retryAfter);
	const { code, detail, issues, instance } = parsed.data;
	return new ApiError(
		known(code) ? code : codeOfStatus(response.status),
		detail ?? null,
		issues ?? [],
		instance ?? null,
		retryAfter
	);
}

export interface ApiOptions {
	fetch?: typeof fetch;
	/** Told when the session has ended, before the call is refused. */
	onSignedOut?: () => void;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One call of the server, for modules that list addresses of a kind. */
export type Call = <Answer>(
	method: Method,
	path: string,
	answer: z.ZodType<Answer>,
	body?: unknown
) => Promise<Answer>;

export class Api {
	#fetch: typeof fetch;
	#onSignedOut: () => void;
	/** Settles, never fails, when no call below /auth is under way. */
	#renewing: Promise<void> = Promise.resolve();
	#renewals = 0;

	constructor({ fetch: send = (...args) => fetch(...args), onSignedOut }: ApiOptions = {}) {
		this.#fetch = send;
		this.#onSignedOut = onSignedOut ?? (() => {});
	}

	/**
	 * Calls below /auth may end the session and begin another (a changed password, codes switched
	 * on). What is asked meanwhile waits for the new cookie, and what was refused by the old one is
	 * asked again.
	 */
	async #call<Answer>(
		method: Method,
		path: string,
		answer: z.ZodType<Answer>,
		body?: unknown
	): Promise<Answer> {
		const send = () => this.#send(method, path, answer, body);
		if (path.startsWith('/auth/')) {
			const sent = send();
			const over = sent.then(
				() => {},
				() => {}
			);
			this.#renewing = Promise.all([this.#renewing, over]).then(() => void (this.#renewals += 1));
			return sent;
		}
		await this.#renewing;
		const seen = this.#renewals;
		const isSignedOut = (error: unknown) =>
			error instanceof ApiError && error.code === 'unauthenticated';
		try {
			return await send();
		} catch (error) {
			if (!isSignedOut(error)) throw error;
			await this.#renewing;
			if (this.#renewals === seen) {
				this.#onSignedOut();
				throw error;
			}
		}
		return send().catch((error: unknown) => {
			if (isSignedOut(error)) this.#onSignedOut();
			throw error;
		});
	}

	async #send<Answer>(
		method: Method,
		path: string,
		answer: z.ZodType<Answer>,
		body?: unknown
	): Promise<Answer> {
		let response: Response;
		try {
			response = await this.#fetch(path, {
				method,
				headers: {
					accept: 'application/json',
					...(body === undefined ? {} : { 'content-type': 'application/json' })
				},
				...(body === undefined ? {} : { body: JSON.stringify(body) })
			});
		} catch {
			throw new ApiError('unreachable');
		}
		if (!response.ok) throw await readProblem(response);
		const parsed = answer.safeParse(
			response.status === 204 ? null : await response.json().catch(() => null)
		);
		if (!parsed.success)
			throw new ApiError(
				'unreadable',
				`${method} ${path}: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`
			);
		return parsed.data;
	}

	readonly #bound: Call = (method, path, answer, body) => this.#call(method, path, answer, body);
	/** Members, invitations, accounts. */
	readonly people = peopleCalls(this.#bound);
	/** Signing in, and with what one may. */
	readonly security = securityCalls(this.#bound);
	/** Keys of every kind, the audit log, figures, the account as a whole. */
	readonly records = recordCalls(this.#bound);

	me = () => this.#call('GET', '/v1/me', answers.Me);
	realtimeGrant = () => this.#call('POST', '/v1/realtime/token', answers.RealtimeGrant, {});

	queue = () => this.#call('GET', '/v1/queue', answers.QueueAnswer);
	pause = (overlayId: string | null) => this.#setPause('pause', overlayId);
	resume = (overlayId: string | null) => this.#setPause('resume', overlayId);
	#setPause = (verb: 'pause' | 'resume', overlayId: string | null) =>
		this.#call(
			'POST',
			`/v1/queue/${verb}`,
			z.unknown(),
			overlayId === null ? {} : { overlay_id: overlayId }
		);
	skip = (overlayId: string, lane: string | null) =>
		this.#call('POST', '/v1/queue/skip', z.unknown(), {
			overlay_id: overlayId,
			...(lane === null ? {} : { lane })
		});
	cancelPlay = (playId: string) =>
		this.#call('POST', `/v1/plays/${playId}/cancel`, z.unknown(), {});

	/** `query` as the address takes it, without the question mark. */
	events = (query: string) =>
		this.#call('GET', query === '' ? '/v1/events' : `/v1/events?${query}`, answers.EventPage);
	event = (eventId: string) => this.#call('GET', `/v1/events/${eventId}`, answers.EventDetail);
	eventTypes = () => this.#call('GET', '/v1/event-types', answers.listOf(answers.EventTypeEntry));
	cancelEvent = (eventId: string) =>
		this.#call('PUT', `/v1/events/${eventId}/cancel`, z.unknown(), {});
	replay = (eventId: string, overlayId: string | null) =>
		this.#call(
			'POST',
			`/v1/events/${eventId}/replay`,
			z.unknown(),
			overlayId === null ? {} : { overlay_id: overlayId }
		);
	/** Sends a test alert; answers the event's id. */
	test = (eventType: string) =>
		this.#call('POST', '/v1/events/test', answers.TestAnswer, { event_type: eventType });

	overlays = () => this.#call('GET', '/v1/overlays', answers.listOf(answers.OverlaySummary));
	overlayKeys = (overlayId: string) =>
		this.#call('GET', `/v1/overlays/${overlayId}/keys`, answers.listOf(answers.Key));
	makeOverlayKey = (overlayId: string, name: string) =>
		this.#call('POST', `/v1/overlays/${overlayId}/keys`, answers.KeyMade, { name });
	/** The old secret goes on working for the overlap. */
	rotateKey = (keyId: string, overlapMinutes = 0) =>
		this.#call('POST', `/v1/keys/${keyId}/rotate`, answers.KeyMade, {
			...(overlapMinutes === 0 ? {} : { overlap_minutes: overlapMinutes })
		});
	revokeKey = (keyId: string) => this.#call('DELETE', `/v1/keys/${keyId}`, z.unknown());

	platforms = () => this.#call('GET', '/v1/platforms', answers.listOf(sources.ConnectablePlatform));
	saveClient = (platform: string, client: { client_id: string; client_secret: string | null }) =>
		this.#call('PUT', `/v1/platforms/${platform}/client`, z.unknown(), client);
	dropClient = (platform: string) =>
		this.#call('DELETE', `/v1/platforms/${platform}/client`, z.unknown());
	authorize = (wish: {
		platform: string;
		flow: sources.Flow;
		groups: readonly string[];
		mode?: sources.Mode;
	}) => this.#call('POST', '/v1/connections/authorize', sources.Begun, wish);
	authorization = (id: string) =>
		this.#call('GET', `/v1/connections/authorize/${id}`, sources.Authorization);
	connections = () => this.#call('GET', '/v1/connections', answers.listOf(sources.Connection));
	changeConnection = (
		connectionId: string,
		change: { mode?: sources.Mode; groups?: readonly string[] }
	) => this.#call('PUT', `/v1/connections/${connectionId}`, z.unknown(), change);
	disconnect = (connectionId: string) =>
		this.#call('DELETE', `/v1/connections/${connectionId}`, z.unknown());
	source = (connectionId: string) =>
		this.#call('GET', `/v1/connections/${connectionId}/source`, sources.SourceReport);
	reconcile = (connectionId: string) =>
		this.#call('POST', `/v1/connections/${connectionId}/reconcile`, sources.SourceReport, {});
	saveConnection = (connection: {
		platform: string;
		channel_id: string;
		channel_name: string | null;
		secret: string;
	}) => this.#call('POST', '/v1/connections', z.unknown(), connection);

	channelStatus = () => this.#call('GET', '/v1/channel-status', answers.listOf(ChannelStatus));
	/** `query` as the address takes it, without the question mark. */
	viewers = (query: string) => this.#call('GET', `/v1/viewers?${query}`, ViewerPage);
	viewer = (viewerId: string) => this.#call('GET', `/v1/viewers/${viewerId}`, ViewerCard);
	eraseViewer = (viewerId: string) => this.#call('DELETE', `/v1/viewers/${viewerId}`, z.unknown());
	tasks = () => this.#call('GET', '/v1/tasks', answers.listOf(Task));
	runTask = (name: string) => this.#call('POST', `/v1/tasks/${name}/run`, Task, {});
	enableTask = (name: string, is_enabled: boolean) =>
		this.#call('PUT', `/v1/tasks/${name}`, Task, { is_enabled });

	setup = (form: { token: string; email: string; password: string; account: string }) =>
		this.#call('POST', '/v1/setup', answers.SetupAnswer, form);
	signOut = () => this.#call('POST', '/auth/sign-out', z.unknown(), {});
}

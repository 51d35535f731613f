/**
 * `StreamingEventBus`: the bus for programs of other people, in browsers, Node and Deno. It needs
 * `fetch` and nothing else: commands go over REST, messages come as server-sent events.
 *
 *     const bus = new StreamingEventBus({ origin: 'https://cuelight.example', key: 'ck_api_…' });
 *     await bus.publishEvent({ event_type: 'custom:high_score', data: { player: 'Ada' } });
 *     const connection = bus.connect(null, (message) => console.log(message.type));
 *     bus.subscribe(null, ['custom:*']);
 *
 * What it promises. A command that resolves is committed. A connection comes back by itself and
 * resumes after the last event it passed on, so no event is missed while the account's log
 * reaches back that far; when it does not, `onReset` says so. Messages other than events (plays,
 * pauses) come at most once. An event may come twice: `seq` tells.
 *
 * With an overlay key (`ck_overlay_…`) a program can be an overlay itself: it hears its overlay's
 * messages, takes the lead when it is free, and reports what it showed with `reportStatus`.
 */
import { z } from 'zod';
import { chance, wait } from './clock.ts';
import { AppError, errorCodes, type ErrorCode } from './error.ts';
import { EventStatus, EventType, type DraftInput } from './event.ts';
import { BusMessage } from './message.ts';
import { Play, PlayWithEvent } from './status.ts';
import { readServerSentEvents } from './sse.ts';

/** What `publishEvent` takes: an event's type and data, and whatever should differ from the usual. */
export type NewEvent = Pick<DraftInput, 'event_type'> &
	Partial<
		Pick<
			DraftInput,
			| 'class'
			| 'data'
			| 'metadata'
			| 'priority'
			| 'duration_ms'
			| 'cancelable'
			| 'replayable'
			| 'scheduled_at'
			| 'occurred_at'
		>
	> & { platform?: string; external_id?: string };

/** What can be said of a play by the program that showed it. */
export type PlayReport = 'started' | 'ended' | 'failed';

export interface StreamingEventBusOptions {
	/** Where the server is, without a path. */
	origin: string;
	/** `ck_api_…`, `ck_remote_…` or `ck_overlay_…`. */
	key: string;
	/** With an overlay key: this program's id, a uuid, new with each start. */
	instance_id?: string;
	/** Something failed that repairs itself: a lost connection, an unreadable message. For logs. */
	onFault?: (message: string) => void;
	request?: typeof fetch;
	wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
	random?: () => number;
}

export interface Connection {
	/** Resolves when messages flow for the first time; rejects when the key is refused. */
	readonly ready: Promise<void>;
	close(): void;
}

const Published = z.object({
	event_id: z.uuid(),
	seq: z.int(),
	status: EventStatus,
	outcome: z.enum(['recorded', 'duplicate'])
});
const Cancelled = z.object({
	event_id: z.uuid(),
	cancelled: z.array(z.uuid()),
	already: z.boolean(),
	status: EventStatus
});
const Replayed = z.object({
	event_id: z.uuid(),
	plays: z.array(PlayWithEvent),
	status: EventStatus
});
const Reported = z.object({
	accepted: z.boolean(),
	reason: z.string().nullable(),
	play: Play.nullish()
});
const Session = z.object({ token: z.string(), overlay_id: z.uuid() });
const Beat = z.object({ leads: z.boolean(), next_in_ms: z.number().positive() });
const Problem = z.object({ code: z.string(), detail: z.string().optional() });

export type Published = z.infer<typeof Published>;

/** `*` stands for any run of letters: `custom:*`, `*:follower`. */
export function matchesType(pattern: string, type: EventType): boolean {
	const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
	return new RegExp(`^${parts.join('.*')}$`).test(type);
}

const EVERY_OVERLAY = '*';
const nameOf = (overlayId: string | null): string => overlayId ?? EVERY_OVERLAY;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export class StreamingEventBus {
	readonly #options: Required<Omit<StreamingEventBusOptions, 'instance_id'>>;
	readonly #instance_id: string | null;
	readonly #connections = new Map<string, Set<Connection>>();
	/** Types wanted, for each overlay; none: all. */
	readonly #wanted = new Map<string, Set<string>>();
	#session: Promise<z.infer<typeof Session>> | null = null;

	constructor({ instance_id, ...options }: StreamingEventBusOptions) {
		this.#instance_id = instance_id ?? null;
		this.#options = {
			onFault: () => {},
			request: globalThis.fetch.bind(globalThis),
			wait,
			random: chance,
			...options
		};
	}

	// Commands ----------------------------------------------------------------------------------

	/**
	 * Records an event and shows it on the overlays that want it. Sent again with the same
	 * `idempotency_key` it is not recorded again and answers the same.
	 */
	publishEvent(event: NewEvent, options: { idempotency_key?: string } = {}): Promise<Published> {
		const headers: Record<string, string> =
			options.idempotency_key === undefined ? {} : { 'idempotency-key': options.idempotency_key };
		return this.#call('POST', '/v1/events', Published, event, headers);
	}

	/** Takes an event off every screen and out of every queue, for good. Idempotent: `already`. */
	cancelEvent(eventId: string): Promise<z.infer<typeof Cancelled>> {
		return this.#call('PUT', `/v1/events/${encodeURIComponent(eventId)}/cancel`, Cancelled);
	}

	/** Shows an event again: on one overlay, or on every one that had it. */
	replayEvent(eventId: string, overlayId: string | null = null): Promise<z.infer<typeof Replayed>> {
		const path = `/v1/events/${encodeURIComponent(eventId)}/replay`;
		return this.#call('POST', path, Replayed, { overlay_id: overlayId });
	}

	/**
	 * Says what became of a play that the server gave to this program. Needs an overlay key and an
	 * `instance_id`. Repeating it changes nothing; a refusal (`accepted: false`) is an answer.
	 */
	async reportStatus(
		play: Pick<Play, 'id' | 'attempt'>,
		report: PlayReport,
		detail: { missing?: string[]; error?: string; delay_ms?: number } = {}
	): Promise<z.infer<typeof Reported>> {
		return this.#call('POST', '/v1/overlay/report', Reported, {
			instance_id: this.#instance(),
			play_id: play.id,
			attempt: play.attempt,
			report,
			detail
		});
	}

	// Messages ----------------------------------------------------------------------------------

	/**
	 * Listens to the account, or only to what concerns one overlay, until `close` or `disconnect`.
	 * With an overlay key the overlay is the key's own, and this program stands by to lead it.
	 */
	connect(
		overlayId: string | null,
		listener: (message: BusMessage) => void,
		onReset: () => void = () => {}
	): Connection {
		const stop = new AbortController();
		const pass = (message: BusMessage) => {
			if (this.#isWanted(overlayId, message)) listener(message);
		};
		const connection: Connection = {
			ready: new Promise((resolve, reject) => {
				stop.signal.addEventListener('abort', () => resolve());
				this.#listen(stop.signal, pass, onReset, resolve).catch(reject);
				if (this.#isOverlay) this.#standBy(stop.signal).catch(reject);
			}),
			close: () => {
				stop.abort();
				this.#connections.get(nameOf(overlayId))?.delete(connection);
			}
		};
		// Whoever does not wait for it is told by `onFault`.
		connection.ready.catch((error: unknown) => this.#options.onFault(textOf(error)));
		const connections = this.#connections.get(nameOf(overlayId)) ?? new Set();
		this.#connections.set(nameOf(overlayId), connections.add(connection));
		return connection;
	}

	/** Closes the connections of an overlay (null: those of the account). */
	disconnect(overlayId: string | null): void {
		for (const connection of this.#connections.get(nameOf(overlayId)) ?? []) connection.close();
	}

	/**
	 * Narrows what connections of an overlay (null: of the account) pass on to messages about these
	 * event types; `custom:*` is a pattern. Before the first `subscribe` everything is passed on.
	 */
	subscribe(overlayId: string | null, eventTypes: readonly string[]): void {
		const wanted = this.#wanted.get(nameOf(overlayId)) ?? new Set();
		for (const type of eventTypes) wanted.add(type);
		this.#wanted.set(nameOf(overlayId), wanted);
	}

	/** Takes types back. When none is left, nothing about events is passed on. */
	unsubscribe(overlayId: string | null, eventTypes: readonly string[]): void {
		const wanted = this.#wanted.get(nameOf(overlayId));
		for (const type of eventTypes) wanted?.delete(type);
	}

	#isWanted(overlayId: string | null, message: BusMessage): boolean {
		const overlays =
			message.type === 'EVENT_BROADCAST' && message.plays
				? message.plays.map(({ overlay_id }) => overlay_id)
				: [message.overlay_id];
		if (overlayId !== null && !overlays.includes(overlayId)) return false;
		const wanted = this.#wanted.get(nameOf(overlayId));
		if (wanted === undefined || message.type === 'STATUS_CHANGED') return true;
		const { event_type } = message.type === 'EVENT_BROADCAST' ? message.event : message.play.event;
		return [...wanted].some((pattern) => matchesType(pattern, event_type));
	}

	async #listen(
		signal: AbortSignal,
		pass: (message: BusMessage) => void,
		onReset: () => void,
		onReady: () => void
	): Promise<void> {
		let lastId = '';
		for (let tries = 0; !signal.aborted; tries += 1) {
			try {
				const body = await this.#openStream(signal, lastId);
				onReady();
				for await (const { event, data, id } of readServerSentEvents(body)) {
					tries = 0;
					if (event === 'reset') onReset();
					else if (event === 'message') this.#deliver(data, pass);
					// Only what was passed on counts as received.
					lastId = id;
				}
			} catch (error) {
				if (isRefusal(error)) throw error;
				if (!signal.aborted) this.#options.onFault(textOf(error));
			}
			const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(tries, 10));
			if (!signal.aborted) await this.#options.wait(this.#options.random() * longest, signal);
		}
	}

	async #openStream(signal: AbortSignal, lastId: string): Promise<ReadableStream<Uint8Array>> {
		const response = await this.#send(this.#isOverlay ? '/v1/overlay/events' : '/v1/stream', {
			signal,
			headers: {
				accept: 'text/event-stream',
				...(lastId === '' ? {} : { 'last-event-id': lastId })
			}
		});
		if (response.body === null) throw new AppError('unavailable', 'The stream has no body.');
		return response.body;
	}

	#deliver(data: string, pass: (message: BusMessage) => void): void {
		try {
			pass(BusMessage.parse(JSON.parse(data)));
		} catch (error) {
			// An unknown message of a newer server, or a listener that threw: neither ends the stream.
			this.#options.onFault(`A message was dropped: ${textOf(error)}`);
		}
	}

	/** Beats as an overlay page does, so that the server gives plays to this program. */
	async #standBy(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			let next = 1_000;
			try {
				const body = { instance_id: this.#instance(), visible: true, protocol: 'bus-1' };
				next = (await this.#call('POST', '/v1/overlay/heartbeat', Beat, body)).next_in_ms;
			} catch (error) {
				if (isRefusal(error)) throw error;
				this.#options.onFault(textOf(error));
			}
			await this.#options.wait(next, signal);
		}
	}

	// HTTP --------------------------------------------------------------------------------------

	get #isOverlay(): boolean {
		return this.#options.key.startsWith('ck_overlay_');
	}

	#instance(): string {
		if (this.#instance_id === null)
			throw new AppError(
				'invalid_input',
				'instance_id is missing: to be an overlay, make the bus with a uuid of your own.'
			);
		return this.#instance_id;
	}

	async #call<Answer>(
		method: string,
		path: string,
		answer: z.ZodType<Answer>,
		body?: unknown,
		headers: Record<string, string> = {}
	): Promise<Answer> {
		const response = await this.#send(path, {
			method,
			headers: {
				...headers,
				...(body === undefined ? {} : { 'content-type': 'application/json' })
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) })
		});
		return answer.parse(await response.json());
	}

	/** Sends with what proves the key; an overlay's session that has ended is opened anew, once. */
	async #send(path: string, init: RequestInit): Promise<Response> {
		try {
			return await this.#request(path, init, await this.#bearer());
		} catch (error) {
			if (!this.#isOverlay || !(error instanceof AppError) || error.code !== 'unauthenticated')
				throw error;
			this.#session = null;
			return this.#request(path, init, await this.#bearer());
		}
	}

	async #bearer(): Promise<string> {
		if (!this.#isOverlay) return this.#options.key;
		this.#session ??= this.#request('/v1/overlay/session', {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ key: this.#options.key })
		})
			.then((response) => response.json())
			.then((body) => Session.parse(body));
		try {
			return (await this.#session).token;
		} catch (error) {
			this.#session = null;
			throw error;
		}
	}

	async #request(path: string, init: RequestInit, bearer?: string): Promise<Response> {
		const headers = new Headers(init.headers);
		if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
		const response = await this.#options
			.request(`${this.#options.origin}${path}`, { ...init, headers })
			.catch((cause: unknown) => {
				throw new AppError('unavailable', `${path}: the server could not be reached.`, { cause });
			});
		if (response.ok) return response;
		const problem = Problem.safeParse(await response.json().catch(() => null));
		if (problem.success && isCode(problem.data.code))
			throw new AppError(problem.data.code, problem.data.detail ?? problem.data.code);
		throw new AppError('unavailable', `${path}: answered ${response.status}.`);
	}
}

const isCode = (code: string): code is ErrorCode => code in errorCodes;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The server will say the same for ever: trying again is of no use. */
const isRefusal = (error: unknown): boolean =>
	error instanceof AppError &&
	['unauthenticated', 'forbidden', 'not_found', 'gone', 'invalid_input'].includes(error.code);

/**
 * Server-sent events. One subscription to the feed serves all streams; a message is encoded once
 * for all readers of its topic.
 *
 * What a stream promises: every event after the reader's `Last-Event-ID` (`epoch:seq`) once, in
 * order of seq. A hole in the numbers, or a feed that was away, is filled by a pull, because the
 * feed is a hint and the rows are the truth. When the cursor is too old or of another life of the
 * log, a `reset` event says so, and the reader reads afresh. Other messages (plays, pauses) carry
 * no `id` and come at most once.
 *
 * A stream ends when its key is revoked, when its session expires, when its reader is too slow
 * (nothing is buffered without bound), after an hour, and at shutdown; `EventSource` returns by
 * itself and resumes.
 */
import { AppError } from '$lib/bus/error.ts';
import type { StreamingEvent } from '$lib/bus/event.ts';
import type { FeedMessage, HintFeed, Revocation } from '$lib/server/backend/index.ts';
import type { Principal } from './actions/principal.ts';
import type { Log } from './log.ts';

const HEARTBEAT_MS = 15_000;
const MAX_AGE_MS = 3_600_000;
const MAX_BUFFER_BYTES = 512 * 1024;
const MAX_PENDING = 2_000;
const MAX_STREAMS = 5_000;
const MAX_STREAMS_EACH = 100;
const RETRY_MS = 2_000;

/** What a pull answers, of an account or of an overlay. */
export interface Pulled {
	epoch: string;
	recovered: boolean;
	top_seq: number;
	cursor: number;
	more: boolean;
	events: readonly StreamingEvent[];
}

export interface StreamRequest {
	topic: string;
	principal: Principal;
	lastEventId: string | null;
	signal: AbortSignal;
	/** Events after the cursor; throws when the principal may not. */
	pull(epoch: string | null, cursor: number): Promise<Pulled>;
	/** Throws when the principal may no longer read this. */
	stillAllowed(): Promise<void>;
}

export interface StreamsOptions {
	feed: HintFeed;
	log: Log;
	/** Where the feed carries no messages (Supabase's own Realtime does): how often to pull instead. */
	pull_ms?: number | null;
	/** Milliseconds since 1970: sessions expire by the calendar. */
	now?: () => number;
}

interface Frame {
	/** Null for messages that are no events. */
	seq: number | null;
	epoch: string;
	bytes: Uint8Array;
}

const encoder = new TextEncoder();
const encode = (lines: string) => encoder.encode(`${lines}\n\n`);
const eventFrame = (epoch: string, seq: number, json: string): Frame => ({
	seq,
	epoch,
	bytes: encode(`id: ${epoch}:${seq}\ndata: ${json}`)
});

/** Reads `Last-Event-ID`; null when there is none, `void` cursors (not ours) count as too old. */
export function readCursor(lastEventId: string | null): { epoch: string; seq: number } | null {
	if (lastEventId === null || lastEventId === '') return null;
	const [, epoch, seq] = /^([\w-]{1,64}):(\d{1,15})$/.exec(lastEventId) ?? [];
	return epoch === undefined ? { epoch: '', seq: 0 } : { epoch, seq: Number(seq) };
}

class Stream {
	epoch: string | null = null;
	cursor = 0;
	/** Live messages that wait while a pull is under way; null when none is. */
	pending: Frame[] | null = null;
	readonly opened: number;
	readonly request: StreamRequest;
	readonly #controller: ReadableStreamDefaultController<Uint8Array>;
	readonly #onEnd: (stream: Stream) => void;
	#ended = false;
	#awaitingRoom: (() => void)[] = [];

	constructor(
		request: StreamRequest,
		controller: ReadableStreamDefaultController<Uint8Array>,
		opened: number,
		onEnd: (stream: Stream) => void
	) {
		this.request = request;
		this.opened = opened;
		this.#controller = controller;
		this.#onEnd = onEnd;
	}

	get ended(): boolean {
		return this.#ended;
	}

	/** Resolves when there is room to send, or the stream has ended. */
	async room(): Promise<void> {
		while (!this.#ended && (this.#controller.desiredSize ?? 1) <= 0)
			await new Promise<void>((resolve) => this.#awaitingRoom.push(resolve));
	}

	/** The reader has read. */
	drained(): void {
		for (const resolve of this.#awaitingRoom.splice(0)) resolve();
	}

	/** Sends bytes, or cuts the stream when its reader has fallen too far behind. */
	send(bytes: Uint8Array): void {
		if (this.#ended) return;
		if ((this.#controller.desiredSize ?? 0) <= 0) return this.cut();
		this.#controller.enqueue(bytes);
	}

	sendEvent(frame: Frame): void {
		if (frame.seq !== null) {
			// Another life of the log begins wherever its first message stands.
			if (frame.epoch === this.epoch && frame.seq <= this.cursor) return;
			this.epoch = frame.epoch;
			this.cursor = frame.seq;
		}
		this.send(frame.bytes);
	}

	end(): void {
		if (!this.#finish()) return;
		this.#controller.close();
	}

	cut(): void {
		if (!this.#finish()) return;
		this.#controller.error(new Error('The reader is too slow.'));
	}

	/** The reader went away by itself. */
	left(): void {
		this.#finish();
	}

	#finish(): boolean {
		if (this.#ended) return false;
		this.#ended = true;
		this.pending = null;
		this.drained();
		this.#onEnd(this);
		return true;
	}
}

export class Streams {
	readonly #options: Required<StreamsOptions>;
	readonly #byTopic = new Map<string, Set<Stream>>();
	readonly #release: (() => void)[];
	#count = 0;

	constructor(options: StreamsOptions) {
		this.#options = { now: () => Date.now(), pull_ms: null, ...options };
		const { feed, pull_ms } = this.#options;
		const heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
		this.#release = [
			feed.subscribe((messages) => this.#deliver(messages)),
			feed.onRevoked((revocation) => this.#revoke(revocation)),
			feed.onReset(() => this.#recheck()),
			() => clearInterval(heartbeat)
		];
		if (pull_ms === null) return;
		const pulls = setInterval(() => this.#recheck(), pull_ms);
		this.#release.push(() => clearInterval(pulls));
	}

	/** Opens a stream. Throws what the first pull refuses, so that a refusal is a plain answer. */
	async open(request: StreamRequest): Promise<Response> {
		this.#admit(request.principal);
		let stream: Stream | undefined;
		const body = new ReadableStream<Uint8Array>(
			{
				start: (controller) => {
					stream = new Stream(request, controller, this.#options.now(), (s) => this.#remove(s));
				},
				pull: () => stream?.drained(),
				cancel: () => stream?.left()
			},
			new ByteLengthQueuingStrategy({ highWaterMark: MAX_BUFFER_BYTES })
		);
		if (stream === undefined) throw new Error('A ReadableStream starts at once.');
		// In before the pull: what is committed during it is not missed.
		this.#add(stream);
		try {
			await this.#begin(stream);
		} catch (error) {
			stream.left();
			throw error;
		}
		request.signal.addEventListener('abort', () => stream?.left(), { once: true });
		if (request.signal.aborted) stream.left();
		return new Response(body, {
			headers: {
				'content-type': 'text/event-stream',
				'cache-control': 'no-store',
				'x-accel-buffering': 'no'
			}
		});
	}

	get count(): number {
		return this.#count;
	}

	/** Ends all streams. */
	close(): void {
		for (const release of this.#release) release();
		for (const stream of this.#all()) stream.end();
	}

	/** Waits for the first pull only: from there on somebody has to read. */
	async #begin(stream: Stream): Promise<void> {
		const cursor = readCursor(stream.request.lastEventId);
		stream.send(encode(`retry: ${RETRY_MS}`));
		stream.pending = [];
		const page = await stream.request.pull(cursor?.epoch || null, cursor?.seq ?? 0);
		if (cursor === null) {
			stream.epoch = page.epoch;
			stream.cursor = page.top_seq;
			stream.send(announce('ready', page.epoch, page.top_seq));
			this.#flush(stream);
		} else {
			stream.epoch = cursor.epoch;
			stream.cursor = cursor.seq;
			this.#mend(stream, page);
		}
	}

	/**
	 * Pulls until nothing is missing, then lets the messages through that came meanwhile. Waits
	 * for its reader: the past may be larger than what is buffered for it.
	 */
	async #catchUp(stream: Stream, first?: Pulled): Promise<void> {
		stream.pending ??= [];
		let next = first;
		for (let more = true; more && !stream.ended;) {
			const page = next ?? (await stream.request.pull(stream.epoch || null, stream.cursor));
			next = undefined;
			if (!page.recovered || page.epoch !== stream.epoch) {
				stream.epoch = page.epoch;
				stream.cursor = page.top_seq;
				stream.send(announce('reset', page.epoch, page.top_seq));
				break;
			}
			for (const event of page.events) {
				const message = { type: 'EVENT_BROADCAST', epoch: page.epoch, at: event.created_at, event };
				await stream.room();
				stream.sendEvent(eventFrame(page.epoch, event.seq, JSON.stringify(message)));
			}
			stream.cursor = Math.max(stream.cursor, page.more ? page.cursor : page.top_seq);
			more = page.more;
		}
		this.#flush(stream);
	}

	#flush(stream: Stream): void {
		const pending = stream.pending ?? [];
		stream.pending = null;
		for (const frame of pending) this.#pass(stream, frame);
	}

	#pass(stream: Stream, frame: Frame): void {
		if (stream.ended) return;
		if (stream.pending !== null) {
			if (stream.pending.push(frame) > MAX_PENDING) stream.cut();
			return;
		}
		const isHole =
			frame.seq !== null &&
			stream.request.topic.startsWith('account:') &&
			(frame.epoch !== stream.epoch || frame.seq > stream.cursor + 1);
		if (!isHole) return stream.sendEvent(frame);
		stream.pending = [frame];
		this.#mend(stream);
	}

	/** Fills a hole; a stream that cannot is ended, and its reader returns with its cursor. */
	#mend(stream: Stream, first?: Pulled): void {
		this.#catchUp(stream, first).catch((error: unknown) => {
			this.#options.log.debug('a stream could not catch up', { error });
			stream.end();
		});
	}

	#deliver(messages: readonly FeedMessage[]): void {
		for (const message of messages) {
			const readers = this.#byTopic.get(message.topic);
			if (readers === undefined) continue;
			const frame = frameOf(message);
			for (const stream of readers) this.#pass(stream, frame);
		}
	}

	#revoke(revocation: Revocation): void {
		for (const stream of this.#all()) if (isOf(stream.request.principal, revocation)) stream.end();
	}

	/** The feed was away: revocations and messages may have been missed. */
	#recheck(): void {
		for (const stream of this.#all())
			stream.request.stillAllowed().then(
				() => {
					if (!stream.ended && stream.pending === null) this.#mend(stream);
				},
				() => stream.end()
			);
	}

	#beat(): void {
		const now = this.#options.now();
		for (const stream of this.#all()) {
			const { principal } = stream.request;
			const expires = principal.kind === 'overlay' ? principal.expires_at : Infinity;
			if (now >= expires || now - stream.opened >= MAX_AGE_MS) stream.end();
			else stream.send(encode(':'));
		}
	}

	#admit(principal: Principal): void {
		const own = this.#all().filter(
			({ request }) => actorOf(request.principal) === actorOf(principal)
		);
		if (this.#count >= MAX_STREAMS || own.length >= MAX_STREAMS_EACH)
			throw new AppError('too_many_requests', 'Too many open streams.', { retryAfter: 10 });
	}

	#all(): Stream[] {
		return [...this.#byTopic.values()].flatMap((streams) => [...streams]);
	}

	#add(stream: Stream): void {
		const { topic } = stream.request;
		const streams = this.#byTopic.get(topic) ?? new Set();
		this.#byTopic.set(topic, streams.add(stream));
		this.#count += 1;
	}

	#remove(stream: Stream): void {
		const { topic } = stream.request;
		const streams = this.#byTopic.get(topic);
		if (!streams?.delete(stream)) return;
		this.#count -= 1;
		if (streams.size === 0) this.#byTopic.delete(topic);
	}
}

/** `ready`: you are connected, nothing before is missing. `reset`: read afresh. */
const announce = (event: 'ready' | 'reset', epoch: string, top_seq: number) =>
	encode(`id: ${epoch}:${top_seq}\nevent: ${event}\ndata: ${JSON.stringify({ epoch, top_seq })}`);

function frameOf({ event, payload, payload_json }: FeedMessage): Frame {
	const epoch = typeof payload.epoch === 'string' ? payload.epoch : '';
	const seq = event === 'EVENT_BROADCAST' ? seqOf(payload.event) : null;
	if (seq !== null) return eventFrame(epoch, seq, payload_json);
	return { seq, epoch, bytes: encode(`data: ${payload_json}`) };
}

function seqOf(event: unknown): number | null {
	if (typeof event !== 'object' || event === null || !('seq' in event)) return null;
	return typeof event.seq === 'number' ? event.seq : null;
}

const actorOf = (principal: Principal): string | null =>
	'key_id' in principal ? principal.key_id : principal.kind === 'member' ? principal.user_id : null;

function isOf(principal: Principal, revocation: Revocation): boolean {
	if ('key_id' in revocation) return actorOf(principal) === revocation.key_id;
	if (principal.kind !== 'member') return false;
	if ('session_id' in revocation) return principal.session_id === revocation.session_id;
	return principal.user_id === revocation.user_id && principal.account_id === revocation.account_id;
}

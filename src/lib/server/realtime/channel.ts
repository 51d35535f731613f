/**
 * One topic joined by one connection: what it may read and write, its token's end, its presence.
 * Its connection hands it pushes one at a time. It ends in one of three ways: the client leaves;
 * `shutdown` (system error, then `phx_close`: final for the client); `crash` (`phx_error`: the
 * client rejoins by itself).
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { AuthorizationUnavailable, type Extension } from './authorizer.ts';
import type { Core } from './core.ts';
import { frameOf } from './frame.ts';
import { wireTopic, type Member, type TopicName } from './hub.ts';
import { tokenOf, type JoinConfig } from './join.ts';
import { payloadBytes, WindowCounter } from './limits.ts';
import { expired, TokenRefused, type Identity } from './token.ts';
import { isRecord, type Broadcast, type Codec, type JsonRecord, type Outgoing } from './wire.ts';
import type { Push } from './wire.ts';

/** The connection, as its channels see it. */
export interface Link {
	readonly codec: Codec;
	readonly open: boolean;
	send(message: Outgoing): void;
	sendFrame(frame: Buffer): void;
	/** The channel has ended. */
	ended(channel: Channel): void;
}

export interface Admission {
	topic: TopicName;
	join_ref: string | null;
	config: JoinConfig;
	identity: Identity;
	/** The JWT that the identity came from, if any. */
	token: string | null;
	readable: readonly Extension[];
}

const PRESENCE_WINDOW_MS = 30_000;
/** Live messages that may wait while a replay is read. */
const MAX_HELD = 1_000;

const Ok = { status: 'ok', response: {} };

export class Channel implements Member {
	readonly topic: TopicName;
	readonly join_ref: string | null;
	readonly codec: Codec;
	identity: Identity;
	#token: string | null;
	#readable: ReadonlySet<Extension>;
	#writable = new Map<Extension, boolean>();
	#presenceCalls = new WindowCounter(PRESENCE_WINDOW_MS);
	#presenceEnabled: boolean;
	readonly #presenceKey: string;
	#held: { frame: Buffer; id: string | null }[] | null = [];
	#replayed: Set<string> | null = null;
	#cancelCheck: () => void = () => {};
	#open = true;
	readonly #config: JoinConfig;
	readonly #core: Core;
	readonly #link: Link;

	/** Listens from now on, but holds live messages until `release`. */
	constructor(core: Core, link: Link, admission: Admission) {
		this.#core = core;
		this.#link = link;
		this.codec = link.codec;
		this.topic = admission.topic;
		this.join_ref = admission.join_ref;
		this.identity = admission.identity;
		this.#token = admission.token;
		this.#config = admission.config;
		this.#readable = new Set(admission.readable);
		this.#presenceKey = admission.config.presence.key || randomUUID();
		this.#presenceEnabled = admission.config.presence.enabled;
		core.channels.add(this);
		core.hub.join(this.topic, this);
		this.#watchToken();
	}

	get open(): boolean {
		return this.#open;
	}

	/** After the join's reply: what was replayed, who is present, then live messages. */
	release(replayed: readonly Broadcast[]): void {
		const wire = wireTopic(this.topic.name);
		for (const broadcast of replayed) {
			const encoded = this.codec.encodeBroadcast(wire, broadcast, this.join_ref);
			if (encoded) this.#link.sendFrame(frameOf(encoded));
		}
		this.#sendPresenceState();
		// The feed may still bring what the replay has read already.
		const ids = replayed.flatMap(({ meta }) => (meta ? [meta.id] : []));
		this.#replayed = ids.length > 0 ? new Set(ids) : null;
		const held = this.#held ?? [];
		this.#held = null;
		for (const { frame, id } of held) this.deliver(frame, id);
	}

	deliver(frame: Buffer, id: string | null): void {
		if (!this.#open || !this.#readable.has('broadcast')) return;
		if (this.#held !== null) {
			this.#held.push({ frame, id });
			if (this.#held.length > MAX_HELD) this.crash();
		} else if (id === null || !this.#replayed?.delete(id)) this.#link.sendFrame(frame);
	}

	deliverPresence(frame: Buffer): void {
		// Before `presence_state` a diff would be of no use: the state holds it already.
		if (this.#open && this.#readsPresence && this.#held === null) this.#link.sendFrame(frame);
	}

	/** False when the event is not one of this protocol. */
	async handle(push: Push): Promise<boolean> {
		if (push.event === 'broadcast') await this.#broadcast(push);
		else if (push.event === 'presence') await this.#presence(push);
		else if (push.event === 'access_token') await this.#refresh(push.payload);
		else return false;
		return true;
	}

	async #broadcast(push: Push): Promise<void> {
		const { ack, self } = this.#config.broadcast;
		const reply = (body: JsonRecord) => ack && this.reply(push.ref, body);
		const broadcast = push.broadcast ?? readBroadcast(push.payload);
		if (broadcast === null)
			return void reply(failed({ reason: 'A broadcast needs an event, which is a text' }));
		if (broadcast.body.length > payloadBytes(this.#core.limits))
			return void reply(failed({ error: 'payload_size_exceeded' }));
		try {
			// Denied broadcasts are dropped without a word, even with ack.
			if (!(await this.#mayWrite('broadcast')) || !this.#open) return;
		} catch (error) {
			if (!(error instanceof AuthorizationUnavailable)) throw error;
			return void reply(failed({ error: error.reason }));
		}
		this.#core.hub.publish(this.topic, broadcast, self ? null : this);
		reply(Ok);
	}

	async #presence({ ref, payload }: Push): Promise<void> {
		const { limits, rates, clock, hub } = this.#core;
		const call = String(payload.event).toLowerCase();
		if (call !== 'track' && call !== 'untrack')
			return this.reply(ref, failed({ reason: 'Presence knows track and untrack' }));
		if (!this.#presenceCalls.take(limits.presenceCalls, clock.now()))
			return this.shutdown('Client presence rate limit exceeded');
		if (!rates.presence.take(limits.presencePerSecond, clock.now()))
			return this.shutdown('Too many presence messages per second');
		if (call === 'untrack') {
			hub.untrack(this.topic, this);
			return this.reply(ref, Ok);
		}
		const meta = payload.payload ?? {};
		if (!isRecord(meta))
			return this.reply(ref, failed({ reason: 'Presence track payload must be a map' }));
		if (Buffer.byteLength(JSON.stringify(meta)) > payloadBytes(limits))
			return this.shutdown('Track message size exceeded');
		try {
			if (!(await this.#mayWrite('presence'))) return this.reply(ref, failed({}));
			if (!this.#presenceEnabled) await this.#enablePresence();
		} catch (error) {
			if (!(error instanceof AuthorizationUnavailable)) throw error;
			return this.reply(ref, failed({ reason: error.reason }));
		}
		if (!this.#open) return;
		this.reply(ref, Ok);
		hub.track(this.topic, this, this.#presenceKey, meta, randomBytes(12).toString('base64url'));
	}

	/** Who tracks without having asked for presence is told of the others from now on. */
	async #enablePresence(): Promise<void> {
		if (this.topic.private) {
			const read = await this.#core.authorizer.read(this.identity, this.topic.name, ['presence']);
			this.#readable = new Set([...this.#readable, ...read]);
		}
		this.#presenceEnabled = true;
		this.#sendPresenceState();
	}

	get #readsPresence(): boolean {
		return this.#presenceEnabled && this.#readable.has('presence');
	}

	#sendPresenceState(): void {
		if (this.#open && this.#readsPresence)
			this.push('presence_state', this.#core.hub.presenceState(this.topic));
	}

	/** Asked once for each extension, until the token changes. */
	async #mayWrite(extension: Extension): Promise<boolean> {
		if (!this.topic.private) return true;
		const known = this.#writable.get(extension);
		if (known !== undefined) return known;
		const writable = this.#writable;
		const may = await this.#core.authorizer.write(this.identity, this.topic.name, extension);
		// After a new token or a revocation this is another map: an older answer is not kept.
		writable.set(extension, may);
		return may;
	}

	/** A new token: no answer unless it takes a right away. */
	async #refresh(payload: JsonRecord): Promise<void> {
		const token = tokenOf(payload.access_token);
		if (token === null || token === this.#token) return;
		try {
			this.identity = await this.#core.identify(token);
		} catch (error) {
			if (!(error instanceof TokenRefused)) throw error;
			return this.shutdown(error.message);
		}
		this.#token = token;
		this.#watchToken();
		await this.reauthorize();
	}

	/** Asks the policies again, now. When nobody can tell, the client has to come again. */
	async reauthorize(): Promise<void> {
		this.#writable = new Map();
		if (!this.topic.private || !this.#open) return;
		const { identity } = this;
		let now: Extension[];
		try {
			now = await this.#core.authorizer.read(identity, this.topic.name, [...this.#readable]);
		} catch (error) {
			this.#core.log.warn('realtime: a channel could not be judged again', { error });
			return this.crash();
		}
		// A still newer token is being judged by its own call.
		if (identity !== this.identity || now.length === this.#readable.size) return;
		this.shutdown(
			`You no longer have permission to read from this Channel topic: ${this.topic.name}`
		);
	}

	#watchToken(): void {
		this.#cancelCheck();
		const { expiresAt } = this.identity;
		if (expiresAt === null || !this.#open) return;
		const { clock, limits } = this.#core;
		const wait = Math.max(0, Math.min(limits.tokenCheckMs, expiresAt - clock.now()));
		this.#cancelCheck = clock.after(wait, () => {
			if (expiresAt > clock.now()) this.#watchToken();
			else this.shutdown(expired(expiresAt, clock.now()).message);
		});
	}

	/** A message of this channel to its client. */
	push(event: string, payload: JsonRecord, ref: string | null = null): void {
		const { join_ref } = this;
		if (this.#open)
			this.#link.send({ join_ref, ref, topic: wireTopic(this.topic.name), event, payload });
	}

	reply(ref: string | null, payload: JsonRecord): void {
		this.push('phx_reply', payload, ref);
	}

	system(status: 'ok' | 'error', message: string, extension = 'system'): void {
		this.push('system', { extension, status, message, channel: this.topic.name });
	}

	/** Says why, then closes for good. */
	shutdown(message: string): void {
		this.system('error', message);
		this.end('phx_close');
	}

	/** Ends the channel in the way that makes the client rejoin by itself. */
	crash(): void {
		this.end('phx_error');
	}

	/** Ends the channel, with a last word to the client or (null) without. */
	end(event: 'phx_close' | 'phx_error' | null): void {
		if (!this.#open) return;
		if (event !== null) this.push(event, {}, this.join_ref);
		this.#open = false;
		this.#held = null;
		this.#cancelCheck();
		this.#core.hub.leave(this.topic, this);
		this.#core.channels.delete(this);
		this.#link.ended(this);
	}
}

const failed = (response: JsonRecord): JsonRecord => ({ status: 'error', response });

/** A broadcast that came as a text frame. Metadata is the server's to give, so a client's is dropped. */
function readBroadcast(payload: JsonRecord): Broadcast | null {
	if (typeof payload.event !== 'string') return null;
	const body = Buffer.from(JSON.stringify(payload.payload ?? {}));
	return { event: payload.event, body, encoding: 'json', meta: null };
}

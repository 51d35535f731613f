/**
 * One connection's source: keeps its events coming in the way that its mode says, and knows how
 * that goes.
 *
 *   websocket  sockets of our own, subscriptions on them
 *   webhook    subscriptions that deliver to our address, made with the program's own token
 *   relay      a port without an implementation: it says so
 *   poll       only asking
 *
 * In each mode lists are polled beside it, seldom while events are delivered and often while they
 * are not. Everything that comes goes through one intake and is stored in order.
 */
import type { DeliveryOutcome } from '$lib/platforms/answer.ts';
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';
import type { Arrival } from '$lib/platforms/gather.ts';
import type { Platform, Reading } from '$lib/platforms/platform.ts';
import type {
	ActualSubscription,
	Source as PlatformSource,
	Target,
	WantedSubscription
} from '$lib/platforms/source.ts';
import type { Taken } from '$lib/platforms/take.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	reportSource,
	saveSubscriptions,
	type HeldSource,
	type SourceState,
	type SubscriptionRow
} from '$lib/server/backend/statements/sources.ts';
import type { Log } from '$lib/server/log.ts';
import type { SourceClock } from './clock.ts';
import { problemsOf, stateOf, type Problem, type Snapshot } from './condition.ts';
import { SourceEmitter } from './events.ts';
import { Intake } from './intake.ts';
import { delayOf, SUBSCRIBES } from './policy.ts';
import { Poller } from './poller.ts';
import { keyOf, type Ownership } from './reconcile.ts';
import { Reporter } from './reporter.ts';
import { Sessions } from './sessions.ts';
import type { SocketOpener, Reported } from './sockets.ts';
import { Subscriber } from './subscriber.ts';

export interface SourceParts {
	sql: Sql;
	log: Log;
	clock: SourceClock;
	chance: () => number;
	/** Names this process. */
	owner: string;
	platform: Platform & { readonly source: PlatformSource };
	open: SocketOpener;
	/** Where the platform is, by the names of its addresses. */
	addresses: Readonly<Record<string, string>>;
	/** Where the platform's webhooks come in. */
	callback: string;
	call<T>(connectionId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	callAsApp<T>(accountId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	/** The consent has ended, by the platform's own word. */
	revoked(connectionId: string, reason: string): Promise<void>;
	take(accountId: string, said: Reading | readonly Arrival[]): Promise<Taken>;
	/** The webhook secret of a connection in the clear; null when there is none that opens. */
	secretOf(held: HeldSource): string | null;
	/** How much may wait for the database. */
	capacity?: number;
}

/** Webhooks are counted in all: their types are the door's affair. */
const ANY_TYPE = '';
/** Challenges and revocations come in bursts. */
const SETTLED_MS = 500;

interface Delivered {
	readonly type: string;
	readonly reading: Reading;
}

export interface SourceStatus {
	readonly connection_id: string;
	readonly mode: HeldSource['mode'];
	readonly state: SourceState;
	readonly session_count: number;
	readonly subscriptions: readonly SubscriptionRow[];
	readonly problems: readonly Problem[];
	/** What came and is not stored yet, and what could not be held. */
	readonly waiting: number;
	readonly dropped: number;
}

export class Source {
	readonly events = new SourceEmitter();
	readonly #parts: SourceParts;
	readonly #intake: Intake<Delivered, Taken>;
	readonly #reporter: Reporter;
	readonly #subscriber: Subscriber;
	readonly #poller: Poller;
	readonly #sessions: Sessions | null;
	readonly #unwanted = new Set<string>();
	readonly #former: Set<string>;
	#held: HeldSource;
	/** What changes subscriptions is done one after the other. */
	#work: Promise<void> = Promise.resolve();
	#comparison: Promise<void> | null = null;
	#later: (() => void) | null = null;
	#laterAt = Infinity;
	#attempts = 0;
	#isReconciled = false;
	#lostReason: string | null = null;
	#isReady = false;
	#isOver = false;

	constructor(held: HeldSource, parts: SourceParts) {
		const { sql, log, clock, chance, owner, platform } = parts;
		const { source } = platform;
		this.#held = held;
		this.#parts = parts;
		this.#former = new Set(held.sessions);
		const id = held.connection_id;
		const { account_id, channel_id, connected_at } = held;
		this.#reporter = new Reporter({
			clock,
			report: (report) => reportSource(sql, id, owner, report),
			save: (rows, all, quota) => saveSubscriptions(sql, id, rows, all, quota)
		});
		this.#intake = new Intake<Delivered, Taken>({
			...{ clock, chance, log },
			...(parts.capacity !== undefined && { capacity: parts.capacity }),
			take: ({ reading }) => parts.take(account_id, reading),
			onTaken: ({ type }, taken) => {
				this.#reporter.count(type);
				this.events.tell('event', type, taken);
			},
			onChange: () => this.#changed()
		});
		const asApp = held.mode === 'webhook';
		this.#subscriber = new Subscriber({
			...{ source, clock, chance },
			channelId: asApp ? channel_id : null,
			call: (make) => (asApp ? parts.callAsApp(account_id, make) : parts.call(id, make)),
			onChange: () => this.#changed()
		});
		this.#poller = new Poller(
			{
				...{ sql, log, clock, chance },
				connection: { id, channel_id, connected_at },
				call: (make) => parts.call(id, make),
				take: (drafts) => parts.take(account_id, drafts),
				onChange: () => this.#changed()
			},
			false
		);
		this.#sessions =
			held.mode === 'websocket' && source.socket !== undefined
				? new Sessions({
						...{ protocol: source.socket, clock, chance, open: parts.open },
						url: parts.addresses[source.socket.address] ?? '',
						channelId: channel_id,
						isWanted: () => this.#subscriber.wanted.length > 0,
						onEffect: (line, effect) => this.#heard(line, effect)
					})
				: null;
	}

	/** What it was made from; a change of anything but consents and groups needs a new one. */
	get held(): HeldSource {
		return this.#held;
	}

	/** Begins. */
	initialize(): void {
		this.#follow();
		if (this.#sessions !== null) this.#sessions.connect(this.#subscriber.wanted);
		else if (this.#held.mode === 'webhook') void this.reconcile();
	}

	/** Other consents, other groups. */
	change(held: HeldSource): void {
		this.#held = held;
		this.#subscriber.forgive();
		this.#follow();
		this.#sessions?.connect(this.#subscriber.wanted);
		if (this.#held.mode === 'webhook' || this.#sessions !== null) void this.reconcile();
	}

	/** Wants a type of subscription (again) and makes it. */
	async subscribe(type: string): Promise<void> {
		this.#unwanted.delete(type);
		this.#subscriber.forgive();
		this.#follow();
		this.#sessions?.connect(this.#subscriber.wanted);
		await this.reconcile();
	}

	/** Wants a type of subscription no more and removes it, until this source is made anew. */
	async unsubscribe(type: string): Promise<void> {
		this.#unwanted.add(type);
		this.#follow();
		await this.reconcile();
	}

	/** Compares what is subscribed with what should be, and mends it; resolves when that is done. */
	reconcile(): Promise<void> {
		// One that has not begun serves everybody who asks meanwhile.
		return (this.#comparison ??= this.#enqueue(async () => {
			this.#comparison = null;
			if (this.#mayAsk()) {
				const isWhole = await this.#subscriber.reconcile(
					(one) => this.#own(one),
					(wanted) => this.#targetOf(wanted)
				);
				this.#isReconciled = true;
				this.#settled(isWhole);
			}
			await this.#reporter.keepAll(this.#subscriber.rows, this.#subscriber.quota);
		}));
	}

	/** As `reconcile`, for somebody who asks: what was given up is tried again, lists are looked at. */
	async refresh(): Promise<void> {
		this.#subscriber.forgive();
		await this.reconcile();
		await this.#poller.hurry();
		await this.#reporter.flush();
	}

	getStatus(): SourceStatus {
		return {
			connection_id: this.#held.connection_id,
			mode: this.#held.mode,
			state: this.#state(),
			session_count: this.#sessions?.count ?? 0,
			subscriptions: this.#subscriber.rows,
			problems: this.#problems(),
			waiting: this.#intake.waiting,
			dropped: this.#intake.dropped
		};
	}

	/** Ends it; what came is stored first. `isGone`: for good, so what delivers elsewhere is removed. */
	async destroy({ isGone = false } = {}): Promise<void> {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#later?.();
		this.#sessions?.destroy();
		if (isGone && this.#held.mode === 'webhook') {
			this.#subscriber.want([]);
			await this.#subscriber
				.reconcile(
					(one) => this.#own(one),
					() => null
				)
				.catch(() => false);
		}
		this.#subscriber.close();
		await this.#poller.close();
		await this.#work;
		await this.#intake.close();
		await this.#reporter.close();
	}

	/** Lets go of it as a process that dies does: nothing is stored, said or removed any more. */
	abandon(): void {
		this.#isOver = true;
		this.#later?.();
		this.#sessions?.destroy();
		this.#subscriber.close();
		this.#reporter.abandon();
		void this.#poller.close();
	}

	/** Resolves when nothing that came waits to be stored. */
	idle(): Promise<void> {
		return this.#intake.idle();
	}

	/** Sets what is wanted and what is polled by consents and groups. */
	#follow(): void {
		const { source } = this.#parts.platform;
		const { channel_id, scopes, groups, status } = this.#held;
		const may = status === 'connected';
		const isHere = ({ type }: WantedSubscription) => !this.#unwanted.has(type);
		const wanted = may ? source.wanted(channel_id, scopes, groups).filter(isHere) : [];
		const keys = new Set(wanted.map(keyOf));
		const missing = source
			.desired(channel_id, groups)
			.filter((one) => isHere(one) && !keys.has(keyOf(one)));
		this.#subscriber.want(wanted, missing);
		const types = new Set(wanted.map(({ type }) => type));
		const polls = source.polls.filter(
			(poll) =>
				types.has(poll.came.type) &&
				(poll.scopes.length === 0 || poll.scopes.some((scope) => scopes.includes(scope)))
		);
		this.#poller.watch(polls);
		this.#changed();
	}

	#heard(line: number, effect: Reported): void {
		switch (effect.kind) {
			case 'deliver':
				this.#intake.put({ type: effect.type, reading: effect.reading });
				break;
			case 'subscribe':
				this.#lostReason = null;
				this.#former.add(effect.session_id);
				this.#reporter.session(effect.session_id);
				void this.#enqueue(() => this.#subscribe(line));
				void this.reconcile();
				break;
			case 'moved':
				this.#former.add(effect.session_id);
				this.#reporter.session(effect.session_id);
				// They should be there; the list says whether they are.
				void this.reconcile();
				break;
			case 'revoked':
				this.#revoked(effect.subscription, effect.type, effect.reason, effect.is_consent);
				break;
			case 'lost': {
				const sessions = this.#sessions;
				if (sessions === null) break;
				this.#subscriber.void(new Set(sessions.slotOf(line).map(({ type }) => type)));
				if (sessions.count === 0) {
					this.#lostReason = effect.reason;
					this.#isReady = false;
					this.events.tell('disconnected', effect.reason);
				}
				break;
			}
			case 'problem':
				this.events.tell('error', effect.reason);
				this.#parts.log.warn('a source has a problem', { reason: effect.reason });
				break;
		}
		this.#changed();
	}

	/** The first subscriptions of a session, without asking for the list before: time is short. */
	async #subscribe(line: number): Promise<void> {
		if (this.#isOver || this.#sessions === null) return;
		const isWhole = await this.#subscriber.make(this.#sessions.slotOf(line), (wanted) =>
			this.#targetOf(wanted)
		);
		this.#settled(isWhole);
		if (!this.#isReady && this.#state() === 'live') {
			this.#isReady = true;
			this.events.tell('ready');
		}
	}

	#revoked(subscription: string, type: string, reason: string, isConsent: boolean): void {
		if (!this.#subscriber.end(subscription, type, reason) && !isConsent) return;
		this.#parts.log.warn('the platform ended a subscription', { type, reason });
		this.events.tell('error', `${type}: ${reason}`);
		if (!isConsent) return;
		this.#parts.revoked(this.#held.connection_id, reason).catch((error: unknown) => {
			this.#parts.log.warn('a revocation could not be noted', { error });
		});
	}

	/** A webhook came in by the door, which has taken it. */
	noteDelivery(outcome: DeliveryOutcome, detail: string | null): void {
		if (this.#held.mode !== 'webhook' || this.#isOver) return;
		if (outcome === 'revoked') {
			const [type = '', ...reason] = (detail ?? '').split(': ');
			this.#subscriber.doubt(type, reason.join(': '));
			this.#again(SETTLED_MS);
		} else if (outcome === 'recorded' || outcome === 'gathered') this.#reporter.count(ANY_TYPE);
		// Our address was checked: the list says what has become of it.
		else if (outcome === 'challenge') this.#again(SETTLED_MS);
	}

	#targetOf(wanted: WantedSubscription): Target | null {
		if (this.#isOver) return null;
		if (this.#sessions !== null) {
			const session_id = this.#sessions.sessionFor(wanted);
			return session_id === null ? null : { method: 'websocket', session_id };
		}
		if (this.#held.mode !== 'webhook') return null;
		const secret = this.#parts.secretOf(this.#held);
		return secret === null ? null : { method: 'webhook', callback: this.#parts.callback, secret };
	}

	#own({ to }: ActualSubscription): Ownership {
		if (to === null) return 'foreign';
		if (this.#held.mode === 'webhook') return to === this.#parts.callback ? 'now' : 'foreign';
		if (this.#sessions?.has(to)) return 'now';
		return this.#former.has(to) ? 'before' : 'foreign';
	}

	#mayAsk(): boolean {
		if (this.#isOver || this.#held.status !== 'connected') return false;
		return this.#held.mode === 'webhook' || (this.#sessions?.count ?? 0) > 0;
	}

	#enqueue(work: () => Promise<void>): Promise<void> {
		this.#work = this.#work.then(work).catch((error: unknown) => {
			this.#parts.log.error('subscriptions could not be mended', { error });
		});
		return this.#work;
	}

	/** What could not be made is tried again, later each time. */
	#settled(isWhole: boolean): void {
		// An address that is still being checked is looked at again.
		const isChecked = !this.#subscriber.rows.some(({ status }) => status === 'pending');
		if (isWhole && isChecked) this.#attempts = 0;
		else {
			this.#attempts += 1;
			this.#again();
		}
		this.#changed();
	}

	/** Mends again after a while, or sooner if that was asked for before. */
	#again(ms?: number): void {
		const { clock, chance } = this.#parts;
		const delay = ms ?? delayOf(SUBSCRIBES, this.#attempts + 3, chance());
		const at = clock.now() + delay;
		if (this.#isOver || at >= this.#laterAt) return;
		this.#later?.();
		this.#laterAt = at;
		this.#later = clock.after(delay, () => {
			this.#later = null;
			this.#laterAt = Infinity;
			this.#follow();
			void this.reconcile();
		});
	}

	#state(): SourceState {
		return stateOf(this.#snapshot());
	}

	#problems(): Problem[] {
		return problemsOf(this.#snapshot());
	}

	#snapshot(): Snapshot {
		const { status, mode } = this.#held;
		return {
			...{ status, mode },
			sessions: this.#sessions?.count ?? null,
			wanted: this.#subscriber.wanted.length,
			rows: this.#subscriber.rows,
			isReconciled: this.#isReconciled,
			lostReason: this.#lostReason,
			isDatabaseAway: this.#intake.isAway,
			dropped: this.#intake.dropped,
			failingPolls: this.#poller.failing
		};
	}

	/** What is known now, to the poller and the database. */
	#changed(): void {
		const state = this.#state();
		this.#poller.setHealth(state === 'live');
		if (this.#isOver) return;
		this.#reporter.tell({
			state,
			session_count: this.#sessions?.count ?? 0,
			problems: this.#problems(),
			rows: this.#subscriber.rows
		});
	}
}

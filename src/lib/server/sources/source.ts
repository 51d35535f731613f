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
import type { Reading } from '$lib/platforms/platform.ts';
import type { Target, WantedSubscription } from '$lib/platforms/source.ts';
import type { Taken } from '$lib/platforms/take.ts';
import {
	reportSource,
	saveSubscriptions,
	type HeldSource,
	type SourceState
} from '$lib/server/backend/statements/sources.ts';
import { problemsOf, stateOf, type Problem, type Snapshot } from './condition.ts';
import { SourceEmitter } from './events.ts';
import { Intake } from './intake.ts';
import { Mender } from './mender.ts';
import type { SourceParts, SourceStatus } from './parts.ts';
import { Poller } from './poller.ts';
import { Reporter } from './reporter.ts';
import type { Road, RoadEvents } from './road.ts';
import { roadOf } from './roads.ts';
import { Subscriber } from './subscriber.ts';
import { wantedOf } from './wanted.ts';

/** Webhooks are counted in all: their types are the door's affair. */
const ANY_TYPE = '';

interface Delivered {
	readonly type: string;
	readonly reading: Reading;
}

export class Source {
	readonly events: SourceEmitter;
	readonly #parts: SourceParts;
	readonly #intake: Intake<Delivered, Taken>;
	readonly #reporter: Reporter;
	readonly #subscriber: Subscriber;
	readonly #poller: Poller;
	readonly #mender: Mender;
	/** null where nothing delivers. */
	readonly #road: Road | null;
	readonly #unwanted = new Set<string>();
	#held: HeldSource;
	#isReconciled = false;
	#isReady = false;
	#isOver = false;

	constructor(held: HeldSource, parts: SourceParts) {
		const { sql, log, clock, chance, owner, platform } = parts;
		const { source } = platform;
		this.#held = held;
		this.#parts = parts;
		this.events = new SourceEmitter((error) =>
			log.error('a listener of a source failed', { error })
		);
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
			onChange: () => this.#changed(),
			// What lists know of it is found now, not at the next audit.
			onGap: () => void this.#poller.hurry()
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
		this.#mender = new Mender({
			...{ clock, chance, log },
			compare: () => this.#compare(),
			retry: () => {
				this.#follow();
				void this.reconcile();
			}
		});
		this.#road = roadOf(held, parts, {
			events: this.#roadEvents(),
			secret: () => parts.secretOf(this.#held),
			isWanted: () => this.#subscriber.wanted.length > 0
		});
	}

	/** What it was made from; a change of anything but consents and groups needs a new one. */
	get held(): HeldSource {
		return this.#held;
	}

	/** Begins. */
	initialize(): void {
		this.#follow();
		this.#road?.connect(this.#subscriber.wanted);
	}

	/** Other consents, other groups. */
	change(held: HeldSource): void {
		this.#held = held;
		this.#subscriber.forgive();
		this.#follow();
		this.#road?.connect(this.#subscriber.wanted);
		if (this.#road !== null) void this.reconcile();
	}

	/** Wants a type of subscription (again) and makes it. */
	async subscribe(type: string): Promise<void> {
		this.#unwanted.delete(type);
		this.#subscriber.forgive();
		this.#follow();
		this.#road?.connect(this.#subscriber.wanted);
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
		return this.#mender.compare();
	}

	/**
	 * As `reconcile`, for somebody who asks: what was given up is tried again, lists are looked at,
	 * and what was dropped until now has been told.
	 */
	async refresh(): Promise<void> {
		this.#subscriber.forgive();
		await this.reconcile();
		await this.#poller.hurry();
		this.#intake.acknowledge();
		await this.#reporter.flush();
	}

	getStatus(): SourceStatus {
		return {
			connection_id: this.#held.connection_id,
			mode: this.#held.mode,
			state: this.#state(),
			session_count: this.#road?.sessions ?? 0,
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
		const mended = this.#mender.close();
		this.#road?.destroy();
		if (isGone && this.#held.mode === 'webhook') {
			this.#subscriber.want([]);
			await this.#subscriber
				.reconcile(
					(one) => this.#road?.own(one) ?? 'foreign',
					() => null
				)
				.catch(() => false);
		}
		this.#subscriber.close();
		await this.#poller.close();
		await mended;
		await this.#intake.close();
		await this.#reporter.close();
	}

	/** Resolves when nothing that came waits to be stored. */
	idle(): Promise<void> {
		return this.#intake.idle();
	}

	/** Sets what is wanted and what is polled by consents and groups. */
	#follow(): void {
		const { wanted, missing, excess, polls } = wantedOf(
			this.#parts.platform.source,
			this.#held,
			this.#unwanted,
			this.#road?.room ?? Infinity
		);
		this.#subscriber.want(wanted, missing, excess);
		this.#poller.watch(polls);
		this.#changed();
	}

	#roadEvents(): RoadEvents {
		return {
			delivered: (type, reading) => this.#intake.put({ type, reading }),
			counted: () => this.#reporter.count(ANY_TYPE),
			session: (id) => this.#reporter.session(id),
			subscribe: (wanted) => void this.#mender.run(() => this.#subscribe(wanted)),
			reconcile: (ms) => (ms === undefined ? void this.reconcile() : this.#mender.again(ms)),
			revoked: (...what) => this.#revoked(...what),
			doubted: (type, reason) => this.#subscriber.doubt(type, reason),
			voided: (types) => this.#subscriber.void(types),
			lost: (reason) => {
				this.#isReady = false;
				this.events.tell('disconnected', reason);
			},
			problem: (reason) => {
				this.events.tell('error', reason);
				this.#parts.log.warn('a source has a problem', { reason });
			},
			changed: () => this.#changed()
		};
	}

	/** The first subscriptions of a session, without asking for the list before: time is short. */
	async #subscribe(wanted: readonly WantedSubscription[]): Promise<boolean> {
		if (this.#isOver) return true;
		const isWhole = await this.#subscriber.make(wanted, (one) => this.#targetOf(one));
		return isWhole && this.#isChecked;
	}

	async #compare(): Promise<boolean> {
		let isWhole = true;
		if (this.#mayAsk) {
			isWhole = await this.#subscriber.reconcile(
				(one) => this.#road?.own(one) ?? 'foreign',
				(wanted) => this.#targetOf(wanted)
			);
			this.#isReconciled = true;
			isWhole &&= this.#isChecked;
			this.#changed();
		}
		await this.#reporter.keepAll(this.#subscriber.rows, this.#subscriber.quota);
		return isWhole;
	}

	/** An address that is still being checked is looked at again. */
	get #isChecked(): boolean {
		return !this.#subscriber.rows.some(({ status }) => status === 'pending');
	}

	get #mayAsk(): boolean {
		return !this.#isOver && this.#held.status === 'connected' && this.#road?.isOpen === true;
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
		if (!this.#isOver) this.#road?.noteDelivery(outcome, detail);
	}

	#targetOf(wanted: WantedSubscription): Target | null {
		return this.#isOver ? null : (this.#road?.targetOf(wanted) ?? null);
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
			hasRoad: this.#road !== null,
			sessions: this.#road?.sessions ?? 0,
			wanted: this.#subscriber.wanted.length,
			rows: this.#subscriber.rows,
			isReconciled: this.#isReconciled,
			lostReason: this.#road?.lostReason ?? null,
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
		if (state === 'live' && !this.#isReady) {
			this.#isReady = true;
			this.events.tell('ready');
		}
		this.#reporter.tell({
			state,
			session_count: this.#road?.sessions ?? 0,
			problems: this.#problems(),
			rows: this.#subscriber.rows
		});
	}
}

/**
 * Asks a platform's lists what its deliveries missed: often while nothing else brings them, seldom
 * while something does, and at once when it does again. What is found is recorded once, under the
 * keys that its delivery would have had, and counted: that is how reliable the source is.
 */
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';
import type { Arrival } from '$lib/platforms/gather.ts';
import type { Taken } from '$lib/platforms/take.ts';
import type { Checked, Member, Poll } from '$lib/platforms/source.ts';
import type { Sql } from '$lib/server/backend/index.ts';
import {
	openPoll,
	schedulePoll,
	settlePoll,
	type OpenPoll
} from '$lib/server/backend/statements/sources.ts';
import type { Log } from '$lib/server/log.ts';
import type { SourceClock } from './clock.ts';
import * as look from './look.ts';
import { delayOf, LOOKS, pollEvery, SETTLE_MS } from './policy.ts';
import { LookFailed, readList } from './read-list.ts';

const DRAFTS_AT_ONCE = 200;

export interface PollerParts {
	sql: Sql;
	log: Log;
	clock: SourceClock;
	chance: () => number;
	connection: { readonly id: string; readonly channel_id: string; readonly connected_at: string };
	call<T>(make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	take(drafts: readonly Arrival[]): Promise<Taken>;
	/** A look has failed, or works again. */
	onChange(): void;
}

interface Entry {
	readonly poll: Poll;
	lastAt: number | null;
	nextAt: number;
	everyS: number;
	failures: number;
	/** Differences of the last look that were too young to count. */
	suspects: ReadonlySet<string>;
}

export class Poller {
	readonly #parts: PollerParts;
	readonly #stop = new AbortController();
	#entries: Entry[] = [];
	#isHealthy: boolean;
	/** Grows with each change of health. */
	#epoch = 0;
	#timer: (() => void) | null = null;
	#run: Promise<void> | null = null;

	constructor(parts: PollerParts, isHealthy: boolean) {
		this.#parts = parts;
		this.#isHealthy = isHealthy;
	}

	/** Names of the lists that could not be read at the last try. */
	get failing(): string[] {
		return this.#entries.filter(({ failures }) => failures > 1).map(({ poll }) => poll.name);
	}

	/**
	 * Begins, or goes on with other lists. A list that is new here is looked at now: what happened
	 * while nobody watched was told by nobody.
	 */
	watch(polls: readonly Poll[]): void {
		const { clock, chance } = this.#parts;
		const now = clock.date().getTime();
		this.#entries = polls.map((poll) => {
			const before = this.#entries.find((entry) => entry.poll.name === poll.name);
			if (before !== undefined) return before;
			const everyS = pollEvery(poll, this.#isHealthy, chance());
			return { poll, lastAt: null, nextAt: now, everyS, failures: 0, suspects: new Set<string>() };
		});
		this.#arm();
	}

	/** Whether something else brings the events now. */
	setHealth(isHealthy: boolean): void {
		if (this.#isHealthy === isHealthy) return;
		this.#isHealthy = isHealthy;
		this.#epoch += 1;
		const { clock, chance } = this.#parts;
		const now = clock.date().getTime();
		for (const entry of this.#entries) {
			entry.everyS = pollEvery(entry.poll, isHealthy, chance());
			// Back again: what happened in between was told by nobody. Gone: at the other pace from now on.
			entry.nextAt = isHealthy
				? now
				: Math.min(entry.nextAt, Math.max(now, (entry.lastAt ?? now) + entry.everyS * 1_000));
		}
		this.#arm();
	}

	/** Looks at all lists now; resolves when that is done. Looks on their way began too early to count. */
	async hurry(): Promise<void> {
		await this.#run;
		const now = this.#parts.clock.date().getTime();
		for (const entry of this.#entries) entry.nextAt = now;
		await this.#begin();
	}

	async close(): Promise<void> {
		this.#stop.abort();
		this.#timer?.();
		this.#entries = [];
		await this.#run;
	}

	#arm(): void {
		this.#timer?.();
		this.#timer = null;
		if (this.#stop.signal.aborted || this.#entries.length === 0 || this.#run !== null) return;
		const { clock } = this.#parts;
		const next = Math.min(...this.#entries.map(({ nextAt }) => nextAt));
		this.#timer = clock.after(Math.max(0, next - clock.date().getTime()), () => {
			this.#timer = null;
			void this.#begin();
		});
	}

	#begin(): Promise<void> {
		this.#timer?.();
		this.#timer = null;
		this.#run ??= this.#lookAtAllDue().finally(() => {
			this.#run = null;
			this.#arm();
		});
		return this.#run;
	}

	async #lookAtAllDue(): Promise<void> {
		for (const entry of this.#entries) {
			if (this.#stop.signal.aborted) return;
			if (entry.nextAt <= this.#parts.clock.date().getTime()) await this.#lookAt(entry);
		}
	}

	/** A look during which the source was lost or came back says nothing: the change asks for another. */
	async #lookAt(entry: Entry): Promise<void> {
		const { sql, log, clock, chance, connection } = this.#parts;
		const { poll } = entry;
		const epoch = this.#epoch;
		const hadFailed = entry.failures > 0;
		let error: string | null = null;
		let again: number | null = null;
		try {
			const isSettled = await (poll.kind === 'dated'
				? this.#readDated(poll, epoch)
				: this.#readWhole(entry, poll, epoch));
			if (!isSettled) again = SETTLE_MS;
			entry.failures = 0;
			entry.lastAt = clock.date().getTime();
		} catch (cause) {
			error = cause instanceof Error ? cause.message : String(cause);
			entry.failures += 1;
			if (!(cause instanceof LookFailed) && !this.#stop.signal.aborted)
				log.warn('a list could not be compared', { poll: poll.name, error: cause });
		}
		// The health may have changed meanwhile, and with it when to look next.
		if (epoch === this.#epoch || error !== null) {
			entry.everyS = pollEvery(poll, this.#isHealthy, chance());
			const failed = error === null ? null : delayOf(LOOKS, entry.failures, chance());
			const every = entry.everyS * 1_000;
			entry.nextAt = clock.date().getTime() + Math.min(every, failed ?? every, again ?? every);
		}
		if (hadFailed !== entry.failures > 0 || entry.failures === 2) this.#parts.onChange();
		if (this.#stop.signal.aborted) return;
		await schedulePoll(
			sql,
			connection.id,
			poll.name,
			entry.everyS,
			new Date(entry.nextAt),
			error
		).catch(() => undefined);
	}

	/** Each page of the list, the first entries first; ends early when `onPage` says so. */
	#read(poll: Poll, onPage: (items: readonly Member[]) => boolean): Promise<void> {
		const { call, connection } = this.#parts;
		const page = (cursor: string | null) =>
			call((access) => poll.page(access, connection.channel_id, cursor));
		return readList(page, poll.kind, this.#stop.signal, onPage);
	}

	async #open({ name, came, left }: Poll): Promise<OpenPoll> {
		const { sql, connection } = this.#parts;
		return openPoll(sql, connection.id, name, came.event_types, left?.event_types ?? []);
	}

	/** Whether everything in the list was old enough to count. */
	async #readDated(poll: Poll, epoch: number): Promise<boolean> {
		const isHealthy = this.#isHealthy;
		const { sql, connection, clock } = this.#parts;
		const opened = await this.#open(poll);
		const floor = look.floorOf(opened.known_until, connection.connected_at);
		const ceiling = isHealthy ? clock.date().getTime() - SETTLE_MS : Infinity;
		const found: { member: Member; at: number }[] = [];
		let young = 0;
		await this.#read(poll, (items) => {
			const page = look.between(items, floor, ceiling);
			found.unshift(...page.found);
			young += page.young;
			return page.isEnd;
		});
		if (epoch !== this.#epoch) return true;
		const missed = await this.#record(
			poll,
			poll.came,
			found.map(({ member }) => member),
			opened
		);
		const newest = found.reduce((latest, { at }) => Math.max(latest, at), floor);
		await settlePoll(sql, connection.id, poll.name, {
			version: opened.version,
			known_until: new Date(
				Math.max(newest, Date.parse(opened.known_until ?? connection.connected_at))
			),
			members: null,
			seq: opened.seq,
			checked: [{ type: poll.came.type, missed }]
		});
		return young === 0;
	}

	/** Whether every difference was old enough to count. */
	async #readWhole(entry: Entry, poll: Poll, epoch: number): Promise<boolean> {
		const isHealthy = this.#isHealthy;
		const { sql, connection } = this.#parts;
		const opened = await this.#open(poll);
		const listed = new Map<string, Member>();
		await this.#read(poll, (items) => {
			for (const member of items) listed.set(member.id, member);
			return false;
		});
		if (epoch !== this.#epoch) return true;
		const actual = [...listed.values()];
		const { came, left } = poll;
		const settle = (members: readonly Member[], missed: readonly number[]) =>
			settlePoll(sql, connection.id, poll.name, {
				version: opened.version,
				known_until: null,
				members: [...members],
				seq: opened.seq,
				checked: [came, ...(left === null ? [] : [left])].map(({ type }, index) => ({
					type,
					missed: missed[index] ?? 0
				}))
			});
		if (opened.members === null) {
			// Who is there already is no news.
			await settle(actual, []);
			return true;
		}
		const expected = look.expect(opened.members, opened.delivered);
		const found = look.compare(expected, actual);
		const suspects = look.namesOf(found);
		// What a healthy source has not told may still be on its way, or the list behind: ask twice.
		const counted = isHealthy ? look.confirmed(found, entry.suspects) : found;
		const isSettled =
			found.came.length + found.left.length === counted.came.length + counted.left.length;
		entry.suspects = isSettled ? new Set() : suspects;
		const missedCame = await this.#record(poll, came, counted.came, opened);
		const missedLeft = left === null ? 0 : await this.#record(poll, left, counted.left, opened);
		await settle(look.settle(expected, actual, counted), [missedCame, missedLeft]);
		return isSettled;
	}

	/** Records what was found; how much of it was new. */
	async #record(
		poll: Poll,
		what: Checked,
		members: readonly Member[],
		{ version, opened_at }: OpenPoll
	): Promise<number> {
		const { take, connection } = this.#parts;
		const change = {
			channel_id: connection.channel_id,
			poll: `${connection.id}:${poll.name}:${version}`,
			found_at: opened_at
		};
		const drafts = members.flatMap((member) => what.draft(member, change) ?? []);
		let missed = 0;
		for (let at = 0; at < drafts.length; at += DRAFTS_AT_ONCE) {
			const { recorded } = await take(drafts.slice(at, at + DRAFTS_AT_ONCE));
			missed += recorded.filter(({ outcome }) => outcome !== 'duplicate').length;
		}
		return missed;
	}
}

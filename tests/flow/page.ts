/**
 * An overlay page without a browser: the player's pure queue, its effects carried out against the
 * real database as the page's key may, its time the test's. Hints are read in the order in which
 * they were committed, so a test decides when (or whether) a page hears them; nothing waits.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { BusMessage, overlayTopic, type PlayWithEvent } from '../../src/lib/bus/index.ts';
import { nextWake, step } from '../../src/lib/player/queue.ts';
import { firstState, type Effect, type Input, type State } from '../../src/lib/player/state.ts';
import type { Claims } from '../../src/lib/server/backend/index.ts';
import { createKey } from '../../src/lib/server/backend/statements/keys.ts';
import * as queue from '../../src/lib/server/backend/statements/queue.ts';
import type { Intake } from '../contract/intake.ts';

/** Time that stands still until a test moves it. */
export class ManualClock {
	#ms = 0;
	readonly #start: Date;
	constructor(start: Date) {
		this.#start = start;
	}
	/** Milliseconds since the start, as the page's monotonic clock. */
	get ms(): number {
		return this.#ms;
	}
	/** The same moment, as the database's clock. */
	get date(): Date {
		return new Date(this.#start.getTime() + this.#ms);
	}
	moveTo(ms: number): void {
		this.#ms = Math.max(this.#ms, ms);
	}
}

export interface Shown {
	readonly play_id: string;
	readonly event_type: string;
	readonly seq: number;
	readonly offset_ms: number;
	readonly sounding: boolean;
	/** How it left the screen; null while it is on. */
	left: 'end' | 'cut' | null;
}

export class Page {
	readonly me = randomUUID();
	/** Everything that this page ever put on its screen, in order. */
	readonly shown: Shown[] = [];
	/** While true no hint reaches it; hints sent meanwhile are lost to it. */
	deaf = false;
	#state: State;
	#heard = 0;

	private constructor(
		private readonly intake: Intake,
		private readonly clock: ManualClock,
		private readonly claims: Claims
	) {
		this.#state = firstState({ me: this.me, overlay_id: intake.overlayId }, clock.ms);
	}

	/** Opens the page with a key of its own and lets it find its feet. */
	static async open(intake: Intake, clock: ManualClock): Promise<Page> {
		const made = await intake.db.database.as(intake.owner, (sql) =>
			createKey(
				sql,
				intake.accountId,
				{
					kind: 'overlay',
					name: 'page',
					overlay_id: intake.overlayId,
					permissions: [],
					token_hash: randomBytes(32),
					hint: 'test'
				},
				clock.date
			)
		);
		const claims: Claims = {
			sub: made.id,
			key_id: made.id,
			overlay_id: intake.overlayId,
			account_id: intake.accountId,
			role: 'authenticated',
			aud: 'authenticated',
			kind: 'overlay'
		};
		const page = new Page(intake, clock, claims);
		await page.take({ kind: 'link', up: true });
		await page.hear();
		return page;
	}

	get onScreen(): string[] {
		return this.shown.filter(({ left }) => left === null).map(({ event_type }) => event_type);
	}

	get shownTypes(): string[] {
		return this.shown.map(({ event_type }) => event_type);
	}

	get nextWake(): number | null {
		return nextWake(this.#state);
	}

	/** Gives the queue an input and carries out what it wants, and what that leads to. */
	async take(first: Input): Promise<void> {
		const inputs: Input[] = [first];
		for (let input = inputs.shift(); input !== undefined; input = inputs.shift()) {
			const { state, effects } = step(this.#state, input, this.clock.ms);
			this.#state = state;
			for (const effect of effects) inputs.push(...(await this.#run(effect)));
		}
	}

	/** Hears the hints committed since it last did, or loses them. */
	async hear(): Promise<void> {
		const rows = await this.intake.db.sql<{ n: number; payload: unknown }[]>`
			select n::int, payload from realtime.messages
			where topic = ${overlayTopic(this.intake.overlayId)} and n > ${this.#heard} order by n`;
		this.#heard = rows.at(-1)?.n ?? this.#heard;
		if (this.deaf) return;
		for (const { payload } of rows)
			await this.take({ kind: 'message', message: BusMessage.parse(payload) });
		// What it did upon hearing may have been answered by more hints.
		if (rows.length > 0) await this.hear();
	}

	async #run(effect: Effect): Promise<Input[]> {
		const { overlayId } = this.intake;
		const as = <T>(ask: (sql: Parameters<typeof queue.pullOverlay>[0], now: Date) => Promise<T>) =>
			this.intake.db.database.as(this.claims, (sql) => ask(sql, this.clock.date));
		switch (effect.kind) {
			case 'prepare':
				return [{ kind: 'prepared', play_id: effect.play.id, missing: [] }];
			case 'show':
				this.#show(effect.play, effect);
				return [{ kind: 'painted', play_id: effect.play.id }];
			case 'hide':
				for (const one of this.shown)
					if (one.play_id === effect.play_id && one.left === null) one.left = effect.how;
				return [];
			case 'report': {
				const { id, ...report } = effect.report;
				const answer = await as((sql, now) =>
					queue.reportPlay(sql, overlayId, { ...report, instance_id: this.me }, now)
				);
				return [{ kind: 'reported', id, answer }];
			}
			case 'pull': {
				const answer = await as((sql, now) =>
					queue.pullOverlay(sql, overlayId, effect.epoch, effect.cursor, 500, now)
				);
				return [{ kind: 'pulled', answer }];
			}
			case 'heartbeat': {
				const facts = { visible: effect.visible, protocol: 'test' };
				const answer = await as((sql, now) => queue.heartbeat(sql, overlayId, this.me, facts, now));
				return [{ kind: 'beat', answer }];
			}
			case 'claim': {
				const { lane } = effect;
				const play = await as((sql, now) => queue.claimNext(sql, overlayId, this.me, lane, now));
				return [{ kind: 'claimed', lane, play }];
			}
			case 'sound':
			case 'renew':
			case 'reload':
				return [];
			default:
				return effect satisfies never;
		}
	}

	#show(play: PlayWithEvent, { offset_ms, sounding }: { offset_ms: number; sounding: boolean }) {
		const { event_type, seq } = play.event;
		this.shown.push({ play_id: play.id, event_type, seq, offset_ms, sounding, left: null });
	}
}

/** Lets time pass for pages that are open: each wakes when it wants to, hears, and acts. */
export async function advance(clock: ManualClock, pages: readonly Page[], ms: number) {
	const target = clock.ms + ms;
	for (let turns = 0; turns < 10_000; turns += 1) {
		for (const page of pages) await page.hear();
		const wakes = pages.map((page) => page.nextWake).filter((wake) => wake !== null);
		const next = Math.min(target, ...wakes);
		if (clock.ms >= target && next >= target) return;
		clock.moveTo(next);
		for (const page of pages) await page.take({ kind: 'tick' });
	}
	throw new Error('The pages never came to rest: something is due again and again.');
}

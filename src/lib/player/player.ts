/**
 * Runs the queue: feeds it what happens, does what it wants done. Everything it needs comes in
 * through ports, so the same player runs in OBS, in a test and in a preview. It never throws and
 * nothing it calls can stop it: whatever goes wrong becomes an input of the queue or a line of the
 * log.
 */
import type { BusMessage, PlayWithEvent } from '../bus/index.ts';
import { isFinal, KeyRefused, type OverlayApi } from './api.ts';
import type { Clock } from './clock.ts';
import { createShowLog, type ShowLog } from './show-log.ts';
import { firstState, nextWake, step } from './queue.ts';
import { leads, type Effect, type Input, type State } from './state.ts';
import type { Stage } from './stage.ts';

/** What the player asks of the server; `token` and the like are the page's business. */
export type PlayerApi = Pick<OverlayApi, 'openSession' | 'pull' | 'heartbeat' | 'claim' | 'report'>;

export interface PlayerPorts {
	api: PlayerApi;
	stage: Stage;
	clock: Clock;
	/** Loads the page anew; called between plays only. */
	reload(): void;
	/** The key is not good any more; the stage is clear by now. */
	onRevoked?(): void;
}

export interface PlayerOptions {
	/** New with each load of the page. */
	instance_id: string;
	overlay_id: string;
	/** What the page was loaded as: another version or revision later makes it reload. */
	session: { version: string; revision: number };
}

/** For tests and support: a look, never a handle. */
export interface Diagnostics {
	instance_id: string;
	overlay_id: string;
	leads: boolean;
	leader_id: string | null;
	rev: number | null;
	epoch: string | null;
	link_up: boolean;
	revoked: boolean;
	paused: boolean;
	sounding: boolean;
	showing: string[];
	waiting: number;
	/** Reports not yet answered. */
	unreported: number;
	shown: ShowLog['entries'];
	faults: ShowLog['faults'];
}

export interface Player {
	message(message: BusMessage): void;
	/** The transport has reason to believe that something was missed. */
	needPull(): void;
	link(up: boolean): void;
	visibility(visible: boolean): void;
	/** A session was opened: the first time, and at each renewal. */
	session(session: { version: string; revision: number }): void;
	/** The server refused the key. */
	revoke(): void;
	/** Notes something that went wrong elsewhere on the page. */
	fault(part: string, error: unknown): void;
	diagnose(): Diagnostics;
	/** Stops for good; leaves the stage to its owner. */
	close(): void;
}

export function startPlayer(ports: PlayerPorts, options: PlayerOptions): Player {
	const { api, stage, clock } = ports;
	const { instance_id } = options;
	const log = createShowLog(clock);
	let state: State = firstState({ me: instance_id, overlay_id: options.overlay_id }, clock.now());
	let stopWaiting = () => {};
	let closed = false;
	/** Inputs that arise while effects run wait for their turn: steps never nest. */
	const inbox: Input[] = [];
	let working = false;

	function feed(input: Input): void {
		if (closed) return;
		inbox.push(input);
		if (working) return;
		working = true;
		for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) {
			const wasRevoked = state.revoked;
			const result = step(state, next, clock.now());
			state = result.state;
			result.effects.forEach(run);
			if (state.revoked && !wasRevoked) attempt('page', () => ports.onRevoked?.());
		}
		working = false;
		sleep();
	}

	function sleep(): void {
		stopWaiting();
		if (closed) return;
		const at = nextWake(state);
		if (at !== null)
			stopWaiting = clock.after(Math.max(0, at - clock.now()), () => feed({ kind: 'tick' }));
	}

	function attempt(part: string, action: () => void): boolean {
		try {
			action();
			return true;
		} catch (error) {
			log.fault(part, error);
			return false;
		}
	}

	/** Asks the server and feeds what becomes of it. A refused key ends everything, wherever it shows. */
	function ask<Answer>(
		part: string,
		question: () => Promise<Answer>,
		answered: (answer: Answer) => Input,
		failed: (error: unknown) => Input | null
	): void {
		Promise.resolve()
			.then(question)
			.then(
				(answer) => feed(answered(answer)),
				(error: unknown) => {
					log.fault(part, error);
					const input = failed(error);
					if (error instanceof KeyRefused) feed({ kind: 'revoked' });
					else if (input) feed(input);
				}
			);
	}

	function run(effect: Effect): void {
		switch (effect.kind) {
			case 'prepare':
				return prepare(effect.play);
			case 'show': {
				const { play, offset_ms, sounding } = effect;
				log.shown(play, offset_ms);
				const shown = attempt('stage', () => stage.show(play, { offset_ms, sounding }));
				if (!shown) inbox.push(cannotShow(play));
				return;
			}
			case 'hide':
				log.hidden(effect.play_id, effect.how);
				attempt('stage', () => stage.hide(effect.play_id, effect.how));
				return;
			case 'sound':
				attempt('stage', () => stage.setSounding(effect.on));
				return;
			case 'report': {
				const { report } = effect;
				return ask(
					'report',
					() => api.report(instance_id, report),
					(answer) => ({ kind: 'reported', id: report.id, answer }),
					(error) => ({ kind: 'report_failed', id: report.id, final: isFinal(error) })
				);
			}
			case 'pull':
				return ask(
					'pull',
					() => api.pull(effect.epoch, effect.cursor),
					(answer) => ({ kind: 'pulled', answer }),
					() => ({ kind: 'pull_failed' })
				);
			case 'heartbeat':
				return ask(
					'heartbeat',
					() => api.heartbeat(instance_id, effect.visible),
					(answer) => ({ kind: 'beat', answer }),
					() => ({ kind: 'beat_failed' })
				);
			case 'claim':
				return ask(
					'claim',
					() => api.claim(instance_id, effect.lane),
					({ play }) => ({ kind: 'claimed', lane: effect.lane, play }),
					() => ({ kind: 'claim_failed', lane: effect.lane })
				);
			case 'renew':
				return ask(
					'session',
					() => api.openSession(),
					({ server, revision }) => ({ kind: 'session', version: server.version, revision }),
					() => null
				);
			case 'reload':
				attempt('page', ports.reload);
				return;
			default:
				return effect satisfies never;
		}
	}

	function prepare(play: PlayWithEvent): void {
		const ready = (missing: readonly string[]) =>
			feed({ kind: 'prepared', play_id: play.id, missing });
		Promise.resolve()
			.then(() => stage.prepare(play))
			.then(
				({ missing }) => ready(missing),
				(error: unknown) => {
					log.fault('stage', error);
					ready(['stage']);
				}
			);
	}

	const stopListening = [
		stage.onPainted((play_id) => {
			log.painted(play_id);
			feed({ kind: 'painted', play_id });
		}),
		stage.onFault((fault) => {
			log.fault(fault.part, fault.message, fault.play_id);
			feed({ kind: 'fault', fault, fatal: false });
		})
	];
	feed({ kind: 'session', ...options.session });

	return {
		message: (message) => feed({ kind: 'message', message }),
		needPull: () => feed({ kind: 'need_pull' }),
		link: (up) => feed({ kind: 'link', up }),
		visibility: (visible) => feed({ kind: 'visibility', visible }),
		session: (session) => feed({ kind: 'session', ...session }),
		revoke: () => feed({ kind: 'revoked' }),
		fault: (part, error) => log.fault(part, error),
		diagnose: () => ({
			instance_id,
			overlay_id: options.overlay_id,
			leads: leads(state),
			leader_id: state.leader_id,
			rev: state.continuity.rev,
			epoch: state.epoch,
			link_up: state.link_up,
			revoked: state.revoked,
			paused: state.paused,
			sounding: state.sounding,
			showing: [...state.showing.keys()],
			waiting: [...state.plays.values()].filter(({ play }) => play.status === 'queued').length,
			unreported: state.outbox.entries.length,
			shown: log.entries,
			faults: log.faults
		}),
		close() {
			closed = true;
			stopWaiting();
			for (const stop of stopListening) stop();
		}
	};
}

const cannotShow = (play: PlayWithEvent): Input => ({
	kind: 'fault',
	fault: { play_id: play.id, part: 'stage', message: 'could not be shown' },
	fatal: true
});

import { describe, expect, it } from 'vitest';
import { ApiError } from './api.ts';
import { CommandLog, type Order } from './command-log.svelte.ts';
import { answersCommand } from './commands.ts';
import { aPlay, OVERLAY, playMessage, statusMessage, uuid } from './test-builders.ts';

const started = (change: Parameters<typeof aPlay>[0] = {}) =>
	playMessage('ANIMATION_STARTED', 1, aPlay({ status: 'playing', ...change }));

/** A command whose HTTP answer is given by hand. */
function order(change: Partial<Order> = {}) {
	let accept: (answer: unknown) => void = () => {};
	let refuse: (error: unknown) => void = () => {};
	const sent = new Promise<unknown>((resolve, reject) => {
		accept = resolve;
		refuse = reject;
	});
	const target = { event_id: aPlay().event_id };
	const whole: Order = { kind: 'replay', label: 'Ann', target, send: () => sent, ...change };
	return { order: whole, accept, refuse };
}
const states = ({ shown }: CommandLog) => shown.map(({ state }) => state);

describe('a command', () => {
	it('is sent, then accepted, then seen when the page reports its first frame', async () => {
		const log = new CommandLog();
		const { order: replay, accept } = order();
		const given = log.give(replay);
		expect(states(log)).toEqual(['sent']);
		accept({});
		expect(await given).toBe(true);
		expect(states(log)).toEqual(['accepted']);
		log.observe(started({ reason: 'live' }));
		expect(states(log)).toEqual(['accepted']);
		log.observe(started({ reason: 'replay' }));
		expect(states(log)).toEqual(['seen']);
	});

	it('is seen at once when its message overtook the answer', async () => {
		const log = new CommandLog();
		const { order: test, accept } = order({ kind: 'test', target: {} });
		const given = log.give(test);
		log.observe(started());
		accept({ event_id: aPlay().event_id });
		await given;
		expect(states(log)).toEqual(['seen']);
	});

	it('is not seen by what was heard before it was given', async () => {
		const log = new CommandLog();
		log.observe(started({ reason: 'replay' }));
		const { order: replay, accept } = order();
		accept({});
		await log.give(replay);
		expect(states(log)).toEqual(['accepted']);
	});

	it('that is refused says why, stays, and asks for no pull', async () => {
		let pulls = 0;
		const log = new CommandLog(() => (pulls += 1));
		const { order: replay, refuse } = order();
		refuse(new ApiError('conflict', 'may not be replayed'));
		expect(await log.give(replay)).toBe(false);
		expect(log.shown[0]).toMatchObject({ state: 'failed', error: { code: 'conflict' } });
		expect(pulls).toBe(0);
	});

	it('that is accepted asks for a pull, so that truth comes even without a message', async () => {
		let pulls = 0;
		const { order: replay, accept } = order();
		accept({});
		await new CommandLog(() => (pulls += 1)).give(replay);
		expect(pulls).toBe(1);
	});

	it('makes room: only the last four are shown, and each can be put away', async () => {
		const log = new CommandLog();
		for (let n = 0; n < 6; n += 1) {
			const { order: replay, accept } = order({ label: String(n) });
			accept({});
			await log.give(replay);
		}
		expect(log.shown.map(({ label }) => label)).toEqual(['2', '3', '4', '5']);
		log.dismiss(log.shown[0]?.id ?? 0);
		expect(log.shown.map(({ label }) => label)).toEqual(['3', '4', '5']);
	});
});

describe('what answers a command', () => {
	const about = { event_id: null, play_id: null, overlay_id: OVERLAY };

	it('is the cancellation of that play or event and of no other', () => {
		const message = playMessage('ANIMATION_CANCELLED', 1, aPlay({ status: 'cancelled' }));
		const play_id = aPlay().id;
		expect(answersCommand('cancel_play', { ...about, play_id }, message)).toBe(true);
		expect(answersCommand('cancel_play', { ...about, play_id: uuid(9) }, message)).toBe(false);
		const event_id = aPlay().event_id;
		expect(answersCommand('cancel_event', { ...about, event_id }, message)).toBe(true);
		expect(answersCommand('cancel_event', { ...about, event_id: uuid(9) }, message)).toBe(false);
	});

	it('is, for a skip, a play that ended as skipped, not one that ran to its end', () => {
		const ended = (status: 'skipped' | 'completed') =>
			playMessage('ANIMATION_ENDED', 1, aPlay({ status }));
		expect(answersCommand('skip', about, ended('skipped'))).toBe(true);
		expect(answersCommand('skip', about, ended('completed'))).toBe(false);
	});

	it('is, for pause and resume, the same state of the same overlay', () => {
		const paused = statusMessage({ paused: true }, { overlay_id: OVERLAY });
		expect(answersCommand('pause', about, paused)).toBe(true);
		expect(answersCommand('resume', about, paused)).toBe(false);
		expect(answersCommand('pause', { ...about, overlay_id: null }, paused)).toBe(false);
	});
});

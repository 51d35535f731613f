import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../bus/index.ts';
import { KeyRefused } from './api.ts';
import { manualClock } from './clock.ts';
import type { Report } from './outbox.ts';
import { startPlayer, type PlayerApi } from './player.ts';
import { aPlay, aState, id, ME, OVERLAY, playing, told } from './sample.ts';
import type { Stage, StageFault } from './stage.ts';

/** A stage that writes down what it is told. */
function aStage(change: Partial<Stage> = {}) {
	const told: string[] = [];
	let paint = (_: string) => {};
	let fail = (_: StageFault) => {};
	const stage: Stage = {
		prepare: () => Promise.resolve({ missing: [] }),
		show: (play, { offset_ms }) => told.push(`show ${play.seq} at ${offset_ms}`),
		hide: (_, how) => told.push(how),
		setSounding: (on) => told.push(on ? 'sounds' : 'silent'),
		onPainted: (listener) => ((paint = listener), () => {}),
		onFault: (listener) => ((fail = listener), () => {}),
		destroy: () => {},
		...change
	};
	return {
		stage,
		told,
		paint: (play: string) => paint(play),
		fail: (fault: StageFault) => fail(fault)
	};
}

function aPlayer(options: { api?: Partial<PlayerApi>; stage?: Partial<Stage> } = {}) {
	const clock = manualClock();
	const reports: Report[] = [];
	const state = { answer: aState() };
	const done: string[] = [];
	const api: PlayerApi = {
		openSession: () => Promise.reject(new Error('not asked')),
		pull: () => Promise.resolve(state.answer),
		heartbeat: () =>
			Promise.resolve({
				leads: true,
				leader_id: ME,
				lease_version: 1,
				lease_ms: 5_000,
				rev: state.answer.rev,
				next_in_ms: 2_000
			}),
		claim: () => Promise.resolve({ play: null }),
		report: (_, report) => {
			reports.push(report);
			return Promise.resolve({ accepted: true });
		},
		...options.api
	};
	const stage = aStage(options.stage);
	const player = startPlayer(
		{
			api,
			stage: stage.stage,
			clock,
			reload: () => done.push('reload'),
			onRevoked: () => done.push('revoked')
		},
		{ instance_id: ME, overlay_id: OVERLAY, session: { version: 'one', revision: 1 } }
	);
	/** Lets time pass in small steps, and answers arrive in between. */
	const pass = async (ms: number) => {
		for (let passed = 0; passed < ms; passed += 100) {
			clock.advance(100);
			for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
		}
	};
	const begin = async () => {
		await pass(100);
		player.link(true);
		await pass(100);
	};
	return { clock, player, stage, reports, state, done, pass, begin };
}

describe('the player', () => {
	test('prepares, shows, ends and reports', async () => {
		const { player, stage, reports, pass, begin } = aPlayer();
		await begin();
		player.message(told(1, aPlay(1)));
		await pass(100);
		player.message(told(2, playing(1)));
		stage.paint(id('play', 1));
		await pass(6_000);
		expect(stage.told).toEqual(['sounds', 'show 1 at 0', 'end']);
		expect(reports.map(({ report }) => report)).toEqual(['started', 'ended']);
		const diagnosis = player.diagnose();
		expect(diagnosis).toMatchObject({ leads: true, rev: 2, showing: [], unreported: 0 });
		expect(diagnosis.shown).toMatchObject([{ play_id: id('play', 1), how: 'end' }]);
		expect(diagnosis.shown[0]?.painted_at).not.toBe(null);
	});

	test('asks again for as long as the server is away, and loses no report', async () => {
		let isAway = false;
		const reports: string[] = [];
		const { player, stage, pass, begin } = aPlayer({
			api: {
				report: (_, { report }) => {
					if (isAway) return Promise.reject(new AppError('unavailable', 'away'));
					reports.push(report);
					return Promise.resolve({ accepted: true });
				}
			}
		});
		await begin();
		isAway = true;
		player.message(told(1, playing(1)));
		await pass(100);
		stage.paint(id('play', 1));
		await pass(20_000);
		expect(stage.told).toEqual(['sounds', 'show 1 at 0', 'end']);
		expect(reports).toEqual([]);
		isAway = false;
		await pass(12_000);
		expect(reports).toEqual(['started', 'ended']);
	});

	test('a stage that throws, rejects and fails does not stop it', async () => {
		const broken = vi.fn(() => {
			throw new Error('no canvas');
		});
		const { player, stage, reports, pass, begin } = aPlayer({
			stage: { show: broken, hide: broken, prepare: () => Promise.reject(new Error('no')) }
		});
		await begin();
		player.message(told(1, playing(1)));
		await pass(100);
		stage.fail({ play_id: id('play', 1), part: 'text', message: 'late' });
		player.message(told(2, playing(2, { lane: 'other' })));
		await pass(300);
		expect(broken).toHaveBeenCalled();
		expect(reports.map(({ report, play_id }) => [report, play_id])).toEqual([
			['failed', id('play', 1)],
			['failed', id('play', 2)]
		]);
		expect(reports[0]?.detail.missing).toEqual(['stage']);
		expect(player.diagnose().faults.map(({ part }) => part)).toContain('stage');
	});

	test('a refused key, wherever it shows, clears the stage and stops all asking', async () => {
		let isRevoked = false;
		const heartbeat = vi.fn(() =>
			isRevoked
				? Promise.reject(new KeyRefused('unauthenticated', 'revoked'))
				: Promise.resolve({
						leads: true,
						leader_id: ME,
						lease_version: 1,
						lease_ms: 5_000,
						rev: 1,
						next_in_ms: 2_000
					})
		);
		const { player, stage, done, clock, pass, begin } = aPlayer({ api: { heartbeat } });
		await begin();
		player.message(told(1, playing(1)));
		await pass(200);
		isRevoked = true;
		await pass(3_000);
		expect(stage.told).toEqual(['sounds', 'show 1 at 0', 'cut', 'silent']);
		expect(done).toEqual(['revoked']);
		const asked = heartbeat.mock.calls.length;
		await pass(30_000);
		expect(heartbeat).toHaveBeenCalledTimes(asked);
		expect(clock.pending).toBe(0);
	});

	test('loads the page anew for a new server, between plays', async () => {
		const { player, state, done, pass, begin } = aPlayer();
		await begin();
		player.message(told(1, playing(1)));
		state.answer = aState({ rev: 1, plays: [playing(1)] });
		await pass(200);
		player.session({ version: 'two', revision: 1 });
		await pass(3_000);
		expect(done).toEqual([]);
		await pass(3_000);
		player.message(told(2, aPlay(1, { status: 'completed' })));
		expect(done).toEqual(['reload']);
	});

	test('closed, it does nothing more and leaves no timer', async () => {
		const { player, stage, clock, pass, begin } = aPlayer();
		await begin();
		player.close();
		player.message(told(1, playing(1)));
		await pass(3_000);
		expect(stage.told).toEqual(['sounds']);
		expect(clock.pending).toBe(0);
	});
});

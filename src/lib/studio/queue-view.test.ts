import { describe, expect, it } from 'vitest';
import { applyMessage, remainingOf, takeAnswer, type QueueView } from './queue-view.ts';
import {
	aPlay,
	aQueue,
	broadcast,
	OVERLAY,
	playMessage,
	statusMessage,
	uuid
} from './test-builders.ts';

const view = (...[overlay, change]: Parameters<typeof aQueue>): QueueView =>
	takeAnswer(null, aQueue(overlay, change), 0);
const desk = ({ overlays: [overlay] }: QueueView) => {
	if (overlay === undefined) throw new Error('no overlay');
	return overlay;
};
const seqs = (plays: { seq: number }[]) => plays.map(({ seq }) => seq);

describe('a message', () => {
	it('of a new event puts its play where its status says', () => {
		const waiting = applyMessage(view(), broadcast(1, aPlay({ seq: 1 })), 0);
		expect(seqs(desk(waiting).waiting)).toEqual([1]);
		expect(waiting).toMatchObject({ top_seq: 1, behind: false });
		const born = applyMessage(view(), broadcast(1, aPlay({ seq: 1, status: 'playing' })), 0);
		expect(desk(born).playing.map(({ play }) => play.seq)).toEqual([1]);
	});

	it('keeps those that wait in the order in which they will go: priority, seq, play_no', () => {
		const first = view({ waiting: [aPlay({ seq: 2 }), aPlay({ seq: 4 })], rev: 4 }, { top_seq: 4 });
		const after = [
			broadcast(5, aPlay({ seq: 5, priority: 'high' })),
			playMessage('ANIMATION_REPLAY', 6, aPlay({ seq: 2, play_no: 2, reason: 'replay' })),
			broadcast(7, aPlay({ seq: 6, priority: 'critical' }))
		].reduce((next, message) => applyMessage(next, message, 0), first);
		expect(desk(after).waiting.map(({ seq, play_no }) => [seq, play_no])).toEqual([
			[6, 1],
			[5, 1],
			[2, 1],
			[2, 2],
			[4, 1]
		]);
		expect(desk(after).waiting_count).toBe(5);
	});

	it('that starts a waiting play moves it on screen, and its end to the recent ones', () => {
		const first = view({ waiting: [aPlay({ seq: 1 })], rev: 1 });
		const playing = aPlay({ seq: 1, status: 'playing' });
		const on = applyMessage(first, playMessage('PLAY_CHANGED', 2, playing), 100);
		expect(desk(on)).toMatchObject({ waiting: [], waiting_count: 0, rev: 2 });
		const off = applyMessage(
			on,
			playMessage('ANIMATION_ENDED', 3, { ...playing, status: 'completed' }),
			5_100
		);
		expect(desk(off).playing).toEqual([]);
		expect(seqs(desk(off).recent)).toEqual([1]);
	});

	it('takes a cancelled play off, whether it was on screen or waited', () => {
		const first = view({
			playing: [aPlay({ seq: 1, status: 'playing' })],
			waiting: [aPlay({ seq: 2 })],
			rev: 2
		});
		const after = [1, 2].reduce(
			(next, seq) =>
				applyMessage(
					next,
					playMessage('ANIMATION_CANCELLED', 2 + seq, aPlay({ seq, status: 'cancelled' })),
					0
				),
			first
		);
		expect(desk(after)).toMatchObject({ playing: [], waiting: [], waiting_count: 0 });
		expect(seqs(desk(after).recent)).toEqual([2, 1]);
	});

	it('heard before changes nothing', () => {
		const first = view({ waiting: [aPlay({ seq: 1 })], rev: 7 });
		expect(
			applyMessage(first, playMessage('ANIMATION_CANCELLED', 7, aPlay({ status: 'cancelled' })), 0)
		).toBe(first);
	});

	it('after a hole is shown at once, and asks for a pull', () => {
		const after = applyMessage(view({ rev: 3 }), broadcast(5, aPlay({ seq: 1 })), 0);
		expect(seqs(desk(after).waiting)).toEqual([1]);
		expect(after.behind).toBe(true);
	});

	it('with a seq beyond the next asks for a pull', () => {
		const after = applyMessage(view({}, { top_seq: 3 }), broadcast(1, aPlay({ seq: 5 })), 0);
		expect(after).toMatchObject({ behind: true, top_seq: 5 });
	});

	it('of another epoch or an unknown overlay asks for a pull and changes nothing', () => {
		const first = view();
		const foreign = { ...broadcast(1, aPlay()), epoch: 'second' };
		expect(applyMessage(first, foreign, 0)).toEqual({ ...first, behind: true });
		const elsewhere = playMessage('PLAY_CHANGED', 1, aPlay({ overlay_id: uuid(9) }));
		expect(applyMessage(first, elsewhere, 0)).toEqual({ ...first, behind: true });
	});

	it('asks for a pull when the waiting list was cut and a place in it became free', () => {
		const first = view({ waiting: [aPlay({ seq: 1 })], waiting_count: 60, rev: 1 });
		const after = applyMessage(
			first,
			playMessage('PLAY_CHANGED', 2, aPlay({ seq: 1, status: 'playing' })),
			0
		);
		expect(after.behind).toBe(true);
		expect(desk(after).waiting_count).toBe(59);
	});

	it('tells which pause is in force: the overlay’s own or the account’s', () => {
		const own = applyMessage(
			view(),
			statusMessage({ paused: true, account_paused: false }, { overlay_id: OVERLAY, rev: 1 }),
			0
		);
		expect([own.paused, desk(own).paused]).toEqual([false, true]);
		const all = applyMessage(view(), statusMessage({ paused: true, account_paused: true }), 0);
		expect(all).toMatchObject({ paused: true, behind: true });
	});

	it('keeps only the newest of what has played', () => {
		const many = Array.from({ length: 25 }, (_, at) => at + 1).reduce(
			(next, seq) =>
				applyMessage(
					next,
					playMessage('ANIMATION_ENDED', seq, aPlay({ seq, status: 'completed' })),
					0
				),
			view()
		);
		expect(seqs(desk(many).recent)).toHaveLength(20);
		expect(desk(many).recent[0]?.seq).toBe(25);
	});
});

describe('the remaining time', () => {
	const playing = aPlay({ status: 'playing', elapsed_ms: 1_000, duration_ms: 5_000 });

	it('counts from the elapsed time that the server told, and never below zero', () => {
		const [shown] = desk(takeAnswer(null, aQueue({ playing: [playing] }), 10_000)).playing;
		if (shown === undefined) throw new Error('nothing plays');
		expect([11_000, 14_000, 99_000].map((now) => remainingOf(shown, now))).toEqual([3_000, 0, 0]);
	});

	it('does not jump when the page says that it started', () => {
		const first = takeAnswer(null, aQueue({ playing: [playing], rev: 1 }), 10_000);
		const started = { ...playing, started_at: '2026-11-20T20:00:01.000Z', elapsed_ms: 1_050 };
		const after = applyMessage(first, playMessage('ANIMATION_STARTED', 2, started), 10_080);
		expect(desk(after).playing[0]?.began_ms).toBe(9_000);
		expect(desk(after).playing[0]?.play.started_at).not.toBeNull();
	});

	it('begins anew when another page took the play up', () => {
		const first = takeAnswer(null, aQueue({ playing: [playing], rev: 1 }), 10_000);
		const again = { ...playing, attempt: 2, elapsed_ms: 0 };
		const after = applyMessage(first, playMessage('PLAY_CHANGED', 2, again), 12_000);
		expect(desk(after).playing[0]?.began_ms).toBe(12_000);
	});
});

describe('a pulled answer', () => {
	it('replaces what was believed', () => {
		const believed = { ...view({ waiting: [aPlay({ seq: 1 })], rev: 1 }), behind: true };
		const after = takeAnswer(believed, aQueue({ rev: 3 }, { top_seq: 4 }), 0);
		expect(after).toMatchObject({ behind: false, top_seq: 4 });
		expect(desk(after).waiting).toEqual([]);
	});

	it('asked for before newer messages came does not undo them, and is asked for again', () => {
		const believed = view({ waiting: [aPlay({ seq: 2 })], rev: 9 }, { top_seq: 9 });
		const after = takeAnswer(believed, aQueue({ rev: 8 }, { top_seq: 8 }), 0);
		expect(seqs(desk(after).waiting)).toEqual([2]);
		expect(after).toMatchObject({ behind: true, top_seq: 9 });
	});

	it('of another epoch voids everything', () => {
		const believed = view({ rev: 9 }, { top_seq: 9 });
		const after = takeAnswer(believed, aQueue({ rev: 1 }, { epoch: 'second', top_seq: 1 }), 0);
		expect(after).toMatchObject({ behind: false, top_seq: 1, epoch: 'second' });
		expect(desk(after).rev).toBe(1);
	});
});

import { describe, expect, test } from 'vitest';
import type { Effect, Input, State } from './state.ts';
import { firstState, nextWake, step } from './queue.ts';
import { aPlay, aState, id, ME, OTHER, OVERLAY, playing, status, told } from './sample.ts';

/** A page under test: feeds inputs at a time that only moves when told, and remembers the effects. */
class Page {
	now = 0;
	state: State = firstState({ me: ME, overlay_id: OVERLAY }, 0);
	effects: Effect[] = [];

	/** Feeds one input; answers what it made happen. */
	feed(input: Input): readonly Effect[] {
		const { state, effects } = step(this.state, input, this.now);
		this.state = state;
		this.effects.push(...effects);
		return effects;
	}
	/** Lets time pass, stopping wherever the queue asked to be woken. */
	pass(ms: number): Effect[] {
		const end = this.now + ms;
		const happened: Effect[] = [];
		for (;;) {
			const at = nextWake(this.state);
			if (at === null || at > end) break;
			this.now = Math.max(this.now, at);
			happened.push(...this.feed({ kind: 'tick' }));
		}
		this.now = end;
		happened.push(...this.feed({ kind: 'tick' }));
		return happened;
	}
	prepared(number: number, missing: string[] = []) {
		return this.feed({ kind: 'prepared', play_id: id('play', number), missing });
	}
	of<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
		return this.effects.filter(
			(effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind
		);
	}
	reports() {
		return this.of('report').map(({ report }) => `${report.report} ${report.attempt}`);
	}
}

/** A page that leads and has pulled an empty queue. */
function aPage(change: Partial<Parameters<typeof aState>[0]> = {}): Page {
	const page = new Page();
	page.feed({ kind: 'session', version: 'one', revision: 1 });
	page.feed({ kind: 'link', up: true });
	page.feed(beat());
	page.feed({ kind: 'pulled', answer: aState(change) });
	// The link came up while the first pull was under way, so it is asked once more.
	page.feed({ kind: 'pulled', answer: aState(change) });
	page.effects = [];
	return page;
}

const beat = (change: object = {}): Input => ({
	kind: 'beat',
	answer: {
		leads: true,
		leader_id: ME,
		lease_version: 1,
		lease_ms: 5_000,
		rev: 0,
		next_in_ms: 2_000,
		...change
	}
});
const message = (rev: number, play: Parameters<typeof told>[1], epoch?: string): Input => ({
	kind: 'message',
	message: told(rev, play, epoch)
});
const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);

describe('showing', () => {
	test('a waiting play is prepared, a playing one shown, ended by time and reported', () => {
		const page = aPage();
		expect(kinds(page.feed(message(1, aPlay(1))))).toEqual(['prepare']);
		page.prepared(1);
		page.now = 1_000;
		expect(page.feed(message(2, playing(1)))).toEqual([
			{ kind: 'show', play: playing(1), offset_ms: 0, sounding: true }
		]);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		expect(page.reports()).toEqual(['started 1']);
		page.feed({ kind: 'reported', id: 1, answer: { accepted: true } });
		page.pass(5_999);
		expect(page.of('hide')).toEqual([]);
		page.pass(1);
		expect(page.of('hide')).toEqual([{ kind: 'hide', play_id: id('play', 1), how: 'end' }]);
		expect(page.reports()).toEqual(['started 1', 'ended 1']);
	});

	test('never waits longer than the limit for what does not load, and says what was missing', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.pass(1_499);
		expect(page.of('show')).toEqual([]);
		page.pass(1);
		expect(page.of('show')).toMatchObject([{ offset_ms: 0 }]);

		const other = aPage();
		other.feed(message(1, playing(1)));
		other.now = 300;
		other.prepared(1, ['picture']);
		other.feed({ kind: 'painted', play_id: id('play', 1) });
		expect(other.of('report')[0]?.report.detail).toEqual({ missing: ['picture'], delay_ms: 300 });
	});

	test('only the first three that wait are prepared, in the order of the server', () => {
		const page = aPage();
		page.feed({
			kind: 'pulled',
			answer: aState({
				rev: 9,
				plays: [aPlay(3), aPlay(1), aPlay(2), aPlay(9, { priority: 'critical' }), aPlay(4)]
			})
		});
		expect(page.of('prepare').map(({ play }) => play.seq)).toEqual([9, 1, 2]);
	});

	test('a play that runs already is shown from where it stands', () => {
		const page = aPage();
		const running = playing(1, { elapsed_ms: 2_500, started_at: 'before' });
		page.feed({ kind: 'pulled', answer: aState({ rev: 3, plays: [running] }) });
		page.now += 100;
		page.prepared(1);
		expect(page.of('show')).toMatchObject([{ offset_ms: 2_600 }]);
		page.pass(3_400);
		expect(page.of('hide')).toHaveLength(1);
	});

	test('a play that nobody has seen yet is shown from its beginning, though claimed a while ago', () => {
		const page = aPage();
		page.feed({
			kind: 'pulled',
			answer: aState({ rev: 3, plays: [playing(1, { elapsed_ms: 3_000 })] })
		});
		page.prepared(1);
		expect(page.of('show')).toMatchObject([{ offset_ms: 0 }]);
	});

	test('a copy that hears late of a play that another leads joins where it stands, or not at all', () => {
		const page = aPage({ leader_id: OTHER });
		page.feed(beat({ leads: false, leader_id: OTHER }));
		const led = { instance_id: OTHER };
		page.feed({
			kind: 'pulled',
			answer: aState({
				rev: 3,
				leader_id: OTHER,
				plays: [
					playing(1, { ...led, elapsed_ms: 3_000 }),
					playing(2, { ...led, elapsed_ms: 6_500, lane: 'other' })
				]
			})
		});
		page.prepared(1);
		page.prepared(2);
		expect(page.of('show')).toMatchObject([{ play: { seq: 1 }, offset_ms: 3_000 }]);
	});

	test('a copy counts the time that the answer may have been on its way', () => {
		const page = aPage({ leader_id: OTHER });
		page.feed(beat({ leads: false, leader_id: OTHER }));
		page.feed({ kind: 'need_pull' });
		page.now += 800;
		const play = (number: number, elapsed_ms: number) =>
			playing(number, { instance_id: OTHER, elapsed_ms, lane: `lane ${number}` });
		page.feed({
			kind: 'pulled',
			answer: aState({ rev: 3, leader_id: OTHER, plays: [play(1, 5_000), play(2, 5_500)] })
		});
		page.prepared(1);
		page.prepared(2);
		expect(page.of('show')).toMatchObject([{ play: { seq: 1 }, offset_ms: 5_800 }]);
	});

	test('a play whose time is over is not shown; if it was seen, its leader closes it', () => {
		const page = aPage();
		const late = { elapsed_ms: 20_000 };
		page.feed({ kind: 'pulled', answer: aState({ rev: 3, plays: [playing(1, late)] }) });
		expect(page.reports()).toEqual([]);
		const seen = playing(2, { ...late, started_at: 'before' });
		page.feed({ kind: 'pulled', answer: aState({ rev: 4, plays: [seen] }) });
		page.pass(1);
		expect(page.of('show')).toEqual([]);
		expect(page.reports()).toEqual(['ended 1']);
	});

	test('a follower shows too, silently, and reports nothing', () => {
		const page = aPage({ leader_id: OTHER });
		page.feed(beat({ leads: false, leader_id: OTHER }));
		page.feed(message(1, playing(1, { instance_id: OTHER })));
		page.prepared(1);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.pass(7_000);
		expect(page.of('show')).toMatchObject([{ sounding: false }]);
		expect(page.of('hide')).toHaveLength(1);
		expect(page.reports()).toEqual([]);
	});

	test('a follower that is given the play in mid-air goes on with it and reports its end', () => {
		const page = aPage({ leader_id: OTHER });
		page.feed(beat({ leads: false, leader_id: OTHER }));
		page.feed(message(1, playing(1, { instance_id: OTHER })));
		page.prepared(1);
		page.pass(2_000);
		page.feed({ kind: 'message', message: status('leader', { leader_id: ME }, 2) });
		page.feed(message(3, playing(1, { attempt: 2, elapsed_ms: 2_000, started_at: 'before' })));
		expect(page.of('sound').at(-1)).toEqual({ kind: 'sound', on: true });
		page.pass(4_000);
		expect(page.of('show')).toHaveLength(1);
		expect(page.reports()).toEqual(['ended 2']);
	});
});

describe('taking off', () => {
	test('a cancelled play is cut at once and never shown, however late its beginnings come', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		expect(page.feed(message(2, aPlay(1, { status: 'cancelled' })))).toContainEqual({
			kind: 'hide',
			play_id: id('play', 1),
			how: 'cut'
		});
		page.feed(message(1, playing(1)));
		page.feed(message(7, playing(1, { attempt: 2 })));
		page.pass(10_000);
		expect(page.of('show')).toHaveLength(1);
	});

	test('a cancel that overtakes the play keeps it off the screen', () => {
		const page = aPage();
		page.feed(message(2, aPlay(1, { status: 'cancelled' })));
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.pass(3_000);
		expect(page.of('show')).toEqual([]);
	});

	test('a play that the newest pull does not have is cut', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'pulled', answer: aState({ rev: 4 }) });
		expect(page.of('hide')).toEqual([{ kind: 'hide', play_id: id('play', 1), how: 'cut' }]);
	});

	test('an older pull takes nothing off', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'pulled', answer: aState({ rev: 0 }) });
		expect(page.of('hide')).toEqual([]);
	});

	test('what an older message says of a play that is gone shows nothing', () => {
		const page = aPage();
		page.feed({ kind: 'pulled', answer: aState({ rev: 9 }) });
		page.feed(message(5, playing(1)));
		page.pass(3_000);
		expect(page.of('show')).toEqual([]);
	});

	test('a message out of order does not undo a later one', () => {
		const page = aPage();
		page.feed(message(5, aPlay(1, { attempt: 1 })));
		page.feed(message(3, playing(1)));
		page.pass(3_000);
		expect(page.of('show')).toEqual([]);
	});

	test('a pull that is older than what was heard since does not undo it', () => {
		const page = aPage();
		page.feed(message(1, aPlay(1)));
		page.feed({ kind: 'message', message: status('queue', { paused: true }, 2) });
		page.feed({ kind: 'pulled', answer: aState({ rev: 1, paused: false, plays: [aPlay(1)] }) });
		expect(page.state.paused).toBe(true);
	});

	test('skipped is cut, completed ends', () => {
		for (const [status, how] of [
			['skipped', 'cut'],
			['completed', 'end']
		] as const) {
			const page = aPage();
			page.feed(message(1, playing(1)));
			page.prepared(1);
			page.feed(message(2, aPlay(1, { status })));
			expect(page.of('hide')).toEqual([{ kind: 'hide', play_id: id('play', 1), how }]);
		}
	});
});

describe('once only', () => {
	test('told to play what it showed to the end, it says so instead of showing', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.feed({ kind: 'reported', id: 1, answer: { accepted: true } });
		page.pass(6_000);
		page.feed({ kind: 'reported', id: 2, answer: { accepted: false } });
		page.feed(message(2, aPlay(1)));
		page.feed(message(3, playing(1, { attempt: 2 })));
		page.pass(3_000);
		expect(page.of('show')).toHaveLength(1);
		expect(page.reports()).toEqual(['started 1', 'ended 1', 'ended 2']);
	});

	test('what the server took back while it was on is shown on, and closed as what it was', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed(message(2, aPlay(1, { attempt: 1 })));
		page.pass(6_000);
		expect(page.of('hide')).toMatchObject([{ how: 'end' }]);
		expect(page.reports()).toEqual(['ended 1']);
	});

	test('what the server took back before it was on is not shown until told again', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.feed(message(2, aPlay(1, { attempt: 1 })));
		page.prepared(1);
		page.pass(2_000);
		expect(page.of('show')).toEqual([]);
		page.feed(message(3, playing(1, { attempt: 2 })));
		expect(page.of('show')).toHaveLength(1);
	});

	test('it remembers an open play through thousands of others', () => {
		const page = aPage();
		page.feed(message(1, playing(1, { lane: 'other' })));
		page.prepared(1);
		page.pass(6_000);
		for (let number = 2; number <= 3_000; number += 1)
			page.feed(message(number, aPlay(number, { status: 'cancelled' })));
		expect(page.state.memory.size).toBeLessThanOrEqual(2_000);
		page.feed(message(3_001, playing(1, { lane: 'other', attempt: 2 })));
		expect(page.of('show')).toHaveLength(1);
	});
});

describe('what was missed', () => {
	test('a hole in rev makes it pull; messages in order do not', () => {
		const page = aPage();
		page.feed(message(1, aPlay(1)));
		page.feed(message(2, aPlay(2)));
		expect(page.of('pull')).toEqual([]);
		page.feed(message(4, aPlay(4)));
		expect(page.of('pull')).toHaveLength(1);
		page.feed(message(5, aPlay(5)));
		expect(page.of('pull')).toHaveLength(1);
	});

	test('a hole that the pull did not fill makes it pull again', () => {
		const page = aPage();
		page.feed(message(4, aPlay(4)));
		page.feed({ kind: 'pulled', answer: aState({ rev: 1 }) });
		page.pass(0);
		expect(page.of('pull')).toHaveLength(2);
		page.feed({ kind: 'pulled', answer: aState({ rev: 3 }) });
		page.pass(1_000);
		expect(page.of('pull')).toHaveLength(2);
	});

	test('an answer that knows more leaves the hint a moment to arrive', () => {
		const page = aPage();
		page.feed(beat({ rev: 1 }));
		page.pass(200);
		expect(page.of('pull')).toEqual([]);
		page.pass(100);
		expect(page.of('pull')).toHaveLength(1);

		const other = aPage();
		other.feed(beat({ rev: 1 }));
		other.feed(message(1, aPlay(1)));
		other.feed({ kind: 'prepared', play_id: id('play', 1), missing: [] });
		other.pass(1_000);
		expect(other.of('pull')).toEqual([]);
	});

	test('it pulls when the link comes up, when told that something was missed, and on a timer', () => {
		const page = aPage();
		page.feed({ kind: 'link', up: false });
		page.feed({ kind: 'link', up: true });
		expect(page.of('pull')).toHaveLength(1);
		page.feed({ kind: 'pulled', answer: aState() });
		page.feed({ kind: 'need_pull' });
		expect(page.of('pull')).toHaveLength(2);
		page.feed({ kind: 'pulled', answer: aState() });
		for (let passed = 0; passed < 40_000; passed += 2_000) {
			page.pass(2_000);
			page.feed(beat());
		}
		expect(page.of('pull')).toHaveLength(3);
	});

	test('a reason to pull that comes while one is under way makes one more', () => {
		const page = aPage();
		page.feed({ kind: 'need_pull' });
		page.feed({ kind: 'need_pull' });
		expect(page.of('pull')).toHaveLength(1);
		page.feed({ kind: 'pulled', answer: aState() });
		expect(page.of('pull')).toHaveLength(2);
	});

	test('a failing pull is repeated ever more slowly', () => {
		const page = aPage();
		page.feed({ kind: 'need_pull' });
		const waits: number[] = [];
		for (let round = 0; round < 4; round += 1) {
			const failed = page.now;
			const before = page.of('pull').length;
			page.feed({ kind: 'pull_failed' });
			while (page.of('pull').length === before) page.pass(10);
			waits.push(page.now - failed);
		}
		expect(waits).toEqual([...waits].sort((a, b) => a - b));
		expect(waits[3]).toBeGreaterThan(4 * (waits[0] ?? 0));
	});

	test('a timer that asks for pulls does not hurry a server that fails', () => {
		const page = aPage();
		page.feed({ kind: 'link', up: false });
		page.feed({ kind: 'need_pull' });
		page.feed({ kind: 'pull_failed' });
		page.feed({ kind: 'need_pull' });
		expect(page.of('pull')).toHaveLength(1);
		page.feed({ kind: 'link', up: true });
		expect(page.of('pull')).toHaveLength(2);
	});

	test('a message of another epoch makes it pull, and the pull replaces what it believed', () => {
		const page = aPage({ rev: 50 });
		page.feed(message(51, playing(1)));
		page.prepared(1);
		page.feed(message(3, playing(2), 'epoch-two'));
		expect(page.of('pull')).toHaveLength(1);
		page.feed({
			kind: 'pulled',
			answer: aState({ epoch: 'epoch-two', rev: 3, plays: [playing(2)] })
		});
		page.prepared(2);
		expect(page.of('hide')).toMatchObject([{ play_id: id('play', 1), how: 'cut' }]);
		expect(page.of('show').map(({ play }) => play.seq)).toEqual([1, 2]);
		page.feed(message(4, aPlay(2, { status: 'cancelled' }), 'epoch-two'));
		expect(page.of('hide')).toHaveLength(2);
	});
});

describe('reports', () => {
	test('are repeated until answered, in order, through a lost link', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.feed({ kind: 'link', up: false });
		for (let round = 0; round < 5; round += 1) {
			page.feed({ kind: 'report_failed', id: 1, final: false });
			page.pass(10_000);
		}
		expect(new Set(page.reports())).toEqual(new Set(['started 1']));
		page.feed({ kind: 'reported', id: 1, answer: { accepted: true } });
		expect(page.reports().at(-1)).toBe('ended 1');
		page.feed({ kind: 'reported', id: 2, answer: { accepted: true } });
		page.pass(20_000);
		expect(page.reports().filter((report) => report === 'ended 1')).toHaveLength(1);
		expect(page.state.outbox.entries).toEqual([]);
	});

	test('go at once when the server is heard again, for others may take up what was shown', () => {
		const page = aPage();
		page.prepared(1);
		page.feed(message(1, playing(1)));
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		for (let failure = 0; failure < 5; failure++) {
			page.feed({ kind: 'report_failed', id: 1, final: false });
			page.pass(5_000);
		}
		page.feed({ kind: 'report_failed', id: 1, final: false });
		page.effects = [];
		page.pass(10);
		expect(page.reports()).toEqual([]);
		page.feed(beat());
		expect(page.reports()).toEqual(['started 1']);
	});

	test('one that the server will never take does not hold up the next', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.feed({ kind: 'report_failed', id: 1, final: true });
		page.pass(6_000);
		expect(page.reports()).toEqual(['started 1', 'ended 1']);
	});

	test('a fault of an element is told with the end, which comes in time', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		const fault = { play_id: id('play', 1), part: 'avatar', message: 'gone\u0000' };
		page.feed({ kind: 'fault', fault, fatal: false });
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.feed({ kind: 'reported', id: 1, answer: { accepted: true } });
		page.pass(6_000);
		expect(page.of('report')[1]?.report).toMatchObject({
			report: 'ended',
			detail: { error: 'avatar: gone' }
		});
	});

	test('a play that the stage cannot show is given back at once', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		const fault = { play_id: id('play', 1), part: 'stage', message: 'no canvas' };
		page.feed({ kind: 'fault', fault, fatal: true });
		expect(page.reports()).toEqual(['failed 1']);
	});

	test('a stage that never says that it painted does not keep the start from being told', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.pass(2_000);
		expect(page.reports()).toEqual(['started 1']);
	});
});

describe('leading', () => {
	test('beats when the server says, sooner when a beat fails', () => {
		const page = aPage();
		page.pass(1_999);
		expect(page.of('heartbeat')).toEqual([]);
		page.pass(1);
		expect(page.of('heartbeat')).toHaveLength(1);
		page.feed({ kind: 'beat_failed' });
		page.pass(400);
		expect(page.of('heartbeat')).toHaveLength(2);
	});

	test('a follower looks again just after the lease could lapse', () => {
		const page = aPage();
		page.feed(beat({ leads: false, leader_id: OTHER, lease_ms: 1_700, next_in_ms: 5_000 }));
		page.pass(1_799);
		expect(page.of('heartbeat')).toEqual([]);
		page.pass(401);
		expect(page.of('heartbeat')).toHaveLength(1);
	});

	test('says at once when it is hidden or seen', () => {
		const page = aPage();
		expect(page.feed({ kind: 'visibility', visible: false })).toEqual([
			{ kind: 'heartbeat', visible: false }
		]);
	});

	test('asks for the next play of a lane that stays idle, more and more seldom', () => {
		const page = aPage();
		page.feed(message(1, aPlay(1)));
		page.pass(1_499);
		expect(page.of('claim')).toEqual([]);
		page.pass(1);
		expect(page.of('claim')).toEqual([{ kind: 'claim', lane: 'main' }]);
		page.feed({ kind: 'claimed', lane: 'main', play: null });
		page.pass(1_000);
		expect(page.of('claim')).toHaveLength(1);
		page.pass(2_000);
		expect(page.of('claim')).toHaveLength(2);
		page.prepared(1);
		page.feed({ kind: 'claimed', lane: 'main', play: playing(1) });
		expect(page.of('show')).toHaveLength(1);
	});

	test.each([
		['it follows', (page: Page) => page.feed(beat({ leads: false, leader_id: OTHER }))],
		[
			'the queue is paused',
			(page: Page) => page.feed({ kind: 'message', message: status('queue', { paused: true }, 1) })
		],
		['the lane shows something', (page: Page) => page.feed(message(1, playing(7)))]
	])('does not ask while %s', (_, arrange) => {
		const page = aPage();
		arrange(page);
		page.feed(message(2, aPlay(1)));
		page.pass(3_000);
		expect(page.of('claim')).toEqual([]);
	});

	test('loses the sound with the lead', () => {
		const page = aPage();
		expect(page.feed(beat({ leads: false, leader_id: OTHER }))).toContainEqual({
			kind: 'sound',
			on: false
		});
	});

	test('waking from a long sleep it stays quiet for a moment and asks what it missed', () => {
		const page = aPage();
		page.now = 3_600_000;
		const effects = page.feed({ kind: 'tick' });
		expect(kinds(effects)).toEqual(['sound', 'heartbeat', 'pull']);
		page.feed({
			kind: 'pulled',
			answer: aState({ rev: 2, plays: [playing(1, { elapsed_ms: 900, started_at: 'before' })] })
		});
		page.prepared(1);
		expect(page.of('show')).toMatchObject([{ sounding: false }]);
		page.pass(1_500);
		expect(page.of('sound').at(-1)).toEqual({ kind: 'sound', on: true });
	});
});

describe('the end of a page', () => {
	test('a new server makes it load anew, but only when nothing plays and nothing is left to say', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		page.feed({ kind: 'painted', play_id: id('play', 1) });
		page.feed({ kind: 'reported', id: 1, answer: { accepted: true } });
		page.feed({ kind: 'session', version: 'two', revision: 1 });
		expect(page.of('reload')).toEqual([]);
		page.pass(6_000);
		expect(page.of('reload')).toEqual([]);
		const play = { ...playing(1), status: 'completed' as const };
		page.feed({ kind: 'reported', id: 2, answer: { accepted: true, play } });
		expect(page.of('reload')).toHaveLength(1);
		page.pass(60_000);
		expect(page.of('reload')).toHaveLength(1);
	});

	test('the same server does not', () => {
		const page = aPage();
		page.feed({ kind: 'session', version: 'one', revision: 1 });
		page.pass(1_000);
		expect(page.of('reload')).toEqual([]);
	});

	test('news of its key or its document make it look at once', () => {
		const page = aPage();
		expect(kinds(page.feed({ kind: 'message', message: status('key', {}) }))).toEqual(['renew']);
		expect(kinds(page.feed({ kind: 'message', message: status('document', {}) }))).toEqual([
			'renew'
		]);
	});

	test('a revoked key clears the stage for good', () => {
		const page = aPage();
		page.feed(message(1, playing(1)));
		page.prepared(1);
		expect(page.feed({ kind: 'revoked' })).toEqual([
			{ kind: 'hide', play_id: id('play', 1), how: 'cut' },
			{ kind: 'sound', on: false }
		]);
		expect(nextWake(page.state)).toBe(null);
		expect(page.feed(message(2, playing(2)))).toEqual([]);
	});
});

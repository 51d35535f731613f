import { describe, expect, test } from 'vitest';
import { manualClock } from '$lib/player/clock.ts';
import { playing, told } from '$lib/player/sample.ts';
import type { CarrierEvents, StartCarrier } from './carrier.ts';
import { supervise } from './supervisor.ts';

/** A carrier whose fortunes the test decides. */
function aCarrier() {
	const carrier = {
		events: null as CarrierEvents | null,
		started: 0,
		closed: 0,
		start: ((events) => {
			carrier.events = events;
			carrier.started += 1;
			return {
				close() {
					carrier.closed += 1;
				}
			};
		}) satisfies StartCarrier,
		up: () => carrier.events?.up(),
		fail: (times = 1) => {
			for (let time = 0; time < times; time += 1) carrier.events?.down('lost');
		}
	};
	return carrier;
}

function aLink({ withNext = true } = {}) {
	const clock = manualClock();
	const best = aCarrier();
	const next = aCarrier();
	const heard: string[] = [];
	const link = supervise({
		best: best.start,
		next: withNext ? next.start : null,
		clock,
		random: () => 0.5,
		onMessage: (message) => heard.push(message.type),
		onNeedPull: (reason) => heard.push(reason),
		onState: (state) => heard.push(`→ ${state}`),
		onFault: (part) => heard.push(`! ${part}`)
	});
	return { clock, best, next, heard, link };
}

describe('the link', () => {
	test('uses realtime when it works, and pulls each time it comes up', () => {
		const { best, next, heard } = aLink();
		best.up();
		best.fail();
		best.up();
		expect(heard).toEqual([
			'→ realtime',
			'subscribed',
			'! realtime',
			'→ connecting',
			'→ realtime',
			'subscribed'
		]);
		expect(next.started).toBe(0);
	});

	test('turns to the stream after three failures and climbs back by itself', () => {
		const { best, next, heard, link } = aLink();
		best.fail(2);
		expect(next.started).toBe(0);
		best.fail();
		expect(next.started).toBe(1);
		next.up();
		expect(link.state).toBe('stream');
		best.fail(5);
		expect(link.state).toBe('stream');
		best.up();
		expect(link.state).toBe('realtime');
		expect(next.closed).toBe(1);
		expect(heard.filter((line) => line === 'subscribed')).toHaveLength(2);
	});

	test('takes a connection that hangs for a failure', () => {
		const { clock, next } = aLink();
		clock.advance(7_999);
		expect(next.started).toBe(0);
		clock.advance(1);
		expect(next.started).toBe(1);
	});

	test('asks for pulls at intervals when nothing gets through, until something does', () => {
		const { clock, best, next, heard, link } = aLink();
		best.fail(3);
		next.fail(3);
		expect(link.state).toBe('polling');
		clock.advance(20_000);
		expect(heard.filter((line) => line === 'poll')).toHaveLength(5);
		next.up();
		expect(link.state).toBe('stream');
		heard.length = 0;
		clock.advance(60_000);
		expect(heard).toEqual([]);
	});

	test('falls from the stream to polling while realtime is away', () => {
		const { clock, best, next, link } = aLink();
		best.fail(3);
		next.up();
		next.fail(3);
		expect(link.state).toBe('polling');
		best.up();
		expect(link.state).toBe('realtime');
		clock.advance(60_000);
		expect(link.state).toBe('realtime');
	});

	test('polls without a stream to turn to', () => {
		const { best, link } = aLink({ withNext: false });
		best.fail(3);
		expect(link.state).toBe('polling');
	});

	test('passes on what is of the bus and drops what is not', () => {
		const { best, heard } = aLink();
		best.up();
		heard.length = 0;
		best.events?.message({ ...told(1, playing(1)), id: 'added by the database' });
		best.events?.message({ type: 'SOMETHING_NEW' });
		best.events?.message('no json');
		best.events?.missed();
		expect(heard).toEqual(['PLAY_CHANGED', '! realtime', '! realtime', 'missed']);
	});

	test('closed, it is silent and leaves no timer', () => {
		const { clock, best, next, heard, link } = aLink();
		best.fail(3);
		link.close();
		heard.length = 0;
		best.up();
		next.fail(3);
		clock.advance(60_000);
		expect(heard).toEqual([]);
		expect([best.closed, next.closed]).toEqual([1, 1]);
		expect(clock.pending).toBe(0);
	});
});

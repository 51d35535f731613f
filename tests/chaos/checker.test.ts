import { describe, expect, test } from 'vitest';
import { check, type Rows, type Violations } from './checker.ts';
import type { Entry, Untimed } from './history.ts';

const overlay = 'overlay-1';
const at = (t: number, entry: Untimed): Entry => ({ ...entry, t }) as Entry;
const send = (t: number, marker: string, type: 'invoke' | 'ok' | 'fail' | 'info' = 'ok') =>
	at(t, { process: 'producer', f: 'send', type, marker });
const page = (t: number, instance: string, type: 'start' | 'killed' | 'stopped') =>
	at(t, { process: 'page', f: 'page', type, overlay, instance });
const show = (t: number, marker: string, options: { instance?: string; attempt?: number } = {}) =>
	at(t, {
		process: 'page',
		f: 'show',
		instance: options.instance ?? 'a',
		overlay,
		play: `play-${marker}`,
		marker,
		attempt: options.attempt ?? 1,
		reason: 'live'
	});
const hide = (t: number, marker: string, options: { instance?: string } = {}) =>
	at(t, {
		process: 'page',
		f: 'hide',
		instance: options.instance ?? 'a',
		overlay,
		play: `play-${marker}`,
		marker,
		attempt: 1,
		reason: 'live',
		how: 'end'
	});
const cancel = (t: number, marker: string) =>
	at(t, { process: 'moderator', f: 'cancel', type: 'ok', marker, event_id: marker });
const stored = (...markers: (string | [marker: string, seq: number, priority: number])[]): Rows => {
	const events = markers.map((item, index) => {
		const [marker, seq, priority] = typeof item === 'string' ? [item, index + 1, 10] : item;
		return { marker, seq, priority, status: 'completed', account: 'one' };
	});
	return {
		events,
		plays: events.map(({ marker }) => ({
			id: `play-${marker}`,
			marker,
			overlay,
			status: 'completed',
			reason: 'live',
			attempt: 1,
			started: true,
			overdue: false
		}))
	};
};

/** A run in which nothing went wrong: two events, shown one after the other. */
const good: Entry[] = [
	page(0, 'a', 'start'),
	send(1, 'm1', 'invoke'),
	send(2, 'm1'),
	show(3, 'm1'),
	send(4, 'm2'),
	hide(503, 'm1'),
	show(504, 'm2'),
	hide(1004, 'm2')
];

const cases: Record<string, { history: Entry[]; rows: Rows; expected: Partial<Violations> }> = {
	'a good run': { history: good, rows: stored('m1', 'm2'), expected: {} },
	'an acknowledged event that is not stored': {
		history: [...good, send(2000, 'm3')],
		rows: stored('m1', 'm2'),
		expected: { lost: 1, never_shown: 1 }
	},
	'an event without an answer need not be stored': {
		history: [...good, send(2000, 'm3', 'info')],
		rows: stored('m1', 'm2'),
		expected: {}
	},
	'an event stored twice': {
		history: good,
		rows: stored('m1', 'm2', 'm2'),
		expected: { duplicated: 1 }
	},
	'an event that nobody sent': {
		history: good,
		rows: stored('m1', 'm2', 'ghost'),
		expected: { unexpected: 1 }
	},
	'a hole in seq': {
		history: good,
		rows: stored(['m1', 1, 10], ['m2', 3, 10]),
		expected: { seq_holes: 1 }
	},
	'an acknowledged event that no page showed': {
		history: [...good, send(2000, 'm3')],
		rows: stored('m1', 'm2', 'm3'),
		expected: { never_shown: 1 }
	},
	'the same page shows a play twice': {
		history: [...good, show(2000, 'm1'), hide(2500, 'm1')],
		rows: stored('m1', 'm2'),
		expected: { shown_twice: 2 }
	},
	'another page shows a finished play again': {
		history: [...good, page(1500, 'b', 'start'), show(2000, 'm1', { instance: 'b', attempt: 2 })],
		rows: stored('m1', 'm2'),
		expected: { shown_twice: 1 }
	},
	'two open copies show together': {
		history: [...good, show(5, 'm1', { instance: 'b' })].sort((x, y) => x.t - y.t),
		rows: stored('m1', 'm2'),
		expected: {}
	},
	'a play taken up again after its page was killed is legal when flagged': {
		history: [
			page(0, 'a', 'start'),
			send(1, 'm1'),
			show(2, 'm1'),
			page(100, 'a', 'killed'),
			page(200, 'b', 'start'),
			show(300, 'm1', { instance: 'b', attempt: 2 }),
			hide(500, 'm1', { instance: 'b' })
		],
		rows: stored('m1'),
		expected: {}
	},
	'a copy that joins while another shows it still, though one was closed, is legal': {
		history: [
			page(0, 'a', 'start'),
			page(0, 'b', 'start'),
			send(1, 'm1'),
			show(2, 'm1'),
			show(3, 'm1', { instance: 'b' }),
			page(100, 'a', 'stopped'),
			page(200, 'c', 'start'),
			show(300, 'm1', { instance: 'c' }),
			hide(500, 'm1', { instance: 'b' }),
			hide(500, 'm1', { instance: 'c' })
		],
		rows: stored('m1'),
		expected: {}
	},
	'but not when a copy has shown it to its end': {
		history: [
			page(0, 'a', 'start'),
			page(0, 'b', 'start'),
			send(1, 'm1'),
			show(2, 'm1'),
			show(3, 'm1', { instance: 'b' }),
			hide(200, 'm1'),
			page(200, 'c', 'start'),
			show(300, 'm1', { instance: 'c' }),
			hide(500, 'm1', { instance: 'b' }),
			hide(500, 'm1', { instance: 'c' })
		],
		rows: stored('m1'),
		expected: { shown_twice: 1 }
	},
	'the same without the flag is not': {
		history: [
			page(0, 'a', 'start'),
			send(1, 'm1'),
			show(2, 'm1'),
			page(100, 'a', 'killed'),
			page(200, 'b', 'start'),
			show(300, 'm1', { instance: 'b' }),
			hide(500, 'm1', { instance: 'b' })
		],
		rows: stored('m1'),
		expected: { shown_twice: 1 }
	},
	'a cancelled event that begins later': {
		history: [...good, send(2000, 'm3'), cancel(2100, 'm3'), show(2400, 'm3'), hide(2500, 'm3')],
		rows: stored('m1', 'm2', 'm3'),
		expected: { shown_after_cancel: 1 }
	},
	'a cancelled event that stays too long': {
		history: [...good, send(2000, 'm3'), show(2050, 'm3'), cancel(2100, 'm3'), hide(2500, 'm3')],
		rows: stored('m1', 'm2', 'm3'),
		expected: { late_cancels: 1 }
	},
	'a cancel in time': {
		history: [...good, send(2000, 'm3'), show(2050, 'm3'), cancel(2100, 'm3'), hide(2200, 'm3')],
		rows: stored('m1', 'm2', 'm3'),
		expected: {}
	},
	'a cancel that a page without a link could not hear': {
		history: [
			...good,
			send(2000, 'm3'),
			show(2050, 'm3'),
			at(2060, { process: 'page', f: 'link', type: 'down', instance: 'a' }),
			cancel(2100, 'm3'),
			at(2700, { process: 'page', f: 'link', type: 'up', instance: 'a' }),
			hide(2710, 'm3')
		],
		rows: stored('m1', 'm2', 'm3'),
		expected: {}
	},
	'a high event that waited behind a normal one': {
		history: [
			page(0, 'a', 'start'),
			send(1, 'm1'),
			send(2, 'urgent'),
			show(3000, 'm1'),
			hide(3500, 'm1'),
			show(3501, 'urgent'),
			hide(4000, 'urgent')
		],
		rows: stored(['m1', 1, 10], ['urgent', 2, 20]),
		expected: { out_of_order: 1 }
	},
	'a play that never came to an end': {
		history: good,
		rows: {
			...stored('m1', 'm2'),
			plays: stored('m1', 'm2').plays.map((play) => ({ ...play, status: 'playing' }))
		},
		expected: { unsettled: 2 }
	}
};

const none: Violations = {
	lost: 0,
	duplicated: 0,
	unexpected: 0,
	seq_holes: 0,
	never_shown: 0,
	shown_twice: 0,
	shown_after_cancel: 0,
	late_cancels: 0,
	out_of_order: 0,
	unsettled: 0
};

describe('the checker finds', () => {
	for (const [name, { history, rows, expected }] of Object.entries(cases))
		test(name, () => {
			expect(check(history, rows).violations).toEqual({ ...none, ...expected });
		});
});

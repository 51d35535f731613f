import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StreamFacts } from '$lib/platforms/channel-status.ts';
import { NOTHING_KNOWN, step, Watch, type Change, type Observation } from './machine.ts';

const patience = { grace_s: 120, absences: 3, lag_s: 600 };
const NOON = Date.parse('2030-01-01T12:00:00Z');
const at = (second: number) => new Date(NOON + second * 1_000).toISOString();

/** The stream with this id that began at this second. */
const stream = (id: string, began: number, viewers = 1): StreamFacts => ({
	...{ stream_id: id, started_at: at(began), viewer_count: viewers },
	...{ title: 'T', category: 'C', category_id: '7' }
});
const live = (id: string, began: number): Observation => ({
	kind: 'live',
	stream: stream(id, began)
});
const absent: Observation = { kind: 'absent' };
const told = {
	...{ stream_id: null, started_at: null, title: null, category: null, category_id: null }
};
const online = (id: string, began: number): Observation => ({
	...told,
	...{ kind: 'online', at: at(began), stream_id: id, started_at: at(began) }
});
const offline = (when: number): Observation => ({ ...told, kind: 'offline', at: at(when) });
const update = (when: number, title: string): Observation => ({
	...told,
	...{ kind: 'update', at: at(when), title }
});

/** What follows from observations at these seconds, data aside. */
function judge(seen: readonly (readonly [second: number, Observation])[]) {
	let watch = NOTHING_KNOWN;
	const changes: Change[] = [];
	for (const [second, observation] of seen) {
		const judged = step(watch, observation, NOON + second * 1_000, patience);
		// What is stored must come back the same.
		expect(Watch.parse(JSON.parse(JSON.stringify(judged.watch)))).toEqual(judged.watch);
		watch = judged.watch;
		changes.push(...judged.changes);
	}
	const words = changes.flatMap((change) =>
		change.kind === 'data'
			? []
			: `${change.stream.stream_id ?? '?'} ${change.kind}${change.is_told ? '' : ' found'}`
	);
	return { watch, changes, words };
}

const cases: Record<string, { seen: (readonly [number, Observation])[]; words: string[] }> = {
	'a listed stream is live': { seen: [[0, live('a', 0)]], words: ['a online found'] },
	'nothing listed is nothing': { seen: [[0, absent]], words: [] },
	'an event is believed at once': {
		seen: [
			[0, online('a', 0)],
			[60, offline(60)]
		],
		words: ['a online', 'a offline']
	},
	'the same stream told and listed begins once': {
		seen: [
			[0, online('a', 0)],
			[1, live('a', 0)],
			[2, online('a', 0)]
		],
		words: ['a online']
	},
	'a list that lags behind the beginning does not end it': {
		seen: [
			[0, online('a', 0)],
			...[60, 120, 180, 240, 300].map((second) => [second, absent] as const),
			[360, live('a', 0)]
		],
		words: ['a online']
	},
	'a stream that is never listed ends after the lag and the grace': {
		seen: [[0, online('a', 0)], ...[599, 600, 660, 720].map((second) => [second, absent] as const)],
		words: ['a online', 'a offline found']
	},
	'a list that lags behind the end does not begin it again': {
		seen: [
			[0, live('a', 0)],
			[60, offline(60)],
			[61, live('a', 0)],
			[600, live('a', 0)]
		],
		words: ['a online found', 'a offline']
	},
	'one that is listed for long after its end goes on after all': {
		seen: [
			[0, live('a', 0)],
			[60, offline(60)],
			[661, live('a', 0)]
		],
		words: ['a online found', 'a offline', 'a online found']
	},
	'a list that flaps ends nothing': {
		seen: [
			[0, live('a', 0)],
			[60, absent],
			[120, absent],
			[180, live('a', 0)],
			[240, absent],
			[300, absent]
		],
		words: ['a online found']
	},
	'many questions at once do not shorten the grace': {
		seen: [[0, live('a', 0)], ...[1, 2, 3, 4, 5, 119].map((second) => [second, absent] as const)],
		words: ['a online found']
	},
	'nor does a long silence': {
		seen: [
			[0, live('a', 0)],
			[60, absent],
			[9_000, absent],
			[9_060, live('a', 0)]
		],
		words: ['a online found']
	},
	'a stream that stays missing ends once': {
		seen: [[0, live('a', 0)], ...[60, 120, 180, 240].map((second) => [second, absent] as const)],
		words: ['a online found', 'a offline found']
	},
	'the event of an end that was found changes nothing more': {
		seen: [
			[0, live('a', 0)],
			...[60, 120, 180].map((second) => [second, absent] as const),
			[190, offline(50)],
			[200, live('a', 0)]
		],
		words: ['a online found', 'a offline found']
	},
	'a new stream ends the one before': {
		seen: [
			[0, live('a', 0)],
			[60, live('b', 50)]
		],
		words: ['a online found', 'a offline found', 'b online found']
	},
	'an old answer does not bring the last stream back': {
		seen: [
			[0, live('a', 0)],
			[60, online('b', 60)],
			[61, live('a', 0)]
		],
		words: ['a online found', 'a offline found', 'b online']
	},
	'an older end does not end a newer stream': {
		seen: [
			[60, online('b', 60)],
			[61, offline(50)]
		],
		words: ['b online']
	},
	'an end that comes before its beginning wins': {
		seen: [
			[60, offline(50)],
			[61, online('a', 0)],
			[62, live('a', 0)]
		],
		words: []
	},
	'a beginning after an end is new, however late it comes': {
		seen: [
			[0, live('a', 0)],
			...[60, 120, 180].map((second) => [second, absent] as const),
			[190, offline(50)],
			[200, online('b', 100)]
		],
		words: ['a online found', 'a offline found', 'b online']
	}
};

describe('a status', () => {
	it.each(Object.entries(cases))('%s', (_name, { seen, words }) => {
		expect(judge(seen).words).toEqual(words);
	});

	it('takes names and numbers while it is live', () => {
		const { changes } = judge([
			[0, update(0, 'before')],
			[1, live('a', 1)],
			[2, live('a', 1)],
			[3, update(3, 'new title')],
			[4, update(-10, 'late')],
			[5, offline(5)],
			[6, update(6, 'after')]
		]);
		const data = changes.filter(({ kind }) => kind === 'data');
		expect(data.map(({ stream }) => stream.title)).toEqual(['T', 'new title']);
	});

	it('begins anew where its memory cannot be read', () => {
		expect(Watch.parse({ live: 'yes' })).toEqual(NOTHING_KNOWN);
		expect(Watch.parse({})).toEqual(NOTHING_KNOWN);
	});
});

describe('for all that may be seen', () => {
	it('a list that never misses a stream for long ends nothing', () => {
		// Never three in a row: shorter than the grace however they lie.
		const run = fc.record({
			absences: fc.integer({ min: 0, max: 2 }),
			gap: fc.integer({ min: 1, max: 3_600 })
		});
		fc.assert(
			fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
				let second = 0;
				const seen: [number, Observation][] = [[0, live('a', 0)]];
				for (const { absences, gap } of runs) {
					for (let i = 0; i < absences; i++) seen.push([(second += gap), absent]);
					seen.push([(second += gap), live('a', 0)]);
				}
				expect(judge(seen).words).toEqual(['a online found']);
			})
		);
	});

	it('a stream that is gone from the list ends', () => {
		fc.assert(
			fc.property(fc.integer({ min: 5, max: 60 }), fc.boolean(), (every, isTold) => {
				const seen: [number, Observation][] = [[0, isTold ? online('a', 0) : live('a', 0)]];
				for (let second = every; second < 800 + 3 * every; second += every)
					seen.push([second, absent]);
				expect(judge(seen).words).toHaveLength(2);
				expect(judge(seen).watch.live).toBeNull();
			})
		);
	});

	it('events in any order and repeated tell the same in the end', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 9 }).chain((count) => {
					const facts = Array.from({ length: count }, (_, i) =>
						i % 2 === 0 ? online(`s${i}`, i * 100) : offline(i * 100)
					);
					return fc.record({
						count: fc.constant(count),
						seen: fc.array(fc.constantFrom(...facts), { maxLength: 5 }).chain((again) =>
							fc.shuffledSubarray([...facts, ...again], {
								minLength: count + again.length
							})
						)
					});
				}),
				({ count, seen }) => {
					const { watch } = judge(seen.map((one, i) => [2_000 + i, one]));
					expect(watch.live?.id ?? null).toBe(count % 2 === 1 ? `s${count - 1}` : null);
				}
			)
		);
	});

	it('beginnings and ends take turns', () => {
		const any = fc.tuple(
			fc.integer({ min: 1, max: 400 }),
			fc.oneof(
				fc.constant(absent),
				fc.integer({ min: 0, max: 5 }).map((n) => live(`s${n}`, n * 300)),
				fc.integer({ min: 0, max: 5 }).map((n) => online(`s${n}`, n * 300)),
				fc.integer({ min: 0, max: 1_800 }).map((second) => offline(second))
			)
		);
		fc.assert(
			fc.property(fc.array(any, { maxLength: 40 }), (steps) => {
				let second = 0;
				const { changes } = judge(steps.map(([gap, seen]) => [(second += gap), seen]));
				const turns = changes.filter(({ kind }) => kind !== 'data').map(({ kind }) => kind);
				expect(turns).toEqual(turns.map((_, i) => (i % 2 === 0 ? 'online' : 'offline')));
			})
		);
	});
});

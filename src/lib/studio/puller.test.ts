import { describe, expect, it } from 'vitest';
import { Puller } from './puller.ts';

/** Pulls that end by hand, and a clock that is turned by hand. */
function stage() {
	const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
	const timers: { run: () => void; ms: number }[] = [];
	const failures: unknown[] = [];
	const puller = new Puller(
		() => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
		(error) => failures.push(error),
		(run, ms) => {
			const timer = { run, ms };
			timers.push(timer);
			return () => void timers.splice(timers.indexOf(timer), 1);
		}
	);
	const settle = () => new Promise((resolve) => setImmediate(resolve));
	return { ends, timers, failures, puller, settle };
}

describe('a puller', () => {
	it('makes one more pull for any number of wishes during one', async () => {
		const { ends, puller, settle } = stage();
		puller.want();
		puller.want();
		puller.want();
		expect(ends).toHaveLength(1);
		ends[0]?.resolve();
		await settle();
		expect(ends).toHaveLength(2);
		ends[1]?.resolve();
		await settle();
		expect(ends).toHaveLength(2);
	});

	it('tries again after a failure, later each time, up to a bound', async () => {
		const { ends, timers, failures, puller, settle } = stage();
		puller.want();
		const waits: number[] = [];
		for (let n = 0; n < 6; n += 1) {
			ends.at(-1)?.reject(new Error('no'));
			await settle();
			const timer = timers.shift();
			waits.push(timer?.ms ?? 0);
			timer?.run();
		}
		expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
		expect(failures).toHaveLength(6);
	});

	it('pulls at once when asked during the wait, and not again when the wait is over', async () => {
		const { ends, timers, puller, settle } = stage();
		puller.want();
		ends[0]?.reject(new Error('no'));
		await settle();
		puller.want();
		expect(ends).toHaveLength(2);
		expect(timers).toHaveLength(0);
	});

	it('tries no more once stopped', async () => {
		const { ends, timers, puller, settle } = stage();
		puller.want();
		ends[0]?.reject(new Error('no'));
		await settle();
		puller.stop();
		expect(timers).toHaveLength(0);
	});
});

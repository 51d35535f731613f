import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLog } from '$lib/server/log.ts';
import { Ticker } from './ticker.ts';

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

function logged() {
	const lines: string[] = [];
	return {
		lines,
		log: createLog({ level: 'info', json: false, write: (line) => lines.push(line) })
	};
}

it('runs each loop at once and then at its own pace', async () => {
	const runs = { fast: 0, slow: 0 };
	const { log } = logged();
	const ticker = new Ticker(
		[
			{ name: 'fast', every_ms: 1_000, run: async () => (runs.fast += 1) },
			{ name: 'slow', every_ms: 5_000, run: async () => (runs.slow += 1) }
		],
		log
	);
	await vi.advanceTimersByTimeAsync(0);
	expect(runs).toEqual({ fast: 1, slow: 1 });
	await vi.advanceTimersByTimeAsync(5_000);
	expect(runs).toEqual({ fast: 6, slow: 2 });
	await ticker.stop();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(runs).toEqual({ fast: 6, slow: 2 });
});

it('never overlaps a loop with itself, and waits for it when stopping', async () => {
	let running = 0;
	let most = 0;
	let finish = () => {};
	const ticker = new Ticker(
		[
			{
				name: 'long',
				every_ms: 10,
				run: () => {
					most = Math.max(most, (running += 1));
					return new Promise<void>((resolve) => {
						finish = () => {
							running -= 1;
							resolve();
						};
					});
				}
			}
		],
		logged().log
	);
	await vi.advanceTimersByTimeAsync(1_000);
	expect(most).toBe(1);
	let stopped = false;
	const stopping = ticker.stop().then(() => (stopped = true));
	await vi.advanceTimersByTimeAsync(0);
	expect(stopped).toBe(false);
	finish();
	await stopping;
	expect(running).toBe(0);
});

it('goes on after a failure, and tells of it once until it works again', async () => {
	let fails = true;
	const { lines, log } = logged();
	const ticker = new Ticker(
		[
			{
				name: 'settle',
				every_ms: 1_000,
				run: async () => {
					if (fails) throw new Error('no database');
				}
			}
		],
		log
	);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(lines).toHaveLength(1);
	expect(lines[0]).toContain('no database');
	fails = false;
	await vi.advanceTimersByTimeAsync(2_000);
	expect(lines).toHaveLength(2);
	fails = true;
	await vi.advanceTimersByTimeAsync(2_000);
	expect(lines).toHaveLength(3);
	await ticker.stop();
});

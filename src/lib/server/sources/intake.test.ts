import { describe, expect, it } from 'vitest';
import { AppError } from '$lib/bus/error.ts';
import { createLog } from '$lib/server/log.ts';
import type { SourceClock } from './clock.ts';
import { Intake, type IntakeParts } from './intake.ts';

/** Time passes as fast as it can. */
const hasty: SourceClock = {
	now: () => performance.now(),
	date: () => new Date(),
	after(_ms, task) {
		const timer = setImmediate(task);
		return () => clearImmediate(timer);
	}
};

function open(parts: Partial<IntakeParts<number, number>>) {
	const taken: number[] = [];
	let gaps = 0;
	const intake: Intake<number, number> = new Intake({
		clock: hasty,
		chance: () => 0.5,
		log: createLog({ level: 'silent' }),
		take: (item) => Promise.resolve(item),
		onTaken: (item) => void taken.push(item),
		onChange: () => undefined,
		onGap: () => void (gaps += 1),
		...parts
	});
	return { intake, taken, gaps: () => gaps };
}
const away = () => Promise.reject(new AppError('unavailable', 'away'));

describe('an intake', () => {
	it('stores what is put in at any moment of its work, also as it ends', async () => {
		for (let turns = 0; turns < 12; turns += 1) {
			const { intake, taken } = open({});
			intake.put(1);
			for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
			intake.put(2);
			await intake.idle();
			expect(taken, `after ${turns} turns`).toEqual([1, 2]);
		}
	});

	it('goes past what is refused, and past what fails again and again by a fault of its own', async () => {
		const { intake, taken } = open({
			take: (item) => {
				if (item === 2) return Promise.reject(new AppError('invalid_input', 'no'));
				if (item === 3) return Promise.reject(new Error('a fault of ours'));
				return Promise.resolve(item);
			}
		});
		for (let item = 1; item <= 5; item += 1) intake.put(item);
		await intake.idle();
		expect(taken).toEqual([1, 4, 5]);
	});

	it('gives up nothing however long the database is away', async () => {
		let tries = 0;
		const { intake, taken, gaps } = open({
			take: (item) => ((tries += 1) < 60 ? away() : Promise.resolve(item))
		});
		intake.put(1);
		await intake.idle();
		expect([taken, gaps()]).toEqual([[1], 0]);
	});

	it('counts what it could not hold, and says once all else is stored that there is a gap', async () => {
		let isAway = true;
		const { intake, taken, gaps } = open({
			capacity: 3,
			take: (item) => (isAway ? away() : Promise.resolve(item))
		});
		for (let item = 1; item <= 5; item += 1) intake.put(item);
		expect([intake.dropped, gaps()]).toEqual([2, 0]);
		isAway = false;
		await intake.idle();
		expect([taken, intake.dropped, gaps()]).toEqual([[1, 2, 3], 2, 1]);
		intake.acknowledge();
		intake.put(6);
		await intake.idle();
		expect([taken, intake.dropped, gaps()]).toEqual([[1, 2, 3, 6], 0, 1]);
	});
});

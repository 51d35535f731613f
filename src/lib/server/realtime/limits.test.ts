import { expect, test } from 'vitest';
import { RateCounter, RealtimeLimits, TokenBucket, WindowCounter } from './limits.ts';

test('a rate is an average over a minute', () => {
	const counter = new RateCounter();
	let taken = 0;
	while (counter.take(2, 1_000_000)) taken++;
	expect(taken).toBe(120);
	expect(counter.take(2, 1_054_000)).toBe(false);
	expect(counter.take(2, 1_060_000)).toBe(true);
	expect(counter.average(1_060_000)).toBeCloseTo(1 / 60);
	// A clock set back opens nothing.
	while (counter.take(2, 1_060_000));
	expect(counter.take(2, 900_000)).toBe(false);
});

test('five calls in any thirty seconds', () => {
	const counter = new WindowCounter(30_000);
	for (const at of [0, 1, 2, 3, 20_000]) expect(counter.take(5, at)).toBe(true);
	expect(counter.take(5, 29_999)).toBe(false);
	expect(counter.take(5, 30_000)).toBe(true);
	expect(counter.take(5, 30_000)).toBe(false);
});

test('a bucket says how long its debt takes', () => {
	const bucket = new TokenBucket(100, 3, 0);
	expect([1, 2, 3].map(() => bucket.take(0))).toEqual([0, 0, 0]);
	expect(bucket.take(0)).toBe(10);
	expect(bucket.take(0)).toBe(20);
	expect(bucket.take(30)).toBe(0);
	expect(bucket.take(20)).toBe(10);
	expect(bucket.take(100_000)).toBe(0);
});

test('limits that nobody knows are a mistake', () => {
	expect(RealtimeLimits.parse({}).presenceCalls).toBe(5);
	expect(RealtimeLimits.parse({ privateOnly: 1 }).privateOnly).toBe(true);
	expect(() => RealtimeLimits.parse({ presencecalls: 6 })).toThrow('presencecalls');
	expect(() => RealtimeLimits.parse({ connections: 0 })).toThrow();
});

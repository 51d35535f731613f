import { expect, it } from 'vitest';
import { FailureLimiter } from './limiter.ts';

function limited(options: { failures: number; keys?: number }) {
	let now = 0;
	const limiter = new FailureLimiter({ ...options, window_ms: 1_000, now: () => now });
	return {
		limiter,
		pass: (ms: number) => (now += ms),
		isOpen: (key: string) => {
			try {
				limiter.check(key);
				return true;
			} catch {
				return false;
			}
		}
	};
}

it('closes after so many failures and opens as they grow old', () => {
	const { limiter, pass, isOpen } = limited({ failures: 2 });
	limiter.fail('a');
	pass(600);
	expect(isOpen('a')).toBe(true);
	limiter.fail('a');
	expect(isOpen('a')).toBe(false);
	expect(isOpen('b')).toBe(true);
	pass(400);
	expect(isOpen('a')).toBe(true);
});

it('says when to come back', () => {
	const { limiter, pass } = limited({ failures: 1 });
	limiter.fail('a');
	pass(250);
	expect(() => limiter.check('a')).toThrow(
		expect.objectContaining({ code: 'too_many_requests', retryAfter: 0.75 })
	);
});

it('forgets on success', () => {
	const { limiter, isOpen } = limited({ failures: 1 });
	limiter.fail('a');
	limiter.clear('a');
	expect(isOpen('a')).toBe(true);
});

it('remembers a bounded number of keys, the oldest ones least', () => {
	const { limiter, isOpen } = limited({ failures: 1, keys: 2 });
	for (const key of ['a', 'b', 'c']) limiter.fail(key);
	expect(['a', 'b', 'c'].map(isOpen)).toEqual([true, false, false]);
});

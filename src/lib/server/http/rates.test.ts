import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type Principal } from '$lib/server/actions/principal.ts';
import { bucketsOf, networkOf, RateLimiter, readRates, type Bucket } from './rates.ts';

const mine: Bucket[] = [
	{ rate: 'key', of: 'k' },
	{ rate: 'account', of: 'a' }
];

function limited(given: Record<string, number>, buckets?: number) {
	let now = 0;
	const limiter = new RateLimiter(readRates(given), () => now, buckets);
	return { limiter, pass: (ms: number) => (now += ms) };
}

describe('a quota of 6 a minute', () => {
	// After so many milliseconds: what is left, when all is back, and when to come again.
	const steps = [
		[0, 'r=5;t=10', null],
		[0, 'r=4;t=20', null],
		[10_000, 'r=4;t=20', null],
		[0, 'r=3;t=30', null],
		[0, 'r=2;t=40', null],
		[0, 'r=1;t=50', null],
		[0, 'r=0;t=60', null],
		[0, 'r=0;t=60', 10],
		[2_500, 'r=0;t=58', 7.5],
		[7_499, 'r=0;t=51', 0.001],
		[1, 'r=0;t=60', null],
		[60_000, 'r=5;t=10', null]
	] as const;

	it('is told and kept to the second', () => {
		const { limiter, pass } = limited({ key: 6 });
		for (const [ms, state, wait] of steps) {
			pass(ms);
			const { headers, refusal } = limiter.take([{ rate: 'key', of: 'k' }]);
			expect(headers).toEqual({
				ratelimit: `"key";${state}`,
				'ratelimit-policy': '"key";q=6;w=60'
			});
			expect(refusal?.code ?? null).toBe(wait === null ? null : 'too_many_requests');
			if (wait !== null) expect(refusal?.retryAfter).toBeCloseTo(wait, 3);
		}
	});
});

it('takes from all buckets or from none, and tells each', () => {
	const { limiter } = limited({ key: 10, account: 2 });
	limiter.take(mine);
	limiter.take(mine);
	const { headers, refusal } = limiter.take(mine);
	expect(refusal?.retryAfter).toBe(30);
	expect(headers.ratelimit).toBe('"key";r=8;t=12, "account";r=0;t=60');
});

it('keeps others apart', () => {
	const { limiter } = limited({ key: 1 });
	expect(limiter.take([{ rate: 'key', of: 'one' }]).refusal).toBeNull();
	expect(limiter.take([{ rate: 'key', of: 'one' }]).refusal).not.toBeNull();
	expect(limiter.take([{ rate: 'key', of: 'two' }]).refusal).toBeNull();
	expect(limiter.take([{ rate: 'member', of: 'one' }]).refusal).toBeNull();
});

it('takes more at once for what costs more, and never refuses for ever', () => {
	const { limiter, pass } = limited({ key: 10 });
	expect(limiter.take([{ rate: 'key', of: 'k' }], 7).headers.ratelimit).toBe('"key";r=3;t=42');
	expect(limiter.take([{ rate: 'key', of: 'k' }], 4).refusal?.retryAfter).toBe(6);
	pass(60_000);
	expect(limiter.take([{ rate: 'key', of: 'k' }], 500).refusal).toBeNull();
});

it('remembers a bounded number of buckets', () => {
	const { limiter } = limited({ key: 1 }, 2);
	for (const of of ['a', 'b', 'c']) limiter.take([{ rate: 'key', of }]);
	expect(limiter.take([{ rate: 'key', of: 'c' }]).refusal).not.toBeNull();
	expect(limiter.take([{ rate: 'key', of: 'a' }]).refusal).toBeNull();
});

it('lets the one through who came back exactly when told, for any quota and moment', () => {
	fc.assert(
		fc.property(
			fc.integer({ min: 1, max: 5_000 }),
			fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 40 }),
			(key, pauses) => {
				const { limiter, pass } = limited({ key });
				limiter.take([{ rate: 'key', of: 'k' }], key);
				for (const ms of pauses) {
					pass(ms);
					const { refusal } = limiter.take([{ rate: 'key', of: 'k' }]);
					if (refusal === null) continue;
					pass(Math.ceil(refusal.retryAfter ?? 0) * 1000);
					expect(limiter.take([{ rate: 'key', of: 'k' }]).refusal).toBeNull();
				}
			}
		)
	);
});

describe('who is counted as whom', () => {
	const callers: [Principal, string][] = [
		[ANONYMOUS, 'address 1.2.3.4'],
		[{ kind: 'api', key_id: 'k', account_id: 'a' }, 'key k, account a'],
		[{ kind: 'remote', key_id: 'k', account_id: 'a' }, 'key k, account a'],
		[{ kind: 'member', user_id: 'u', account_id: 'a', name: '', email: '' }, 'member u, account a'],
		[{ kind: 'member', user_id: 'u', account_id: null, name: '', email: '' }, 'member u'],
		[{ kind: 'overlay', key_id: 'k', account_id: 'a', overlay_id: 'o', expires_at: 0 }, 'page k']
	];
	for (const [principal, expected] of callers)
		it(`${principal.kind}: ${expected}`, () => {
			const buckets = bucketsOf(principal, '1.2.3.4');
			expect(buckets.map(({ rate, of }) => `${rate} ${of}`).join(', ')).toBe(expected);
		});
});

describe('the network of an address', () => {
	for (const [address, network] of [
		['127.0.0.1', '127.0.0.1'],
		['::ffff:10.0.0.7', '10.0.0.7'],
		['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
		['2001:0db8:0001:0002::9', '2001:db8:1:2::/64'],
		['2001:db8::9', '2001:db8:0:0::/64'],
		['::1', '0:0:0:0::/64'],
		['fe80::1%eth0', 'fe80:0:0:0::/64']
	] as const)
		it(`${address} is in ${network}`, () => expect(networkOf(address)).toBe(network));
});

it('refuses a quota of another name or none', () => {
	const wrongs: Record<string, number>[] = [{ keys: 5 }, { key: 0 }, { key: 1.5 }];
	for (const wrong of wrongs) expect(() => readRates(wrong)).toThrow(/CUELIGHT_RATE_LIMITS/);
});

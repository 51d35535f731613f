/**
 * How much one caller may ask: a quota of requests in a window for each key or member, one for
 * each account, and one for each address of those who say no name. Buckets refill evenly, so a
 * refusal can say to the second when the next request is taken. Counted in this process alone;
 * overlay pages have a quota of their own, far above what they need.
 *
 * Told by the headers `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers.
 */
import { isIPv4 } from 'node:net';
import { AppError } from '$lib/bus/error.ts';
import type { Principal } from '$lib/server/actions/principal.ts';

/** Requests in `WINDOW_S` seconds. */
export const defaultRates = {
	key: 6_000,
	member: 6_000,
	account: 30_000,
	address: 6_000,
	page: 60_000
} as const;
export type RateName = keyof typeof defaultRates;
export type Rates = Readonly<Record<RateName, number>>;

const WINDOW_S = 60;
const BUCKETS = 20_000;

export interface Bucket {
	rate: RateName;
	/** Whose it is. */
	of: string;
}

export interface Standing {
	/** Headers for the answer, whatever it is. */
	headers: Readonly<Record<string, string>>;
	/** Why the request is not served; null when it is. */
	refusal: AppError | null;
}

interface Level {
	left: number;
	at: number;
}

/** Quotas by name, where the default is not wanted. Throws for a name or number that is none. */
export function readRates(given: Readonly<Record<string, number>>): Rates {
	for (const [name, quota] of Object.entries(given))
		if (!Object.hasOwn(defaultRates, name) || !Number.isInteger(quota) || quota < 1)
			throw new AppError(
				'invalid_input',
				`CUELIGHT_RATE_LIMITS: ${name} must be one of ${Object.keys(defaultRates).join(', ')}, with a whole number above 0.`
			);
	return { ...defaultRates, ...given };
}

export class RateLimiter {
	readonly #rates: Rates;
	readonly #now: () => number;
	readonly #buckets: number;
	readonly #levels = new Map<string, Level>();

	/** `now`: monotonic milliseconds. `buckets`: how many are remembered, the last used longest. */
	constructor(rates: Rates, now: () => number, buckets = BUCKETS) {
		this.#rates = rates;
		this.#now = now;
		this.#buckets = buckets;
	}

	/** Takes `cost` requests from all buckets, or from none when one has too little. */
	take(buckets: readonly Bucket[], cost = 1): Standing {
		const now = this.#now();
		const levels = buckets.map((bucket) => ({ ...bucket, left: this.#left(bucket, now) }));
		const waits = levels.map(
			({ rate, left }) => (this.#need(rate, cost) - left) / this.#speed(rate)
		);
		const wait = Math.max(0, ...waits);
		if (wait <= 0)
			for (const level of levels) {
				level.left -= this.#need(level.rate, cost);
				this.#remember(level, { left: level.left, at: now });
			}
		return {
			headers: this.#headers(levels),
			refusal:
				wait <= 0
					? null
					: new AppError('too_many_requests', 'Too many requests: see the RateLimit headers.', {
							retryAfter: wait
						})
		};
	}

	/** What costs more than a whole quota takes all of it, and is not refused for ever. */
	#need(rate: RateName, cost: number): number {
		return Math.min(cost, this.#rates[rate]);
	}

	/** Requests that come back in a second. */
	#speed(rate: RateName): number {
		return this.#rates[rate] / WINDOW_S;
	}

	#left(bucket: Bucket, now: number): number {
		const level = this.#levels.get(`${bucket.rate} ${bucket.of}`);
		const quota = this.#rates[bucket.rate];
		if (level === undefined) return quota;
		const back = ((now - level.at) / 1000) * this.#speed(bucket.rate);
		// The rounding of many small refills must not withhold a whole request.
		return Math.min(quota, Math.round((level.left + back) * 1e6) / 1e6);
	}

	#remember({ rate, of }: Bucket, level: Level): void {
		const name = `${rate} ${of}`;
		this.#levels.delete(name);
		this.#levels.set(name, level);
		const oldest = this.#levels.keys().next();
		if (this.#levels.size > this.#buckets && !oldest.done) this.#levels.delete(oldest.value);
	}

	#headers(levels: readonly (Bucket & { left: number })[]): Record<string, string> {
		const policy = levels.map(({ rate }) => `"${rate}";q=${this.#rates[rate]};w=${WINDOW_S}`);
		const state = levels.map(({ rate, left }) => {
			const whole = Math.ceil((this.#rates[rate] - left) / this.#speed(rate));
			return `"${rate}";r=${Math.floor(left)};t=${whole}`;
		});
		return { 'ratelimit-policy': policy.join(', '), ratelimit: state.join(', ') };
	}
}

/** The buckets that a caller's requests are taken from. */
export function bucketsOf(principal: Principal, address: string): Bucket[] {
	switch (principal.kind) {
		case 'anonymous':
			return [{ rate: 'address', of: networkOf(address) }];
		case 'overlay':
			return [{ rate: 'page', of: principal.key_id }];
		case 'api':
		case 'remote':
		case 'ingest':
			return [
				{ rate: 'key', of: principal.key_id },
				{ rate: 'account', of: principal.account_id }
			];
		case 'member': {
			const own: Bucket = { rate: 'member', of: principal.user_id };
			const { account_id } = principal;
			return account_id === null ? [own] : [own, { rate: 'account', of: account_id }];
		}
	}
}

/** An IPv4 address itself; of an IPv6 address the /64, which is what one household gets. */
export function networkOf(address: string): string {
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
	if (mapped !== undefined) return mapped;
	if (isIPv4(address) || !address.includes(':')) return address;
	const [head = '', tail] = address.toLowerCase().replace(/%.*$/, '').split('::');
	const groups = head === '' ? [] : head.split(':');
	const after = tail === undefined || tail === '' ? [] : tail.split(':');
	const zeros = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0');
	const whole = tail === undefined ? groups : [...groups, ...zeros, ...after];
	return `${whole
		.slice(0, 4)
		.map((group) => group.replace(/^0+(?=.)/, ''))
		.join(':')}::/64`;
}

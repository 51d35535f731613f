/**
 * How much one client, one address and everybody together may ask for. Where hosted Supabase has a
 * limit ours is the same (its free plan's payload), so that what works at home works there; the rest guards one
 * process on one machine.
 */
import { z } from 'zod';

const Count = z.number().int().positive();

/** The names and defaults; `RealtimeLimits.parse({})` gives the defaults, an unknown name throws. */
export const RealtimeLimits = z.strictObject({
	/** Refuse public channels altogether. */
	privateOnly: z.union([z.boolean(), z.literal([0, 1]).transform(Boolean)]).default(false),
	/** Sockets in all, and from one address other than this machine's own (a proxy hides many there). */
	connections: Count.default(5_000),
	connectionsPerAddress: Count.default(200),
	/** Channels on one socket. */
	channelsPerConnection: Count.default(100),
	/**
	 * Joins per second of all clients, averaged over a minute as hosted does. Hosted's free plan has
	 * 100; here 2,000 pages may come back again and again while a database restarts.
	 */
	joinsPerSecond: Count.default(500),
	/** REST broadcasts per second, averaged over a minute. */
	requestsPerSecond: Count.default(100),
	/** Largest broadcast or presence payload, in kilobytes of 1000 bytes (+ 500 bytes, as hosted). */
	payloadKilobytes: Count.default(256),
	/** Largest frame from a client, in bytes: above it the socket is closed with 1009. */
	frameBytes: Count.default(1_048_576),
	/** The same while the socket has joined nothing: a join needs a token, not a megabyte. */
	frameBytesBeforeJoin: Count.default(65_536),
	/** Track and untrack calls of one channel in 30 s. */
	presenceCalls: Count.default(5),
	/** Presence calls per second of all clients, averaged over a minute. */
	presencePerSecond: Count.default(50),
	/** Frames per second that one socket may send for long, and how many at once. */
	framesPerSecond: Count.default(100),
	frameBurst: Count.default(500),
	/** Frames that cannot be read before the socket is closed. */
	strikes: Count.default(5),
	/** Unsent bytes after which a reader is too slow and is closed (4408). */
	bufferedBytes: Count.default(262_144),
	/** Silence after which a socket is closed, ms. Clients beat every 25 s. */
	idleMs: Count.default(60_000),
	/** A socket without a channel is closed after this, ms. */
	noChannelMs: Count.default(600_000),
	/** A token is looked at again at least this often, ms. */
	tokenCheckMs: Count.default(300_000),
	/** How long policies may take to answer, ms; clients give a join 10 s. */
	authorizeMs: Count.default(8_000)
});
export type RealtimeLimits = z.infer<typeof RealtimeLimits>;

/** Bytes that a payload may have (hosted adds 500 for its envelope). */
export const payloadBytes = (limits: RealtimeLimits): number =>
	limits.payloadKilobytes * 1000 + 500;

const BUCKETS = 12;
const BUCKET_MS = 5000;

/** A rate averaged over 12 buckets of 5 s: bursts pass, floods do not. */
export class RateCounter {
	#counts = new Float64Array(BUCKETS);
	#bucket = 0;

	/** Counts one; false when the average would be above `perSecond` (then it is not counted). */
	take(perSecond: number, now: number): boolean {
		this.#advance(now);
		if (this.average(now) >= perSecond) return false;
		const at = this.#bucket % BUCKETS;
		this.#counts[at] = (this.#counts[at] ?? 0) + 1;
		return true;
	}

	/** Per second, over the last minute. */
	average(now: number): number {
		this.#advance(now);
		return this.#counts.reduce((sum, count) => sum + count, 0) / ((BUCKETS * BUCKET_MS) / 1000);
	}

	#advance(now: number): void {
		const bucket = Math.floor(now / BUCKET_MS);
		if (bucket - this.#bucket >= BUCKETS) this.#counts.fill(0);
		else for (let b = this.#bucket + 1; b <= bucket; b++) this.#counts[b % BUCKETS] = 0;
		this.#bucket = Math.max(this.#bucket, bucket);
	}
}

/** At most `max` calls in any window of `windowMs`. */
export class WindowCounter {
	#calls: number[] = [];
	readonly #windowMs: number;
	constructor(windowMs: number) {
		this.#windowMs = windowMs;
	}
	take(max: number, now: number): boolean {
		this.#calls = this.#calls.filter((at) => now - at < this.#windowMs);
		if (this.#calls.length >= max) return false;
		this.#calls.push(now);
		return true;
	}
}

/** A bucket of `burst` tokens that fills at `perSecond`. */
export class TokenBucket {
	#tokens: number;
	#at: number;
	readonly #perSecond: number;
	readonly #burst: number;
	constructor(perSecond: number, burst: number, now: number) {
		this.#perSecond = perSecond;
		this.#burst = burst;
		this.#tokens = burst;
		this.#at = now;
	}
	/** Takes one, going into debt if there is none; the milliseconds until the debt is paid. */
	take(now: number): number {
		const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond;
		this.#tokens = Math.min(this.#burst, this.#tokens + gained) - 1;
		this.#at = now;
		return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
	}
}

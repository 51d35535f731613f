/**
 * How the bench's processes speak with one another (Node's IPC), and what every message on the
 * wire carries: a marker with the sender's monotonic time, which all processes of a machine share.
 */
export const monotonicNow = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** `bench-<time in µs>-<n>`: the time of sending travels with the event. */
export const markerOf = (n: number): string => `bench-${Math.round(monotonicNow() * 1000)}-${n}`;
const MARKER = /bench-(\d+)-\d+/;

/** Milliseconds of the monotonic clock at which the message found in this text was sent. */
export function sentAt(text: string): number | null {
	const found = MARKER.exec(text);
	return found?.[1] ? Number(found[1]) / 1000 : null;
}

export interface Quantiles {
	count: number;
	p50: number;
	p95: number;
	p99: number;
	max: number;
}

/** Quantiles of milliseconds, by nearest rank. */
export function quantiles(values: number[]): Quantiles {
	const sorted = Float64Array.from(values).sort();
	const at = (q: number) =>
		Math.round((sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0) * 100) / 100;
	return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** A target to send events to: how a request is built is the only difference between ours and the peer. */
export interface Target {
	url: string;
	/** `twitch`: a signed EventSub notification; `json`: the same bytes unsigned. */
	kind: 'twitch' | 'json';
	secret: string;
	channel_id: string;
}

export type LoadOrder = {
	target: Target;
	/** Requests in flight at once. */
	connections: number;
	/** Events per second; null sends as fast as answers come. */
	rate: number | null;
	seconds: number;
};
export type LoadResult = {
	acknowledged: number;
	failed: number;
	seconds: number;
	ack: Quantiles;
};

export type ListenOrder =
	| { do: 'open'; count: number; url: string; join: string | null }
	/** Forget what was measured so far. */
	| { do: 'reset' }
	/** Answer once `expected` deliveries have arrived since the reset, or nothing came for 3 s. */
	| { do: 'collect'; expected: number }
	/** Answer once all sockets are joined again after a loss. */
	| { do: 'await-rejoin'; refresh: string | null };
export type ListenResult =
	| { done: 'open'; joined: number; ms: number }
	| { done: 'reset' }
	| { done: 'collect'; deliveries: number; latency: Quantiles; first: number; last: number }
	| { done: 'await-rejoin'; joined: number; ms: number };

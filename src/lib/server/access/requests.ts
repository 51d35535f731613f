/**
 * Makes the requests that platforms' folders describe. What it promises:
 *
 * - an answer in bounded time: 10 s for each try, at most three tries, waits of at most 5 s each;
 * - only to the platform's own addresses, and no redirect is followed: a token goes nowhere else;
 * - at most 4 MiB are read;
 * - asked again only where asking twice does no harm: GET, PUT and DELETE after silence or a 5xx;
 *   anything after a 429, which says that nothing was done;
 * - each try is one line of the fetch log: how it went, never what was said.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '$lib/bus/error.ts';
import type { Call, CallResult, Client, HttpAnswer } from '$lib/platforms/call.ts';
import type { Connect } from '$lib/platforms/connect.ts';
import type { Fetch } from '$lib/server/backend/statements/access.ts';
import { Budgets } from './budgets.ts';

const TRY_MS = 10_000;
const MAX_TRIES = 3;
const MAX_WAIT_MS = 5_000;
const BACKOFF_MS = 250;
const MAX_BYTES = 4 * 1024 * 1024;
const USER_AGENT = 'Cuelight/0.1';

/** On whose behalf a request is made. */
export interface Caller {
	readonly account_id: string;
	readonly connection_id: string | null;
	readonly platform: string;
	readonly connect: Connect;
	readonly client: Client;
	/** Whose points it costs: the user's, or the program's own. */
	readonly user: string;
}

export interface RequestPorts {
	/** Writes a line of the fetch log. */
	note(fetch: Fetch, at: Date): Promise<unknown>;
	clock(): Date;
	/** Monotonic milliseconds. */
	now(): number;
	/** 0 to 1. */
	random(): number;
	/** Waits; by default a timer. */
	wait?(ms: number): Promise<unknown>;
}

interface Tried<Value> {
	result: CallResult<Value>;
	status: number | null;
	pointsLeft: number | null;
}

const isRepeatable = (call: Call<unknown>) => /^(GET|PUT|DELETE)$/.test(call.request.method);

export class Requests {
	readonly #ports: RequestPorts;
	readonly #wait: (ms: number) => Promise<unknown>;
	readonly #budgets = new Budgets();
	readonly #notes = new Set<Promise<unknown>>();

	constructor(ports: RequestPorts) {
		this.#ports = ports;
		this.#wait = ports.wait ?? ((ms) => pause(ms));
	}

	/** Makes the call. Never throws for what the platform or the network does. */
	async make<Value>(caller: Caller, call: Call<Value>): Promise<CallResult<Value>> {
		requireOwnAddress(caller.client, call.request.url);
		const bucket = `${caller.platform} ${caller.client.id} ${caller.user}`;
		for (let tries = 1; ; tries += 1) {
			const full = await this.#admit(bucket);
			if (full !== null) return full;
			const { result } = await this.#try(caller, call, bucket);
			if (result.ok || tries >= MAX_TRIES) return result;
			const wait = this.#waitBeforeNext(call, result, tries);
			if (wait === null) return result;
			await this.#wait(wait);
		}
	}

	/** Resolves when every line of the fetch log that was begun is written. */
	async settled(): Promise<void> {
		await Promise.all(this.#notes);
	}

	/** Waits for a point; a refusal when that would take too long. */
	async #admit(bucket: string): Promise<Extract<CallResult<never>, { ok: false }> | null> {
		for (let waited = 0; ;) {
			const wait = this.#ports.clock();
			const ms = this.#budgets.take(bucket, wait);
			if (ms === 0) return null;
			if (waited + ms > MAX_WAIT_MS)
				return {
					ok: false,
					failure: 'rate_limited',
					reason: 'Everything that may be asked for the moment has been asked.',
					retry_after_s: ms / 1_000
				};
			waited += ms;
			await this.#wait(ms);
		}
	}

	/** Milliseconds until the next try; null: there is none. */
	#waitBeforeNext(
		call: Call<unknown>,
		{ failure, retry_after_s }: Extract<CallResult<never>, { ok: false }>,
		tries: number
	): number | null {
		const may = failure === 'rate_limited' || (failure === 'unavailable' && isRepeatable(call));
		if (!may) return null;
		if (retry_after_s !== null)
			return retry_after_s * 1_000 <= MAX_WAIT_MS ? retry_after_s * 1_000 : null;
		return BACKOFF_MS * 2 ** (tries - 1) * (0.5 + this.#ports.random());
	}

	async #try<Value>(caller: Caller, call: Call<Value>, bucket: string): Promise<Tried<Value>> {
		const at = this.#ports.clock();
		const began = this.#ports.now();
		const tried = await this.#ask(caller, call, bucket);
		const note: Promise<unknown> = this.#ports
			.note(
				{
					account_id: caller.account_id,
					connection_id: caller.connection_id,
					platform: caller.platform,
					call: call.name,
					status: tried.status,
					failure: tried.result.ok ? null : tried.result.failure,
					duration_ms: Math.round(this.#ports.now() - began),
					points_left: tried.pointsLeft
				},
				at
			)
			// A log that cannot be written changes no answer.
			.catch(() => undefined)
			.then(() => this.#notes.delete(note));
		this.#notes.add(note);
		return tried;
	}

	async #ask<Value>(
		{ connect, client, user }: Caller,
		call: Call<Value>,
		bucket: string
	): Promise<Tried<Value>> {
		const answer = await send(call);
		if ('failed' in answer) {
			const { failed: reason, status } = answer;
			const failure = status === null ? 'unavailable' : 'malformed';
			const result = { ok: false, failure, reason, retry_after_s: null } as const;
			return { result, status, pointsLeft: null };
		}
		const now = this.#ports.clock();
		const result = call.read(answer, now);
		const budget = connect.budget(answer);
		if (budget !== null) this.#budgets.learn(bucket, budget);
		else if (!result.ok && result.failure === 'rate_limited' && result.retry_after_s !== null) {
			const reset_at = new Date(now.getTime() + result.retry_after_s * 1_000);
			this.#budgets.learn(bucket, { remaining: 0, reset_at });
		}
		return {
			// What a platform says of a refusal must not carry what it was sent.
			result: result.ok
				? result
				: { ...result, reason: without(result.reason, call, client, user) },
			status: answer.status,
			pointsLeft: budget?.remaining ?? null
		};
	}
}

function requireOwnAddress({ addresses }: Client, url: string): void {
	const { origin, pathname } = new URL(url);
	const isOwn = Object.values(addresses).some((address) => {
		const own = new URL(address);
		return (
			own.origin === origin &&
			(pathname === own.pathname || pathname.startsWith(own.pathname.replace(/\/?$/, '/')))
		);
	});
	if (!isOwn)
		throw new AppError('internal', `${origin}${pathname} is none of the platform’s addresses.`);
}

type Sent = HttpAnswer | { failed: string; status: number | null };

/** One request over the network. */
async function send({ request }: Call<unknown>): Promise<Sent> {
	const { host } = new URL(request.url);
	try {
		const response = await fetch(request.url, {
			method: request.method,
			headers: { accept: 'application/json', 'user-agent': USER_AGENT, ...request.headers },
			body: request.body,
			redirect: 'manual',
			signal: AbortSignal.timeout(TRY_MS)
		});
		const { status } = response;
		const body = await readBody(response);
		if (body === null) return { failed: `${host} answered more than ${MAX_BYTES} bytes`, status };
		return { status, headers: Object.fromEntries(response.headers), body };
	} catch (error) {
		return { failed: `no answer from ${host}: ${causeOf(error)}`, status: null };
	}
}

/** The body as text; null when it is too long. */
async function readBody(response: Response): Promise<string | null> {
	if (response.body === null) return '';
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of response.body) {
		length += part.byteLength;
		// Leaving the loop cancels the stream.
		if (length > MAX_BYTES) return null;
		parts.push(part);
	}
	return Buffer.concat(parts).toString('utf8');
}

/** The name of what went wrong: `ECONNREFUSED`, `TimeoutError`. Messages may repeat the request. */
function causeOf(error: unknown): string {
	if (!(error instanceof Error)) return 'unknown';
	const { cause } = error;
	if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
		return cause.code;
	return error.name;
}

/** The text without any secret of the request. */
function without(text: string, { request }: Call<unknown>, client: Client, user: string): string {
	const sent = [
		client.secret,
		...(request.headers.authorization ?? '').split(' '),
		...new URLSearchParams(request.body ?? '').values()
	];
	return sent
		.filter((value) => value != null && value.length >= 8 && value !== client.id && value !== user)
		.reduce<string>((clean, value) => clean.replaceAll(value ?? '', '…'), text);
}

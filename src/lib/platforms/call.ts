/**
 * How a platform is asked something over HTTP, without the platform doing it: a folder builds the
 * request and reads the answer, both pure; the server makes the call (`server/access`), which adds
 * what a folder must not know: time-outs, rate limits, tokens that end, and the fetch log.
 */
import type { z } from 'zod';

export interface HttpRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	/** Absolute, below one of the platform's addresses. */
	readonly url: string;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | null;
}

export interface HttpAnswer {
	readonly status: number;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** Why a call brought nothing, in words that all platforms share. */
export const callFailures = [
	/** The token is not, or no longer, good. */
	'unauthorized',
	/** The token is good but lacks a consent. */
	'forbidden',
	'not_found',
	/** It is there already. */
	'conflict',
	/** Asked too often; `retry_after_s` says when to ask again. */
	'rate_limited',
	/** The platform found the request itself wrong: asking again brings the same. */
	'rejected',
	/** No answer, or a 5xx: the platform's or the network's fault, to be tried again. */
	'unavailable',
	/** An answer that is not what the platform documents. */
	'malformed'
] as const;
export type CallFailure = (typeof callFailures)[number];

export type CallResult<Value> =
	| { readonly ok: true; readonly value: Value }
	| {
			readonly ok: false;
			readonly failure: CallFailure;
			/** For people: what the platform said, without secrets. */
			readonly reason: string;
			readonly retry_after_s: number | null;
	  };

export interface Call<Value> {
	/** For the fetch log: `twitch.followers`. */
	readonly name: string;
	readonly request: HttpRequest;
	/** Judges the answer. Never throws. `now` is the only clock (rate limits name instants). */
	read(answer: HttpAnswer, now: Date): CallResult<Value>;
}

/** One page of a list; `cursor` asks for the next, null at the end. */
export interface Page<Item> {
	readonly items: readonly Item[];
	readonly cursor: string | null;
	/** How many there are in all, where the platform tells. */
	readonly total: number | null;
}

/** The program that people consent to, as the platform knows it. */
export interface Client {
	readonly id: string;
	/** null for a public client (device code flow without a secret). */
	readonly secret: string | null;
	/** By the names that the platform gives its addresses; without a slash at the end. */
	readonly addresses: Readonly<Record<string, string>>;
}

/** What a call needs to be made on somebody's behalf. */
export interface Access extends Client {
	readonly access_token: string;
}

/** Where a platform's client is configured, and where the platform is. */
export interface ClientSettings {
	/** Environment variables: `TWITCH_CLIENT_ID`. */
	readonly id: string;
	readonly secret: string;
	/** Name → its variable and where the platform really is. */
	readonly addresses: Readonly<
		Record<string, { readonly variable: string; readonly address: string }>
	>;
	/** What ids and secrets look like. */
	readonly idForm: z.ZodType<string>;
	readonly secretForm: z.ZodType<string>;
}

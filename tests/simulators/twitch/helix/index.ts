/** `api.twitch.tv/helix`: who asks, how often they may, and which endpoint answers. */
import type { Clock } from '../clock.ts';
import { header, refuse, type Answer, type Asked } from '../http.ts';
import type { Access, Tokens } from '../tokens.ts';
import { RateLimit } from './rate.ts';

/** A request by somebody whose token is good. */
export interface Call {
	readonly asked: Asked;
	readonly access: Access;
}

export type Endpoint = (call: Call) => Answer;

export class Helix {
	readonly rate: RateLimit;
	readonly #tokens: Tokens;
	readonly #endpoints: Readonly<Record<string, Endpoint>>;

	/** @param endpoints by method and path, as `GET /users` */
	constructor(clock: Clock, tokens: Tokens, endpoints: Readonly<Record<string, Endpoint>>) {
		this.rate = new RateLimit(clock);
		this.#tokens = tokens;
		this.#endpoints = endpoints;
	}

	handle(asked: Asked): Answer {
		const authorization = header(asked, 'authorization');
		if (authorization === '') return refuse(401, 'OAuth token is missing');
		const clientId = header(asked, 'client-id');
		if (clientId === '') return refuse(401, 'Client ID is missing');
		const [, token = ''] = /^Bearer (\S+)$/.exec(authorization) ?? [];
		const access = this.#tokens.find(token);
		if (access === undefined) return refuse(401, 'Invalid OAuth token');
		if (access.clientId !== clientId) return refuse(401, 'Client ID and OAuth token do not match');
		const { isAllowed, headers } = this.rate.take(`${access.clientId} ${access.userId ?? ''}`);
		const answer = isAllowed ? this.#answer({ asked, access }) : refuse(429, 'Too Many Requests');
		return { ...answer, headers: { ...headers, ...answer.headers } };
	}

	#answer(call: Call): Answer {
		const path = call.asked.path.replace(/^\/helix/, '');
		const endpoint = this.#endpoints[`${call.asked.method} ${path}`];
		if (endpoint !== undefined) return endpoint(call);
		return refuse(404, `${call.asked.method} ${path} is no endpoint of this simulator`);
	}
}

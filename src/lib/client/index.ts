/**
 * The typed client of the REST API: every address, parameter and answer is known to the compiler,
 * from the same document that `/v1/openapi.json` serves.
 *
 *     const cuelight = createClient({ origin: 'http://127.0.0.1:4517', key: 'ck_api_…' });
 *     const { items } = await told(cuelight.GET('/v1/events', { params: { query: { limit: 5 } } }));
 *
 * It imports nothing of the product and runs in browsers, Node and Deno.
 */
import createOpenApiClient, { type Client, type ClientOptions } from 'openapi-fetch';
import type { components, paths } from './schema.ts';

export type { components, operations, paths } from './schema.ts';

/** A named shape of the API: `Schema<'Queue'>`. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];
export type Problem = Schema<'Problem'>;
export type Cuelight = Client<paths>;

export interface CuelightOptions extends Pick<ClientOptions, 'fetch'> {
	/** Where Cuelight runs; empty on a page that it serves itself. */
	origin?: string;
	/** `ck_api_…`; without it the browser's session counts. */
	key?: string;
}

/** A client for one Cuelight. Lists in queries go out as `a,b`. */
export const createClient = ({ origin = '', key, fetch }: CuelightOptions = {}): Cuelight =>
	createOpenApiClient<paths>({
		baseUrl: origin,
		headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
		querySerializer: { array: { style: 'form', explode: false } },
		...(fetch === undefined ? {} : { fetch })
	});

/** A refusal: `problem.code` is what programs decide by. */
export class Refused extends Error {
	readonly status: number;
	readonly problem: Problem | null;

	constructor(response: Response, problem: Problem | null) {
		super(`${response.status} ${problem?.code ?? ''} ${problem?.detail ?? response.statusText}`);
		this.name = 'Refused';
		this.status = response.status;
		this.problem = problem;
	}
}

interface Told<Data> {
	data?: Data | undefined;
	error?: unknown;
	response: Response;
}

/** What was answered. Throws `Refused` for everything but success. */
export async function told<Data>(asked: Promise<Told<Data>>): Promise<Data> {
	const { data, error, response } = await asked;
	if (response.ok && data !== undefined) return data;
	throw new Refused(response, isProblem(error) ? error : null);
}

const isProblem = (error: unknown): error is Problem =>
	typeof error === 'object' && error !== null && 'code' in error && 'detail' in error;

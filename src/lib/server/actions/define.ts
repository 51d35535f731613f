/**
 * An action is one thing that can be asked of Cuelight, said once: its name, address, permission,
 * the shape of what goes in and comes out, and what it does. REST, the pages and every later face
 * are made from the list in `index.ts`; none of them adds a rule of its own.
 *
 * Who may do it is decided by SQL, in the same transaction that does it. `permission` names that
 * rule for documents, and says which kind of principal an address is for at all.
 */
import type { z } from 'zod';
import type { Permission } from '$lib/bus/permission.ts';
import type { TransactionSql } from '$lib/server/backend/index.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import type { Locale } from '$lib/server/http/locale.ts';
import type { Services } from '$lib/server/services.ts';
import type { Principal } from './principal.ts';

/** `overlay`: an overlay page's session; `signed-in`: any member, program or phone. */
export type Audience = Permission | 'public' | 'signed-in' | 'overlay';
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** `application/x-ndjson`: a line of JSON for each entry; `output` is one of them. */
export type Media = 'application/json' | 'application/x-ndjson' | 'text/event-stream';

export interface ActionContext {
	readonly principal: Principal;
	readonly services: Services;
	/** Where this server is reached, for links in answers: `http://127.0.0.1:4517`. */
	readonly origin: string;
	readonly locale: Locale;
	/** Network address of the caller, for counting failures only. */
	readonly address: string;
	readonly userAgent: string;
	/** Headers of the answer; actions add cookies here. */
	readonly answer: Headers;
	readonly signal: AbortSignal;
	/** `Last-Event-ID` of a stream that resumes. */
	readonly lastEventId: string | null;
	/** Runs statements as the principal, in one transaction. All effects of a write go this way. */
	as<T>(run: (sql: TransactionSql) => Promise<T>): Promise<T>;
}

interface Definition<Input extends z.ZodType, Output extends z.ZodType> {
	/** `events.cancel`: stable, for logs, documents and other faces. */
	id: string;
	summary: string;
	method: Method;
	/** Below /v1; a `{name}` takes a UUID. */
	path: string;
	permission: Audience;
	/** One object of path parameters, and query (GET) or body (others). Unknown fields are refused. */
	input: Input;
	output: Output;
	status?: 200 | 201;
	/** A stream answers `text/event-stream`; everything else JSON. */
	media?: Media;
	/** Read again and again by those who watch: its answer has an ETag, and 304 says "as before". */
	polled?: boolean;
	run(context: ActionContext, input: z.output<Input>): Promise<z.output<Output> | Response>;
}

export interface Action {
	readonly id: string;
	readonly summary: string;
	readonly method: Method;
	readonly path: string;
	readonly permission: Audience;
	readonly input: z.ZodType;
	readonly output: z.ZodType;
	readonly status: 200 | 201;
	readonly media: Media;
	readonly polled: boolean;
	/** Judges the input and runs. A `Response` (a stream) goes out as it is. */
	handle(context: ActionContext, input: unknown): Promise<unknown>;
}

/** Declares an action. */
export function defineAction<Input extends z.ZodType, Output extends z.ZodType>(
	definition: Definition<Input, Output>
): Action {
	const { id, summary, method, path, permission, input, output, status = 200 } = definition;
	const { media = 'application/json', polled = false } = definition;
	return {
		id,
		summary,
		method,
		path,
		permission,
		input,
		output,
		status,
		media,
		polled,
		handle: async (context, raw) => definition.run(context, parseInput(input, raw))
	};
}

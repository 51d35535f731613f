/**
 * The one place where a refusal becomes an answer: RFC 9457 problem documents with a stable
 * `code`. Expected refusals are `AppError`; anything else is logged by the caller and answered as
 * a plain 500 that gives nothing away.
 */
import { AppError, errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import type { z } from 'zod';

export interface Problem {
	type: 'about:blank';
	title: string;
	status: number;
	code: ErrorCode;
	detail: string;
	issues?: readonly { path: string; message: string }[];
	/** The request's id, which the server's log knows too. */
	instance: string;
}

/** Foreign and missing things must look alike to the last byte, so the text is one for all. */
const NOT_FOUND = 'There is nothing here that you may see: check the address and the id.';
const MAX_ISSUES = 20;

/** What the client learns about an error; `internal` for everything that is no `AppError`. */
export function problemOf(error: unknown, requestId: string): Problem {
	const code = error instanceof AppError ? error.code : 'internal';
	const { status, title } = errorCodes[code];
	const problem: Problem = {
		type: 'about:blank',
		title,
		status,
		code,
		detail:
			code === 'not_found'
				? NOT_FOUND
				: error instanceof AppError && code !== 'internal'
					? error.message
					: `The server's log has the reason under ${requestId}.`,
		instance: requestId
	};
	if (error instanceof AppError && error.issues.length > 0)
		problem.issues = error.issues.slice(0, MAX_ISSUES);
	return problem;
}

/** The answer to a refused request. */
export function problemResponse(error: unknown, requestId: string): Response {
	const problem = problemOf(error, requestId);
	const headers = new Headers({
		'content-type': 'application/problem+json',
		'cache-control': 'no-store',
		'x-request-id': requestId
	});
	if (problem.code === 'unauthenticated') headers.set('www-authenticate', 'Bearer');
	// What was not read of the body is not waited for.
	if (problem.code === 'payload_too_large') headers.set('connection', 'close');
	const retryAfter =
		error instanceof AppError ? error.retryAfter : problem.code === 'unavailable' ? 1 : null;
	if (retryAfter !== null || problem.code === 'unavailable')
		headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfter ?? 1))));
	return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Judges an input by its schema. Throws `invalid_input` that names every place. */
export function parseInput<Schema extends z.ZodType>(
	schema: Schema,
	input: unknown
): z.output<Schema> {
	const result = schema.safeParse(input);
	if (!result.success) throw refusalOfInput(result.error);
	return result.data;
}

/** A failed parse as a refusal that names every place, in the words of the schema. */
function refusalOfInput(error: z.ZodError): AppError {
	const issues = error.issues.flatMap((issue) => {
		const path = issue.path.map(String).join('.');
		if (issue.code === 'unrecognized_keys')
			return issue.keys.map((key) => ({
				path: [path, key.slice(0, 60)].filter(Boolean).join('.'),
				message: 'is not a known field'
			}));
		return [{ path, message: issue.message }];
	});
	const first = issues[0];
	return new AppError(
		'invalid_input',
		first ? `${first.path || 'The input'}: ${first.message}` : 'The input is not valid.',
		{ issues }
	);
}

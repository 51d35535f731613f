/**
 * Expected refusals. The code is the contract (stable, in problem documents, GraphQL extensions
 * and socket answers); the message is for people and names the part, the value and the way out.
 * SQL raises the same codes as `errcode` 'CU' + three digits; the table below maps them.
 */
export const errorCodes = {
	invalid_input: { status: 400, title: 'The input is not valid', sqlstate: 'CU400' },
	unauthenticated: { status: 401, title: 'Sign in or send a key', sqlstate: 'CU401' },
	forbidden: { status: 403, title: 'You may not do this', sqlstate: 'CU403' },
	not_found: { status: 404, title: 'There is no such thing here', sqlstate: 'CU404' },
	method_not_allowed: {
		status: 405,
		title: 'This address does not take that method',
		sqlstate: 'CU405'
	},
	conflict: { status: 409, title: 'The state does not allow this', sqlstate: 'CU409' },
	gone: { status: 410, title: 'This is no longer available', sqlstate: 'CU410' },
	payload_too_large: { status: 413, title: 'The body is too large', sqlstate: 'CU413' },
	unsupported_media_type: { status: 415, title: 'The body must be JSON', sqlstate: 'CU415' },
	misdirected: {
		status: 421,
		title: 'This server does not answer for that host',
		sqlstate: 'CU421'
	},
	idempotency_mismatch: {
		status: 422,
		title: 'The Idempotency-Key was used for another request',
		sqlstate: 'CU422'
	},
	too_many_requests: { status: 429, title: 'Too many requests', sqlstate: 'CU429' },
	internal: { status: 500, title: 'Something went wrong here', sqlstate: 'CU500' },
	unavailable: {
		status: 503,
		title: 'The database is not available for the moment',
		sqlstate: 'CU503'
	}
} as const;
export type ErrorCode = keyof typeof errorCodes;

export class AppError extends Error {
	readonly code: ErrorCode;
	/** Where in the input it went wrong, when it did: `[{ path: 'limit', message: '…' }]`. */
	readonly issues: readonly { path: string; message: string }[];
	/** Seconds after which trying again makes sense. */
	readonly retryAfter: number | null;

	constructor(
		code: ErrorCode,
		message: string,
		options: ErrorOptions & {
			issues?: readonly { path: string; message: string }[];
			retryAfter?: number;
		} = {}
	) {
		super(message, options);
		this.name = 'AppError';
		this.code = code;
		this.issues = options.issues ?? [];
		this.retryAfter = options.retryAfter ?? null;
	}

	get status(): number {
		return errorCodes[this.code].status;
	}
}

/** The code that a SQLSTATE stands for, or null when it is not one of ours. */
export function codeOfSqlstate(sqlstate: string): ErrorCode | null {
	for (const [code, entry] of Object.entries(errorCodes))
		if (entry.sqlstate === sqlstate) return code as ErrorCode;
	return null;
}

/**
 * What the database refuses, in the product's words. SQL raises the codes of bus/error.ts as
 * SQLSTATE `CU…`; what PostgreSQL itself objects to in a value is the sender's mistake; a database
 * that is away, restarting or overburdened is a matter of trying again. Anything else stays what
 * it is: a fault of ours, for the log.
 */
import type { z } from 'zod';
import { AppError, codeOfSqlstate } from '$lib/bus/error.ts';

/** Classes of SQLSTATE, or whole codes, after which the same call may succeed a little later. */
const TRANSIENT = [
	'08', // connection exception
	'40001', // serialization failure
	'40P01', // deadlock
	'53', // out of memory, disk or connections
	'55P03', // lock timeout
	'57' // shut down, starting up, statement timeout
];

/** Values that cannot be stored: U+0000, no date, out of range, violates a check. */
const UNSTORABLE = ['22', '23514'];

/** What Node and the driver call a connection that cannot be made or was lost. */
const CONNECTION = new Set([
	'ECONNREFUSED',
	'ECONNRESET',
	'ENOENT', // the Unix socket of a server that is not running
	'ENOTFOUND',
	'EPIPE',
	'ETIMEDOUT',
	'CONNECTION_CLOSED',
	'CONNECTION_DESTROYED',
	'CONNECTION_ENDED',
	'CONNECT_TIMEOUT'
]);

const RETRY_AFTER_S = 2;

/** The AppError that an error of a statement stands for, or the error itself. */
export function refusalOf(error: unknown): unknown {
	if (error instanceof AppError || !(error instanceof Error)) return error;
	const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
	const ours = codeOfSqlstate(code);
	if (ours !== null) return new AppError(ours, error.message, { cause: error });
	if (CONNECTION.has(code) || TRANSIENT.some((known) => code.startsWith(known)))
		return new AppError('unavailable', 'The database is not available for the moment: try again.', {
			cause: error,
			retryAfter: RETRY_AFTER_S
		});
	if (UNSTORABLE.some((known) => code.startsWith(known)))
		return new AppError('invalid_input', `A value cannot be stored: ${error.message}`, {
			cause: error
		});
	return error;
}

/**
 * Runs `select … as answer` and parses the one answer.
 * @throws AppError for an expected refusal; other errors as they come.
 */
export async function ask<Schema extends z.ZodType>(
	schema: Schema,
	query: PromiseLike<readonly { answer?: unknown }[]>
): Promise<z.infer<Schema>> {
	let rows: readonly { answer?: unknown }[];
	try {
		rows = await query;
	} catch (error) {
		throw refusalOf(error);
	}
	return schema.parse(rows[0]?.answer);
}

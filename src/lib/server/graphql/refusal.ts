/**
 * What went wrong, as GraphQL says it: `extensions.code` and the rest come from the one place where
 * refusals become answers (`http/problem.ts`), so that both faces say the same.
 */
import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { AppError, errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import { refusalOf } from '$lib/server/backend/statements/refusal.ts';
import { problemOf } from '$lib/server/http/problem.ts';
import type { Log } from '$lib/server/log.ts';
import type { GraphqlContext } from './builder.ts';

/** A refusal as a GraphQL error. */
export function graphqlError(error: unknown, requestId: string): GraphQLError {
	const { code, title, status, detail, issues, instance } = problemOf(error, requestId);
	const retryAfter = error instanceof AppError ? error.retryAfter : null;
	return new GraphQLError(detail, {
		extensions: {
			code,
			title,
			status,
			instance,
			...(issues === undefined ? {} : { issues }),
			...(retryAfter === null ? {} : { retryAfter: Math.max(1, Math.ceil(retryAfter)) })
		}
	});
}

/** Runs a resolver; whatever it throws becomes a refusal that gives nothing away. */
export async function refusing<T>(context: GraphqlContext, run: () => Promise<T>): Promise<T> {
	try {
		return await run();
	} catch (thrown) {
		const error = refusalOf(thrown);
		const { requestId, caller } = context;
		if (!(error instanceof AppError) || error.code === 'internal')
			caller.services.log.error('a request failed', {
				request: requestId,
				path: '/graphql',
				error
			});
		throw graphqlError(error, requestId);
	}
}

const codeOfStatus = (status: number): ErrorCode => {
	for (const code of ['method_not_allowed', 'unsupported_media_type'] as const)
		if (errorCodes[code].status === status) return code;
	return 'invalid_input';
};

/** What GraphQL itself finds wrong (syntax, names, limits) is wrong input; the rest stays inside. */
export function maskError(log: Log) {
	return (thrown: unknown): Error => {
		// A resolver's refusal comes wrapped, with its place in the query; so does what a scalar says
		// of a variable, which has no code yet.
		const isOurs =
			thrown instanceof GraphQLError &&
			(thrown.originalError === undefined || thrown.originalError instanceof GraphQLError);
		if (!isOurs) {
			log.error('a query failed', { error: thrown });
			return graphqlError(new AppError('internal', 'See the log.'), 'unknown');
		}
		if (typeof thrown.extensions.code === 'string' && thrown.extensions.code in errorCodes)
			return thrown;
		const http = thrown.extensions.http;
		const code = codeOfStatus(
			typeof http === 'object' && http !== null && 'status' in http ? Number(http.status) : 400
		);
		const { status, title } = errorCodes[code];
		return new GraphQLError(thrown.message, {
			nodes: thrown.nodes,
			source: thrown.source,
			positions: thrown.positions,
			path: thrown.path,
			extensions: { code, title, status, ...(http === undefined ? {} : { http }) }
		});
	};
}

/** What never ran (a query that is not valid) goes through the same mapper as what did. */
export function oneMapper(log: Log): Plugin {
	const mask = maskError(log);
	return {
		onResultProcess({ result, setResult }) {
			if (Array.isArray(result) || !('errors' in result) || result.errors === undefined) return;
			const errors = result.errors.map((error) => {
				const masked = mask(error);
				return masked instanceof GraphQLError ? masked : new GraphQLError(masked.message);
			});
			setResult({ ...result, errors });
		}
	};
}

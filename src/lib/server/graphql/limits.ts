/**
 * What a query may ask at once. Its tokens are counted before it is parsed, its depth, aliases and
 * cost before it runs; strangers learn nothing about the schema from questions or from mistakes.
 */
import { costLimitPlugin } from '@escape.tech/graphql-armor-cost-limit';
import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import { GraphQLError, NoSchemaIntrospectionCustomRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { GraphqlContext } from './builder.ts';

export const limits = { tokens: 1_000, depth: 8, aliases: 15, cost: 2_500 } as const;

/** `hides`: whether strangers may not read the schema. */
export function limitPlugins(hides: boolean): Plugin<GraphqlContext>[] {
	const { tokens, depth, aliases, cost } = limits;
	return [
		maxTokensPlugin({ n: tokens }),
		maxDepthPlugin({ n: depth }),
		maxAliasesPlugin({ n: aliases }),
		costLimitPlugin({ maxCost: cost, objectCost: 2, scalarCost: 1, depthCostFactor: 1.5 }),
		...(hides ? [strangersSeeNothing] : [])
	];
}

const SUGGESTION = / Did you mean .+\?$/s;

const strangersSeeNothing: Plugin<GraphqlContext> = {
	onValidate({ context, addValidationRule }) {
		if (context.caller.principal.kind !== 'anonymous') return undefined;
		addValidationRule(NoSchemaIntrospectionCustomRule);
		return ({ result, setResult }) => {
			const errors: readonly unknown[] = result;
			if (errors.length > 0) setResult(errors.map(withoutSuggestion));
		};
	}
};

function withoutSuggestion(error: unknown): GraphQLError {
	if (!(error instanceof GraphQLError)) return new GraphQLError('The query is not valid.');
	const { nodes, source, positions, path } = error;
	const message = error.message.replace(SUGGESTION, '');
	return new GraphQLError(message, { nodes, source, positions, path });
}

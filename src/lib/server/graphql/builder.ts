/** The Pothos builder, what a resolver knows, and the scalars that JSON Schema has and GraphQL has not. */
import SchemaBuilder from '@pothos/core';
import { GraphQLError, valueFromASTUntyped } from 'graphql';
import type { Caller } from '$lib/server/actions/call.ts';
import type { Standing } from '$lib/server/http/rates.ts';

export interface GraphqlContext {
	readonly caller: Caller;
	readonly requestId: string;
	/** `Idempotency-Key` of the request. */
	readonly key: string | null;
	/** Headers of the answer, for actions that add to them. */
	readonly answer: Headers;
	/** Counts one more action; the first is paid for by the request itself. */
	take(): Standing | null;
}

/** An object as an action answers it: its fields in snake_case. */
export type Row = Readonly<Record<string, unknown>>;

interface Kinds {
	Context: GraphqlContext;
	Scalars: {
		DateTime: { Input: string; Output: unknown };
		UUID: { Input: string; Output: unknown };
		SafeInt: { Input: number; Output: unknown };
		JSON: { Input: unknown; Output: unknown };
	};
}

export type Builder = ReturnType<typeof createBuilder>;

const text = (name: string) => (value: unknown) => {
	if (typeof value !== 'string') throw new GraphQLError(`${name} is text.`);
	return value;
};

/** A builder with our scalars. What a value must look like is judged by the action's own schema. */
export function createBuilder() {
	const builder = new SchemaBuilder<Kinds>({});
	builder.scalarType('DateTime', {
		description: 'An instant, as ISO 8601 with its zone: `2026-11-21T20:15:00.000Z`.',
		serialize: (value) => value,
		parseValue: text('DateTime')
	});
	builder.scalarType('UUID', {
		description: 'An id.',
		serialize: (value) => value,
		parseValue: text('UUID')
	});
	builder.scalarType('SafeInt', {
		description: 'A whole number of up to 53 bits, where Int has 32.',
		serialize: (value) => value,
		parseValue: (value) => {
			if (!Number.isSafeInteger(value)) throw new GraphQLError('SafeInt is a whole number.');
			return Number(value);
		}
	});
	builder.scalarType('JSON', {
		description: 'Any JSON value, kept as it is: the names inside it are not changed.',
		serialize: (value) => value,
		parseValue: (value) => value,
		parseLiteral: (node, variables) => valueFromASTUntyped(node, variables)
	});
	return builder;
}

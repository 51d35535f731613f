/** The GraphQL schema: the fields of `fields.ts` over their actions, and the subscriptions. */
import { createHash } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { AppError } from '$lib/bus/error.ts';
import { callAction } from '$lib/server/actions/call.ts';
import type { Action } from '$lib/server/actions/define.ts';
import { nameSchemas, pascal } from '../openapi/names.ts';
import { Components, resolve } from '../openapi/schema.ts';
import type { Schema } from '../openapi/types.ts';
import { createBuilder, type Builder, type GraphqlContext } from './builder.ts';
import { mutations, queries, type FieldEntry } from './fields.ts';
import { refusing } from './refusal.ts';
import { addSubscriptions } from './subscriptions.ts';
import { camel, listOf, Types } from './types.ts';

/** The schema over a list of actions. Throws for a field whose action is not there. */
export function createSchema(actions: readonly Action[]): GraphQLSchema {
	nameSchemas(actions);
	const components = new Components();
	const builder = createBuilder();
	const types = new Types(builder, components.schemas);
	const add = (entries: Readonly<Record<string, FieldEntry>>, kind: 'query' | 'mutation') =>
		Object.entries(entries).map(([name, entry]) => {
			const action = actions.find(({ id }) => id === entry.action);
			if (action === undefined) throw new Error(`${name}: there is no action ${entry.action}.`);
			return field(builder, types, components, { name, entry, action, kind });
		});
	builder.queryType({ description: 'What is.' });
	builder.mutationType({ description: 'What is to be done.' });
	add(queries, 'query');
	add(mutations, 'mutation');
	addSubscriptions(builder, types, components);
	return builder.toSchema();
}

interface Field {
	name: string;
	entry: FieldEntry;
	action: Action;
	kind: 'query' | 'mutation';
}

function field(
	builder: Builder,
	types: Types,
	components: Components,
	{ name, entry, action, kind }: Field
): void {
	const { input, pick, as = {} } = entry;
	const sent = resolve(components.of(action.input, 'input'), components.schemas);
	const whole = components.of(action.output, 'output');
	const picked =
		pick === undefined ? whole : (resolve(whole, components.schemas).properties?.[pick] ?? {});
	const shape = types.shapeOf(picked);
	// A name that only says which action answered is worth less than ours.
	const own = entry.type !== undefined && pick === undefined;
	const type = entry.isDone
		? ('Boolean' as const)
		: types.output(
				own ? resolve(shape.item, components.schemas) : shape.item,
				name,
				entry.type ?? pascal(name)
			);
	const description = `${action.summary} Permission: ${action.permission}.`;
	const ask = async (
		args: Readonly<Record<string, unknown>>,
		context: GraphqlContext,
		place: string
	) => {
		const given = input === undefined ? args : (args[input.argument] ?? {});
		const answer = await callOne(action, rename(given, sent), context, place);
		if (entry.isDone) return true;
		return pick === undefined ? answer : valueOf(answer, pick);
	};
	const build = builder[kind === 'query' ? 'queryField' : 'mutationField'].bind(builder);
	build(name, (t) => {
		const args =
			input !== undefined
				? {
						[input.argument]: t.arg({
							type: types.inputObject(input.type, sent, as),
							required: input.required
						})
					}
				: Object.fromEntries(
						Object.entries(sent.properties ?? {}).map(([key, one]) => {
							const { isList, item } = types.shapeOf(one);
							const required = (sent.required ?? []).includes(key);
							const argument = types.input(item, key, pascal(name) + pascal(key));
							return [
								camel(key),
								isList
									? t.arg({ type: [argument], required: { list: required, items: true } })
									: t.arg({ type: argument, required })
							];
						})
					);
		// Null where it was refused: one field's refusal does not take the others with it.
		return shape.isList && !entry.isDone
			? t.field({
					type: [type],
					nullable: { list: true, items: shape.itemNullable },
					description,
					args,
					resolve: (_, given, context, { path }) =>
						refusing(context, async () => listOf(await ask(given, context, String(path.key))))
				})
			: t.field({
					type,
					nullable: true,
					description,
					args,
					resolve: (_, given, context, { path }) =>
						refusing(context, () => ask(given, context, String(path.key)))
				});
	});
}

/** Calls an action for one field of a request; each field is counted and repeated by itself. */
async function callOne(
	action: Action,
	input: unknown,
	{ caller, answer, key, take }: GraphqlContext,
	place: string
): Promise<unknown> {
	const standing = take();
	if (standing?.refusal) throw standing.refusal;
	const once =
		key === null || action.method === 'GET'
			? null
			: { key: keyOf(key, place), path: `/graphql ${place}`, body: JSON.stringify(input) };
	const result = await callAction({ action, caller, input, answer, once });
	if (result instanceof Response) throw new AppError('internal', `${action.id} answers a stream.`);
	return result;
}

/** A request may do several things under one key: each has its own, made from that and its name. */
const keyOf = (key: string, place: string): string =>
	`graphql-${createHash('sha256').update(`${key}\n${place}`).digest('base64url')}`;

/** Arguments as the action's input: names in snake_case, and null left out where it means nothing. */
function rename(given: unknown, { properties = {} }: Schema): Record<string, unknown> {
	const names = new Map(Object.keys(properties).map((name) => [camel(name), name]));
	if (typeof given !== 'object' || given === null) return {};
	const entries = Object.entries(given).flatMap(([key, value]) => {
		const name = names.get(key) ?? key;
		return value === null && !allowsNull(properties[name] ?? {}) ? [] : [[name, value] as const];
	});
	return Object.fromEntries(entries);
}

const allowsNull = ({ type, anyOf }: Schema): boolean =>
	(Array.isArray(type) && type.includes('null')) ||
	(anyOf ?? []).some((one) => one.type === 'null');

const valueOf = (answer: unknown, name: string): unknown =>
	typeof answer === 'object' && answer !== null ? Reflect.get(answer, name) : null;

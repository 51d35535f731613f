/**
 * zod schemas as JSON Schema, the named ones collected as components. What zod writes is correct
 * but noisy (the pattern beside each `uuid`, the limits of safe integers): what only repeats is
 * left out.
 */
import { z } from 'zod';
import type { Schema } from './types.ts';

type Io = 'input' | 'output';
type Written = z.core.JSONSchema.BaseSchema;

const COMPONENT = '#/components/schemas/';
/** zod's own name for a schema that refers to itself and has no other. */
const UNNAMED = /^__schema\d+$/;
const Default = z.object({ defaultValue: z.json() });
const Values = z.array(z.json());

export class Components {
	readonly schemas: Record<string, Schema> = {};

	/** A schema as it is sent (`input`) or answered (`output`). */
	of(schema: z.ZodType, io: Io): Schema {
		const { $defs = {}, ...json }: Written = z.toJSONSchema(schema, {
			io,
			unrepresentable: 'any',
			override: ({ zodSchema, jsonSchema }) => {
				// Before a conversion a default is lost otherwise.
				if (io !== 'input' || zodSchema._zod.def.type !== 'default') return;
				const { data } = Default.safeParse(zodSchema._zod.def);
				if (data !== undefined) jsonSchema.default = data.defaultValue;
			}
		});
		const names = new Map(
			Object.entries($defs).map(([id, one]) => [id, nameFor(id, one, io)] as const)
		);
		for (const [id, one] of Object.entries($defs))
			this.schemas[names.get(id) ?? id] ??= tidy(one, names, io);
		return tidy(json, names, io);
	}
}

/** What goes in may differ from what comes out, by its defaults: then it has another name. */
function nameFor(id: string, { anyOf, type }: Written, io: Io): string {
	// The recursive union that `z.json()` is.
	if (UNNAMED.test(id)) return anyOf?.length === 6 ? 'Json' : id.replace(/^_+s/, 'S');
	return io === 'input' && type === 'object' ? `${id}Input` : id;
}

const FORMATS_WITH_PATTERN = new Set(['uuid', 'date-time', 'email', 'uri']);
const isSafeLimit = (limit: number) => Math.abs(limit) === Number.MAX_SAFE_INTEGER;

/** The keywords that matter, in one order, with references as an OpenAPI document writes them. */
function tidy(json: Written | boolean, names: ReadonlyMap<string, string>, io: Io): Schema {
	if (typeof json === 'boolean') return json ? {} : { allOf: [{ enum: [] }] };
	const walk = (one: Written | boolean) => tidy(one, names, io);
	const schema: Schema = {};
	if (typeof json.$ref === 'string') {
		const id = json.$ref.replace('#/$defs/', '');
		schema.$ref = COMPONENT + (names.get(id) ?? id);
	}
	if (json.type !== undefined) schema.type = json.type;
	if (json.format !== undefined) schema.format = json.format;
	if (json.description !== undefined) schema.description = json.description;
	if (json.pattern !== undefined && !FORMATS_WITH_PATTERN.has(json.format ?? ''))
		schema.pattern = json.pattern;
	if (json.properties !== undefined)
		schema.properties = Object.fromEntries(
			Object.entries(json.properties).map(([name, one]) => [name, walk(one)])
		);
	if (json.required !== undefined) schema.required = json.required;
	const { additionalProperties: more, items } = json;
	// An answer may say more one day; only what is sent is refused for it.
	if (more !== undefined && (more !== false || io === 'input'))
		schema.additionalProperties = typeof more === 'boolean' ? more : walk(more);
	if (items !== undefined && !Array.isArray(items)) schema.items = walk(items);
	if (json.prefixItems !== undefined) schema.prefixItems = json.prefixItems.map(walk);
	for (const union of ['anyOf', 'oneOf', 'allOf'] as const)
		if (json[union] !== undefined) schema[union] = json[union].map(walk);
	for (const limit of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const) {
		const value = json[limit];
		if (typeof value === 'number' && !isSafeLimit(value)) schema[limit] = value;
	}
	for (const limit of ['minLength', 'maxLength', 'minItems', 'maxItems'] as const)
		if (json[limit] !== undefined) schema[limit] = json[limit];
	if (json.enum !== undefined) schema.enum = Values.parse(json.enum);
	if (json.const !== undefined) schema.const = z.json().parse(json.const);
	if (json.default !== undefined) schema.default = z.json().parse(json.default);
	return schema;
}

/** The component that a schema refers to, by name. */
export const nameOf = (schema: Schema): string | null =>
	schema.$ref?.startsWith(COMPONENT) === true ? schema.$ref.slice(COMPONENT.length) : null;

/** What a reference points to; a schema that is none is itself. */
export function resolve(schema: Schema, schemas: Readonly<Record<string, Schema>>): Schema {
	const name = nameOf(schema);
	return name === null ? schema : (schemas[name] ?? {});
}

/**
 * Example values, made from the schemas themselves: what a field's name says best, else the first
 * value that its schema allows. A test lets every example be judged by the schema it stands for.
 */
import { resolve } from './schema.ts';
import type { JsonValue, Schema } from './types.ts';

const EVENT_TYPE = '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$';
const INSTANT = '2026-11-21T20:15:00.000Z';
const ID = '6f1c2f5e-8a43-4c7e-9d25-0b7e4f3a1c90';

/** By name; used where the schema allows a value of that kind. */
const byName: Readonly<Record<string, JsonValue>> = {
	event_type: 'twitch:follower',
	event_types: ['twitch:follower'],
	types: ['twitch:follower'],
	platform: 'twitch',
	name: 'Main scene',
	login: 'cuelight',
	channel_id: '141981764',
	channel_name: 'Cuelight',
	secret: 'a-secret-of-your-choosing',
	email: 'you@example.com',
	password: 'curtain up at eight',
	account: 'My channel',
	token: 'x1q…',
	key: 'ck_overlay_…',
	lane: 'main',
	pattern: 'twitch:*',
	field: 'data.user.login',
	search: 'mara',
	data: { user: { id: '141981764', login: 'mara', name: 'Mara' } },
	title: 'New follower',
	url: 'http://127.0.0.1:4517/overlay#ck_overlay_…',
	locale: 'en'
};

/** Which kind of value a schema is for. */
function kindOf(schema: Schema): string {
	if (schema.enum !== undefined || schema.const !== undefined) return 'fixed';
	const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
	return type ?? 'any';
}

function fits(value: JsonValue, schema: Schema, schemas: Readonly<Record<string, Schema>>) {
	const kind = kindOf(schema);
	if (value === null) return allowsNull(schema);
	if (kind === 'array') {
		// A list of something else than text has no value by name.
		const item = resolve(schema.items ?? {}, schemas);
		return Array.isArray(value) && kindOf(item) === 'string';
	}
	if (kind === 'object')
		return typeof value === 'object' && !Array.isArray(value) && schema.properties === undefined;
	if (kind !== 'string' || typeof value !== 'string' || schema.format !== undefined) return false;
	return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value);
}

const allowsNull = ({ type, anyOf }: Schema): boolean =>
	type === 'null' ||
	(Array.isArray(type) && type.includes('null')) ||
	(anyOf ?? []).some((one) => allowsNull(one));

/** An example of a schema; `name` is the field it stands in. */
export function sampleOf(
	given: Schema,
	schemas: Readonly<Record<string, Schema>>,
	name = '',
	depth = 0
): JsonValue {
	const schema = resolve(given, schemas);
	if (schema.const !== undefined) return schema.const;
	if (schema.enum !== undefined) return schema.enum[0] ?? null;
	const union = schema.anyOf ?? schema.oneOf;
	if (union !== undefined) {
		const first = union.find((one) => !(one.type === 'null'));
		return first === undefined || depth > 6 ? null : sampleOf(first, schemas, name, depth);
	}
	const known = byName[name];
	if (known !== undefined && fits(known, schema, schemas)) return known;
	if (schema.default !== undefined) return schema.default;
	switch (kindOf(schema)) {
		case 'object':
			return sampleOfObject(schema, schemas, depth);
		case 'array':
			if (schema.items === undefined || depth > 5) return [];
			return [sampleOf(schema.items, schemas, name.replace(/s$/, ''), depth + 1)];
		case 'string':
			return name === 'at' || name.endsWith('_at') ? INSTANT : sampleOfText(schema);
		case 'integer':
		case 'number':
			return Math.max(schema.minimum ?? 1, (schema.exclusiveMinimum ?? 0) + 1);
		case 'boolean':
			return true;
		case 'null':
			return null;
		default:
			return {};
	}
}

function sampleOfObject(
	{ properties = {}, additionalProperties }: Schema,
	schemas: Readonly<Record<string, Schema>>,
	depth: number
): JsonValue {
	const fields = Object.entries(properties).map(
		([key, one]) => [key, sampleOf(one, schemas, key, depth + 1)] as const
	);
	if (fields.length === 0 && typeof additionalProperties === 'object') return {};
	return Object.fromEntries(fields);
}

function sampleOfText({ format, pattern, minLength = 0 }: Schema): string {
	if (pattern === EVENT_TYPE) return 'twitch:follower';
	if (pattern?.startsWith('^custom:')) return 'custom:high_score';
	if (format === 'uuid') return ID;
	if (format === 'date-time') return INSTANT;
	if (format === 'email') return 'you@example.com';
	if (format === 'uri') return 'https://example.com/';
	return 'text'.padEnd(minLength, ' text');
}

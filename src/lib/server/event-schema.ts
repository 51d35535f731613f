/**
 * JSON Schemas that people write for the data of their own event types. Ajv judges by them; what
 * they may say is bounded here first, so that no schema and no data keep the server busy: each part
 * of a schema meets each part of the data at most once, and both are small. Hence no `$ref`, which
 * could repeat parts, no `uniqueItems`, which compares all with all, and no `pattern`, as a regular
 * expression can take for ever: `enum`, `format` and lengths say most of it.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Text, type JsonObject } from '$lib/bus/event.ts';

const MAX_LENGTH = 16_384;
const MAX_DEPTH = 10;
const MAX_PARTS = 200;
/** Parts times characters up to which every mistake is looked for, not only the first. */
const THOROUGH = 200_000;
const KEPT = 200;

export interface Issue {
	path: string;
	message: string;
}

const formats = {
	'date-time': z.iso.datetime({ offset: true }),
	date: z.iso.date(),
	email: z.email(),
	uri: z.url(),
	uuid: z.uuid()
};

const Type = z.enum(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
const Scalar = z.union([Text(500), z.number(), z.boolean(), z.null()]);
const Limit = z.int().min(0);
/** The words of a schema but for those that hold further schemas. */
const words: Readonly<Record<string, z.ZodType>> = {
	type: z.union([Type, z.array(Type).min(1).max(7)]),
	title: Text(200),
	description: Text(1000),
	default: z.json(),
	examples: z.array(z.json()),
	enum: z.array(Scalar).min(1).max(100),
	const: Scalar,
	format: z.enum(['date-time', 'date', 'email', 'uri', 'uuid']),
	minimum: z.number(),
	maximum: z.number(),
	exclusiveMinimum: z.number(),
	exclusiveMaximum: z.number(),
	multipleOf: z.number().positive(),
	minLength: Limit,
	maxLength: Limit,
	minItems: Limit,
	maxItems: Limit,
	minProperties: Limit,
	maxProperties: Limit,
	required: z.array(Text(100)).max(MAX_PARTS)
};
const single = ['items', 'not'];
const several = ['allOf', 'anyOf', 'oneOf'];
const Part = z.record(z.string(), z.json());

/** What is wrong with a schema; nothing when data can be judged by it. */
export function schemaIssues(schema: JsonObject): Issue[] {
	if (JSON.stringify(schema).length > MAX_LENGTH)
		return [{ path: '', message: `is longer than ${MAX_LENGTH} characters` }];
	const issues: Issue[] = [];
	let parts = 0;
	const walk = (value: unknown, path: string, depth: number): void => {
		const refuse = (key: string, message: string) =>
			issues.push({ path: [path, key].filter(Boolean).join('.'), message });
		const { data: part } = Part.safeParse(value);
		if (part === undefined) return void refuse('', 'must be a schema: an object');
		if (depth > MAX_DEPTH) return void refuse('', `nests deeper than ${MAX_DEPTH}`);
		if (++parts === MAX_PARTS + 1)
			return void refuse('', `is one part too many: a schema has at most ${MAX_PARTS}`);
		if (parts > MAX_PARTS) return;
		for (const [key, word] of Object.entries(part)) {
			const at = [path, key].filter(Boolean).join('.');
			if (key === '$schema') continue;
			if (single.includes(key)) walk(word, at, depth + 1);
			else if (key === 'additionalProperties') {
				if (typeof word !== 'boolean') walk(word, at, depth + 1);
			} else if (several.includes(key)) {
				const list = z.array(z.json()).min(1).max(20).safeParse(word);
				if (!list.success) refuse(key, 'must be a list of 1 to 20 schemas');
				list.data?.forEach((one, index) => walk(one, `${at}.${index}`, depth + 1));
			} else if (key === 'properties') {
				const named = Part.safeParse(word);
				if (!named.success) refuse(key, 'must be an object of schemas');
				for (const [name, one] of Object.entries(named.data ?? {}))
					if (name === '__proto__') refuse(key, 'must not name __proto__');
					else walk(one, `${at}.${name}`, depth + 1);
			} else if (!Object.hasOwn(words, key))
				refuse(key, `is not allowed here: use ${Object.keys(words).join(', ')}, or nested schemas`);
			else {
				const { error } = words[key]?.safeParse(word) ?? {};
				if (error !== undefined) refuse(key, error.issues[0]?.message ?? 'is not valid');
			}
		}
	};
	walk(schema, '', 1);
	if (schema.type !== undefined && schema.type !== 'object')
		issues.push({ path: 'type', message: 'must be object: the data of an event is one' });
	return issues;
}

interface Judge {
	parts: number;
	first: ValidateFunction;
	all: ValidateFunction;
}
/** Compiling takes milliseconds: the last ones are kept, by their text. */
const judges = new Map<string, Judge>();

function compile(schema: JsonObject, allErrors: boolean): ValidateFunction {
	const ajv = new Ajv({
		...{ strict: false, allErrors, ownProperties: true },
		...{ validateSchema: false, addUsedSchema: false, meta: false, logger: false }
	});
	for (const [name, format] of Object.entries(formats))
		ajv.addFormat(name, (text: string) => text.length <= 500 && format.safeParse(text).success);
	return ajv.compile(schema);
}

function judgeOf(schema: JsonObject): Judge {
	const text = JSON.stringify(schema);
	const known = judges.get(text);
	judges.delete(text);
	const judge = known ?? {
		parts: text.split('{').length,
		first: compile(schema, false),
		all: compile(schema, true)
	};
	judges.set(text, judge);
	for (const [oldest] of judges) if (judges.size > KEPT) judges.delete(oldest);
	return judge;
}

const Parameters = z.object({
	missingProperty: z.string().optional(),
	additionalProperty: z.string().optional(),
	allowedValues: z.array(z.json()).optional()
});

function issueOf({ instancePath, params, message }: ErrorObject, root: string): Issue {
	const { missingProperty, additionalProperty, allowedValues } = Parameters.parse(params);
	const steps = instancePath
		.split('/')
		.slice(1)
		.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
	const extra = missingProperty ?? additionalProperty;
	return {
		path: [root, ...steps, ...(extra === undefined ? [] : [extra.slice(0, 60)])].join('.'),
		message:
			missingProperty !== undefined
				? 'is missing'
				: additionalProperty !== undefined
					? 'is not a known field'
					: allowedValues !== undefined
						? `must be one of ${JSON.stringify(allowedValues).slice(1, -1).slice(0, 200)}`
						: (message ?? 'is not valid')
	};
}

/** Judges data by a schema that has no issues. Throws `invalid_input` that names every place below `root`. */
export function judgeBySchema(schema: JsonObject, data: JsonObject, root: string): void {
	const { parts, first, all } = judgeOf(schema);
	if (first(data)) return;
	const thorough = parts * JSON.stringify(data).length <= THOROUGH;
	if (thorough) all(data);
	const errors = (thorough ? all.errors : first.errors) ?? [];
	const issues = errors.slice(0, 20).map((error) => issueOf(error, root));
	const [worst] = issues;
	throw new AppError(
		'invalid_input',
		worst ? `${worst.path}: ${worst.message}` : `${root}: is not valid`,
		{
			issues
		}
	);
}

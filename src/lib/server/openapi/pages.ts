/** The document as the docs page shows it: operations in groups, types in one line, requests to copy. */
import { nameOf } from './schema.ts';
import type {
	Answer,
	Content,
	JsonValue,
	OpenApiDocument,
	Operation,
	Parameter,
	Reference,
	Schema
} from './types.ts';

export interface DocField {
	name: string;
	place: 'path' | 'query' | 'header' | 'body' | 'answer';
	type: string;
	required: boolean;
	note: string;
	/** The named schema that it holds. */
	schema: string | null;
}

export interface DocOperation {
	id: string;
	verb: string;
	path: string;
	summary: string;
	/** A permission, or `public`, `signed-in`, `overlay`. */
	audience: string;
	fields: DocField[];
	answers: { status: string; text: string; schema: string | null }[];
	example: JsonValue | null;
	curl: string;
	fetch: string;
}

export interface Docs {
	groups: { name: string; note: string; operations: DocOperation[] }[];
	schemas: { name: string; fields: DocField[]; text: string }[];
}

/** `integer, 1 to 100`, `Event[]`, `"low" | "high"`: a schema in one line. */
export function typeOf(schema: Schema): string {
	const name = nameOf(schema);
	if (name !== null) return name;
	if (schema.const !== undefined) return JSON.stringify(schema.const);
	if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
	const union = schema.anyOf ?? schema.oneOf;
	if (union !== undefined) return [...new Set(union.map(typeOf))].join(' | ');
	if (Array.isArray(schema.type))
		return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
	if (schema.type === 'array') {
		const item = typeOf(schema.items ?? {});
		return item.includes(' ') ? `(${item})[]` : `${item}[]`;
	}
	if (schema.type === undefined) return 'any';
	return [schema.type, schema.type === 'null' ? undefined : schema.format, rangeOf(schema)]
		.filter(Boolean)
		.join(', ');
}

function rangeOf({ type, minimum, maximum, maxLength }: Schema): string {
	if (type === 'string') return maxLength === undefined ? '' : `≤ ${maxLength}`;
	if (type !== 'integer' && type !== 'number') return '';
	if (minimum !== undefined && maximum !== undefined) return `${minimum}–${maximum}`;
	return minimum !== undefined ? `≥ ${minimum}` : maximum !== undefined ? `≤ ${maximum}` : '';
}

/** The first named schema within one. */
function namedIn(schema: Schema): string | null {
	const own = nameOf(schema);
	if (own !== null) return own;
	const parts = [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
	for (const part of parts) {
		const name = part === undefined ? null : namedIn(part);
		if (name !== null) return name;
	}
	return null;
}

const fieldsOf = (schema: Schema, place: 'body' | 'answer'): DocField[] =>
	Object.entries(schema.properties ?? {}).map(([name, one]) => ({
		name,
		place,
		type: typeOf(one),
		required: (schema.required ?? []).includes(name),
		note: one.description ?? '',
		schema: namedIn(one)
	}));

/** Everything the page shows. `origin` stands in the requests to copy. */
export function docsOf(document: OpenApiDocument, origin: string): Docs {
	const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
		Object.entries(verbs).map(([verb, operation]) =>
			pageOf(document, origin, path, verb.toUpperCase(), operation)
		)
	);
	return {
		groups: document.tags.map(({ name, description }) => ({
			name,
			note: description,
			operations: operations.filter(({ id }) => id.split('.')[0] === name)
		})),
		schemas: Object.entries(document.components.schemas).map(([name, schema]) => ({
			name,
			fields: fieldsOf(schema, 'answer'),
			text: typeOf(schema)
		}))
	};
}

function pageOf(
	document: OpenApiDocument,
	origin: string,
	path: string,
	verb: string,
	operation: Operation
): DocOperation {
	const parameters = (operation.parameters ?? []).map((one) => parameterOf(document, one));
	const body = operation.requestBody?.content['application/json'];
	const answers = Object.entries(operation.responses).map(([status, one]) => {
		const answer = answerOf(document, one);
		const content = Object.values(answer.content ?? {})[0];
		const schema = content === undefined ? null : namedIn(content.schema);
		return { status, text: answer.description, schema };
	});
	const first = operation.responses[answers[0]?.status ?? ''];
	const done = first === undefined ? undefined : answerOf(document, first);
	return {
		id: operation.operationId,
		verb,
		path,
		summary: operation.summary,
		audience: audienceOf(operation),
		fields: [
			...parameters.map((one) => ({
				name: one.name,
				place: one.in,
				type: typeOf(one.schema),
				required: one.required,
				note: one.description ?? '',
				schema: namedIn(one.schema)
			})),
			...(body === undefined ? [] : fieldsOf(body.schema, 'body'))
		],
		answers,
		example: Object.values(done?.content ?? {})[0]?.example ?? null,
		...requests(origin, path, verb, operation, parameters, body)
	};
}

function audienceOf(operation: Operation): string {
	if (operation['x-permission'] !== undefined) return operation['x-permission'];
	if (operation.security.length === 0) return 'public';
	return operation.security.some((one) => 'overlaySession' in one) ? 'overlay' : 'signed-in';
}

const parameterOf = (document: OpenApiDocument, one: Parameter | Reference): Parameter =>
	'name' in one ? one : (find(document.components.parameters, one) ?? missing(one));
const answerOf = (document: OpenApiDocument, one: Answer | Reference): Answer =>
	'description' in one ? one : (find(document.components.responses, one) ?? missing(one));
const find = <T>(parts: Readonly<Record<string, T>>, { $ref }: Reference): T | undefined =>
	parts[$ref.split('/').at(-1) ?? ''];
function missing({ $ref }: Reference): never {
	throw new Error(`The document has no ${$ref}.`);
}

/** The same request for a shell and for a program. */
function requests(
	origin: string,
	path: string,
	verb: string,
	{ security }: Operation,
	parameters: readonly Parameter[],
	body: Content | undefined
): { curl: string; fetch: string } {
	const address =
		origin + path.replace(/\{(\w+)\}/g, (_, name: string) => exampleOf(parameters, name));
	const query = parameters
		.filter((one) => one.in === 'query' && one.required)
		.map(({ name }) => `${name}=${encodeURIComponent(exampleOf(parameters, name))}`);
	const target = query.length === 0 ? address : `${address}?${query.join('&')}`;
	const key = security.some((one) => 'overlaySession' in one) ? 'SESSION' : 'ck_api_…';
	const headers = [
		...(security.length > 0 ? [['authorization', `Bearer ${key}`] as const] : []),
		...(body === undefined ? [] : [['content-type', 'application/json'] as const])
	];
	const json = body === undefined ? null : JSON.stringify(body.example);
	const curl = [
		`curl ${verb === 'GET' ? '' : `-X ${verb} `}'${target}'`,
		...headers.map(([name, value]) => `-H '${name}: ${value}'`),
		...(json === null ? [] : [`-d '${json.replaceAll("'", "'\\''")}'`])
	].join(' \\\n  ');
	const options = [
		...(verb === 'GET' ? [] : [`  method: '${verb}'`]),
		...(headers.length === 0
			? []
			: [`  headers: { ${headers.map(([name, value]) => `'${name}': '${value}'`).join(', ')} }`]),
		...(json === null ? [] : [`  body: JSON.stringify(${json})`])
	].join(',\n');
	const second = options === '' ? '' : `, {\n${options}\n}`;
	const fetch = `const response = await fetch('${target}'${second});\nconst answer = await response.json();`;
	return { curl, fetch };
}

const exampleOf = (parameters: readonly Parameter[], name: string): string =>
	String(parameters.find((one) => one.name === name)?.example ?? name);

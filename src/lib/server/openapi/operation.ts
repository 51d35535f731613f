/** An action as an operation: parameters, body, answers, and who may. */
import { errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import { permissions, type Permission } from '$lib/bus/permission.ts';
import type { Action, Audience } from '$lib/server/actions/define.ts';
import { sampleOf } from './sample.ts';
import { nameOf, resolve, type Components } from './schema.ts';
import type { Answer, Content, Operation, Parameter, Reference, Schema } from './types.ts';
import { pascal } from './names.ts';
import { fieldNotes } from './words.ts';

const namesIn = (path: string): string[] =>
	[...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
const isPermission = (audience: Audience): audience is Permission =>
	permissions.some((permission) => permission === audience);

/** Whether an `Idempotency-Key` means something: pages' reports are idempotent by themselves. */
const takesKey = ({ method, permission }: Action): boolean =>
	method !== 'GET' && permission !== 'public' && permission !== 'overlay';

/** `events.keys.list`: the first word groups. */
export const tagOf = ({ id }: Action): string => id.split('.')[0] ?? id;

const security: Readonly<Record<'public' | 'overlay' | 'others', Record<string, string[]>[]>> = {
	public: [],
	overlay: [{ overlaySession: [] }],
	others: [{ key: [] }, { session: [] }]
};

/** The operation of an action; its named schemas go into `components`. */
export function operationOf(action: Action, components: Components): Operation {
	const { id, summary, permission } = action;
	const whole = components.of(action.input, 'input');
	const input = resolve(whole, components.schemas);
	const inPath = namesIn(action.path);
	const parameters: (Parameter | Reference)[] = [
		...inPath.map((name) => parameter(name, 'path', input, components)),
		...(action.method === 'GET' ? fieldsBeside(input, inPath) : []).map((name) =>
			parameter(name, 'query', input, components)
		)
	];
	if (takesKey(action)) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' });
	if (action.polled) parameters.push({ $ref: '#/components/parameters/IfNoneMatch' });
	if (action.media === 'text/event-stream')
		parameters.push({ $ref: '#/components/parameters/LastEventId' });
	const body = action.method === 'GET' ? null : bodyOf(input, inPath, components);
	return {
		operationId: id,
		summary,
		description: whoMay(permission),
		tags: [tagOf(action)],
		security: security[permission === 'public' || permission === 'overlay' ? permission : 'others'],
		...(parameters.length > 0 ? { parameters } : {}),
		...(body === null ? {} : { requestBody: body }),
		responses: {
			[action.status]: answerOf(action, components),
			...(action.polled ? { 304: { $ref: '#/components/responses/NotModified' } } : {}),
			...Object.fromEntries(
				refusalsOf(action, input, body !== null).map((code) => [
					errorCodes[code].status,
					{ $ref: `#/components/responses/${pascal(code)}` }
				])
			)
		},
		...(isPermission(permission) ? { 'x-permission': permission } : {})
	};
}

function whoMay(audience: Audience): string {
	if (audience === 'public') return 'Open to everybody.';
	if (audience === 'overlay') return 'For an overlay page, with the session it got for its key.';
	if (audience === 'signed-in') return 'For every member, key and phone of the account.';
	return `Needs the permission \`${audience}\`.`;
}

const fieldsBeside = ({ properties = {} }: Schema, inPath: readonly string[]): string[] =>
	Object.keys(properties).filter((name) => !inPath.includes(name));

function parameter(
	name: string,
	place: 'path' | 'query',
	input: Schema,
	{ schemas }: Components
): Parameter {
	const schema = input.properties?.[name] ?? {};
	const isList = resolve(schema, schemas).type === 'array';
	const required = place === 'path' || (input.required ?? []).includes(name);
	const description = schema.description ?? fieldNotes[name];
	return {
		name,
		in: place,
		required,
		...(description === undefined ? {} : { description }),
		schema,
		// `types=a,b`, not `types=a&types=b`.
		...(isList ? { style: 'form', explode: false } : {}),
		...(required ? { example: sampleOf(schema, schemas, name) } : {})
	};
}

/** Shown in an example though it may be left out: without it most requests make little sense. */
const TOLD = new Set(['data', 'event_type', 'permissions']);

function bodyOf(
	input: Schema,
	inPath: readonly string[],
	{ schemas }: Components
): Operation['requestBody'] | null {
	const names = fieldsBeside(input, inPath);
	if (names.length === 0) return null;
	const required = (input.required ?? []).filter((name) => names.includes(name));
	const schema: Schema = {
		type: 'object',
		properties: Object.fromEntries(
			names.map((name) => [name, noted(name, input.properties?.[name] ?? {})])
		),
		...(required.length > 0 ? { required } : {}),
		additionalProperties: false
	};
	// What an example leaves out shows that it may be left out.
	const brief: Schema = {
		type: 'object',
		properties: Object.fromEntries(
			Object.entries(schema.properties ?? {}).filter(
				([name]) => required.includes(name) || TOLD.has(name)
			)
		)
	};
	const content: Content = { schema, example: sampleOf(brief, schemas) };
	return { required: required.length > 0, content: { 'application/json': content } };
}

function noted(name: string, schema: Schema): Schema {
	const description = schema.description ?? fieldNotes[name];
	return description === undefined ? schema : { ...schema, description };
}

function answerOf(action: Action, components: Components): Answer {
	const schema = components.of(action.output, 'output');
	const isStream = action.media === 'text/event-stream';
	const example = isStream ? {} : { example: sampleOf(schema, components.schemas) };
	const etag: Record<string, Reference> = action.polled
		? { ETag: { $ref: '#/components/headers/ETag' } }
		: {};
	return {
		description: isStream
			? `Messages as server-sent events; the data of each is a ${nameOf(schema) ?? 'message'}.`
			: 'Done.',
		headers: {
			...etag,
			RateLimit: { $ref: '#/components/headers/RateLimit' },
			'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' }
		},
		content: { [action.media]: { schema, ...example } }
	};
}

/** What an action may answer besides doing it. */
function refusalsOf(action: Action, input: Schema, hasBody: boolean): ErrorCode[] {
	const isWrite = action.method !== 'GET';
	const codes: [ErrorCode, boolean][] = [
		['invalid_input', isWrite || Object.keys(input.properties ?? {}).length > 0],
		// Also a public address refuses a wrong key.
		['unauthenticated', true],
		['forbidden', true],
		['not_found', action.permission !== 'public'],
		['conflict', isWrite],
		['gone', action.permission === 'public' && isWrite],
		['payload_too_large', hasBody],
		['unsupported_media_type', hasBody],
		['misdirected', true],
		['idempotency_mismatch', takesKey(action)],
		['too_many_requests', true],
		['internal', true],
		['unavailable', true]
	];
	return codes.flatMap(([code, applies]) => (applies ? [code] : []));
}

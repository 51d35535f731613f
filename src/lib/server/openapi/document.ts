/** The OpenAPI 3.1 document of the whole API, derived from the action table. */
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '$lib/bus/error.ts';
import type { Action } from '$lib/server/actions/define.ts';
import { nameSchemas, pascal } from './names.ts';
import { operationOf, tagOf } from './operation.ts';
import { Components } from './schema.ts';
import type { Answer, Header, OpenApiDocument, Operation, Parameter, Verb } from './types.ts';
import { tagNotes } from './words.ts';

const codes = Object.keys(errorCodes).filter((name): name is ErrorCode => name in errorCodes);

/** RFC 9457, as `http/problem.ts` writes it. */
const Problem = z
	.object({
		type: z.literal('about:blank'),
		title: z.string(),
		status: z.int(),
		code: z.enum(codes).describe('Stable: what programs decide by.'),
		detail: z.string(),
		issues: z
			.array(z.object({ path: z.string(), message: z.string() }))
			.optional()
			.describe('Where in the input it went wrong.'),
		instance: z.string().describe('The request’s id, which the server’s log knows too.')
	})
	.meta({ id: 'Problem' });

const verbs: Readonly<Record<Action['method'], Verb>> = {
	GET: 'get',
	POST: 'post',
	PUT: 'put',
	DELETE: 'delete'
};

const parameters: Record<string, Parameter> = {
	IdempotencyKey: {
		name: 'Idempotency-Key',
		in: 'header',
		required: false,
		description:
			'Sent again with the same key and body, the write is not done again and answers what it answered first. Kept for a day.',
		schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' }
	},
	IfNoneMatch: {
		name: 'If-None-Match',
		in: 'header',
		required: false,
		description: 'The ETag of the answer one has: 304 when nothing changed.',
		schema: { type: 'string' }
	},
	LastEventId: {
		name: 'Last-Event-ID',
		in: 'header',
		required: false,
		description: 'The id of the last message seen, `epoch:seq`: the stream goes on after it.',
		schema: { type: 'string' }
	}
};

const headers: Record<string, Header> = {
	ETag: { description: 'Names this state of the answer.', schema: { type: 'string' } },
	RateLimit: {
		description:
			'What is left of each limit: `"key";r=5999;t=1` is 5999 requests, and all of them again in a second.',
		schema: { type: 'string' }
	},
	RateLimitPolicy: {
		description: 'The limits: `"key";q=6000;w=60` is 6000 requests in 60 seconds.',
		schema: { type: 'string' }
	},
	RetryAfter: {
		description: 'Seconds after which the same request is not refused for this reason.',
		schema: { type: 'integer', minimum: 1 }
	}
};

const waits: readonly ErrorCode[] = ['too_many_requests', 'unavailable'];

function refusal(code: ErrorCode): Answer {
	const { status, title } = errorCodes[code];
	return {
		description: `${title}: \`${code}\`.`,
		...(waits.includes(code)
			? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } }
			: {}),
		content: {
			'application/problem+json': {
				schema: { $ref: '#/components/schemas/Problem' },
				example: {
					type: 'about:blank',
					title,
					status,
					code,
					detail: `${title}.`,
					instance: 'm4Yc1bq0Zr9T'
				}
			}
		}
	};
}

const ABOUT = `Bodies are JSON in snake_case. The same addresses answer below \`/api\`.

**Who asks.** \`Authorization: Bearer ck_api_…\`, or the studio's cookie. What is not yours is 404, what you may not do in your own account is 403.

**Refusals** are RFC 9457 problem documents; \`code\` is stable. **Writes** take an \`Idempotency-Key\`. **Limits** are told by \`RateLimit\` and \`RateLimit-Policy\`; 429 says in \`Retry-After\` when to come again.

GraphQL over the same actions is at \`/graphql\`.`;

/** The document for a list of actions. `version` is the product's. */
export function documentOf(actions: readonly Action[], version: string): OpenApiDocument {
	nameSchemas(actions);
	const components = new Components();
	components.of(Problem, 'output');
	const paths: OpenApiDocument['paths'] = {};
	for (const action of actions) {
		const operations: Partial<Record<Verb, Operation>> = (paths[`/v1${action.path}`] ??= {});
		operations[verbs[action.method]] = operationOf(action, components);
	}
	return {
		openapi: '3.1.1',
		info: {
			title: 'Cuelight',
			version,
			summary: 'Overlay studio and event bus for live streamers.',
			description: ABOUT
		},
		servers: [{ url: '/', description: 'This server.' }],
		tags: [...new Set(actions.map(tagOf))].map((name) => ({
			name,
			description: tagNotes[name] ?? name
		})),
		paths,
		components: {
			schemas: Object.fromEntries(
				Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))
			),
			parameters,
			headers,
			responses: {
				NotModified: { description: 'Nothing changed since the answer with that ETag.' },
				...Object.fromEntries(codes.map((code) => [pascal(code), refusal(code)]))
			},
			securitySchemes: {
				key: {
					type: 'http',
					scheme: 'bearer',
					description: 'A key of a program, `ck_api_…`, or of a paired phone, `ck_remote_…`.'
				},
				session: {
					type: 'apiKey',
					in: 'cookie',
					name: 'cuelight.session_token',
					description: 'The studio’s own session. Writes with it must come from one of our pages.'
				},
				overlaySession: {
					type: 'http',
					scheme: 'bearer',
					bearerFormat: 'JWT',
					description: 'What `POST /v1/overlay/session` gives for an overlay’s key.'
				}
			}
		}
	};
}

/** The contract: what is taken, what is refused, and which moves a play may make. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from './any-text.ts';
import {
	accountTopic,
	AppError,
	BusMessage,
	codeOfSqlstate,
	deriveEventStatus,
	Draft,
	errorCodes,
	EventType,
	Instant,
	isTerminal,
	JsonObject,
	MAX_DOCUMENT_DEPTH,
	MAX_DOCUMENT_LENGTH,
	mayBecome,
	Metadata,
	overlayTopic,
	parseTopic,
	permissions,
	playStatuses,
	rolePermissions,
	Text,
	transitions,
	type PlayStatus
} from '../src/lib/bus/index.ts';

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
	schema.safeParse(value).success;

/** An object that nests `depth` objects below itself. */
const nested = (depth: number): Record<string, unknown> =>
	depth <= 1 ? {} : { a: nested(depth - 1) };

/** A document whose JSON has exactly so many UTF-16 code units. */
const ofLength = (length: number) => ({ a: 'x'.repeat(length - '{"a":""}'.length) });

describe('values', () => {
	const table: [string, { safeParse(value: unknown): { success: boolean } }, unknown, boolean][] = [
		['a type', EventType, 'custom:high_score', true],
		['a type without action', EventType, 'custom', false],
		['a type with an empty action', EventType, 'custom:', false],
		['a type in capitals', EventType, 'Custom:Score', false],
		['a type with markup', EventType, 'evil:<script>', false],
		['a type with three parts', EventType, 'a:b:c', false],
		['a type that starts with a digit', EventType, '1a:b', false],
		['a type with a line end', EventType, 'a:b\n', false],
		['a type of 100', EventType, `a:${'b'.repeat(98)}`, true],
		['a type of 101', EventType, `a:${'b'.repeat(99)}`, false],
		['text', Text(3), 'añ😀'.slice(0, 2), true],
		['text with U+0000', Text(9), 'a\u0000', false],
		['text with half a character', Text(9), '\ud83d', false],
		['text that is too long', Text(3), 'abcd', false],
		['an instant', Instant, '2026-05-03T18:15:11Z', true],
		['an instant with nanoseconds', Instant, '2026-05-03T18:15:11.17106713Z', true],
		['an instant with an offset', Instant, '2026-05-03T18:15:11+02:00', true],
		['an instant without zone', Instant, '2026-05-03T18:15:11', false],
		['an instant in month 13', Instant, '2026-13-01T00:00:00Z', false],
		['an instant on February 30th', Instant, '2026-02-30T00:00:00Z', false],
		['an instant far away', Instant, '+275760-09-13T00:00:00Z', false],
		['infinity', Instant, 'infinity', false],
		['a document', JsonObject, { a: [1, null, true, 'x', { b: {} }] }, true],
		['a list as document', JsonObject, [], false],
		['null as document', JsonObject, null, false],
		['a document with a function', JsonObject, { a: () => 1 }, false],
		['a document with NaN', JsonObject, { a: Number.NaN }, false],
		['a document with Infinity', JsonObject, { a: Infinity }, false],
		['a document at the depth', JsonObject, nested(MAX_DOCUMENT_DEPTH), true],
		['a document beyond the depth', JsonObject, nested(MAX_DOCUMENT_DEPTH + 1), false],
		['a document of the length', JsonObject, ofLength(MAX_DOCUMENT_LENGTH), true],
		['a document beyond the length', JsonObject, ofLength(MAX_DOCUMENT_LENGTH + 1), false],
		['U+0000 in a value', JsonObject, { a: '\u0000' }, false],
		['U+0000 in a key', JsonObject, { 'a\u0000': 1 }, false],
		['U+0000 in the depth', JsonObject, { a: [{ b: ['\u0000'] }] }, false],
		['half a character in a value', JsonObject, { a: '\udc00' }, false],
		['a whole one', JsonObject, { a: '😀' }, true],
		['the six characters \\u0000', JsonObject, { a: '\\u0000' }, true],
		['a backslash before U+0000', JsonObject, { a: '\\\u0000' }, false],
		['metadata', Metadata, { tournament_id: 1, tags: ['final'] }, true],
		['metadata with an unknown key', Metadata, { seq: 1 }, false],
		['metadata with half a number', Metadata, { user_id: 1.5 }, false],
		['51 tags', Metadata, { tags: Array(51).fill('t') }, false]
	];
	test.each(table)('%s', (_name, schema, value, accepted) => {
		expect(accepts(schema, value)).toBe(accepted);
	});

	test('a document is taken exactly when its text can be stored and parsed again', () => {
		const document = fc.dictionary(anyText, fc.jsonValue(), { maxKeys: 4 });
		fc.assert(
			fc.property(document, fc.oneof(fc.string(), anyText), (value, text) => {
				const candidate = { ...value, text };
				const strings: string[] = [];
				JSON.stringify(candidate, (key, child) => {
					strings.push(key, typeof child === 'string' ? child : '');
					return child;
				});
				const storable = strings.every((part) => !part.includes('\u0000') && part.isWellFormed());
				// `__proto__` as a key is no own key of what zod gives back: not a document of ours.
				fc.pre(!strings.includes('__proto__'));
				expect(accepts(JsonObject, candidate)).toBe(storable);
			}),
			{ numRuns: 500 }
		);
	});
});

describe('a draft', () => {
	const aDraft = (change: Record<string, unknown> = {}) => ({
		event_type: 'custom:high_score',
		class: 'animated',
		platform: 'custom',
		data: { score: 12 },
		...change
	});
	test('needs four things and fills in the rest', () => {
		expect(Draft.parse(aDraft())).toEqual({
			...aDraft(),
			origin: 'live',
			external_id: null,
			transport_key: null,
			business_key: null,
			raw: null,
			metadata: {},
			priority: 'normal',
			duration_ms: null,
			cancelable: true,
			replayable: true,
			scheduled_at: null,
			occurred_at: null
		});
	});
	test('takes only the fields it knows', () => {
		const draft = Draft.parse(aDraft({ seq: 7, account_id: 'x', status: 'completed' }));
		expect(Object.keys(draft)).not.toEqual(expect.arrayContaining(['seq']));
		expect(draft).not.toHaveProperty('account_id');
		expect(draft).not.toHaveProperty('status');
	});
	const refused: Record<string, unknown>[] = [
		{ class: 'loud' },
		{ origin: 'dream' },
		{ priority: 'godlike' },
		{ platform: '' },
		{ duration_ms: 499 },
		{ duration_ms: 120_001 },
		{ duration_ms: 1e12 },
		{ duration_ms: 1_000.5 },
		{ data: undefined },
		{ data: 'text' },
		{ raw: [] },
		{ transport_key: 'x'.repeat(401) },
		{ business_key: 'a\u0000' },
		{ external_id: 'x'.repeat(301) },
		{ scheduled_at: 'tomorrow' },
		{ cancelable: 'yes' }
	];
	test.each(refused)('is refused with %j', (change) => {
		expect(accepts(Draft, aDraft(change))).toBe(false);
	});
});

describe('plays', () => {
	const allowed: Record<PlayStatus, string> = {
		held: 'queued cancelled skipped expired failed',
		queued: 'held playing completed cancelled skipped expired failed',
		playing: 'queued completed cancelled skipped failed',
		completed: '',
		cancelled: '',
		skipped: '',
		expired: '',
		failed: ''
	};
	test.each(playStatuses.flatMap((from) => playStatuses.map((to) => [from, to] as const)))(
		'%s → %s',
		(from, to) => {
			expect(mayBecome(from, to)).toBe(allowed[from].split(' ').includes(to));
		}
	);
	test('end in five ways, and from every other status an end can be reached', () => {
		const ends = playStatuses.filter(isTerminal);
		expect(ends).toEqual(['completed', 'cancelled', 'skipped', 'expired', 'failed']);
		for (const status of playStatuses.filter((one) => !isTerminal(one)))
			expect(transitions[status].some(isTerminal)).toBe(true);
	});

	const derived: [readonly PlayStatus[], string][] = [
		[[], 'completed'],
		[['queued'], 'pending'],
		[['held', 'completed'], 'pending'],
		[['playing', 'queued', 'cancelled'], 'active'],
		[['completed', 'cancelled'], 'completed'],
		[['cancelled', 'skipped'], 'cancelled'],
		[['expired'], 'cancelled'],
		[['failed'], 'cancelled']
	];
	test.each(derived)('%j make the event %s', (plays, status) => {
		expect(deriveEventStatus(plays)).toBe(status);
	});
	test('their order and repetition do not change the status of the event', () => {
		const plays = fc.array(fc.constantFrom(...playStatuses));
		fc.assert(
			fc.property(plays, (statuses) => {
				const status = deriveEventStatus(statuses);
				expect(deriveEventStatus(statuses.toReversed())).toBe(status);
				expect(deriveEventStatus([...statuses, ...statuses])).toBe(status);
			})
		);
	});
	test('an event ends only when all of its plays have, and never comes back by a play ending', () => {
		fc.assert(
			fc.property(fc.array(fc.constantFrom(...playStatuses), { minLength: 1 }), (statuses) => {
				const open = statuses.some((status) => !isTerminal(status));
				expect(['pending', 'active'].includes(deriveEventStatus(statuses))).toBe(open);
			})
		);
	});
});

describe('topics', () => {
	const id = '0e2a91c2-4f0a-4b0e-9a53-0d6f4f6f0c11';
	test('are read back as they were named', () => {
		fc.assert(
			fc.property(fc.uuid(), (uuid) => {
				expect(parseTopic(accountTopic(uuid))).toEqual({ kind: 'account', id: uuid });
				expect(parseTopic(overlayTopic(uuid))).toEqual({ kind: 'overlay', id: uuid });
			})
		);
	});
	const others = [
		'',
		'account',
		'account:',
		'account:*',
		'overlay:%',
		`events:${id}`,
		`account:${id}:x`,
		`account:${id.toUpperCase()}`,
		`account:{${id}}`,
		`account:${id}\n`,
		` account:${id}`,
		`__proto__:${id}`
	];
	test.each(others)('%j is none of ours', (name) => {
		expect(parseTopic(name)).toBeNull();
	});
});

describe('errors and permissions', () => {
	test('every code has its own SQLSTATE, which leads back to it', () => {
		for (const [code, { sqlstate, status }] of Object.entries(errorCodes)) {
			expect(codeOfSqlstate(sqlstate)).toBe(code);
			expect(sqlstate).toBe(`CU${status}`);
		}
		expect(codeOfSqlstate('23505')).toBeNull();
	});
	test('an error carries its code, status and cause', () => {
		const cause = new Error('why');
		const error = new AppError('conflict', 'No.', { cause });
		expect(error).toMatchObject({ code: 'conflict', status: 409, cause, retryAfter: null });
	});
	test('the owner may do all, the administrator all but manage the account, others less', () => {
		expect(rolePermissions.owner).toEqual(permissions);
		const missing = permissions.filter((one) => !rolePermissions.administrator.includes(one));
		expect(missing).toEqual(['account:manage']);
		const beyond = rolePermissions.moderator.filter((one) => /edit|delete|keys|manage/.test(one));
		expect(beyond).toEqual([]);
	});
});

describe('messages', () => {
	test('of an unknown type, or without rev or epoch, are refused', () => {
		const message = {
			type: 'STATUS_CHANGED',
			epoch: 'e',
			at: '2026-05-03T18:15:11Z',
			subject: 'queue',
			overlay_id: null,
			rev: null,
			state: { paused: true }
		};
		expect(accepts(BusMessage, message)).toBe(true);
		expect(accepts(BusMessage, { ...message, type: '__proto__' })).toBe(false);
		expect(accepts(BusMessage, { ...message, rev: 0 })).toBe(false);
		expect(accepts(BusMessage, { ...message, epoch: undefined })).toBe(false);
	});
});

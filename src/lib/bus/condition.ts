/**
 * Conditions: which events of those that match a pattern are wanted. Data, not code:
 *
 *     {"field": "data.bits", "op": "gte", "value": 100}
 *     {"all": [{"field": "data.user.login", "op": "ne", "value": "bot"}, {"not": {…}}]}
 *
 * A field is `event_type`, `class`, `platform`, `origin`, `priority`, or a path into `data` or
 * `metadata`; null and absent are the same. `eq` and `ne` compare values of JSON (absent is `ne`
 * to everything); `lt` `lte` `gt` `gte` compare numbers, or texts by code point, and are false for
 * anything else; `in` finds the field in a list; `contains` finds the value in a list, or in a
 * text with its exact letters; `exists` asks whether there is anything, or with `false`, nothing.
 * SQL routes by the same rule (app.meets); a property test compares the two.
 */
import { z } from 'zod';
import { Text, type StreamingEvent } from './event.ts';

const MAX_DEPTH = 5;
const MAX_TESTS = 50;

const Field = z
	.string()
	.max(400)
	.regex(
		/^(event_type|class|platform|origin|priority|(data|metadata)(\.[A-Za-z_][A-Za-z0-9_]{0,59}){1,6})$/,
		'must be event_type, class, platform, origin, priority, or a path like data.user.login'
	);
const Value = z.union([Text(200), z.number(), z.boolean()]);
const Test = z.union([
	z.strictObject({
		field: Field,
		op: z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'contains']),
		value: Value
	}),
	z.strictObject({ field: Field, op: z.literal('in'), value: z.array(Value).min(1).max(100) }),
	z.strictObject({ field: Field, op: z.literal('exists'), value: z.boolean().optional() })
]);
type Test = z.infer<typeof Test>;

/** At most 50 tests, nested at most 5 deep. */
export type Condition = Test | { all: Condition[] } | { any: Condition[] } | { not: Condition };

const Part: z.ZodType<Condition> = z
	.lazy(() => {
		const parts = z.array(Part).min(1).max(MAX_TESTS);
		return z.union([
			Test,
			z.strictObject({ all: parts }),
			z.strictObject({ any: parts }),
			z.strictObject({ not: Part })
		]);
	})
	.meta({ id: 'Condition' });

/** The parts that a condition is made of; none of a single test. */
const partsOf = (condition: Condition): readonly Condition[] => {
	if ('all' in condition) return condition.all;
	if ('any' in condition) return condition.any;
	return 'not' in condition ? [condition.not] : [];
};

const testsIn = (condition: Condition): number =>
	'op' in condition ? 1 : partsOf(condition).reduce((sum, part) => sum + testsIn(part), 0);

/** Levels of all, any and not; stops looking where it is too deep anyway. */
function depthOf(value: unknown, limit: number): number {
	if (typeof value !== 'object' || value === null || limit === 0) return 1;
	const { all, any, not } = z
		.object({ all: z.array(z.unknown()), any: z.array(z.unknown()), not: z.unknown() })
		.partial()
		.catch({})
		.parse(value);
	const depths = [...(all ?? []), ...(any ?? []), ...(not === undefined ? [] : [not])].map((part) =>
		depthOf(part, limit - 1)
	);
	return 1 + Math.max(0, ...depths);
}

// The depth first: a schema that follows a condition down may not follow it too far.
export const Condition = z
	.preprocess((value, context) => {
		if (depthOf(value, MAX_DEPTH) <= MAX_DEPTH) return value;
		context.addIssue({ code: 'custom', message: `nests deeper than ${MAX_DEPTH}` });
		return z.NEVER;
	}, Part)
	.refine((condition) => testsIn(condition) <= MAX_TESTS, `must hold at most ${MAX_TESTS} tests`);

/** What a condition may ask of. */
export type Asked = Pick<
	StreamingEvent,
	'event_type' | 'class' | 'platform' | 'origin' | 'priority' | 'data' | 'metadata'
>;

/** Whether an event meets a condition. */
export function meets(condition: Condition, event: Asked): boolean {
	if ('all' in condition) return condition.all.every((part) => meets(part, event));
	if ('any' in condition) return condition.any.some((part) => meets(part, event));
	if ('not' in condition) return !meets(condition.not, event);
	return passes(condition, valueAt(event, condition.field.split('.')));
}

function valueAt(event: Asked, path: readonly string[]): unknown {
	let value: unknown = event;
	for (const name of path) {
		if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
		value = Object.entries(value).find(([key]) => key === name)?.[1];
	}
	return value ?? null;
}

function passes(test: Test, value: unknown): boolean {
	switch (test.op) {
		case 'exists':
			return (value !== null) === (test.value ?? true);
		case 'eq':
			return value === test.value;
		case 'ne':
			return value !== test.value;
		case 'in':
			return test.value.some((one) => one === value);
		case 'contains':
			if (Array.isArray(value)) return value.includes(test.value);
			return typeof value === 'string' && typeof test.value === 'string'
				? value.includes(test.value)
				: false;
	}
	const order = orderOf(value, test.value);
	if (order === null) return false;
	if (test.op === 'lt') return order < 0;
	if (test.op === 'lte') return order <= 0;
	return test.op === 'gt' ? order > 0 : order >= 0;
}

/** Below, at or above zero; null for what has no order. */
function orderOf(one: unknown, other: unknown): number | null {
	if (typeof one === 'number' && typeof other === 'number') return Math.sign(one - other);
	if (typeof one !== 'string' || typeof other !== 'string') return null;
	// By code point: JavaScript's own order is by UTF-16 unit.
	const [mine, theirs] = [[...one], [...other]];
	for (const [index, letter] of mine.entries()) {
		const against = theirs[index];
		if (against === undefined) return 1;
		const step = (letter.codePointAt(0) ?? 0) - (against.codePointAt(0) ?? 0);
		if (step !== 0) return step;
	}
	return mine.length - theirs.length;
}

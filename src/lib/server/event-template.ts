/**
 * Filling templates: `{user}` in a text is replaced by the variable of that name, `{{` is a plain
 * brace. A text in `data` that is one variable and nothing else becomes its very value, so that
 * `"{amount}"` with 12 becomes the number 12.
 */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';

export const Variables = z.record(
	z.string().max(40),
	z.union([Text(500), z.number(), z.boolean()])
);
export type Variables = z.infer<typeof Variables>;
type Json = z.core.util.JSONType;

interface Template {
	text: string | null;
	data: Readonly<Record<string, Json>>;
}

const HOLE = /\{\{|\{([a-z][a-z0-9_]{0,39})\}/g;
const ONLY = /^\{([a-z][a-z0-9_]{0,39})\}$/;

function* textsIn(value: Json): Generator<string> {
	if (typeof value === 'string') yield value;
	else if (typeof value === 'object' && value !== null)
		for (const inner of Object.values(value)) yield* textsIn(inner);
}

/** The names of a template's variables, each once, in order of appearance. */
export function variablesOf({ text, data }: Template): string[] {
	const names = [...textsIn(text), ...textsIn(data)].flatMap((one) =>
		[...one.matchAll(HOLE)].flatMap(([, name]) => (name === undefined ? [] : [name]))
	);
	return [...new Set(names)];
}

/**
 * The event data that a template makes with these variables; its text is `data.text`. Throws
 * `invalid_input` that names each variable that is missing, or that the template does not have.
 */
export function fillTemplate(template: Template, variables: Variables): Record<string, Json> {
	const names = variablesOf(template);
	const given = new Map(Object.entries(variables));
	const issues = [
		...names
			.filter((name) => !given.has(name))
			.map((name) => ({ path: `variables.${name}`, message: 'is missing' })),
		...[...given.keys()]
			.filter((name) => !names.includes(name))
			.map((name) => ({
				path: `variables.${name}`,
				message: 'is not a variable of this template'
			}))
	];
	const [first] = issues;
	if (first !== undefined)
		throw new AppError('invalid_input', `${first.path}: ${first.message}`, { issues });

	const fillText = (text: string): string =>
		text.replace(HOLE, (_, name?: string) =>
			name === undefined ? '{' : String(given.get(name) ?? '')
		);
	const fill = (value: Json): Json => {
		if (typeof value === 'string') {
			const [, only] = ONLY.exec(value) ?? [];
			return only === undefined ? fillText(value) : (given.get(only) ?? null);
		}
		if (Array.isArray(value)) return value.map(fill);
		if (typeof value !== 'object' || value === null) return value;
		return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
	};
	const data = Object.fromEntries(
		Object.entries(template.data).map(([key, value]) => [key, fill(value)])
	);
	return template.text === null ? data : { ...data, text: fillText(template.text) };
}

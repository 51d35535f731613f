/**
 * How documents of earlier versions become today's. A change of shape adds one entry with the next
 * number and a name that says what changed; entries are never edited once released, because
 * documents in the wild stand at each of them. There is no way down: a newer document is refused.
 *
 * A migration sees JSON that was valid in its time and returns new JSON; `eachElement` walks to the
 * elements of one kind, so that a change to a kind needs no knowledge of the rest.
 */

/** The version this code writes. */
export const version = 1;

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Migration {
	/** The version it leads to; it starts from the one before. */
	readonly to: number;
	/** What changed, in a few words. */
	readonly name: string;
	readonly up: (document: JsonObject) => JsonObject;
}

/** In order; version 1 was the first. */
export const migrations: readonly Migration[] = [];

const isObject = (value: unknown): value is JsonObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** Brings a document to version `target`, or says why it cannot be. Never throws. */
export function migrate(
	value: unknown,
	known: readonly Migration[],
	target: number
): { document: JsonObject; issue?: undefined } | { issue: string } {
	if (!isObject(value)) return { issue: 'is not a document: an object with a version is needed' };
	let at = value.version;
	if (typeof at !== 'number' || !Number.isInteger(at) || at < 1)
		return { issue: `must be a whole number from 1 to ${target}` };
	if (at > target)
		return { issue: `${at} comes from a newer Cuelight, which this one (${target}) cannot read` };
	let document = value;
	while (at < target) {
		const next: Migration | undefined = known.find((each) => each.to === Number(at) + 1);
		if (next === undefined) return { issue: `no way leads from version ${at} to ${at + 1}` };
		try {
			document = { ...next.up(document), version: next.to };
		} catch (cause) {
			const reason = cause instanceof Error ? cause.message : String(cause);
			return { issue: `${at} could not become ${next.to} (${next.name}): ${reason}` };
		}
		at = next.to;
	}
	return { document };
}

/** A copy of the JSON in which each element of one kind, however deep, has been changed. */
export function eachElement(
	json: JsonObject,
	kind: string,
	change: (element: JsonObject) => JsonObject
): JsonObject {
	const visit = (value: Json): Json => {
		if (Array.isArray(value)) return value.map(visit);
		if (!isObject(value)) return value;
		const copy = Object.fromEntries(
			Object.entries(value).map(([key, child]) => [key, visit(child)])
		);
		return copy.kind === kind ? change(copy) : copy;
	};
	const visited = visit(json);
	return isObject(visited) ? visited : json;
}

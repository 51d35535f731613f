import type { Docs } from '$lib/server/openapi/pages.ts';

/** The groups with the operations that have every word of the search, in any of their texts. */
export function matching(groups: Docs['groups'], search: string): Docs['groups'] {
	const words = search.toLowerCase().split(/\s+/).filter(Boolean);
	if (words.length === 0) return groups;
	return groups
		.map((group) => ({
			...group,
			operations: group.operations.filter(({ id, verb, path, summary, audience, fields }) => {
				const text = [id, verb, path, summary, audience, ...fields.map(({ name }) => name)]
					.join(' ')
					.toLowerCase();
				return words.every((word) => text.includes(word));
			})
		}))
		.filter(({ operations }) => operations.length > 0);
}

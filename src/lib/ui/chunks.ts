/**
 * A long list in chunks, so that those out of sight need not be drawn. What comes on top begins
 * chunks of its own: none of those below changes by it. Pure.
 */
export const CHUNK = 50;

export interface Chunk<Item> {
	/** Stays the same while the list grows at either end. */
	key: number;
	items: readonly Item[];
}

/** `shift` is how many of the items came on top since the list was begun. */
export function chunksOf<Item>(items: readonly Item[], shift = 0, size = CHUNK): Chunk<Item>[] {
	const chunks: Chunk<Item>[] = [];
	for (let key = Math.floor(-shift / size); key * size + shift < items.length; key += 1) {
		const start = key * size + shift;
		chunks.push({ key, items: items.slice(Math.max(0, start), start + size) });
	}
	return chunks;
}

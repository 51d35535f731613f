/**
 * Which box and which variation show an event: among those whose pattern fits, the most specific
 * pattern (the most letters that are not `*`) wins; at a tie, the one that stands first; where none
 * fits, the box's default.
 */
import type { AlertBox, OverlayDocument, Variation } from './document.ts';

/** Whether an event type fits a pattern such as `*:follower`. */
export function fits(pattern: string, eventType: string): boolean {
	const parts = pattern.split('*');
	const first = parts[0]!;
	const last = parts[parts.length - 1]!;
	if (parts.length === 1) return pattern === eventType;
	if (!eventType.startsWith(first)) return false;
	let from = first.length;
	for (const part of parts.slice(1, -1)) {
		const found = eventType.indexOf(part, from);
		if (found < 0) return false;
		from = found + part.length;
	}
	return eventType.length - last.length >= from && eventType.endsWith(last);
}

const specificity = (pattern: string): number => pattern.replaceAll('*', '').length;

export interface Choice {
	variation: Variation;
	/** The pattern that won; null when it is the default. */
	pattern: string | null;
}

/** The variation of a box that shows events of this type. */
export function choose(box: AlertBox, eventType: string): Choice {
	let best: (Choice & { points: number }) | null = null;
	for (const variation of box.variations)
		for (const pattern of variation.match?.event_types ?? []) {
			const points = specificity(pattern);
			if (fits(pattern, eventType) && (best === null || points > best.points))
				best = { variation, pattern, points };
		}
	if (best !== null) return { variation: best.variation, pattern: best.pattern };
	const fallback = box.variations.find((variation) => variation.match === null);
	return { variation: fallback ?? box.variations[0]!, pattern: null };
}

/** The box for a lane; a lane without one goes to the first box, so that nothing is shown nowhere. */
export function boxFor(document: OverlayDocument, lane: string): AlertBox | null {
	const boxes = document.layers.filter((layer) => layer.kind === 'alert_box');
	return boxes.find((box) => box.lane === lane) ?? boxes[0] ?? null;
}

/** The drawing code of the element kinds that a document uses, loaded before it is needed. */
import type { Container } from 'pixi.js';
import type { OverlayDocument } from '$lib/overlay/document';
import { kinds, walk, type Element, type ElementKind } from '$lib/overlay/elements';
import type { Draw, Drawing } from './drawing.ts';

export type Draws = ReadonlyMap<ElementKind, Draw<Element>>;

/** All elements of a document. */
export function* elementsOf(document: OverlayDocument): Generator<Element> {
	for (const layer of document.layers) {
		const roots =
			layer.kind === 'scene' ? layer.elements : layer.variations.map((variation) => variation.root);
		for (const root of roots) yield* walk(root);
	}
}

/** Loads the drawing code of these kinds; a kind whose code cannot be had is missing in the answer. */
export async function loadDraws(used: ReadonlySet<ElementKind>): Promise<Draws> {
	const draws = new Map<ElementKind, Draw<Element>>();
	await Promise.allSettled(
		[...used].map(async (kind) => draws.set(kind, await kinds[kind].draw()))
	);
	return draws;
}

/** Draws an element by its kind. Throws where that fails. */
export function drawElement(draws: Draws, element: Element, drawing: Drawing): Container | null {
	const draw = draws.get(element.kind);
	if (draw === undefined) throw new Error(`the drawing code for "${element.kind}" is not loaded`);
	return draw(element, drawing);
}

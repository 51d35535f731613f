/**
 * The element kinds. A new kind is one folder (`schema.ts`, `draw.ts`, `sample.ts`) and its lines
 * here. Drawing code is loaded on demand, so a page pays only for the kinds its document uses, and
 * whoever only reads documents (server, player, tests in Node) never loads a renderer.
 */
import { z } from 'zod';
import type { Draw } from '$lib/render/drawing';
import { GroupElement, type GroupInput } from './group/schema.ts';
import { ImageElement } from './image/schema.ts';
import { ShapeElement } from './shape/schema.ts';
import { SoundElement } from './sound/schema.ts';
import { TextElement } from './text/schema.ts';

export const Element = z.discriminatedUnion('kind', [
	TextElement,
	ImageElement,
	ShapeElement,
	SoundElement,
	GroupElement
]);
export type Element = TextElement | ImageElement | ShapeElement | SoundElement | GroupElement;
/** As written by hand: what has a default may be left out. */
export type ElementInput =
	| z.input<typeof TextElement>
	| z.input<typeof ImageElement>
	| z.input<typeof ShapeElement>
	| z.input<typeof SoundElement>
	| GroupInput;
export type ElementKind = Element['kind'];

/** How each kind is drawn, and a new one of it for the designer's menu. */
export const kinds = {
	text: {
		draw: drawer(
			(element) => element.kind === 'text',
			() => import('./text/draw.ts')
		),
		sample: () => import('./text/sample.ts')
	},
	image: {
		draw: drawer(
			(element) => element.kind === 'image',
			() => import('./image/draw.ts')
		),
		sample: () => import('./image/sample.ts')
	},
	shape: {
		draw: drawer(
			(element) => element.kind === 'shape',
			() => import('./shape/draw.ts')
		),
		sample: () => import('./shape/sample.ts')
	},
	sound: {
		draw: drawer(
			(element) => element.kind === 'sound',
			() => import('./sound/draw.ts')
		),
		sample: () => import('./sound/sample.ts')
	},
	group: {
		draw: drawer(
			(element) => element.kind === 'group',
			() => import('./group/draw.ts')
		),
		sample: () => import('./group/sample.ts')
	}
} satisfies Record<ElementKind, { draw: () => Promise<Draw<Element>>; sample: unknown }>;

/** Loads a kind's drawing code as one that takes any element, and draws those of its kind. */
function drawer<E extends Element>(
	isOfKind: (element: Element) => element is E,
	load: () => Promise<{ draw: Draw<E> }>
): () => Promise<Draw<Element>> {
	return async () => {
		const { draw } = await load();
		return (element, drawing) => (isOfKind(element) ? draw(element, drawing) : null);
	};
}

/** The element and all below it, parents first, in drawing order. */
export function* walk(element: Element): Generator<Element> {
	yield element;
	if (element.kind === 'group') for (const child of element.children) yield* walk(child);
}

export { GroupElement, ImageElement, ShapeElement, SoundElement, TextElement };
export { SoundCue } from './sound/schema.ts';

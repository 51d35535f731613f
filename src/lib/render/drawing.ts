/**
 * What an element's `draw.ts` gets and gives. It makes a container whose box has its corner at
 * 0, 0; place, motion and failure are not its business. What it paints is kept by the play it is
 * painted for and freed with it, or, when it depends on nothing but the document, kept for good.
 */
import type { Container, Texture } from 'pixi.js';
import type { Element, SoundCue } from '$lib/overlay/elements';
import type { Variables } from '$lib/overlay/template';
import type { Surface } from './raster.ts';

export interface Drawing {
	readonly variables: Variables;
	readonly locale: string;
	/** The address of the viewer's picture, if the event has one. */
	readonly viewerPicture: string | null;
	/** A picture loaded before, or null where it cannot be had. */
	picture(address: string): CanvasImageSource | null;
	/** A surface for this play. */
	paint(surface: Surface, brush: Brush): Texture;
	/** A surface that is the same for every play: painted the first time only. */
	paintOnce(key: string, surface: Surface, brush: Brush): Texture;
	/** Sounds with the play. */
	cue(cue: SoundCue): void;
	/** Draws a child in its place, with its motion. A child that fails is left out. */
	place(element: Element): Container | null;
}
export type Brush = (context: CanvasRenderingContext2D) => void;

/** Draws one element; null when there is nothing to see. May throw: the caller reports it. */
export type Draw<E extends Element> = (element: E, drawing: Drawing) => Container | null;

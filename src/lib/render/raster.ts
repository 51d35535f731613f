/**
 * Surfaces painted once and moved often: shapes, pictures and words are painted with the browser's
 * own 2D canvas (fine edges, gradients, shadows, every script), and Pixi only composes and moves
 * the results. So both renderers show the same, and a frame costs a few image copies.
 */
import { Container, ImageSource, Sprite, Texture } from 'pixi.js';
import type { Fill, Shadow } from '$lib/overlay/paint';

/** Largest side of a surface, in pixels: what every GPU in use takes. */
const MAX_SIDE = 4096;

export interface Surface {
	width: number;
	height: number;
	/** Room around the box for what stands out of it: strokes and shadows. */
	margin: number;
}

let alive = 0;
/** How many surfaces there are that have not been freed. */
export const surfaces = (): number => alive;

/** Paints a surface; the brush's origin is the box's corner. */
export function paint(
	{ width, height, margin }: Surface,
	brush: (context: CanvasRenderingContext2D) => void
): Texture {
	const canvas = document.createElement('canvas');
	const reduce = Math.min(1, MAX_SIDE / (Math.max(width, height) + 2 * margin));
	canvas.width = Math.max(1, Math.ceil((width + 2 * margin) * reduce));
	canvas.height = Math.max(1, Math.ceil((height + 2 * margin) * reduce));
	const context = canvas.getContext('2d');
	if (context === null) throw new Error('the browser gives no 2D canvas');
	context.scale(reduce, reduce);
	context.translate(margin, margin);
	brush(context);
	const source = new ImageSource({
		resource: canvas,
		resolution: reduce,
		autoGarbageCollect: false
	});
	alive++;
	source.once('destroy', () => alive--);
	return new Texture({ source });
}

/** A surface as something to show, with its box at 0, 0. */
export function surface(texture: Texture, margin: number): Container {
	// Place and pivot of what an element draws belong to the scene, so the offset is one level down.
	const box = new Container();
	const sprite = new Sprite(texture);
	sprite.position.set(-margin, -margin);
	box.addChild(sprite);
	return box;
}

/** A fill as the canvas takes it, for a box of this size. */
export function styleOf(
	context: CanvasRenderingContext2D,
	fill: Fill,
	width: number,
	height: number
): string | CanvasGradient {
	if (fill.type === 'solid') return fill.colour;
	const x = width / 2;
	const y = height / 2;
	let gradient: CanvasGradient;
	if (fill.type === 'linear') {
		const angle = (fill.angle * Math.PI) / 180;
		// Long enough that the corners get the first and the last colour.
		const reach = (Math.abs(width * Math.cos(angle)) + Math.abs(height * Math.sin(angle))) / 2;
		const [dx, dy] = [Math.cos(angle) * reach, Math.sin(angle) * reach];
		gradient = context.createLinearGradient(x - dx, y - dy, x + dx, y + dy);
	} else gradient = context.createRadialGradient(x, y, 0, x, y, Math.max(x, y, 0.5));
	for (const { at, colour } of fill.stops) gradient.addColorStop(at, colour);
	return gradient;
}

/** Fills an outline; a radial fill takes the proportions of the box. */
export function fillPath(
	context: CanvasRenderingContext2D,
	path: Path2D,
	fill: Fill,
	width: number,
	height: number
): void {
	const ratio = fill.type === 'radial' && width > 0 && height > 0 ? height / width : 1;
	const even = new Path2D();
	even.addPath(path, new DOMMatrix([1, 0, 0, 1 / ratio, 0, 0]));
	context.save();
	// The outline is stretched one way and the canvas the other: only the gradient changes.
	context.scale(1, ratio);
	context.fillStyle = styleOf(context, fill, width, height / ratio);
	context.fill(even);
	context.restore();
}

/** Sets or clears the shadow of what is painted next. */
export function setShadow(context: CanvasRenderingContext2D, shadow: Shadow | null): void {
	context.shadowColor = shadow?.colour ?? '#00000000';
	context.shadowBlur = shadow?.blur ?? 0;
	context.shadowOffsetX = shadow?.x ?? 0;
	context.shadowOffsetY = shadow?.y ?? 0;
}

/** How far a shadow and a stroke reach out of the box. */
export function marginOf(shadow: Shadow | null, stroke: { width: number } | null): number {
	const cast = shadow === null ? 0 : shadow.blur + Math.max(Math.abs(shadow.x), Math.abs(shadow.y));
	return Math.ceil(cast + (stroke === null ? 0 : stroke.width) + 1);
}

/** The rounded rectangle that boxes and pictures share. */
export function roundedPath(width: number, height: number, radius: number): Path2D {
	const path = new Path2D();
	path.roundRect(0, 0, width, height, Math.min(radius, width / 2, height / 2));
	return path;
}

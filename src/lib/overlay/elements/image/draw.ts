import type { Draw } from '$lib/render/drawing';
import { marginOf, roundedPath, styleOf, surface } from '$lib/render/raster';
import { groundOf, initials } from './initials.ts';
import type { ImageElement } from './schema.ts';

export const draw: Draw<ImageElement> = (element, drawing) => {
	const { width, height, source, stroke } = element;
	const address = source.from === 'viewer' ? drawing.viewerPicture : source.address;
	const picture = address === null ? null : drawing.picture(address);
	const margin = marginOf(null, stroke);
	const texture = drawing.paint({ width, height, margin }, (context) => {
		const path = roundedPath(width, height, element.radius);
		context.save();
		context.clip(path);
		if (picture !== null) fit(context, picture, element);
		else stand(context, element, String(drawing.variables.user ?? ''));
		context.restore();
		if (stroke !== null) {
			context.strokeStyle = stroke.colour;
			context.lineWidth = stroke.width;
			context.stroke(path);
		}
	});
	return surface(texture, margin);
};

function fit(
	context: CanvasRenderingContext2D,
	picture: CanvasImageSource,
	{ width, height, fit }: ImageElement
): void {
	const size = sizeOf(picture);
	const ratio = [width / size.width, height / size.height];
	const scale = fit === 'cover' ? Math.max(...ratio) : Math.min(...ratio);
	const [w, h] = [size.width * scale, size.height * scale];
	context.imageSmoothingQuality = 'high';
	context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

function sizeOf(picture: CanvasImageSource): { width: number; height: number } {
	if (picture instanceof HTMLImageElement)
		return { width: picture.naturalWidth || 1, height: picture.naturalHeight || 1 };
	if (picture instanceof VideoFrame)
		return { width: picture.displayWidth, height: picture.displayHeight };
	return { width: Number(picture.width) || 1, height: Number(picture.height) || 1 };
}

function stand(
	context: CanvasRenderingContext2D,
	{ width, height, fallback }: ImageElement,
	name: string
): void {
	context.fillStyle = styleOf(context, fallback.fill ?? groundOf(name), width, height);
	context.fillRect(0, 0, width, height);
	const letters = initials(name);
	const size = Math.min(width, height) * (letters.length > 1 ? 0.4 : 0.5);
	context.font = `700 ${size}px "${fallback.font}", system-ui, sans-serif`;
	context.textAlign = 'center';
	context.textBaseline = 'alphabetic';
	context.fillStyle = fallback.colour;
	const { actualBoundingBoxAscent: above, actualBoundingBoxDescent: below } =
		context.measureText(letters);
	context.fillText(letters, width / 2, height / 2 + (above - below) / 2);
}

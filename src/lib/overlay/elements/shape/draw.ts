import type { Draw } from '$lib/render/drawing';
import { fillPath, marginOf, roundedPath, setShadow, surface } from '$lib/render/raster';
import type { ShapeElement } from './schema.ts';

export const draw: Draw<ShapeElement> = (element, drawing) => {
	const { width, height, fill, stroke, shadow } = element;
	const margin = marginOf(shadow, stroke);
	const look = JSON.stringify([width, height, element.outline, fill, stroke, shadow]);
	const texture = drawing.paintOnce(`shape ${look}`, { width, height, margin }, (context) => {
		const path = outline(element);
		setShadow(context, shadow);
		if (fill !== null) {
			fillPath(context, path, fill, width, height);
			// Once: a stroke on a filled shape must not throw a second shadow onto the filling.
			setShadow(context, null);
		}
		if (stroke !== null) {
			context.strokeStyle = stroke.colour;
			context.lineWidth = stroke.width;
			context.lineJoin = 'round';
			context.stroke(path);
		}
	});
	return surface(texture, margin);
};

function outline({ outline, width, height }: ShapeElement): Path2D {
	switch (outline.form) {
		case 'rectangle':
			return roundedPath(width, height, outline.radius);
		case 'ellipse': {
			const path = new Path2D();
			path.ellipse(width / 2, height / 2, width / 2, height / 2, 0, 0, Math.PI * 2);
			return path;
		}
		case 'path': {
			const path = new Path2D();
			path.addPath(
				new Path2D(outline.path),
				new DOMMatrix([width / outline.grid, 0, 0, height / outline.grid, 0, 0])
			);
			return path;
		}
	}
}

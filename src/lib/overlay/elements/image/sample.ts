import { ImageElement } from './schema.ts';

export const sample = (id: string): ImageElement =>
	ImageElement.parse({
		kind: 'image',
		id,
		name: 'Picture',
		x: 0,
		y: 0,
		width: 160,
		height: 160,
		radius: 80,
		source: { from: 'viewer' }
	});

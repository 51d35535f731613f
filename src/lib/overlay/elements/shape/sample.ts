import { solid } from '../../paint.ts';
import { ShapeElement } from './schema.ts';

export const sample = (id: string): ShapeElement =>
	ShapeElement.parse({
		kind: 'shape',
		id,
		name: 'Shape',
		x: 0,
		y: 0,
		width: 320,
		height: 180,
		outline: { form: 'rectangle', radius: 24 },
		fill: solid('#5f3dc4')
	});

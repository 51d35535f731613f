import { solid } from '../../paint.ts';
import { TextElement } from './schema.ts';

export const sample = (id: string): TextElement =>
	TextElement.parse({
		kind: 'text',
		id,
		name: 'Text',
		x: 0,
		y: 0,
		width: 480,
		height: 80,
		content: '{user}',
		font: 'Bricolage Grotesque',
		size: 56,
		weight: 700,
		fit: { smallest: 24 },
		fill: solid('#ffffff')
	});

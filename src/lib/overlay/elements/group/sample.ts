import { GroupElement } from '../index.ts';

export const sample = (id: string): GroupElement =>
	GroupElement.parse({
		kind: 'group',
		id,
		name: 'Group',
		x: 0,
		y: 0,
		width: 640,
		height: 360,
		children: []
	});

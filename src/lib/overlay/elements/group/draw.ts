import { Container, Graphics } from 'pixi.js';
import type { Draw } from '$lib/render/drawing';
import type { GroupElement } from './schema.ts';

export const draw: Draw<GroupElement> = ({ children, clip, width, height }, drawing) => {
	const group = new Container();
	for (const child of children) {
		const drawn = drawing.place(child);
		if (drawn !== null) group.addChild(drawn);
	}
	if (clip !== null) {
		const radius = Math.min(clip.radius, width / 2, height / 2);
		const mask = new Graphics().roundRect(0, 0, width, height, radius).fill('#ffffff');
		group.addChild(mask);
		group.mask = mask;
	}
	return group;
};

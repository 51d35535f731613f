import { SoundElement } from './schema.ts';

export const sample = (id: string): SoundElement =>
	SoundElement.parse({
		kind: 'sound',
		id,
		name: 'Sound',
		x: 0,
		y: 0,
		width: 0,
		height: 0,
		cue: { address: '/sounds/chime.wav' }
	});

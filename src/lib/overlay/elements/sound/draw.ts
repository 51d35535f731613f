import type { Draw } from '$lib/render/drawing';
import type { SoundElement } from './schema.ts';

/** There is nothing to see; the sound joins those of the play. */
export const draw: Draw<SoundElement> = (element, drawing) => {
	drawing.cue(element.cue);
	return null;
};

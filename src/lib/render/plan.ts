/** Where and how the document shows a play, and what must be loaded for it. Pure. */
import type { PlayWithEvent } from '$lib/bus';
import { boxFor, choose } from '$lib/overlay/choose';
import type { OverlayDocument, Variation } from '$lib/overlay/document';
import { walk, type Element } from '$lib/overlay/elements';
import { viewerPicture } from '$lib/overlay/variables';

export interface Plan {
	/** The alert box's id. */
	layer: string;
	variation: Variation;
}

/** Null when the document has no place for alerts at all. */
export function planFor(document: OverlayDocument, play: PlayWithEvent): Plan | null {
	const box = boxFor(document, play.lane);
	if (box === null) return null;
	return { layer: box.id, variation: choose(box, play.event.event_type).variation };
}

/** The addresses of the sounds and pictures that these elements need. */
export function needs(
	elements: Iterable<Element>,
	viewer: string | null
): { sounds: Set<string>; pictures: Set<string> } {
	const sounds = new Set<string>();
	const pictures = new Set<string>();
	for (const element of elements) {
		if (element.hidden) continue;
		if (element.kind === 'sound') sounds.add(element.cue.address);
		if (element.kind !== 'image') continue;
		const address = element.source.from === 'viewer' ? viewer : element.source.address;
		if (address !== null) pictures.add(address);
	}
	return { sounds, pictures };
}

/** The same for one play of one variation. */
export function needsOf({ variation }: Plan, play: PlayWithEvent): ReturnType<typeof needs> {
	const found = needs(walk(variation.root), viewerPicture(play.event));
	if (variation.sound !== null) found.sounds.add(variation.sound.address);
	return found;
}

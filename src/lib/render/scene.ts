/**
 * A tree of Pixi containers made from elements, with the poses that the driver moves. One element
 * that fails to draw is left out and reported; the others stand.
 */
import { Container, Texture } from 'pixi.js';
import type { Element, SoundCue } from '$lib/overlay/elements';
import type { Score } from '$lib/overlay/score';
import type { Pose } from '$lib/overlay/timeline';
import type { Variables } from '$lib/overlay/template';
import type { Drawing } from './drawing.ts';
import { play, rest, type Playback } from './driver.ts';
import { drawElement, type Draws } from './elements.ts';
import type { Pictures } from './pictures.ts';
import { paint } from './raster.ts';

/** What one scene is made for. */
export interface Subject {
	variables: Variables;
	viewerPicture: string | null;
	locale: string;
}
/** What all scenes of a stage share. */
export interface Workshop {
	draws: Draws;
	pictures: Pictures;
	/** Surfaces that depend on the document only, by what they show. */
	lasting: Map<string, Texture>;
	onFault(part: string, message: string): void;
}

export interface Scene {
	readonly root: Container;
	readonly cues: readonly SoundCue[];
	seek(at_ms: number): void;
	destroy(): void;
}

export function createScene(
	elements: readonly Element[],
	score: Score | null,
	subject: Subject,
	workshop: Workshop
): Scene {
	const own: Texture[] = [];
	const cues: SoundCue[] = [];
	const moved = new Set(score?.lines.map((line) => line.element));
	const moving: { element: Element; node: Container; pose: Pose }[] = [];
	const poses = new Map<string, Pose>();

	const drawing: Drawing = {
		variables: subject.variables,
		locale: subject.locale,
		viewerPicture: subject.viewerPicture,
		picture: (address) => workshop.pictures.get(address),
		paint(surface, brush) {
			const texture = paint(surface, brush);
			own.push(texture);
			return texture;
		},
		paintOnce(key, surface, brush) {
			let texture = workshop.lasting.get(key);
			if (texture === undefined) {
				texture = paint(surface, brush);
				workshop.lasting.set(key, texture);
			}
			return texture;
		},
		cue: (cue) => void cues.push(cue),
		place
	};

	function place(element: Element): Container | null {
		if (element.hidden) return null;
		if (element.needs !== null && !(subject.variables[element.needs] ?? '')) return null;
		try {
			const node = drawElement(workshop.draws, element, drawing);
			if (node === null) return null;
			const pose = rest();
			pin(node, element, pose);
			if (moved.has(element.id)) {
				moving.push({ element, node, pose });
				poses.set(element.id, pose);
			}
			return node;
		} catch (cause) {
			workshop.onFault(element.name || element.id, describe(cause));
			return null;
		}
	}

	const root = new Container();
	for (const element of elements) {
		const node = place(element);
		if (node !== null) root.addChild(node);
	}
	const playback: Playback | null = score === null ? null : play(score, poses);

	return {
		root,
		cues,
		seek(at_ms) {
			playback?.seek(at_ms);
			for (const { element, node, pose } of moving) pin(node, element, pose);
		},
		destroy() {
			playback?.end();
			root.destroy({ children: true });
			for (const texture of own) texture.destroy(true);
		}
	};
}

/** Puts a node where its element is in the design, displaced by its pose. */
function pin(node: Container, element: Element, pose: Pose): void {
	const pivotX = element.width * element.origin.x;
	const pivotY = element.height * element.origin.y;
	node.pivot.set(pivotX, pivotY);
	node.position.set(element.x + pivotX + pose.x, element.y + pivotY + pose.y);
	node.angle = element.rotation + pose.rotation;
	const scale = element.scale * pose.scale;
	node.scale.set(scale * pose.scale_x, scale * pose.scale_y);
	node.alpha = Math.min(1, Math.max(0, element.alpha * pose.alpha));
}

export const describe = (cause: unknown): string =>
	cause instanceof Error ? cause.message : String(cause);

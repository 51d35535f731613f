/**
 * What is on the screen: the layers of the document and the plays shown in them. It survives the
 * loss of the GPU by making a new screen with the same plays at the same instants.
 */
import { Container } from 'pixi.js';
import type { PlayWithEvent } from '$lib/bus';
import type { OverlayDocument } from '$lib/overlay/document';
import type { SoundCue } from '$lib/overlay/elements';
import { sampleEvent } from '$lib/overlay/sample';
import { compose, nextMotion, type Score } from '$lib/overlay/score';
import { variables, viewerPicture } from '$lib/overlay/variables';
import type { Plan } from './plan.ts';
import { surfaces } from './raster.ts';
import { createScene, describe, type Scene, type Subject, type Workshop } from './scene.ts';
import { createScreen, type Screen, type ScreenOptions } from './screen.ts';

export interface DisplayOptions {
	host: HTMLElement;
	document: OverlayDocument;
	workshop: Omit<Workshop, 'onFault'>;
	renderer: ScreenOptions['renderer'];
	locale: string;
	onFault: (play_id: string | null, part: string, message: string) => void;
	/** A new screen wants a frame. */
	onChanged: () => void;
}

export interface Display {
	open(): Promise<void>;
	/** Adds a play at an instant of its timeline; answers with the sounds among its elements. */
	add(play: PlayWithEvent, plan: Plan, at_ms: number): readonly SoundCue[];
	/** Takes a play off and the picture with it, at once. */
	remove(play_id: string): void;
	/**
	 * Draws one frame with each play at its instant. Answers which plays it showed for the first
	 * time, and in how many milliseconds the next frame is due (null: none is).
	 */
	frame(instantOf: (play_id: string) => number): { fresh: string[]; due: number | null };
	/** `surfaces` counts those of all stages in the page. */
	stats(): { renderer: string; frames: number; surfaces: number; showing: number };
	readonly canvas: HTMLCanvasElement;
	destroy(): void;
}

interface Showing {
	play: PlayWithEvent;
	plan: Plan;
	score: Score;
	subject: Subject;
	at_ms: number;
	/** Null while there is no screen, or when nothing of it could be drawn. */
	scene: Scene | null;
	painted: boolean;
}

/** A screen lost more often is not tried on the GPU again. */
const MAX_LOSSES = 2;

export function createDisplay(options: DisplayOptions): Display {
	const { document, locale, onFault } = options;
	const showing = new Map<string, Showing>();
	/** One container for each layer, in order. */
	const layers = new Map<string, Container>();
	const scenes: Scene[] = [];
	let screen: Screen | null = null;
	let losses = 0;
	let frames = 0;
	let destroyed = false;

	const attempt = (play_id: string | null, part: string, action: () => void): void => {
		try {
			action();
		} catch (cause) {
			onFault(play_id, part, describe(cause));
		}
	};
	const workshopFor = (tell: Workshop['onFault']): Workshop => ({
		...options.workshop,
		onFault: tell
	});

	async function open(): Promise<void> {
		const renderer = losses > MAX_LOSSES ? 'canvas' : options.renderer;
		const opened = await createScreen({ ...document.size, renderer, onLost });
		if (destroyed) return opened.destroy();
		warm(opened);
		screen = opened;
		for (const layer of document.layers) {
			const container = new Container({ visible: !layer.hidden });
			layers.set(layer.id, container);
			opened.root.addChild(container);
			if (layer.kind === 'alert_box') container.position.set(layer.x, layer.y);
			else
				attempt(null, layer.name, () => {
					const subject = { variables: {}, viewerPicture: null, locale };
					const workshop = workshopFor((part, message) => onFault(null, part, message));
					const scene = createScene(layer.elements, null, subject, workshop);
					scenes.push(scene);
					container.addChild(scene.root);
				});
		}
		for (const each of showing.values()) build(each);
		draw();
		options.host.append(opened.canvas);
		options.onChanged();
	}

	/**
	 * Shows every variation once while the canvas is in no page: shapes get painted, shaders made,
	 * surfaces sent to the GPU. What fails here fails again, and is told, when it is shown.
	 */
	function warm({ render, root }: Screen): void {
		const event = sampleEvent();
		const subject = { variables: variables(event), viewerPicture: null, locale };
		const workshop = workshopFor(() => undefined);
		for (const layer of document.layers)
			for (const variation of layer.kind === 'alert_box' ? layer.variations : [])
				attempt(null, variation.name, () => {
					const score = compose(variation.timeline, variation.duration_ms);
					const scene = createScene([variation.root], score, subject, workshop);
					root.addChild(scene.root);
					scene.seek(variation.duration_ms / 2);
					render();
					scene.destroy();
				});
	}

	function onLost(): void {
		losses++;
		onFault(null, 'screen', `the GPU context was lost (${losses})`);
		close();
		open().catch((cause) => onFault(null, 'screen', describe(cause)));
	}

	function close(): void {
		for (const each of showing.values()) {
			attempt(each.play.id, 'screen', () => each.scene?.destroy());
			each.scene = null;
		}
		for (const scene of scenes.splice(0)) attempt(null, 'screen', () => scene.destroy());
		layers.clear();
		attempt(null, 'screen', () => screen?.destroy());
		screen = null;
	}

	function build(each: Showing): void {
		const { play, plan, score, subject } = each;
		if (screen === null) return;
		attempt(play.id, plan.variation.name, () => {
			const workshop = workshopFor((part, message) => onFault(play.id, part, message));
			each.scene = createScene([plan.variation.root], score, subject, workshop);
			each.scene.seek(each.at_ms);
			layers.get(plan.layer)?.addChild(each.scene.root);
		});
	}

	function draw(): void {
		if (screen === null) return;
		frames++;
		attempt(null, 'screen', () => screen?.render());
	}

	return {
		open,
		add(play, plan, at_ms) {
			const each: Showing = {
				play,
				plan,
				score: compose(plan.variation.timeline, play.duration_ms),
				subject: {
					variables: variables(play.event),
					viewerPicture: viewerPicture(play.event),
					locale
				},
				at_ms,
				scene: null,
				painted: false
			};
			showing.set(play.id, each);
			build(each);
			return each.scene?.cues ?? [];
		},
		remove(play_id) {
			const each = showing.get(play_id);
			if (each === undefined) return;
			showing.delete(play_id);
			attempt(play_id, 'screen', () => each.scene?.destroy());
			// Not with the next display frame: a hidden source gets none.
			draw();
		},
		frame(instantOf) {
			let due: number | null = null;
			for (const each of showing.values()) {
				const { score, scene } = each;
				const at = (each.at_ms = instantOf(each.play.id));
				attempt(each.play.id, each.plan.variation.name, () => scene?.seek(at));
				// The player takes it off; until it does, nothing of it may be left standing.
				const over = at >= score.total_ms;
				if (scene !== null) scene.root.visible = !over;
				if (over) continue;
				const next = nextMotion(score, at) ?? score.total_ms;
				due = Math.min(due ?? Infinity, Math.max(0, next - at));
			}
			draw();
			const fresh = [...showing.values()].filter((each) => !each.painted && each.scene !== null);
			for (const each of fresh) each.painted = true;
			return { fresh: fresh.map((each) => each.play.id), due };
		},
		stats: () => ({
			renderer: screen?.renderer ?? 'none',
			frames,
			surfaces: surfaces(),
			showing: showing.size
		}),
		get canvas() {
			if (screen === null) throw new Error('the screen is being made again');
			return screen.canvas;
		},
		destroy() {
			destroyed = true;
			close();
			showing.clear();
		}
	};
}

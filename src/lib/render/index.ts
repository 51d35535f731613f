/**
 * The stage: shows plays with the overlay document. It implements the player's port and decides
 * nothing; the player says what is on and since when.
 *
 * - All that the document alone decides (fonts, shapes, sounds, drawing code) is made ready before
 *   `createStage` resolves, so that a play needs only its words and its picture.
 * - Time is the monotonic clock. Frames are drawn while something moves, and none otherwise.
 * - Nothing throws out of here; a fault is told to `onFault`, and the rest goes on.
 */
import type { Texture } from 'pixi.js';
import type { OverlayDocument } from '$lib/overlay/document';
import type { Stage, StageFault } from '$lib/player/stage';
import { createAudio, type Audio } from './audio.ts';
import { within } from './deadline.ts';
import { createDisplay, type Display } from './display.ts';
import { elementsOf, loadDraws } from './elements.ts';
import { loadFonts } from './fonts.ts';
import { createListeners } from './listeners.ts';
import { createPictures } from './pictures.ts';
import { needs, needsOf, planFor } from './plan.ts';
import { afterFrame, createPump } from './pump.ts';
import { describe } from './scene.ts';
import type { ScreenOptions } from './screen.ts';

export interface StageOptions {
	/** Monotonic milliseconds; `performance.now` unless told otherwise. */
	now?: () => number;
	/** For numbers and capitals in templates. */
	locale?: string;
	/** `auto`, the default, decides by the machine. */
	renderer?: ScreenOptions['renderer'];
	/**
	 * `real`, the default, runs by the clock; `told` draws only when `seek` says so: for the
	 * designer's scrubbing and for tests, where the same instant must give the same pixels.
	 */
	time?: 'real' | 'told';
	audio?: Audio;
}

/** What can be asked of a stage beside the player's port. */
export interface OverlayStage extends Stage {
	/** Puts every play at this instant of its timeline, and draws. */
	seek(at_ms: number): void;
	stats(): ReturnType<Display['stats']>;
	readonly canvas: HTMLCanvasElement;
}

/** How long `prepare` and the making of a stage wait for what must be loaded. */
const LOAD_LIMIT_MS = 1500;

/** Makes a stage and puts its canvas into `host`. Rejects only where no canvas can be had at all. */
export async function createStage(
	host: HTMLElement,
	document: OverlayDocument,
	options: StageOptions = {}
): Promise<OverlayStage> {
	const now = options.now ?? (() => performance.now());
	const told = options.time === 'told';
	const painted = createListeners<string>();
	const faults = createListeners<StageFault>(20);
	const fault = (play_id: string | null, part: string, message: string): void =>
		faults.tell({ play_id, part, message });

	const audio =
		options.audio ?? createAudio({ now, onFault: (message) => fault(null, 'sound', message) });
	const pictures = createPictures(document.picture_hosts);
	const fonts = loadFonts(document.fonts);
	const elements = [...elementsOf(document)];
	const lasting = new Map<string, Texture>();

	/** When each play began, by the clock; in `told` time, the instant it is at. */
	const times = new Map<string, number>();
	const instantOf = (play_id: string): number => {
		const time = times.get(play_id) ?? 0;
		return told ? time : now() - time;
	};

	const [draws, missingFonts] = await Promise.all([
		loadDraws(new Set(elements.map((element) => element.kind))),
		within(LOAD_LIMIT_MS, fonts.ready),
		...[...needs(elements, null).pictures].map((address) =>
			within(LOAD_LIMIT_MS, pictures.load(address))
		)
	]);
	for (const address of missingFonts ?? ['a font']) fault(null, 'font', `${address} cannot be had`);

	// Sounds load beside everything else: `prepare` waits for those that a play needs.
	for (const address of soundsOf(document))
		void audio.load(address).then((there) => {
			if (!there) fault(null, 'sound', `${address} cannot be had`);
		});

	const display = createDisplay({
		host,
		document,
		workshop: { draws, pictures, lasting },
		renderer: options.renderer ?? 'auto',
		locale: options.locale ?? 'en',
		onFault: fault,
		onChanged: () => (told ? frame(false) : pump.wake())
	});
	const pump = createPump(frame);

	function frame(displayed: boolean): number | null {
		const { fresh, due } = display.frame(instantOf);
		const tell = () => fresh.forEach(painted.tell);
		if (fresh.length > 0 && displayed) afterFrame(tell);
		else tell();
		return due;
	}
	await display.open();

	let destroyed = false;
	/** Whatever fails in here is told, never thrown. */
	const attempt = (play_id: string | null, part: string, action: () => void): void => {
		try {
			if (!destroyed) action();
		} catch (cause) {
			fault(play_id, part, describe(cause));
		}
	};

	return {
		async prepare(play) {
			const plan = planFor(document, play);
			if (plan === null) return { missing: ['alert box'] };
			const missing: string[] = [];
			const need = needsOf(plan, play);
			const load = async (address: string, loading: Promise<unknown>): Promise<void> => {
				if (!(await within(LOAD_LIMIT_MS, loading))) missing.push(address);
			};
			await Promise.all([
				...[...need.sounds].map((address) => load(address, audio.load(address))),
				...[...need.pictures].map((address) => load(address, pictures.load(address)))
			]);
			return { missing };
		},
		show(play, { offset_ms, sounding }) {
			if (times.has(play.id)) return;
			attempt(play.id, 'alert box', () => {
				const plan = planFor(document, play);
				if (plan === null)
					throw new Error(`the overlay has none, so lane "${play.lane}" cannot be shown`);
				times.set(play.id, told ? offset_ms : now() - offset_ms);
				const cues = display.add(play, plan, offset_ms);
				if (told) frame(false);
				else pump.wake();
				audio.setSounding(sounding);
				const { sound } = plan.variation;
				for (const cue of sound === null ? cues : [sound, ...cues])
					audio.start(play.id, cue, cue.at_ms - offset_ms);
			});
		},
		hide(play_id, how) {
			times.delete(play_id);
			attempt(play_id, 'screen', () => display.remove(play_id));
			if (times.size === 0) pump.rest();
			attempt(play_id, 'sound', () => audio.stop(play_id, how === 'cut' ? 'cut' : 'fade'));
		},
		setSounding: (sounding) => attempt(null, 'sound', () => audio.setSounding(sounding)),
		onPainted: painted.add,
		onFault: faults.add,
		seek(at_ms) {
			for (const play_id of times.keys()) times.set(play_id, told ? at_ms : now() - at_ms);
			attempt(null, 'screen', () => void frame(false));
			if (!told) pump.wake();
		},
		stats: display.stats,
		get canvas() {
			return display.canvas;
		},
		destroy() {
			attempt(null, 'stage', () => {
				pump.stop();
				display.destroy();
				audio.close();
				fonts.close();
				pictures.close();
				for (const texture of lasting.values()) texture.destroy(true);
				lasting.clear();
			});
			destroyed = true;
			painted.clear();
			faults.clear();
		}
	};
}

/** The addresses of all sounds that any play of this document may need. */
function soundsOf(document: OverlayDocument): Set<string> {
	const { sounds } = needs(elementsOf(document), null);
	for (const layer of document.layers)
		for (const { sound } of layer.kind === 'alert_box' ? layer.variations : [])
			if (sound !== null) sounds.add(sound.address);
	return sounds;
}

/**
 * The sound of a stage: one audio graph that lives as long as the page.
 *
 * - OBS cuts the first tens of milliseconds after silence, and browsers put a silent output to
 *   sleep: a level far below hearing keeps it awake.
 * - Every copy of an overlay plays its sounds, but only the leading one has its master volume up.
 *   So when the lead moves in mid-alert, the new leader is heard from the right place.
 * - A plain browser may want a click first. Sounds asked for meanwhile start late, at the place
 *   they would be by then, or not at all when their play is over: never several at once.
 * - The graph listens to its own output: silent although playing is reported.
 */
import type { SoundCue } from '$lib/overlay/elements';

export interface Audio {
	/** Fetches and decodes. Resolves with whether it is there; never rejects. */
	load(address: string): Promise<boolean>;
	/** Starts a play's sound `in_ms` from now; below zero it is that far gone already. */
	start(play: string, cue: SoundCue, in_ms: number): void;
	/** Ends a play's sounds: at once, or fading out softly. */
	stop(play: string, how: 'cut' | 'fade'): void;
	setSounding(sounding: boolean): void;
	close(): void;
}

export interface AudioOptions {
	/** Monotonic milliseconds. */
	now: () => number;
	onFault: (message: string) => void;
	/** Made by the browser's AudioContext unless a test says otherwise. */
	context?: () => AudioContext;
}

/** -100 dB: no ear and no viewer's meter notices, and yet the output is not zero. */
const AWAKE = 0.00001;
/** Fast enough for a cut, slow enough not to click. */
const CUT_S = 0.03;
const FADE_S = 0.4;
/** When the output is looked at after a sound started, and the level that counts as silent. */
const CHECKS_MS = [120, 240, 400];
const SILENT = 0.0005;

interface Voice {
	play: string;
	source: AudioBufferSourceNode;
	gain: GainNode;
}

export function createAudio({ now, onFault, context: make }: AudioOptions): Audio {
	const buffers = new Map<string, Promise<AudioBuffer | null>>();
	const ready = new Map<string, AudioBuffer>();
	const voices = new Set<Voice>();
	/** Asked for while the browser did not let us sound. */
	const waiting = new Set<{ play: string; cue: SoundCue; start_at: number }>();
	const timers = new Set<ReturnType<typeof setTimeout>>();
	const graph = build(make);
	let sounding = false;
	let told = '';

	/** Each trouble once, until it has gone. */
	const tell = (message: string): void => {
		if (told !== message) onFault(message);
		told = message;
	};

	if (graph === null) tell('this browser gives no audio output');
	const resume = (): void => void graph?.context.resume().catch(() => undefined);
	const onState = (): void => {
		if (graph?.context.state !== 'running') return;
		told = '';
		for (const { play, cue, start_at } of waiting) begin(play, cue, start_at - now());
		waiting.clear();
	};
	graph?.context.addEventListener('statechange', onState);
	for (const gesture of ['pointerdown', 'keydown']) addEventListener(gesture, resume);

	function begin(play: string, cue: SoundCue, in_ms: number): void {
		const buffer = ready.get(cue.address);
		if (graph === null || buffer === undefined) return;
		const { context, master } = graph;
		const offset = Math.max(0, -in_ms / 1000);
		if (offset >= buffer.duration) return;
		const source = context.createBufferSource();
		const gain = context.createGain();
		source.buffer = buffer;
		gain.gain.value = cue.volume;
		source.connect(gain).connect(master);
		const voice = { play, source, gain };
		voices.add(voice);
		source.onended = () => {
			voices.delete(voice);
			gain.disconnect();
		};
		source.start(context.currentTime + Math.max(0, in_ms / 1000), offset);
		if (sounding && cue.volume > 0) listen(voice, Math.max(0, in_ms));
	}

	/** Looks whether a sound that was started can be measured at the output. */
	function listen(voice: Voice, after_ms: number): void {
		if (graph === null) return;
		const { context, meter } = graph;
		const began = context.currentTime;
		let loudest = 0;
		const samples = new Float32Array(meter.fftSize);
		CHECKS_MS.forEach((check, i) => {
			const timer = setTimeout(() => {
				timers.delete(timer);
				// Over or taken off meanwhile: nothing can be concluded.
				if (!voices.has(voice) || !sounding) return;
				meter.getFloatTimeDomainData(samples);
				for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
				if (i < CHECKS_MS.length - 1) return;
				if (context.currentTime === began) tell('the audio output stands still');
				else if (loudest < SILENT) tell('silent although a sound is playing');
				else told = '';
			}, after_ms + check);
			timers.add(timer);
		});
	}

	return {
		async load(address) {
			if (graph === null) return false;
			let buffer = buffers.get(address);
			if (buffer === undefined) {
				buffer = fetchSound(address, graph.context).then((decoded) => {
					// A failure is not kept: the next play tries again.
					if (decoded === null) buffers.delete(address);
					else ready.set(address, decoded);
					return decoded;
				});
				buffers.set(address, buffer);
			}
			return (await buffer) !== null;
		},
		start(play, cue, in_ms) {
			if (graph === null) return;
			if (graph.context.state === 'running') return begin(play, cue, in_ms);
			waiting.add({ play, cue, start_at: now() + in_ms });
			if (sounding) tell('the browser holds sound back until someone clicks on the page');
			resume();
		},
		stop(play, how) {
			for (const wait of waiting) if (wait.play === play) waiting.delete(wait);
			if (graph === null) return;
			const { currentTime } = graph.context;
			const seconds = how === 'cut' ? CUT_S : FADE_S;
			for (const voice of voices) {
				if (voice.play !== play) continue;
				voice.gain.gain.setTargetAtTime(0, currentTime, seconds / 4);
				voice.source.stop(currentTime + seconds);
			}
		},
		setSounding(value) {
			sounding = value;
			graph?.master.gain.setTargetAtTime(value ? 1 : 0, graph.context.currentTime, 0.01);
		},
		close() {
			for (const gesture of ['pointerdown', 'keydown']) removeEventListener(gesture, resume);
			for (const timer of timers) clearTimeout(timer);
			graph?.context.removeEventListener('statechange', onState);
			waiting.clear();
			voices.clear();
			void graph?.context.close().catch(() => undefined);
		}
	};
}

interface Graph {
	context: AudioContext;
	master: GainNode;
	meter: AnalyserNode;
}

function build(make: AudioOptions['context']): Graph | null {
	try {
		const context = make?.() ?? new AudioContext({ latencyHint: 'interactive' });
		const master = context.createGain();
		master.gain.value = 0;
		const meter = context.createAnalyser();
		master.connect(meter).connect(context.destination);
		const awake = context.createConstantSource();
		awake.offset.value = AWAKE;
		awake.connect(context.destination);
		awake.start();
		return { context, master, meter };
	} catch {
		return null;
	}
}

async function fetchSound(address: string, context: AudioContext): Promise<AudioBuffer | null> {
	try {
		const response = await fetch(address, { credentials: 'omit' });
		if (!response.ok) return null;
		return await context.decodeAudioData(await response.arrayBuffer());
	} catch {
		return null;
	}
}

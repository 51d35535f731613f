/** Sound in a real browser. Headless Chromium holds it back until a click, as a plain browser does. */
import { userEvent } from 'vitest/browser';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createAudio, type Audio } from './audio.ts';

let audio: Audio;
let context: AudioContext;
let faults: string[];

/** A mono WAV of half a second at this level. */
function wav(level: number): string {
	const rate = 8000;
	const bytes = new DataView(new ArrayBuffer(44 + rate));
	const word = (at: number, text: string) =>
		[...text].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
	word(0, 'RIFF');
	bytes.setUint32(4, 36 + rate, true);
	word(8, 'WAVEfmt ');
	bytes.setUint32(16, 16, true);
	bytes.setUint16(20, 1, true);
	bytes.setUint16(22, 1, true);
	bytes.setUint32(24, rate, true);
	bytes.setUint32(28, rate * 2, true);
	bytes.setUint16(32, 2, true);
	bytes.setUint16(34, 16, true);
	word(36, 'data');
	bytes.setUint32(40, rate, true);
	for (let i = 0; i < rate / 2; i++)
		bytes.setInt16(44 + i * 2, Math.sin(i / 4) * level * 32_000, true);
	return URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
}
const cue = (address: string) => ({ address, volume: 1, at_ms: 0 });

beforeEach(() => {
	faults = [];
	audio = createAudio({
		now: () => performance.now(),
		onFault: (message) => faults.push(message),
		context: () => (context = new AudioContext())
	});
});
afterEach(() => audio.close());

const running = async (): Promise<void> => {
	await userEvent.click(document.body);
	await vi.waitFor(() => expect(context.state).toBe('running'), { timeout: 5000 });
};
/** Until the output has been looked at for the last time, by the sound's own clock. */
const later = (seconds: number) => {
	const from = context.currentTime;
	return vi.waitFor(() => expect(context.currentTime).toBeGreaterThan(from + seconds), {
		timeout: 10_000
	});
};

it('what can be had is decoded, what cannot is said to be missing', async () => {
	expect(await audio.load('/sounds/chime.wav')).toBe(true);
	expect(await audio.load('/manifest.webmanifest')).toBe(false);
	expect(await audio.load('/icon.svg')).toBe(false);
});

it('a sound that is heard raises no fault', async () => {
	await running();
	audio.setSounding(true);
	await audio.load('/sounds/chime.wav');
	audio.start('play', cue('/sounds/chime.wav'), 0);
	await later(0.6);
	expect(faults).toEqual([]);
});

it('a sound that cannot be measured at the output is told', async () => {
	await running();
	audio.setSounding(true);
	const silence = wav(0);
	await audio.load(silence);
	audio.start('play', cue(silence), 0);
	await vi.waitFor(() => expect(faults).toEqual(['silent although a sound is playing']), {
		timeout: 5000
	});
});

it('a copy that does not lead is silent, and nobody complains', async () => {
	await running();
	const silence = wav(0);
	await audio.load(silence);
	audio.start('play', cue(silence), 0);
	await later(0.6);
	expect(faults).toEqual([]);
});

it('a sound that is cut is not looked for', async () => {
	await running();
	audio.setSounding(true);
	const silence = wav(0);
	await audio.load(silence);
	audio.start('play', cue(silence), 0);
	audio.stop('play', 'cut');
	await later(0.6);
	expect(faults).toEqual([]);
});

it('what a browser holds back is told once and starts late, from where it would be', async () => {
	const held = await new Promise<AudioContext>((resolve) => {
		audio.close();
		audio = createAudio({
			now: () => performance.now(),
			onFault: (message) => faults.push(message),
			context: () => {
				context = new AudioContext();
				// As before any click, whatever this page has been clicked for.
				void context.suspend().then(() => resolve(context));
				vi.spyOn(context, 'resume').mockImplementation(async () => undefined);
				return context;
			}
		});
	});
	const begun = vi.spyOn(held, 'createBufferSource');
	const loud = wav(0.5);
	await audio.load(loud);
	audio.setSounding(true);
	audio.start('heard', cue(loud), 0);
	audio.start('over', cue(loud), -10_000);
	audio.start('cut', cue(loud), 0);
	audio.stop('cut', 'cut');
	expect(begun).not.toHaveBeenCalled();
	expect(faults).toEqual(['the browser holds sound back until someone clicks on the page']);
	vi.mocked(held.resume).mockRestore();
	await userEvent.click(document.body);
	await vi.waitFor(() => expect(begun).toHaveBeenCalledTimes(1), { timeout: 5000 });
});

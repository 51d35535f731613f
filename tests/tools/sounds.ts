/**
 * Makes the default sounds in `static/sounds`. Run once when they change: `npx tsx tests/tools/sounds.ts`.
 * They are additive bells of our own, so there is no licence to mind; mono, 16 bit.
 */
import { mkdirSync, writeFileSync } from 'node:fs';

const RATE = 32_000;

interface Note {
	at: number;
	/** Hertz. */
	pitch: number;
	loudness: number;
	/** Seconds until it is a tenth as loud. */
	decay: number;
}

/** Overtones of a struck bar: where, how loud, how much faster they fade. */
const bar = [
	[1, 1, 1],
	[2.0, 0.35, 1.6],
	[3.93, 0.22, 3.2],
	[9.2, 0.05, 7]
] as const;

function ring(seconds: number, notes: readonly Note[]): Float32Array {
	const samples = new Float32Array(Math.round(seconds * RATE));
	for (const { at, pitch, loudness, decay } of notes)
		for (const [ratio, level, fade] of bar) {
			if (pitch * ratio > RATE * 0.45) continue;
			for (let i = Math.round(at * RATE); i < samples.length; i++) {
				const t = i / RATE - at;
				// Four milliseconds of attack, so that nothing clicks.
				const envelope = Math.min(1, t / 0.004) * Math.pow(10, (-t * fade) / decay);
				samples[i]! += loudness * level * envelope * Math.sin(2 * Math.PI * pitch * ratio * t);
			}
		}
	return samples;
}

/** A few quiet repeats, as in a hall. */
function hall(samples: Float32Array): Float32Array {
	for (const [delay, level] of [
		[0.061, 0.22],
		[0.097, 0.17],
		[0.149, 0.12],
		[0.211, 0.08]
	] as const) {
		const shift = Math.round(delay * RATE);
		for (let i = samples.length - 1; i >= shift; i--) samples[i]! += samples[i - shift]! * level;
	}
	return samples;
}

/** WAV, evened to a common loudness and faded out over the last tenth of a second. */
function wav(samples: Float32Array): Buffer {
	const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
	const data = Buffer.alloc(samples.length * 2);
	const tail = RATE / 10;
	samples.forEach((sample, i) => {
		const fade = Math.min(1, (samples.length - i) / tail);
		data.writeInt16LE(Math.round((sample / peak) * 0.7 * fade * 32_767), i * 2);
	});
	const head = Buffer.alloc(44);
	head.write('RIFF', 0);
	head.writeUInt32LE(36 + data.length, 4);
	head.write('WAVEfmt ', 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(1, 22);
	head.writeUInt32LE(RATE, 24);
	head.writeUInt32LE(RATE * 2, 28);
	head.writeUInt16LE(2, 32);
	head.writeUInt16LE(16, 34);
	head.write('data', 36);
	head.writeUInt32LE(data.length, 40);
	return Buffer.concat([head, data]);
}

/** Semitones from A4. */
const tone = (semitones: number): number => 440 * 2 ** (semitones / 12);
const note = (at: number, semitones: number, loudness = 1, decay = 0.7): Note => ({
	at,
	pitch: tone(semitones),
	loudness,
	decay
});

const sounds = {
	// A fifth and its octave: someone came in.
	chime: ring(1.3, [note(0, 3), note(0.11, 10, 0.9), note(0.22, 15, 0.55, 0.9)]),
	// A rising chord with a low foundation: the curtain goes up.
	fanfare: ring(1.8, [
		note(0, -21, 0.9, 0.9),
		note(0, -2, 0.7),
		note(0.1, 3, 0.7),
		note(0.2, 7, 0.75),
		note(0.32, 10, 0.9, 1.1),
		note(0.46, 15, 0.9, 1.3),
		note(0.46, 3, 0.5, 1.3)
	]),
	// A quick glitter downwards: something was given.
	spark: ring(1.1, [
		note(0, 22, 0.5, 0.35),
		note(0.06, 19, 0.55, 0.35),
		note(0.12, 15, 0.65, 0.4),
		note(0.18, 19, 0.75, 0.5),
		note(0.27, 27, 0.5, 0.8)
	])
};

mkdirSync('static/sounds', { recursive: true });
for (const [name, samples] of Object.entries(sounds)) {
	const file = `static/sounds/${name}.wav`;
	writeFileSync(file, wav(hall(samples)));
	console.log(`${file}: ${(samples.length / RATE).toFixed(1)} s`);
}

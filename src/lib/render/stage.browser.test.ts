/**
 * The stage in a real browser, judged by its pixels. The canvas renderer is used throughout: it
 * gives the same bits on every machine. Time is told or faked; nothing waits.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PlayWithEvent } from '$lib/bus';
import type { AlertBox, OverlayDocument } from '$lib/overlay/document';
import { starterDocument } from '$lib/overlay/starter';
import { still } from '$lib/overlay/timeline';
import type { StageFault } from '$lib/player/stage';
import type { Audio } from './audio.ts';
import { surfaces } from './raster.ts';
import { createStage, type OverlayStage, type StageOptions } from './index.ts';

const start = starterDocument();
const [alerts] = start.layers as AlertBox[];
let stages: OverlayStage[] = [];
let host: HTMLElement;
let heard: unknown[][];

/** Keeps a record in place of making sounds. */
const audio = (): Audio => ({
	load: async (address) => address !== '/manifest.webmanifest',
	start: (...asked) => void heard.push(['start', ...asked]),
	stop: (...asked) => void heard.push(['stop', ...asked]),
	setSounding: (sounding) => void heard.push(['sounding', sounding]),
	close: () => void heard.push(['close'])
});

beforeEach(() => {
	host = document.body.appendChild(document.createElement('div'));
	heard = [];
});
afterEach(() => {
	for (const stage of stages) stage.destroy();
	stages = [];
	host.remove();
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

async function aStage(
	options: StageOptions = { time: 'told' },
	shown: OverlayDocument = start
): Promise<OverlayStage> {
	const stage = await createStage(host, shown, { renderer: 'canvas', audio: audio(), ...options });
	stages.push(stage);
	return stage;
}

let plays = 0;
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const user = { id: '7', login: 'night_owl', name: 'Night Owl', picture: null };

function aPlay(
	changes: Partial<PlayWithEvent> = {},
	event: Partial<PlayWithEvent['event']> = {}
): PlayWithEvent {
	const id = uuid(++plays);
	const at = '2026-01-01T00:00:00Z';
	return {
		id,
		event_id: uuid(0),
		account_id: uuid(0),
		overlay_id: uuid(0),
		seq: 1,
		priority: 'normal',
		lane: 'main',
		status: 'playing',
		reason: 'live',
		play_no: 1,
		attempt: 1,
		duration_ms: 6000,
		instance_id: null,
		elapsed_ms: 0,
		outcome: null,
		created_at: at,
		started_at: null,
		ended_at: null,
		...changes,
		event: {
			id: uuid(0),
			account_id: uuid(0),
			seq: 1,
			event_type: 'any:follower',
			class: 'animated',
			platform: 'any',
			origin: 'live',
			external_id: null,
			data: { user },
			metadata: {},
			priority: 'normal',
			status: 'active',
			duration_ms: 6000,
			cancelable: true,
			replayable: true,
			scheduled_at: null,
			occurred_at: null,
			created_at: at,
			started_at: null,
			completed_at: null,
			...event
		}
	};
}
const now = { offset_ms: 0, sounding: true };

type Region = { x: number; y: number; width: number; height: number };
const whole: Region = { x: 0, y: 0, ...start.size };

function pixels(
	{ canvas }: OverlayStage,
	{ x, y, width, height }: Region = whole
): Uint8ClampedArray {
	const copy = document.createElement('canvas');
	copy.width = canvas.width;
	copy.height = canvas.height;
	const context = copy.getContext('2d', { willReadFrequently: true })!;
	context.drawImage(canvas, 0, 0);
	return context.getImageData(x, y, width, height).data;
}
/** How many pixels are not fully transparent. */
function painted(stage: OverlayStage, region?: Region): number {
	let count = 0;
	const data = pixels(stage, region);
	for (let i = 3; i < data.length; i += 4) if (data[i]! > 0) count++;
	return count;
}
async function hash(stage: OverlayStage): Promise<string> {
	const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(pixels(stage)));
	return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
function faultsOf(stage: OverlayStage): StageFault[] {
	const faults: StageFault[] = [];
	stage.onFault((fault) => faults.push(fault));
	return faults;
}

describe('what is seen', () => {
	it('an empty stage is transparent', async () => {
		expect(painted(await aStage())).toBe(0);
	});

	it('the very first frame shows something solid, in its place', async () => {
		const stage = await aStage();
		stage.show(aPlay(), now);
		const data = pixels(stage);
		let solid = 0;
		for (let i = 3; i < data.length; i += 4) if (data[i]! === 255) solid++;
		expect(solid).toBeGreaterThan(20_000);
		expect(painted(stage, { x: 0, y: 600, width: 1920, height: 480 })).toBe(0);
	});

	it('the same instant gives the same pixels on another stage, whatever came before', async () => {
		const [one, other] = [await aStage(), await aStage()];
		const [first, second] = [aPlay(), aPlay()];
		one.show(first, now);
		other.show(second, { ...now, offset_ms: 4000 });
		for (const at of [0, 250, 1500, 3000, 5700]) one.seek(at);
		for (const at of [3000, 700]) {
			one.seek(at);
			other.seek(at);
			expect(await hash(one)).toBe(await hash(other));
		}
	});

	it('different instants and different events look different', async () => {
		const stage = await aStage();
		const seen = new Set<string>();
		for (const variation of alerts!.variations) {
			const event_type = variation.match?.event_types[0]!.replace('*', 'any') ?? 'custom:score';
			const play = aPlay({}, { event_type });
			stage.show(play, { ...now, offset_ms: 3000 });
			seen.add(await hash(stage));
			stage.seek(200);
			seen.add(await hash(stage));
			stage.hide(play.id, 'end');
		}
		expect(seen.size).toBe(2 * alerts!.variations.length);
	});

	it('names are seen: another name, another picture', async () => {
		const stage = await aStage();
		const seen = new Set<string>();
		for (const name of ['Ann', 'Bo', 'مرحبا', '🦉', 'x'.repeat(400), '<b>Ann</b>']) {
			const play = aPlay({}, { data: { user: { ...user, name } } });
			stage.show(play, { ...now, offset_ms: 3000 });
			seen.add(await hash(stage));
			stage.hide(play.id, 'end');
		}
		expect(seen.size).toBe(6);
	});

	it('what needs a message is there only with one', async () => {
		const bubble = { x: 720, y: 290, width: 600, height: 70 };
		const stage = await aStage();
		const solid = (play: PlayWithEvent): number => {
			stage.show(play, { ...now, offset_ms: 3000 });
			const data = pixels(stage, bubble);
			stage.hide(play.id, 'end');
			return data.filter((value, i) => i % 4 === 3 && value > 200).length;
		};
		expect(solid(aPlay({}, { data: { user, message: 'Hello!' } }))).toBe(600 * 70);
		expect(solid(aPlay())).toBe(0);
	});

	it('a cut leaves not one pixel, at once', async () => {
		const stage = await aStage();
		const play = aPlay();
		stage.show(play, { ...now, offset_ms: 2000 });
		expect(painted(stage)).toBeGreaterThan(0);
		stage.hide(play.id, 'cut');
		expect(painted(stage)).toBe(0);
	});

	it('at its end a play is gone even if nobody takes it off and nothing takes it out', async () => {
		const variations = alerts!.variations.map((each) => ({ ...each, timeline: still() }));
		const stage = await aStage(
			{ time: 'told' },
			{ ...start, layers: [{ ...alerts!, variations }] }
		);
		stage.show(aPlay({ duration_ms: 3000 }), now);
		stage.seek(2999);
		expect(painted(stage)).toBeGreaterThan(0);
		stage.seek(3000);
		expect(painted(stage)).toBe(0);
	});

	it('two lanes show side by side, and one goes without the other', async () => {
		const left = { ...alerts!, x: 0, y: 0 };
		const right = { ...alerts!, id: 'side', lane: 'side', x: 800, y: 600 };
		const stage = await aStage({ time: 'told' }, { ...start, layers: [left, right] });
		const [main, side] = [aPlay(), aPlay({ lane: 'side' })];
		stage.show(main, { ...now, offset_ms: 3000 });
		stage.show(side, { ...now, offset_ms: 3000 });
		stage.hide(main.id, 'cut');
		expect(painted(stage, { x: 0, y: 0, width: 1920, height: 500 })).toBe(0);
		expect(painted(stage, { x: 800, y: 600, width: 1120, height: 480 })).toBeGreaterThan(50_000);
	});

	it('scenes are always on, and hidden layers never', async () => {
		const shape = (alerts!.variations[0]!.root.children as { id: string }[]).find(
			(e) => e.id === 'beam'
		)!;
		const scene = {
			id: 'scene',
			name: 'Scene',
			kind: 'scene',
			hidden: false,
			elements: [shape]
		} as const;
		const layers = [scene, { ...alerts!, hidden: true }] as OverlayDocument['layers'];
		const stage = await aStage({ time: 'told' }, { ...start, layers });
		const before = painted(stage);
		expect(before).toBeGreaterThan(10_000);
		stage.show(aPlay(), { ...now, offset_ms: 3000 });
		expect(painted(stage)).toBe(before);
	});
});

describe('pictures', () => {
	const withPicture = (picture: string | null) =>
		aPlay({}, { data: { user: { ...user, picture } } });
	/** The middle of the lamp. */
	const middle = { x: 560, y: 154, width: 60, height: 60 };

	it('are shown when they can be had, and initials when not', async () => {
		const stage = await aStage();
		const seen: Record<string, string> = {};
		for (const picture of ['/icon.svg', '/sounds/chime.wav', null]) {
			const play = withPicture(picture);
			const { missing } = await stage.prepare(play);
			expect(missing).toEqual(picture === '/sounds/chime.wav' ? [picture] : []);
			stage.show(play, { ...now, offset_ms: 3000 });
			seen[String(picture)] = pixels(stage, middle).join();
			stage.hide(play.id, 'end');
		}
		expect(seen['/sounds/chime.wav']).toBe(seen.null);
		expect(seen['/icon.svg']).not.toBe(seen.null);
	});

	it('never come from a host that the document does not name', async () => {
		const asked = vi.spyOn(window, 'Image');
		const stage = await aStage();
		for (const picture of [
			'https://evil.example/a.png',
			'http://static-cdn.jtvnw.net/a.png',
			'data:image/png;base64,AA',
			'//evil.example/a.png'
		])
			expect((await stage.prepare(withPicture(picture))).missing).toEqual([picture]);
		expect(asked).not.toHaveBeenCalled();
		asked.mockRestore();
	});
});

describe('frames', () => {
	/** A stage on faked time: frames and timers come when told. */
	async function running(): Promise<OverlayStage> {
		const stage = await aStage({ time: 'real', now: () => performance.now() });
		vi.advanceTimersByTime(1000);
		return stage;
	}
	beforeEach(() => {
		vi.useFakeTimers({
			toFake: [
				'setTimeout',
				'clearTimeout',
				'requestAnimationFrame',
				'cancelAnimationFrame',
				'performance'
			]
		});
	});
	const during = (stage: OverlayStage, ms: number): number => {
		const before = stage.stats().frames;
		vi.advanceTimersByTime(ms);
		return stage.stats().frames - before;
	};

	it('are many while something moves, none while it stands, none when all is over', async () => {
		const stage = await running();
		expect(during(stage, 60_000)).toBe(0);
		const play = aPlay();
		stage.show(play, now);
		expect(during(stage, 1500)).toBeGreaterThan(80);
		during(stage, 100);
		expect(during(stage, 2000)).toBe(0);
		expect(during(stage, 2500)).toBeGreaterThan(80);
		expect(painted(stage)).toBe(0);
		stage.hide(play.id, 'end');
		expect(during(stage, 600_000)).toBe(0);
		expect(vi.getTimerCount()).toBe(0);
	});

	it('stop at once when a play is cut', async () => {
		const stage = await running();
		const play = aPlay();
		stage.show(play, now);
		vi.advanceTimersByTime(300);
		stage.hide(play.id, 'cut');
		expect(painted(stage)).toBe(0);
		expect(during(stage, 10_000)).toBe(0);
		expect(vi.getTimerCount()).toBe(0);
	});

	it('follow the clock: a play shown late is where it would be', async () => {
		const [live, told] = [await running(), await aStage()];
		live.show(aPlay(), { ...now, offset_ms: 2000 });
		vi.advanceTimersByTime(1600);
		const at = 2000 + 1600;
		told.show(aPlay(), { ...now, offset_ms: at });
		expect(await hash(live)).toBe(await hash(told));
	});

	it('painted is told once, after a frame with the play was drawn', async () => {
		const stage = await running();
		const told: string[] = [];
		stage.onPainted(() => {
			throw new Error('a listener that fails harms nobody');
		});
		stage.onPainted((id) => told.push(id));
		const quiet = vi.spyOn(console, 'error').mockImplementation(() => undefined);
		const play = aPlay();
		stage.show(play, now);
		expect(told).toEqual([]);
		vi.advanceTimersByTime(17);
		expect(painted(stage)).toBeGreaterThan(0);
		await vi.waitFor(() => expect(told).toEqual([play.id]));
		vi.advanceTimersByTime(6000);
		expect(told).toEqual([play.id]);
		expect(quiet).toHaveBeenCalledOnce();
		quiet.mockRestore();
	});

	it('where no display frames come, a play is still painted, moves and ends', async () => {
		vi.stubGlobal('requestAnimationFrame', () => 0);
		const stage = await running();
		const told: string[] = [];
		stage.onPainted((id) => told.push(id));
		const play = aPlay();
		stage.show(play, now);
		vi.advanceTimersByTime(250);
		expect(told).toEqual([play.id]);
		const early = await hash(stage);
		vi.advanceTimersByTime(1000);
		expect(await hash(stage)).not.toBe(early);
		vi.advanceTimersByTime(6000);
		expect(painted(stage)).toBe(0);
	});

	it('ask the browser for nothing while idle', async () => {
		const asked = vi.spyOn(window, 'requestAnimationFrame');
		const stage = await running();
		const play = aPlay();
		stage.show(play, now);
		vi.advanceTimersByTime(7000);
		stage.hide(play.id, 'end');
		vi.advanceTimersByTime(1000);
		asked.mockClear();
		vi.advanceTimersByTime(60_000);
		expect(asked).not.toHaveBeenCalled();
		asked.mockRestore();
	});
});

describe('faults', () => {
	it('an element that cannot be drawn is left out and told; the others stand', async () => {
		const [first] = alerts!.variations;
		const broken = {
			...first!.root.children[0],
			id: 'ghost',
			name: 'Hologram',
			kind: 'hologram'
		} as never;
		const root = { ...first!.root, children: [broken, ...first!.root.children] };
		const layers = [{ ...alerts!, variations: [{ ...first!, match: null, root }] }];
		const [sound, stage] = [await aStage(), await aStage({ time: 'told' }, { ...start, layers })];
		const faults = faultsOf(stage);
		const play = aPlay();
		stage.show(play, { ...now, offset_ms: 3000 });
		sound.show(aPlay(), { ...now, offset_ms: 3000 });
		expect(faults).toEqual([
			{ play_id: play.id, part: 'Hologram', message: expect.stringContaining('hologram') }
		]);
		expect(await hash(stage)).toBe(await hash(sound));
	});

	it('a document without a place for alerts says so, and does not throw', async () => {
		const stage = await aStage({ time: 'told' }, { ...start, layers: [] });
		const faults = faultsOf(stage);
		const play = aPlay();
		expect(await stage.prepare(play)).toEqual({ missing: ['alert box'] });
		stage.show(play, now);
		expect(faults).toEqual([
			{ play_id: play.id, part: 'alert box', message: expect.stringContaining('lane "main"') }
		]);
	});

	it('what could not be loaded is told to whoever listens, even later', async () => {
		const [first] = alerts!.variations;
		const variations = [
			{ ...first!, match: null, sound: { address: '/manifest.webmanifest', volume: 1, at_ms: 0 } }
		];
		const fonts = [{ ...start.fonts[0]!, address: '/icon.svg' }];
		const stage = await aStage(
			{ time: 'told' },
			{ ...start, fonts, layers: [{ ...alerts!, variations }] }
		);
		expect(
			faultsOf(stage)
				.map(({ part }) => part)
				.sort()
		).toEqual(['font', 'sound']);
		expect((await stage.prepare(aPlay())).missing).toEqual(['/manifest.webmanifest']);
	});

	const hostile: Record<string, PlayWithEvent['event']['data']> = {
		nothing: {},
		'a list for a user': { user: ['a'] },
		'numbers for text': { user: { name: 5 }, message: 7, amount: 'NaN' },
		'an endless name': { user: { ...user, name: 'W'.repeat(50_000) } },
		'an endless message': { user, message: 'a '.repeat(30_000) },
		'letters on letters': { user: { ...user, name: 'Z' + '\u0335\u0321'.repeat(5000) } },
		markup: {
			user: { ...user, name: '<img src=x onerror=alert(1)>' },
			message: '<script>alert(1)</script>'
		},
		templates: { user: { ...user, name: '{message|cut:1}' } }
	};
	for (const [name, data] of Object.entries(hostile))
		it(`an event with ${name} is shown without a fault`, async () => {
			const stage = await aStage();
			const faults = faultsOf(stage);
			const nodes = document.querySelectorAll('*').length;
			for (const event_type of ['any:follower', 'any:cheer', 'any:reward', 'custom:thing'])
				stage.show(aPlay({}, { event_type, data }), { ...now, offset_ms: 3000 });
			expect(painted(stage)).toBeGreaterThan(10_000);
			expect(faults).toEqual([]);
			expect(document.querySelectorAll('*').length).toBe(nodes);
		});

	it('a lost GPU context brings the same picture back on a new canvas', async () => {
		const stage = await aStage();
		const faults = faultsOf(stage);
		stage.show(aPlay(), { ...now, offset_ms: 3000 });
		const [before, canvas] = [await hash(stage), stage.canvas];
		canvas.dispatchEvent(new Event('webglcontextlost', { cancelable: true }));
		await vi.waitFor(() => expect(stage.canvas.isConnected).toBe(true));
		expect(stage.canvas).not.toBe(canvas);
		expect(await hash(stage)).toBe(before);
		expect(host.querySelectorAll('canvas')).toHaveLength(1);
		expect(faults).toEqual([
			{ play_id: null, part: 'screen', message: expect.stringContaining('lost') }
		]);
	});

	it('with WebGL as much is painted as with the 2D canvas', async () => {
		const [gpu, plain] = [await aStage({ time: 'told', renderer: 'webgl' }), await aStage()];
		for (const stage of [gpu, plain]) stage.show(aPlay(), { ...now, offset_ms: 3000 });
		gpu.seek(3000);
		const [a, b] = [painted(gpu), painted(plain)];
		expect(Math.abs(a - b) / b).toBeLessThan(0.03);
	});
});

describe('sound', () => {
	it('starts with the play, from where the play is', async () => {
		const stage = await aStage();
		const play = aPlay();
		stage.show(play, { offset_ms: 700, sounding: false });
		stage.setSounding(true);
		stage.hide(play.id, 'cut');
		expect(heard).toEqual([
			['sounding', false],
			['start', play.id, alerts!.variations[0]!.sound, -700],
			['sounding', true],
			['stop', play.id, 'cut']
		]);
	});

	it('comes from sound elements as well, unless they are hidden', async () => {
		const [first] = alerts!.variations;
		const element = {
			...first!.root,
			kind: 'sound',
			children: undefined,
			clip: undefined
		} as const;
		const cue = { address: '/sounds/spark.wav', volume: 1, at_ms: 900 };
		const children = [
			{ ...element, id: 'one', cue },
			{ ...element, id: 'two', cue, hidden: true }
		] as never;
		const variations = [
			{ ...first!, match: null, sound: null, root: { ...first!.root, children } }
		];
		const stage = await aStage(
			{ time: 'told' },
			{ ...start, layers: [{ ...alerts!, variations }] }
		);
		const play = aPlay();
		stage.show(play, now);
		expect(heard.filter(([what]) => what === 'start')).toEqual([['start', play.id, cue, 900]]);
	});
});

describe('a long evening', () => {
	it('200 shows leave no surface and no node behind', async () => {
		const stage = await aStage();
		const surfaces = stage.stats().surfaces;
		const nodes = document.querySelectorAll('*').length;
		for (let i = 0; i < 200; i++) {
			const play = aPlay(
				{},
				{ data: { user: { ...user, name: `Viewer ${i}` }, message: `Message ${i}` } }
			);
			stage.show(play, { ...now, offset_ms: 1000 });
			expect(stage.stats().surfaces).toBeGreaterThan(surfaces);
			stage.hide(play.id, i % 2 === 0 ? 'end' : 'cut');
		}
		expect(stage.stats()).toMatchObject({ surfaces, showing: 0 });
		expect(document.querySelectorAll('*').length).toBe(nodes);
		expect(painted(stage)).toBe(0);
	});

	it('a play is on the stage once, and hiding a stranger does nothing', async () => {
		const stage = await aStage();
		const play = aPlay();
		stage.show(play, { ...now, offset_ms: 3000 });
		const once = await hash(stage);
		stage.show(play, { ...now, offset_ms: 100 });
		stage.hide(uuid(999), 'cut');
		expect(stage.stats().showing).toBe(1);
		expect(await hash(stage)).toBe(once);
	});

	it('a destroyed stage is gone and answers nothing, quietly', async () => {
		const before = surfaces();
		const stage = await aStage();
		stage.show(aPlay(), now);
		stage.destroy();
		expect(host.querySelector('canvas')).toBeNull();
		expect(stage.stats().surfaces).toBe(before);
		stage.show(aPlay(), now);
		stage.setSounding(true);
		stage.hide(uuid(1), 'end');
		stage.seek(5);
		stage.destroy();
		expect(stage.stats().showing).toBe(0);
		expect(heard.filter(([what]) => what === 'close')).toHaveLength(1);
	});
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { load, OverlayDocument } from './document.ts';
import type { GroupInput } from './elements/group/schema.ts';
import { still } from './timeline.ts';
import { starterDocument } from './starter.ts';

const box = { x: 0, y: 0, width: 100, height: 100 };
const root = (children: GroupInput['children'] = []): GroupInput => ({
	...box,
	id: 'root',
	name: 'Root',
	kind: 'group',
	children
});
const variation = (changes: object = {}) => ({
	id: 'any',
	name: 'Any',
	match: null,
	root: root(),
	timeline: still(),
	...changes
});
const alertBox = (changes: object = {}) => ({
	...box,
	id: 'alerts',
	name: 'Alerts',
	kind: 'alert_box',
	lane: 'main',
	variations: [variation()],
	...changes
});
const aDocument = (changes: object = {}) => ({
	version: 1,
	size: { width: 640, height: 360 },
	layers: [alertBox()],
	...changes
});
const element = (changes: object) =>
	aDocument({
		layers: [
			alertBox({
				variations: [
					variation({ root: root([{ ...box, id: 'e', name: 'E', ...changes } as never]) })
				]
			})
		]
	});
const where = 'layers.0.variations.0.root.children.0';

describe('load', () => {
	it('takes a document and fills in what was left out', () => {
		const { document } = load(aDocument());
		expect(document?.picture_hosts).toEqual([]);
		expect(document?.layers[0]).toMatchObject({
			hidden: false,
			variations: [{ duration_ms: 6000 }]
		});
	});

	it('takes JSON text as well, and gives the same', () => {
		expect(load(JSON.stringify(aDocument()))).toEqual(load(aDocument()));
	});

	it('leaves a complete document as it is', () => {
		const complete = starterDocument();
		expect(load(JSON.parse(JSON.stringify(complete)))).toEqual({ document: complete });
	});

	const refusals: Record<string, [input: unknown, path: string, message: RegExp]> = {
		'nothing at all': [undefined, 'version', /not a document/],
		'a list': [[], 'version', /not a document/],
		'text that is not JSON': ['{"version": 1', '', /not JSON/],
		'no version': [{ layers: [] }, 'version', /whole number/],
		'a version of the future': [aDocument({ version: 2 }), 'version', /newer Cuelight/],
		'a key that nobody knows': [aDocument({ script: 'alert(1)' }), '', /script/],
		'a kind that nobody knows': [element({ kind: 'iframe' }), `${where}.kind`, /kind|invalid/i],
		'CSS for a colour': [
			element({
				kind: 'shape',
				outline: { form: 'ellipse' },
				fill: { type: 'solid', colour: 'url(x)' }
			}),
			`${where}.fill.colour`,
			/colour/
		],
		'a script for a path': [
			element({
				kind: 'shape',
				outline: { form: 'path', path: 'M0 0<script>', grid: 24 },
				fill: null
			}),
			`${where}.outline.path`,
			/SVG path/
		],
		'a picture from nowhere good': [
			element({ kind: 'image', source: { from: 'address', address: 'javascript:alert(1)' } }),
			`${where}.source.address`,
			/path on this server or an https/
		],
		'a sound from elsewhere': [
			element({ kind: 'sound', cue: { address: '//evil.example/a.wav' } }),
			`${where}.cue.address`,
			/path on this server/
		],
		'a size without end': [
			element({ kind: 'shape', width: Infinity, outline: { form: 'ellipse' }, fill: null }),
			`${where}.width`,
			/number/i
		],
		'a box without a default': [
			aDocument({
				layers: [alertBox({ variations: [variation({ match: { event_types: ['a:b'] } })] })]
			}),
			'layers.0.variations',
			/one default/
		],
		'one layer id twice': [aDocument({ layers: [alertBox(), alertBox()] }), 'layers', /twice/],
		'one element id twice': [
			aDocument({
				layers: [alertBox({ variations: [variation({ root: root([root() as never]) })] })]
			}),
			'layers.0.variations.0.root',
			/two elements "root"/
		],
		'a movement of nothing': [
			aDocument({
				layers: [
					alertBox({
						variations: [
							variation({
								timeline: {
									...still(),
									exit: {
										duration_ms: 0,
										tracks: [
											{ element: 'ghost', property: 'x', keyframes: [{ at_ms: 0, value: 1 }] }
										]
									}
								}
							})
						]
					})
				]
			}),
			'layers.0.variations.0.timeline.exit.tracks.0.element',
			/ghost/
		],
		'keyframes out of order': [
			aDocument({
				layers: [
					alertBox({
						variations: [
							variation({
								timeline: {
									...still(),
									exit: {
										duration_ms: 9,
										tracks: [
											{
												element: 'root',
												property: 'x',
												keyframes: [
													{ at_ms: 5, value: 1 },
													{ at_ms: 5, value: 2 }
												]
											}
										]
									}
								}
							})
						]
					})
				]
			}),
			'layers.0.variations.0.timeline.exit.tracks.0.keyframes',
			/order/
		]
	};
	for (const [name, [input, path, message]] of Object.entries(refusals))
		it(`refuses ${name} and says where`, () => {
			const { issues } = load(input);
			expect(issues).toContainEqual({ path, message: expect.stringMatching(message) });
		});

	it('refuses a document that nests too deep, however deep', () => {
		let deep = root();
		for (let i = 0; i < 20_000; i++) deep = { ...root(), children: [deep] };
		expect(load(deep).issues?.[0]?.message).toMatch(/deeper/);
	});

	it('refuses a document with too many elements', () => {
		const many = Array.from({ length: 3000 }, (_, i) => ({ ...root(), id: `e${i}` }));
		expect(
			load(aDocument({ layers: [{ ...alertBox(), variations: many }] })).issues?.[0]?.message
		).toMatch(/more than 2000 elements/);
	});

	it('answers whatever is done to a document, and only with one that is valid', () => {
		const whole = starterDocument();
		const [box] = whole.layers;
		// One variation has everything that can be broken; eight would only take longer.
		const start = JSON.stringify({
			...whole,
			layers: box?.kind === 'alert_box' ? [{ ...box, variations: box.variations.slice(-1) }] : []
		});
		expect(load(start).issues).toBeUndefined();
		const mutation = fc.record({
			path: fc.constantFrom(...pathsOf(JSON.parse(start)).filter((path) => path.length > 0)),
			value: fc.oneof(fc.jsonValue(), fc.constant(undefined), fc.double(), fc.constant('__proto__'))
		});
		fc.assert(
			fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
				const document: unknown = JSON.parse(start);
				for (const { path, value } of mutations) set(document, path, value);
				const loaded = load(document);
				if (loaded.document) OverlayDocument.parse(loaded.document);
				else expect(loaded.issues[0]?.message).toBeTruthy();
			}),
			{ numRuns: 300 }
		);
	});

	it('answers whatever it is given', () => {
		fc.assert(
			fc.property(fc.oneof(fc.json(), fc.anything()), (json) => {
				expect(load(json).issues?.[0]?.message).toBeTruthy();
			}),
			{ numRuns: 500 }
		);
	});
});

type Path = (string | number)[];

/** The way to every value in a document. */
function pathsOf(value: unknown, path: Path = []): Path[] {
	if (typeof value !== 'object' || value === null) return [path];
	return [path, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, key]))];
}

function set(document: unknown, path: Path, value: unknown): void {
	let target = document;
	for (const key of path.slice(0, -1))
		target = typeof target === 'object' && target !== null ? Reflect.get(target, key) : null;
	if (typeof target === 'object' && target !== null) Reflect.set(target, path.at(-1)!, value);
}

import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { choose } from './choose.ts';
import { load, type AlertBox } from './document.ts';
import { walk } from './elements/index.ts';
import { sampleEvent } from './sample.ts';
import { compose } from './score.ts';
import { starterDocument } from './starter.ts';
import { fill } from './template.ts';
import { variables } from './variables.ts';

const start = starterDocument();
const [box] = start.layers as AlertBox[];

describe('the starter overlay', () => {
	it('is valid, complete and always the same', () => {
		expect(load(JSON.stringify(start))).toEqual({ document: start });
		expect(starterDocument()).toEqual(start);
	});

	const shown: Record<string, string> = {
		'any:follower': 'follow',
		'any:subscribe': 'subscribe',
		'any:gift_sub': 'gift',
		'any:resub': 'resub',
		'any:cheer': 'cheer',
		'any:raid': 'raid',
		'any:reward': 'reward',
		'custom:high_score': 'anything'
	};
	for (const [eventType, id] of Object.entries(shown))
		it(`shows ${eventType} as ${id}`, () => {
			expect(choose(box!, eventType).variation.id).toBe(id);
		});

	it('has a picture, a name, words and a sound for each', () => {
		for (const { root, sound } of box!.variations) {
			const elements = [...walk(root)];
			expect(elements.some((e) => e.kind === 'image' && e.source.from === 'viewer')).toBe(true);
			expect(elements.some((e) => e.kind === 'text' && e.content.includes('{user'))).toBe(true);
			expect(sound).not.toBeNull();
		}
	});

	it('names only variables that there are', () => {
		const values = variables(sampleEvent());
		const problems = box!.variations.flatMap(({ root }) =>
			[...walk(root)].flatMap((e) => (e.kind === 'text' ? fill(e.content, values).problems : []))
		);
		expect(problems).toEqual([]);
	});

	it('has its fonts and sounds at hand', () => {
		const addresses = [
			...start.fonts.map((font) => font.address),
			...box!.variations.flatMap(({ sound }) => (sound === null ? [] : [sound.address]))
		];
		expect(addresses.filter((address) => !existsSync(`static${address}`))).toEqual([]);
	});

	it('begins with the lamp in sight and ends with everything gone', () => {
		for (const { timeline, duration_ms } of box!.variations) {
			expect(duration_ms).toBe(6000);
			const { lines } = compose(timeline, duration_ms);
			const line = (element: string, property: string) =>
				lines.find((each) => each.element === element && each.property === property)?.segments;
			expect(line('lamp', 'scale')?.at(0)?.from).toBeGreaterThan(0.5);
			for (const [element, property] of [
				['lamp', 'scale'],
				['card', 'alpha'],
				['beam', 'alpha'],
				['who', 'alpha'],
				['bubble', 'alpha'],
				['bit-1', 'alpha']
			] as const)
				expect(line(element, property)?.at(-1)?.to).toBe(0);
		}
	});
});

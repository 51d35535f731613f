import { expect, it } from 'vitest';
import { Element, kinds, walk } from './index.ts';

for (const [kind, { sample }] of Object.entries(kinds))
	it(`a new ${kind} is valid and complete`, async () => {
		const made = (await sample()).sample('new-1');
		expect(made.kind).toBe(kind);
		expect(Element.parse(made)).toEqual(made);
		expect([...walk(made)][0]).toBe(made);
	});

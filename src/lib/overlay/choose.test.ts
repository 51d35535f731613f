import { describe, expect, it } from 'vitest';
import { boxFor, choose, fits } from './choose.ts';
import type { AlertBox } from './document.ts';
import { starterDocument } from './starter.ts';

describe('fits', () => {
	const cases: [pattern: string, eventType: string, fits: boolean][] = [
		['any:follower', 'any:follower', true],
		['any:follower', 'any:followers', false],
		['any:*', 'any:follower', true],
		['any:*', 'many:follower', false],
		['*:follower', 'any:follower', true],
		['*:follower', 'any:unfollower', false],
		['*:*', 'any:follower', true],
		['*:gift*', 'any:gift_sub', true],
		['*:*_sub', 'any:gift_sub', true],
		['a*:*a', 'a:a', true],
		['aa*:*', 'a:a', false],
		['*:ab*ab', 'x:ab', false],
		['*:ab*ab', 'x:abab', true]
	];
	for (const [pattern, eventType, expected] of cases)
		it(`${pattern} ${expected ? 'fits' : 'does not fit'} ${eventType}`, () => {
			expect(fits(pattern, eventType)).toBe(expected);
		});
});

describe('choose', () => {
	const [template] = starterDocument().layers as AlertBox[];
	const box = (...patterns: (string[] | null)[]): AlertBox => ({
		...template!,
		variations: patterns.map((event_types, i) => ({
			...template!.variations[0]!,
			id: `v${i}`,
			match: event_types === null ? null : { event_types }
		}))
	});
	const cases: Record<string, [AlertBox, string, id: string]> = {
		'the exact type before a pattern': [box(null, ['any:*'], ['any:raid']), 'any:raid', 'v2'],
		'the longer pattern before the shorter': [box(['*:*'], ['any:*'], null), 'any:raid', 'v1'],
		'the best of several patterns': [box(['any:*', 'x:y'], ['*:raid'], null), 'any:raid', 'v1'],
		'the first at a tie': [box(null, ['*:raid'], ['*:raid']), 'any:raid', 'v1'],
		'the default when nothing fits': [box(['any:raid'], null), 'any:cheer', 'v1']
	};
	for (const [name, [alerts, eventType, id]] of Object.entries(cases))
		it(`takes ${name}`, () => {
			expect(choose(alerts, eventType).variation.id).toBe(id);
		});

	it('says which pattern won', () => {
		expect(choose(box(['any:*'], null), 'any:raid').pattern).toBe('any:*');
		expect(choose(box(['any:*'], null), 'other:raid').pattern).toBeNull();
	});
});

describe('boxFor', () => {
	const start = starterDocument();
	const [alerts] = start.layers as AlertBox[];
	const two = { ...start, layers: [alerts!, { ...alerts!, id: 'side', lane: 'side' }] };

	it('is the one of the lane', () => {
		expect(boxFor(two, 'side')?.id).toBe('side');
	});
	it('is the first when the lane has none, so that nothing goes unseen', () => {
		expect(boxFor(two, 'voice')?.id).toBe('alerts');
	});
	it('is none when the document has none', () => {
		expect(boxFor({ ...start, layers: [] }, 'main')).toBeNull();
	});
});

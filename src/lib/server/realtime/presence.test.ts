import { expect, test } from 'vitest';
import { Presence } from './presence.ts';

const [a, b] = [{}, {}];

test('join, change, the same again, leave', () => {
	const presence = new Presence();
	expect(presence.track(a, 'u1', { n: 1 }, 'r1')).toEqual({
		joins: { u1: { metas: [{ phx_ref: 'r1', n: 1 }] } },
		leaves: {}
	});
	expect(presence.track(a, 'u1', { n: 2 }, 'r2')).toEqual({
		joins: { u1: { metas: [{ phx_ref: 'r2', phx_ref_prev: 'r1', n: 2 }] } },
		leaves: { u1: { metas: [{ phx_ref: 'r1', n: 1 }] } }
	});
	expect(presence.track(a, 'u1', { n: 2 }, 'r3')).toBe(null);
	expect(presence.state()).toEqual({ u1: { metas: [{ phx_ref: 'r2', n: 2 }] } });
	expect(presence.untrack(a)).toEqual({
		joins: {},
		leaves: { u1: { metas: [{ phx_ref: 'r2', n: 2 }] } }
	});
	expect(presence.untrack(a)).toBe(null);
	expect(presence.state()).toEqual({});
});

test('two owners of one key are two metas', () => {
	const presence = new Presence();
	presence.track(a, 'u1', {}, 'r1');
	presence.track(b, 'u1', {}, 'r2');
	expect(presence.state()).toEqual({ u1: { metas: [{ phx_ref: 'r1' }, { phx_ref: 'r2' }] } });
	presence.untrack(a);
	expect(presence.state()).toEqual({ u1: { metas: [{ phx_ref: 'r2' }] } });
});

test('names of every object are only names, and nobody chooses a ref', () => {
	const presence = new Presence();
	const payload = JSON.parse('{"__proto__":{"a":1},"phx_ref":"mine"}');
	presence.track(a, '__proto__', payload, 'r1');
	expect(JSON.stringify(presence.state())).toBe(
		'{"__proto__":{"metas":[{"__proto__":{"a":1},"phx_ref":"r1"}]}}'
	);
	expect(Object.getPrototypeOf(presence.state())).toBe(Object.prototype);
});

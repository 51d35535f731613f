/**
 * Any string that JavaScript can hold, for property tests: with U+0000, halves of characters and
 * whole ones more often than chance would bring them.
 */
import fc from 'fast-check';

const unit = fc.oneof(
	{ weight: 4, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
	{ weight: 2, arbitrary: fc.nat(0xffff) },
	{ weight: 1, arbitrary: fc.integer({ min: 0xd800, max: 0xdfff }) },
	{ weight: 1, arbitrary: fc.constantFrom(0, 0x0a, 0x22, 0x5c, 0xfeff, 0x202e) }
);
const units = fc.array(unit, { maxLength: 40 }).map((codes) => String.fromCharCode(...codes));

export const anyText = fc.oneof(
	{ weight: 4, arbitrary: units },
	{ weight: 1, arbitrary: fc.tuple(units, units).map(([a, b]) => `${a}😀${b}`) }
);

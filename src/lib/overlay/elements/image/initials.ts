/** What stands for a viewer whose picture cannot be had. Pure. */
import type { Fill } from '../../paint.ts';

/** One or two letters of a name: `Night Owl` → NO, `ann_b` → AB, `李` → 李. */
export function initials(name: string): string {
	const words = name.split(/[\s_.-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
	const letters = words.map((word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)));
	return letters.slice(0, 2).join('').toLocaleUpperCase() || '?';
}

const grounds: readonly [string, string][] = [
	['#ff7a59', '#d6336c'],
	['#f6b73c', '#e8590c'],
	['#38d9a9', '#0b7285'],
	['#4dabf7', '#3b5bdb'],
	['#9775fa', '#5f3dc4'],
	['#f783ac', '#862e9c']
];

/** A ground for a name, always the same one. */
export function groundOf(name: string): Fill {
	let sum = 0;
	for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
	const [from, to] = grounds[sum % grounds.length]!;
	return {
		type: 'linear',
		angle: 60,
		stops: [
			{ at: 0, colour: from },
			{ at: 1, colour: to }
		]
	};
}

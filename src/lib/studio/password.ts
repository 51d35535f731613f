/** A hint, not a judge: length counts most, variety a little, repetition counts against. Pure. */
export const MIN_PASSWORD = 8;

export type Strength = 0 | 1 | 2 | 3 | 4;

/** 0 too short, 1 weak … 4 strong. `related` are words that an attacker would try first. */
export function strengthOf(password: string, related: readonly string[] = []): Strength {
	if (password.length < MIN_PASSWORD) return 0;
	const lower = password.toLowerCase();
	const guessable = related
		.flatMap((word) => word.toLowerCase().split(/[^\p{L}\p{N}]+/u))
		.filter((word) => word.length > 3);
	const rest = guessable.reduce((text, word) => text.replaceAll(word, ''), lower);
	const distinct = new Set(rest).size;
	const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) =>
		kind.test(password)
	).length;
	const length = Math.min(rest.length, distinct * 2);
	const points = length + (kinds - 1) * 2;
	if (points < 10) return 1;
	if (points < 15) return 2;
	if (points < 19) return 3;
	return 4;
}

/**
 * What every generator draws from: the scene (who, when, which chance) and the words that Twitch's
 * events share. Every payload is another fact (another viewer, id or instant), so that nothing is a
 * duplicate unless a test makes it one. All names are invented.
 */

/** Chance in [0, 1), as `Math.random` gives; seeded by the tests. */
export type Chance = () => number;

export interface Scene {
	readonly channelId: string;
	/** The channel's names; Lumen's when left out. */
	readonly login?: string;
	readonly name?: string;
	readonly random: Chance;
	/** When it happens. */
	readonly at: Date;
	/** Counts up with each payload of a sender. */
	readonly n: number;
	/** The sender's name: two senders have different viewers. */
	readonly sender: string;
}

export type Fields = Record<string, unknown>;
export type Make = (scene: Scene) => Fields;

const names = ['Ann', 'Bo', 'Cy', 'Dana', 'Émile', 'Фёдор', '花子', 'Zoë', 'MixedCase_99'] as const;

export function pick<Item>(items: readonly [Item, ...Item[]], random: Chance): Item {
	return items[Math.floor(random() * items.length)] ?? items[0];
}
export const between = (min: number, max: number, random: Chance): number =>
	min + Math.floor(random() * (max - min + 1));

/** A chance that gives the same row for the same seed (Park and Miller). */
export function seeded(seed: number): Chance {
	let state = (Math.abs(Math.trunc(seed)) % 2_147_483_646) + 1;
	return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/** RFC 3339 with nanoseconds, as Twitch writes it. */
export function nanoseconds(at: Date, random: Chance): string {
	const rest = String(between(0, 999_999, random)).padStart(6, '0');
	return at.toISOString().replace('Z', `${rest}Z`);
}

/** The scene's instant, or so many seconds after it. */
export const instant = ({ at, random }: Scene, seconds = 0): string =>
	nanoseconds(new Date(at.getTime() + seconds * 1_000), random);

/** A numeric id, as Twitch's are, that no other sender gives. */
export function idOf({ sender, n }: Scene, kind: number): string {
	let hash = 0;
	for (const character of sender) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
	return `${kind}${String(hash).padStart(7, '0')}${String(n).padStart(6, '0')}`;
}

/** A text id that no other sender gives. */
export const wordOf = ({ sender, n }: Scene, kind: string): string => `${kind}-${sender}-${n}`;

/** The three fields that Twitch names a person by, as `<prefix>_id`, `_login`, `_name`. */
export const person = (prefix: string, id: string, login: string, name: string): Fields => ({
	[`${prefix}_id`]: id,
	[`${prefix}_login`]: login,
	[`${prefix}_name`]: name
});

/** A viewer whom no other scene has. */
export const viewer = (scene: Scene, prefix = 'user'): Fields =>
	person(prefix, idOf(scene, 9), `viewer_${scene.n}`, `${pick(names, scene.random)}${scene.n}`);

/** One of a few who come back: regulars of the channel. */
export const regular = (nth: number): Fields =>
	person('user', `200${nth}`, `regular_${nth}`, `Regular_${nth}`);

export const nobody: Fields = { user_id: null, user_login: null, user_name: null };

export const channel = ({ channelId, login = 'lumen', name = 'Lumen' }: Scene): Fields =>
	person('broadcaster_user', channelId, login, name);

/** The channel's owner in another role, as `<prefix>_id` and so on. */
export const owner = (
	{ channelId, login = 'lumen', name = 'Lumen' }: Scene,
	prefix: string
): Fields => person(prefix, channelId, login, name);

export const tier = ({ random }: Scene): string => pick(['1000', '1000', '2000', '3000'], random);

/**
 * Payload generators, one for each EventSub type that Cuelight reads: realistic, with names that
 * only invented viewers have. Every payload is another fact (another viewer, id or instant), so
 * that nothing is a duplicate unless a test makes it one.
 */

/** Chance in [0, 1), as `Math.random` gives; seeded by the tests. */
export type Chance = () => number;

export interface Scene {
	readonly channelId: string;
	readonly random: Chance;
	/** When it happens. */
	readonly at: Date;
	/** Counts up with each payload of a sender. */
	readonly n: number;
	/** The sender's name: two senders have different viewers. */
	readonly sender: string;
}

type Fields = Record<string, unknown>;
export interface Payload {
	readonly type: string;
	readonly version: string;
	readonly condition: Record<string, string>;
	readonly event: Fields;
}

const names = ['Ann', 'Bo', 'Cy', 'Dana', 'Émile', 'Фёдор', '花子', 'Zoë', 'MixedCase_99'] as const;

function pick<Item>(items: readonly [Item, ...Item[]], random: Chance): Item {
	return items[Math.floor(random() * items.length)] ?? items[0];
}
const between = (min: number, max: number, random: Chance) =>
	min + Math.floor(random() * (max - min + 1));

/** RFC 3339 with nanoseconds, as Twitch writes it. */
export function nanoseconds(at: Date, random: Chance): string {
	const rest = String(between(0, 999_999, random)).padStart(6, '0');
	return at.toISOString().replace('Z', `${rest}Z`);
}

/** A numeric id, as Twitch's are, that no other sender gives. */
function idOf({ sender, n }: Scene, kind: number): string {
	let hash = 0;
	for (const character of sender) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
	return `${kind}${String(hash).padStart(7, '0')}${String(n).padStart(6, '0')}`;
}

function viewer(scene: Scene): Fields {
	const name = `${pick(names, scene.random)}${scene.n}`;
	return { user_id: idOf(scene, 9), user_login: `viewer_${scene.n}`, user_name: name };
}

const nobody = { user_id: null, user_login: null, user_name: null };

const channel = ({ channelId }: Scene) => ({
	broadcaster_user_id: channelId,
	broadcaster_user_login: 'lumen',
	broadcaster_user_name: 'Lumen'
});

const tier = ({ random }: Scene) => pick(['1000', '1000', '2000', '3000'], random);

type Make = (scene: Scene) => Fields;

/** EventSub type → its version, the name of the channel in its condition, its event. */
const generators = {
	'channel.follow': [
		'2',
		(scene) => ({
			...viewer(scene),
			...channel(scene),
			followed_at: nanoseconds(scene.at, scene.random)
		})
	],
	'channel.subscribe': [
		'1',
		(scene) => ({
			...viewer(scene),
			...channel(scene),
			tier: tier(scene),
			is_gift: false
		})
	],
	'channel.subscription.gift': [
		'1',
		(scene) => {
			const anonymous = scene.random() < 0.2;
			return {
				...(anonymous ? nobody : viewer(scene)),
				...channel(scene),
				total: pick([1, 5, 10, 50], scene.random),
				tier: tier(scene),
				cumulative_total: anonymous ? null : between(50, 5_000, scene.random),
				is_anonymous: anonymous
			};
		}
	],
	'channel.subscription.message': [
		'1',
		(scene) => ({
			...viewer(scene),
			...channel(scene),
			tier: tier(scene),
			message: {
				text: `Still here! lumenHi number ${scene.n}`,
				emotes: [{ begin: 12, end: 18, id: 'emotesv2_lumenhi' }]
			},
			cumulative_months: between(2, 90, scene.random),
			streak_months: scene.random() < 0.5 ? null : between(1, 24, scene.random),
			duration_months: pick([1, 1, 3, 6], scene.random)
		})
	],
	'channel.cheer': [
		'1',
		(scene) => {
			const anonymous = scene.random() < 0.1;
			const bits = pick([1, 100, 250, 1_000, 5_000], scene.random);
			return {
				is_anonymous: anonymous,
				...(anonymous ? nobody : viewer(scene)),
				...channel(scene),
				message: `Cheer${bits} take ${scene.n}`,
				bits
			};
		}
	],
	'channel.raid': [
		'1',
		(scene) => ({
			from_broadcaster_user_id: idOf(scene, 7),
			from_broadcaster_user_login: `raider_${scene.n}`,
			from_broadcaster_user_name: `Raider_${scene.n}`,
			to_broadcaster_user_id: scene.channelId,
			to_broadcaster_user_login: 'lumen',
			to_broadcaster_user_name: 'Lumen',
			viewers: between(1, 3_000, scene.random)
		})
	],
	'channel.channel_points_custom_reward_redemption.add': [
		'1',
		(scene) => ({
			id: `redemption-${scene.sender}-${scene.n}`,
			...viewer(scene),
			...channel(scene),
			user_input: scene.random() < 0.5 ? '' : `please do number ${scene.n}`,
			status: 'unfulfilled',
			reward: { id: 'reward-hydrate', title: 'Hydrate', cost: 500, prompt: 'Drink some water' },
			redeemed_at: nanoseconds(scene.at, scene.random)
		})
	]
} as const satisfies Record<string, readonly [version: string, make: Make]>;

export type TwitchType = keyof typeof generators;
export const twitchTypes = Object.keys(generators).filter(isTwitchType);

function isTwitchType(type: string): type is TwitchType {
	return type in generators;
}

/** A payload of that type; `overrides` replace fields of its event. */
export function payload(type: TwitchType, scene: Scene, overrides: Fields = {}): Payload {
	const [version, make] = generators[type];
	const condition: Record<string, string> =
		type === 'channel.raid'
			? { to_broadcaster_user_id: scene.channelId, from_broadcaster_user_id: '' }
			: { broadcaster_user_id: scene.channelId };
	if (type === 'channel.follow') condition['moderator_user_id'] = scene.channelId;
	return { type, version, condition, event: { ...make(scene), ...overrides } };
}

/** One generator for each EventSub type, and the payload around what it makes. */
import { eventSubTypes } from '../types.ts';
import { channelLife } from './channel.ts';
import { chat } from './chat.ts';
import { money } from './money.ts';
import { points } from './points.ts';
import type { Fields, Scene } from './scene.ts';

const generators = { ...money, ...points, ...channelLife, ...chat };

export type TwitchType = keyof typeof generators;
export const isTwitchType = (type: string): type is TwitchType => Object.hasOwn(generators, type);
export const allTypes: readonly TwitchType[] = Object.keys(generators).filter(isTwitchType);

/** The types that are one alert each, every payload a fact of its own: what random senders draw from. */
export const twitchTypes = [
	'channel.follow',
	'channel.subscribe',
	'channel.subscription.gift',
	'channel.subscription.message',
	'channel.cheer',
	'channel.raid',
	'channel.channel_points_custom_reward_redemption.add'
] as const satisfies readonly TwitchType[];

export interface Payload {
	readonly type: string;
	readonly version: string;
	readonly condition: Record<string, string>;
	readonly event: Fields;
}

/** A payload of that type; `overrides` replace fields of its event. */
export function payload(type: TwitchType, scene: Scene, overrides: Fields = {}): Payload {
	const { version = '1', required = [] } = eventSubTypes[type] ?? {};
	const condition: Record<string, string> =
		type === 'channel.raid'
			? { to_broadcaster_user_id: scene.channelId, from_broadcaster_user_id: '' }
			: Object.fromEntries(required.map((key) => [key, scene.channelId]));
	return { type, version, condition, event: { ...generators[type](scene), ...overrides } };
}

export { notice, noticeTypes, type Notice } from './chat.ts';
export { nanoseconds, seeded, type Chance, type Fields, type Scene } from './scene.ts';

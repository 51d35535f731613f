/**
 * What an event changes in the world, so that Helix tells the same story: a follow stands in the list
 * of followers, a stream that went online in `/streams`. And the other way round: what ends, ends
 * something that began.
 */
import type { Fields, TwitchType } from './generators/index.ts';
import type { Channel, Entry, World } from './world.ts';

const text = (event: Fields, field: string): string => String(event[field] ?? '');
/** Helix knows no fractions of a second. */
const second = (at: string): string => at.replace(/\.\d+Z$/, 'Z');

function userOf(event: Fields, world: World): string | null {
	const id = event['user_id'];
	if (typeof id !== 'string') return null;
	world.meet(id, text(event, 'user_login'), text(event, 'user_name'));
	return id;
}

/** Makes it true. */
export function apply(type: TwitchType, event: Fields, channel: Channel, world: World): void {
	const user_id = userOf(event, world);
	const info = channel.info;
	switch (type) {
		case 'stream.online':
			channel.stream = {
				id: text(event, 'id'),
				type: 'live',
				started_at: second(text(event, 'started_at')),
				viewer_count: 12
			};
			return;
		case 'stream.offline':
			channel.stream = null;
			return;
		case 'channel.update':
			info.title = text(event, 'title');
			info.language = text(event, 'language');
			info.category_id = text(event, 'category_id');
			info.category_name = text(event, 'category_name');
			world.games.set(info.category_id, { id: info.category_id, name: info.category_name });
			return;
		case 'channel.goal.begin':
		case 'channel.goal.progress': {
			const { broadcaster_user_id: broadcaster_id, type: kind, ...rest } = event;
			const word = kind === 'follow' ? 'follower' : kind;
			channel.goals.set(text(event, 'id'), { ...rest, broadcaster_id, type: word });
			return;
		}
		case 'channel.goal.end':
			channel.goals.delete(text(event, 'id'));
			return;
	}
	if (user_id === null) return;
	switch (type) {
		case 'channel.follow':
			channel.followers.add({ user_id, followed_at: second(text(event, 'followed_at')) });
			return;
		case 'channel.subscribe':
		case 'channel.subscription.message':
			channel.subscribers.add({ user_id, tier: event['tier'], is_gift: event['is_gift'] === true });
			return;
		case 'channel.subscription.end':
			channel.subscribers.remove(user_id);
			return;
		case 'channel.moderator.add':
			channel.moderators.add(user_id);
			return;
		case 'channel.moderator.remove':
			channel.moderators.remove(user_id);
			return;
		case 'channel.vip.add':
			channel.vips.add(user_id);
			return;
		case 'channel.vip.remove':
			channel.vips.remove(user_id);
			return;
		case 'channel.ban':
			channel.banned.add({
				user_id,
				expires_at: event['ends_at'] ?? '',
				created_at: event['banned_at'],
				reason: event['reason']
			});
			channel.followers.remove(user_id);
			return;
		case 'channel.unban':
			channel.banned.remove(user_id);
	}
}

const begun = /^channel\.(poll|prediction|goal|hype_train)\.(begin|progress|lock|end)$/;
const lasting = ['id', 'title', 'started_at', 'type', 'description', 'target_amount'];
const redeemed = /^channel\.channel_points_custom_reward_redemption\.(add|update)$/;

/** Remembers what began, for what continues or ends it. */
export class Stories {
	readonly #begun = new Map<string, Fields>();

	/** What an event takes over from the world and from what came before. */
	carried(type: TwitchType, channel: Channel): Fields {
		const name = (entry: Entry | undefined): Fields =>
			entry === undefined
				? {}
				: {
						user_id: entry.user_id,
						user_login: entry['user_login'],
						user_name: entry['user_name']
					};
		switch (type) {
			case 'channel.moderator.remove':
				return name(channel.moderators.all()[0]);
			case 'channel.vip.remove':
				return name(channel.vips.all()[0]);
			case 'channel.unban':
				return name(channel.banned.all()[0]);
			case 'channel.subscription.end': {
				const [first] = channel.subscribers.all();
				return first ? { ...name(first), tier: first['tier'], is_gift: first['is_gift'] } : {};
			}
		}
		const before = this.#begun.get(this.#key(type, channel.id)) ?? {};
		if (type.endsWith('redemption.update')) return { ...before, status: 'fulfilled' };
		const [, family] = begun.exec(type) ?? [];
		return family === undefined || type.endsWith('.begin')
			? {}
			: Object.fromEntries(Object.entries(before).filter(([field]) => lasting.includes(field)));
	}

	remember(type: TwitchType, event: Fields, channelId: string): void {
		const key = this.#key(type, channelId);
		if (/\.(begin|add)$/.test(type)) this.#begun.set(key, event);
		if (begun.exec(type)?.[2] === 'end') this.#begun.delete(key);
	}

	#key(type: string, channelId: string): string {
		const family = begun.exec(type)?.[1] ?? (redeemed.test(type) ? 'redemption' : type);
		return `${channelId} ${family}`;
	}
}

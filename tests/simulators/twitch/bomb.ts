/**
 * A gift bomb as Twitch tells it, three times over: the gift itself (head), one subscription for each
 * recipient (children), and in chat one notice for the bomb and one for each gift, which alone hold
 * the `community_gift_id` that joins them. In any order, seconds apart, some of it missing.
 */
import { notice, payload, type Fields, type Scene, type TwitchType } from './generators/index.ts';

export interface BombOptions {
	readonly count: number;
	readonly tier?: string;
	readonly isAnonymous?: boolean;
	/** What is told; all of it when left out. */
	readonly parts?: readonly ('head' | 'children' | 'chat')[];
	/** The giver's fields, for a giver of your choice. */
	readonly giver?: Fields;
}

export interface Told {
	readonly type: TwitchType;
	readonly event: Fields;
}

/** Twitch's stand-in for somebody who gives without a name. */
const anonymous = { id: '274598607', login: 'ananonymousgifter', name: 'AnAnonymousGifter' };

/** All that Twitch says of one bomb, head first; fire it in the order you like. */
export function giftBomb(next: () => Scene, options: BombOptions): Told[] {
	const {
		count,
		tier = '1000',
		isAnonymous = false,
		parts = ['head', 'children', 'chat']
	} = options;
	const cumulative_total = isAnonymous ? null : count + 20;
	const nobody = { user_id: null, user_login: null, user_name: null };
	const head = payload('channel.subscription.gift', next(), { total: count, tier }).event;
	const drawn = payload('channel.follow', next()).event;
	const chosen: Fields = {
		user_id: options.giver?.['user_id'] ?? drawn['user_id'],
		user_login: options.giver?.['user_login'] ?? drawn['user_login'],
		user_name: options.giver?.['user_name'] ?? drawn['user_name']
	};
	const giver = isAnonymous ? nobody : chosen;
	const children = Array.from(
		{ length: count },
		() => payload('channel.subscribe', next(), { is_gift: true, tier }).event
	);
	const chatter = {
		chatter_user_id: isAnonymous ? anonymous.id : giver['user_id'],
		chatter_user_login: isAnonymous ? anonymous.login : giver['user_login'],
		chatter_user_name: isAnonymous ? anonymous.name : giver['user_name'],
		chatter_is_anonymous: isAnonymous
	};
	const about = notice('community_sub_gift', next());
	const bomb = Object(about['community_sub_gift']) as Fields;
	const id = bomb['id'];
	const told: Told[] = [];
	if (parts.includes('head'))
		told.push({
			type: 'channel.subscription.gift',
			event: { ...head, ...giver, is_anonymous: isAnonymous, cumulative_total }
		});
	if (parts.includes('chat'))
		told.push({
			type: 'channel.chat.notification',
			event: {
				...about,
				...chatter,
				community_sub_gift: { id, total: count, sub_tier: tier, cumulative_total }
			}
		});
	for (const child of children) {
		if (parts.includes('children')) told.push({ type: 'channel.subscribe', event: child });
		if (parts.includes('chat'))
			told.push({
				type: 'channel.chat.notification',
				event: {
					...notice('sub_gift', next()),
					...chatter,
					sub_gift: {
						duration_months: 1,
						cumulative_total: null,
						recipient_user_id: child['user_id'],
						recipient_user_login: child['user_login'],
						recipient_user_name: child['user_name'],
						sub_tier: tier,
						community_gift_id: id
					}
				}
			});
	}
	return told;
}

/**
 * The lists that tell what EventSub should have told, and what a difference in them means. Drafts
 * are made by the same table as notifications, so a follow that is found has the key that its
 * notification would have had.
 */
import type { Change, Checked, Member, Poll } from '../../source.ts';
import { followers, moderators, subscribers, vips } from '../helix.ts';
import { normalize } from '../normalize.ts';
import { eventSubTypes } from '../subscriptions.ts';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
/** While the socket is healthy lists are only its audit. */
const AUDIT = [2 * HOUR_S, 4 * HOUR_S] as const;

const lineOf = (type: string) => eventSubTypes.find((one) => one.type === type);

/** `event`: the fields that the notification of this type would have had beside the user's. */
function checked(
	type: string,
	eventTypes: readonly string[],
	event: (member: Member) => Record<string, unknown> = () => ({})
): Checked {
	return {
		type,
		event_types: eventTypes.map((name) => `twitch:${name}`),
		draft(member, { channel_id, poll, found_at }: Change) {
			const made = normalize({
				type,
				// No notification has this id: what cannot be known by its facts is known by the poll.
				message_id: `poll:${poll}:${member.id}`,
				timestamp: found_at,
				channel_id,
				event: {
					user_id: member.id,
					user_login: member.login,
					user_name: member.name,
					...event(member)
				}
			});
			// `raw` is what the platform sent, and it sent no such thing.
			return 'ignored' in made ? null : { ...made.draft, origin: 'poll', raw: null };
		}
	};
}

export const polls: readonly Poll[] = [
	{
		name: 'followers',
		every_s_away: MINUTE_S,
		every_s_healthy: AUDIT,
		scopes: lineOf('channel.follow')?.scopes ?? [],
		kind: 'dated',
		came: checked('channel.follow', ['follower'], ({ since }) => ({ followed_at: since })),
		left: null,
		page: followers
	},
	{
		name: 'subscribers',
		every_s_away: 30 * MINUTE_S,
		every_s_healthy: AUDIT,
		scopes: lineOf('channel.subscribe')?.scopes ?? [],
		kind: 'whole',
		came: checked('channel.subscribe', ['subscribe', 'resub', 'sub_upgrade'], ({ about }) => about),
		left: checked('channel.subscription.end', ['subscription_end'], ({ about }) => about),
		page: subscribers
	},
	{
		name: 'moderators',
		every_s_away: 30 * MINUTE_S,
		every_s_healthy: AUDIT,
		scopes: lineOf('channel.moderator.add')?.scopes ?? [],
		kind: 'whole',
		came: checked('channel.moderator.add', ['moderator_add']),
		left: checked('channel.moderator.remove', ['moderator_remove']),
		page: moderators
	},
	{
		name: 'vips',
		every_s_away: 30 * MINUTE_S,
		every_s_healthy: AUDIT,
		scopes: lineOf('channel.vip.add')?.scopes ?? [],
		kind: 'whole',
		came: checked('channel.vip.add', ['vip_add']),
		left: checked('channel.vip.remove', ['vip_remove']),
		page: vips
	}
];

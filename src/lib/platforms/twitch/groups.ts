/**
 * The groups of events that a streamer chooses from when connecting: what each brings and which
 * consents it takes follows from the table of subscriptions.
 */
import type { EventGroup } from '../connect.ts';
import { eventSubTypes, groupIds, type GroupId } from './subscriptions.ts';

type Words = Pick<EventGroup, 'title' | 'description' | 'isDefault'>;

const words: Readonly<Record<GroupId, Words>> = {
	follows: {
		title: 'Follows',
		description: 'Who follows the channel.',
		isDefault: true
	},
	subscriptions: {
		title: 'Subscriptions',
		description: 'Subscriptions, resubscriptions with their messages, and gifts.',
		isDefault: true
	},
	bits: {
		title: 'Bits',
		description: 'Cheers and power-ups.',
		isDefault: true
	},
	raids: {
		title: 'Raids',
		description: 'Other channels that send their viewers here.',
		isDefault: true
	},
	rewards: {
		title: 'Channel points',
		description: 'Rewards that viewers redeem for channel points.',
		isDefault: true
	},
	hype_trains: {
		title: 'Hype trains',
		description: 'The beginning, the progress and the end of hype trains.',
		isDefault: true
	},
	polls: {
		title: 'Polls and predictions',
		description: 'Polls and predictions with their results.',
		isDefault: true
	},
	goals: {
		title: 'Goals',
		description: 'How far the goals of the channel have come.',
		isDefault: true
	},
	ads: {
		title: 'Ads',
		description: 'When an ad break begins and how long it takes.',
		isDefault: false
	},
	stream: {
		title: 'Stream',
		description: 'When the stream goes live or offline, and its title and category.',
		isDefault: true
	},
	roles: {
		title: 'Moderators and VIPs',
		description: 'Who becomes moderator or VIP, and who no longer is.',
		isDefault: true
	},
	moderation: {
		title: 'Moderation',
		description: 'Bans, time-outs and their end.',
		isDefault: false
	},
	chat: {
		title: 'Chat',
		description: 'Chat messages, announcements, watch streaks, and who received which gift.',
		isDefault: false
	}
};

const unique = <Item>(items: readonly Item[]): Item[] => [...new Set(items)];

export const groups: readonly EventGroup[] = groupIds.map((id) => {
	const types = eventSubTypes.filter(({ group }) => group === id);
	return {
		id,
		...words[id],
		scopes: unique(types.flatMap(({ scopes }) => scopes.slice(0, 1))),
		eventTypes: unique(types.flatMap(({ eventTypes }) => eventTypes))
	};
});

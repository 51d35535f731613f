/** EventSub: how Twitch's events keep coming. */
import type { Source, WantedSubscription } from '../../source.ts';
import { createSubscription, listSubscriptions, removeSubscription } from '../helix.ts';
import {
	conditionOf,
	eventSubTypes,
	eventSubTypesFor,
	type EventSubType
} from '../subscriptions.ts';
import { polls } from './polls.ts';
import { socket } from './session.ts';

const wantedOf = (type: EventSubType, channelId: string): WantedSubscription => ({
	type: type.type,
	version: type.version,
	condition: conditionOf(type, channelId)
});

export const source: Source = {
	wanted: (channelId, scopes, groups) =>
		eventSubTypesFor(groups, scopes).map((type) => wantedOf(type, channelId)),
	desired: (channelId, groups) =>
		eventSubTypes
			.filter(({ group }) => groups.includes(group))
			.map((type) => wantedOf(type, channelId)),
	list: listSubscriptions,
	create: createSubscription,
	remove: removeSubscription,
	socket,
	polls
};

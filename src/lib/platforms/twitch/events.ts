/**
 * The event types that Twitch brings: the shape of `data`, and how each is shown by default.
 *
 * `animated` is what viewers do for the channel and are celebrated for; `alert` what the channel
 * does and viewers should notice; `data` what overlays count, list and draw without a play;
 * `system` the state of the stream. Progress (of hype trains, polls, predictions, goals) is data:
 * there is one play for a train, and what it reached comes as data too.
 */
import * as channel from './events-channel.ts';
import * as chat from './events-chat.ts';
import * as community from './events-community.ts';
import * as support from './events-support.ts';
import * as votes from './events-votes.ts';

export const eventTypes = [
	...support.eventTypes,
	...community.eventTypes,
	...channel.eventTypes,
	...votes.eventTypes,
	...chat.eventTypes
];

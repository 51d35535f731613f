/**
 * From Twitch's notifications to drafts: a table from EventSub type to a pure function (`read-*.ts`).
 *
 * Business keys name the fact, so that the same fact under another message id (a second
 * subscription, another road, a poll) is one event, and yet a second fact is never swallowed:
 *
 * - follow       who and the second of `followed_at` (a poll's answer knows no fractions)
 * - what has an id: redemptions (`add` and `update` alike), hype trains, polls, predictions, goals,
 *                streams, chat messages and notices. Progress has what was reached beside it
 * - ban, ad break  when it began, and who
 * - gift         giver and their running total, which grows with each gift, or chat's name for it;
 *                giver anonymous or total hidden, and no chat: nothing names the fact, so no key
 * - resub        who and how many months
 * - sub, end of a sub, recipient  who, tier and the minute
 * - raid         raiding channel and the minute: raids take longer than that to prepare
 * - cheer, power-up  who, bits, text and ten seconds: nobody types the same cheer again that fast;
 *                anonymous: no key, they may be two people
 * - roles, unban who and ten seconds; clearing of chat and changes of the title: two seconds
 *
 * Where there is neither id nor time, the message's timestamp stands in, and a copy may fall on the
 * other side of a boundary. For gifts, subscriptions and raids, which Twitch tells in several
 * messages anyway, gifts.ts, purchases.ts and raids.ts compare times instead of stretches and know
 * copies again. For the rest both copies are shown: shown twice is the lesser harm, a paid cheer
 * that vanishes the greater.
 */
import type { GatheringRule } from '../gather.ts';
import { gifts } from './gifts.ts';
import { purchases } from './purchases.ts';
import { raids } from './raids.ts';
import { readers as channel } from './read-channel.ts';
import { readers as chat } from './read-chat.ts';
import { readers as community } from './read-community.ts';
import { readers as support } from './read-support.ts';
import { readers as votes } from './read-votes.ts';
import type { Normalized, Notification, Read } from './reading.ts';

export type { Normalized, Notification } from './reading.ts';

/** Turns a notification into a draft, or says why there is none. Never throws. */
export function normalize(notification: Notification): Normalized {
	const read = readers.get(notification.type);
	if (read === undefined) return { ignored: `${notification.type} is not a type Cuelight reads` };
	return read(notification);
}

const readers: ReadonlyMap<string, Read> = new Map([
	...support,
	...community,
	...channel,
	...votes,
	...chat
]);

/** The EventSub types that become events. */
export const readTypes: readonly string[] = [...readers.keys()];

/** How what Twitch tells in several messages becomes one event. */
export const gatherings: readonly GatheringRule[] = [gifts, purchases, raids];

/**
 * The capability of being a source: what a platform must say so that a connection's events keep
 * coming, by socket, by webhook, by asking. The server (`server/sources`) holds sockets, timers,
 * chance and rows; a platform only decides and spells. All of it is pure.
 *
 * - *Wanted* subscriptions follow from channel, consents and groups; the platform's own list is what
 *   is *actual*; reconciling makes the second like the first.
 * - A socket's life is a state machine whose steps answer with effects. What only the server can
 *   know (which socket opened, what time it is) goes in, what only it can do comes out.
 * - A poll is a list of the platform and what a difference in it means.
 */
import type { Access, Call, Page } from './call.ts';
import type { Arrival } from './gather.ts';
import type { Reading } from './platform.ts';

/** One subscription as it should be. `condition`: the platform's words, all values text. */
export interface WantedSubscription {
	/** In the platform's words; unique among what one connection wants. */
	readonly type: string;
	readonly version: string;
	readonly condition: Readonly<Record<string, string>>;
}

/** `pending`: the platform has yet to check our address. `lost`: its socket is gone. */
export const subscriptionStatuses = ['enabled', 'pending', 'revoked', 'failed', 'lost'] as const;

/** One subscription as the platform has it. */
export interface ActualSubscription extends WantedSubscription {
	readonly id: string;
	readonly status: (typeof subscriptionStatuses)[number];
	/** The platform's own word for the status. */
	readonly reason: string;
	/** Where it delivers: a session's id, a callback's address; null for what Cuelight never makes. */
	readonly to: string | null;
	readonly cost: number;
	readonly created_at: string;
}

/** How much may be subscribed to, by what the subscriptions cost. */
export interface Quota {
	readonly total: number;
	readonly total_cost: number;
	readonly max_total_cost: number;
}

export type SubscriptionPage = Page<ActualSubscription> & { readonly quota: Quota };

/** Where a subscription is to deliver. */
export type Target =
	| { readonly method: 'websocket'; readonly session_id: string }
	| { readonly method: 'webhook'; readonly callback: string; readonly secret: string };

export type SocketInput =
	/** Begin, or begin again after `lost`. */
	| { readonly kind: 'connect' }
	| { readonly kind: 'opened'; readonly socket: number }
	| { readonly kind: 'frame'; readonly socket: number; readonly text: string }
	/** Also for a socket that could not be opened. `code`: as in RFC 6455 §7.4; 1006 when there was none. */
	| { readonly kind: 'closed'; readonly socket: number; readonly code: number }
	| { readonly kind: 'tick' };

export interface Lost {
	/** When to connect again: `soon`: at once the first time, then later each time; `backoff`: never at once; `when_wanted`: once there is something to subscribe to. */
	readonly retry: 'soon' | 'backoff' | 'when_wanted';
	/** For people and logs: the platform's word. */
	readonly reason: string;
}

export type SocketEffect =
	/** Numbers are never used twice within one session. */
	| { readonly kind: 'connect'; readonly socket: number; readonly url: string }
	| { readonly kind: 'close'; readonly socket: number }
	/** A session that has no subscription yet: make them, the first within `within_ms`. */
	| { readonly kind: 'subscribe'; readonly session_id: string; readonly within_ms: number }
	/** The subscriptions went along to another socket: nothing is to be made. */
	| { readonly kind: 'moved'; readonly session_id: string }
	| {
			readonly kind: 'deliver';
			readonly subscription: string;
			readonly type: string;
			readonly reading: Reading;
	  }
	/** A subscription has ended; `reason`: the platform's word. */
	| {
			readonly kind: 'revoked';
			readonly subscription: string;
			readonly type: string;
			readonly reason: string;
			/** It ended because the consent did. */
			readonly is_consent: boolean;
	  }
	/** A `tick` is wanted at this time. The last one asked for counts. */
	| { readonly kind: 'schedule'; readonly at: number }
	/** No socket is left; its subscriptions are void and what happens now is missed. */
	| ({ readonly kind: 'lost' } & Lost)
	/** Something that should not be; the session goes on. */
	| { readonly kind: 'problem'; readonly reason: string };

export interface Stepped {
	readonly session: SocketSession;
	readonly effects: readonly SocketEffect[];
}

/** A session as a value: a step answers with the next one. `now`: monotonic milliseconds. */
export interface SocketSession {
	step(input: SocketInput, now: number): Stepped;
}

/** Makes a session of a step function, whose state is thereby nobody else's business. */
export const sessionOf = <State>(
	step: (
		state: State,
		input: SocketInput,
		now: number
	) => { readonly state: State; readonly effects: readonly SocketEffect[] },
	state: State
): SocketSession => ({
	step(input, now) {
		const next = step(state, input, now);
		return { session: sessionOf(step, next.state), effects: next.effects };
	}
});

export interface SocketProtocol {
	/** By the names of the platform's addresses. */
	readonly address: string;
	/** Most sockets of one connection, and subscriptions on one socket. */
	readonly max_sockets: number;
	readonly max_subscriptions: number;
	/** What the session delivers is about this channel. */
	start(url: string, channelId: string): SocketSession;
}

/** One entry of a polled list. */
export interface Member {
	readonly id: string;
	readonly login: string;
	readonly name: string;
	/** Since when, where the list tells; then the list comes newest first. */
	readonly since: string | null;
	/** What the platform must know of it later. */
	readonly about: Readonly<Record<string, string | boolean>>;
}

/** What came or went, according to a poll. */
export interface Change {
	readonly channel_id: string;
	/** Names the poll that found it, so that finding it again is no second event. */
	readonly poll: string;
	/** ISO 8601. */
	readonly found_at: string;
}

export interface Poll {
	readonly name: string;
	/** How often while nothing else brings these events. */
	readonly every_s_away: number;
	/** From and to, drawn each time, while they are delivered. */
	readonly every_s_healthy: readonly [from: number, to: number];
	/** Any one of these consents is enough. */
	readonly scopes: readonly string[];
	/**
	 * `dated`: newest first, each entry says since when: read down to what is known.
	 * `whole`: read to the end and compared with who was there before.
	 */
	readonly kind: 'dated' | 'whole';
	/** What it means that somebody is new in the list, and which subscription should have told. */
	readonly came: Checked;
	/** The same for who is gone; null where the list does not tell or nobody wants to know. */
	readonly left: Checked | null;
	page(access: Access, channelId: string, cursor: string | null): Call<Page<Member>>;
}

export interface Checked {
	/** The subscription's type. */
	readonly type: string;
	/** Event types that make somebody a member, or no longer one. */
	readonly event_types: readonly string[];
	draft(member: Member, change: Change): Arrival | null;
}

export interface Source {
	/** What to subscribe to, by consents and chosen groups. */
	wanted(
		channelId: string,
		scopes: readonly string[],
		groups: readonly string[]
	): readonly WantedSubscription[];
	/** What the groups would bring if the consents were given; for those who wonder what is missing. */
	desired(channelId: string, groups: readonly string[]): readonly WantedSubscription[];
	/** All subscriptions of the token, or of this channel with the program's own token. */
	list(access: Access, channelId: string | null, cursor: string | null): Call<SubscriptionPage>;
	create(
		access: Access,
		wanted: WantedSubscription,
		target: Target
	): Call<{ readonly subscription: ActualSubscription; readonly quota: Quota }>;
	remove(access: Access, id: string): Call<null>;
	readonly socket?: SocketProtocol;
	readonly polls: readonly Poll[];
}

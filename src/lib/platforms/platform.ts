/**
 * What the rest of Cuelight may ask of a platform. Shared code never branches on a platform's
 * name: a platform says what it can do by the members it has (`webhook`, `connect`), and everything
 * else about it (addresses, spellings, signatures) stays in its folder.
 *
 * A platform is pure: no clock, no chance, no database. Time, secrets and the delivery are
 * arguments. It imports the bus and this file, relatively, so that Deno runs it unchanged; what
 * several platforms need (signatures, foreign text) is offered from here.
 */
import { z } from 'zod';
import { EventType, type EventClass, type JsonObject, type Priority } from '../bus/index.ts';
import type { ChannelStatusSource } from './channel-status.ts';
import type { Connect } from './connect.ts';
import type { Arrival, GatheringRule } from './gather.ts';
import type { Source } from './source.ts';

export { hmacSha256, sameBytes } from './signature.ts';
export { foreignText, foreignInstant, storableDocument } from './foreign.ts';

/** One HTTP request by a platform, exactly as it came. */
export interface Delivery {
	/** Lower-case names; a header sent twice is joined by `, ` and thereby no longer well formed. */
	readonly headers: Readonly<Record<string, string>>;
	/** The raw bytes: signatures cover these, never a re-serialised document. */
	readonly body: Uint8Array;
	readonly received_at: Date;
}

/** One kind of event that a platform brings: its documented shape and how it is shown by default. */
export interface EventTypeDefinition<Data extends JsonObject = JsonObject> {
	readonly type: EventType;
	readonly class: EventClass;
	readonly title: string;
	/** One sentence for the person who chooses which events an overlay shows. */
	readonly description: string;
	/** How long it is shown unless the overlay says otherwise; null for classes without plays. */
	readonly duration_ms: number | null;
	readonly priority: Priority;
	/** The shape of `event.data`. */
	readonly data: z.ZodType<Data>;
	/** Invented, realistic data: what a test event and the designer's preview show. */
	readonly sample: Data;
}

/** Declares an event type; refuses at load a name or a sample that contradicts its own schema. */
export function defineEventType<Data extends JsonObject>(
	definition: EventTypeDefinition<Data>
): EventTypeDefinition<Data> {
	EventType.parse(definition.type);
	definition.data.parse(definition.sample);
	return definition;
}

/**
 * The viewer who did it, on every platform in the same words; `null` in place of the whole object
 * when the viewer chose to stay anonymous. `picture` is an address, filled in where it is known.
 */
export const Viewer = z.object({
	id: z.string(),
	login: z.string(),
	name: z.string(),
	picture: z.string().nullable()
});
export type Viewer = z.infer<typeof Viewer>;

/** The delivery is not of the form its platform documents; the sentence says what is wrong. */
export interface Refusal {
	readonly refused: string;
}

/** What the delivery claims to be, before anything is proven. */
export interface Identity {
	/** Whose secret to try; null when this platform's deliveries do not say. */
	readonly channel_id: string | null;
	readonly message_id: string | null;
	/** The platform's own word for the kind of message, for the delivery log. */
	readonly kind: string;
}

/**
 * `stale` is a genuine signature outside the platform's replay window. The sender hears the same
 * for `stale` and `forged`; the delivery log keeps them apart.
 */
export type Verdict = 'genuine' | 'forged' | 'stale';

/** What a genuine delivery says. */
export type Reading =
	| { readonly kind: 'events'; readonly drafts: readonly Arrival[] }
	/** The platform asks whether this address is ours: the answer is sent back byte for byte. */
	| { readonly kind: 'challenge'; readonly answer: string }
	/** The platform stopped sending; `reason` is its own word for why. */
	| { readonly kind: 'revoked'; readonly subscription: string; readonly reason: string }
	/** Understood and of no interest, or not understandable: answered 2xx, because a resend would not help. */
	| { readonly kind: 'ignored'; readonly reason: string }
	/** Contradicts itself: answered 4xx. */
	| { readonly kind: 'malformed'; readonly reason: string };

/** The capability of taking signed HTTP deliveries at `/webhooks/{name}`. None of these throw. */
export interface WebhookDoor {
	/** What a connection must look like before it is stored. */
	readonly channelId: z.ZodType<string>;
	readonly secret: z.ZodType<string>;
	identify(delivery: Delivery): Identity | Refusal;
	/** Judges signature and age. `now` is the only clock. */
	verify(delivery: Delivery, secret: string, now: Date): Promise<Verdict>;
	/** Called only with deliveries that `verify` found genuine. */
	read(delivery: Delivery): Reading;
}

export interface Platform {
	/** The first half of its event types and its address: lower case, `[a-z][a-z0-9_]*`. */
	readonly name: string;
	/** As its owners write it. */
	readonly title: string;
	readonly eventTypes: readonly EventTypeDefinition[];
	readonly webhook?: WebhookDoor;
	/** How what it tells in several messages becomes one event. */
	readonly gatherings?: readonly GatheringRule[];
	readonly connect?: Connect;
	readonly source?: Source;
	/** Telling whether a channel is live. */
	readonly status?: ChannelStatusSource;
}

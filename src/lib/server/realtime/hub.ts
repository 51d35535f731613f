/**
 * Topics and who listens. Public and private topics of one name are separate. A broadcast is
 * encoded once for each protocol version and handed to every member as the same frame.
 */
import { frameOf } from './frame.ts';
import { Presence, type PresenceDiff } from './presence.ts';
import { v1 } from './v1.ts';
import { v2 } from './v2.ts';
import type { Broadcast, Codec, Encoded } from './wire.ts';

export interface Member {
	readonly codec: Codec;
	/** A live broadcast; `id` is set when it came from the database. */
	deliver(frame: Buffer, id: string | null): void;
	/** A change of presence. */
	deliverPresence(frame: Buffer): void;
}

export interface TopicName {
	/** Without the `realtime:` prefix. */
	name: string;
	private: boolean;
}

interface Topic {
	members: Set<Member>;
	presence: Presence;
}

export const TOPIC_PREFIX = 'realtime:';
/** A whole topic must fit a binary frame's one-byte length. */
const MAX_TOPIC_BYTES = 255;

/** The name on the wire. */
export const wireTopic = (name: string): string => TOPIC_PREFIX + name;

/** Postgres takes no U+0000, and a line break in a name only serves to forge log lines. */
export const isTopicName = (name: string): boolean =>
	name !== '' &&
	Buffer.byteLength(wireTopic(name)) <= MAX_TOPIC_BYTES &&
	!/\p{Cc}/u.test(name) &&
	name.isWellFormed();

const keyOf = (topic: TopicName): string => `${topic.private ? 'private' : 'public'}:${topic.name}`;

/** A frame for each protocol version, made when the first member of that version needs it. */
function framesOnce(encode: (codec: Codec) => Encoded | null): (codec: Codec) => Buffer | null {
	const made: Record<Codec['vsn'], Buffer | null | undefined> = { 1: undefined, 2: undefined };
	return ({ vsn }) => {
		let frame = made[vsn];
		if (frame === undefined) {
			const encoded = encode(vsn === 1 ? v1 : v2);
			frame = made[vsn] = encoded && frameOf(encoded);
		}
		return frame;
	};
}

export class Hub {
	#topics = new Map<string, Topic>();
	/** Messages handed to members since the start. */
	deliveries = 0;

	get size(): number {
		return this.#topics.size;
	}

	join(topic: TopicName, member: Member): void {
		const key = keyOf(topic);
		let room = this.#topics.get(key);
		if (!room) this.#topics.set(key, (room = { members: new Set(), presence: new Presence() }));
		room.members.add(member);
	}

	/** The member hears nothing more; its presence leaves. */
	leave(topic: TopicName, member: Member): void {
		const key = keyOf(topic);
		const room = this.#topics.get(key);
		if (!room?.members.delete(member)) return;
		if (room.members.size === 0) this.#topics.delete(key);
		else this.#sendDiff(topic, room, room.presence.untrack(member));
	}

	/** To every member except the sender. */
	publish(topic: TopicName, broadcast: Broadcast, except: Member | null = null): void {
		const room = this.#topics.get(keyOf(topic));
		if (!room) return;
		const wire = wireTopic(topic.name);
		const frameFor = framesOnce((codec) => codec.encodeBroadcast(wire, broadcast, null));
		const id = broadcast.meta?.id ?? null;
		for (const member of room.members) {
			if (member === except) continue;
			const frame = frameFor(member.codec);
			if (frame === null) continue;
			this.deliveries++;
			member.deliver(frame, id);
		}
	}

	/** The member is present with this payload (for the topic's other members to see). */
	track(
		topic: TopicName,
		member: Member,
		...[key, payload, ref]: Tail<Parameters<Presence['track']>>
	): void {
		const room = this.#topics.get(keyOf(topic));
		if (room?.members.has(member))
			this.#sendDiff(topic, room, room.presence.track(member, key, payload, ref));
	}

	untrack(topic: TopicName, member: Member): void {
		const room = this.#topics.get(keyOf(topic));
		if (room) this.#sendDiff(topic, room, room.presence.untrack(member));
	}

	presenceState(topic: TopicName): ReturnType<Presence['state']> {
		return this.#topics.get(keyOf(topic))?.presence.state() ?? {};
	}

	#sendDiff(topic: TopicName, room: Topic, diff: PresenceDiff | null): void {
		if (!diff) return;
		const frameFor = framesOnce((codec) =>
			codec.encode({
				join_ref: null,
				ref: null,
				topic: wireTopic(topic.name),
				event: 'presence_diff',
				payload: diff
			})
		);
		for (const member of room.members) {
			const frame = frameFor(member.codec);
			if (frame) member.deliverPresence(frame);
		}
	}
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

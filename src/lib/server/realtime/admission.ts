/**
 * The checks of a `phx_join`, in hosted Realtime's order, and the order of what follows a success:
 * reply, replayed messages, presence, live messages.
 */
import { AuthorizationUnavailable, type Extension } from './authorizer.ts';
import { Channel, type Link } from './channel.ts';
import type { Core } from './core.ts';
import { isTopicName, TOPIC_PREFIX } from './hub.ts';
import { readJoin } from './join.ts';
import { readReplay, type ReplayRequest } from './replay.ts';
import { TokenRefused, type Identity } from './token.ts';
import type { Broadcast, Push } from './wire.ts';

/** A join that is not allowed. `disconnect`: the socket goes too. */
export class JoinRefused extends Error {
	readonly disconnect: boolean;
	constructor(reason: string, disconnect = false) {
		super(reason);
		this.name = 'JoinRefused';
		this.disconnect = disconnect;
	}
}

function nameOf(topic: string): string {
	const name = topic.slice(TOPIC_PREFIX.length);
	if (name === '') throw new JoinRefused('TopicNameRequired: You must provide a topic name');
	if (!isTopicName(name))
		throw new JoinRefused(
			'TopicNameInvalid: A topic name has at most 246 bytes and no control characters'
		);
	return name;
}

async function readableBy(
	core: Core,
	identity: Identity,
	name: string,
	wanted: readonly Extension[]
): Promise<Extension[]> {
	let readable: Extension[];
	try {
		readable = await core.authorizer.read(identity, name, wanted);
	} catch (error) {
		if (!(error instanceof AuthorizationUnavailable)) throw error;
		throw new JoinRefused(error.reason);
	}
	if (readable.length === 0)
		throw new JoinRefused(
			`Unauthorized: You do not have permissions to read from this Channel topic: ${name}`
		);
	return readable;
}

async function replayed(core: Core, name: string, request: ReplayRequest): Promise<Broadcast[]> {
	try {
		return await core.replay(name, request, core.clock.now());
	} catch (error) {
		core.log.warn('realtime: a replay failed', { topic: name, error });
		throw new JoinRefused(
			'UnableToReplayMessages: Realtime was unable to replay messages. Join without replay.'
		);
	}
}

/** Joins; throws `JoinRefused`. Null when the connection closed meanwhile. */
export async function admit(
	core: Core,
	link: Link,
	push: Push,
	standing: { identity: Identity; token: string | null; channels: number }
): Promise<Channel | null> {
	const { limits, clock, rates } = core;
	const { config, token } = readJoin(push.payload);
	if (core.closing)
		throw new JoinRefused('RealtimeRestarting: Realtime is restarting, please standby');
	const name = nameOf(push.topic);
	if (limits.privateOnly && !config.private)
		throw new JoinRefused('PrivateOnly: This project only allows private channels');
	if (!rates.joins.take(limits.joinsPerSecond, clock.now()))
		throw new JoinRefused('ClientJoinRateLimitReached: Too many joins per second', true);
	if (standing.channels >= limits.channelsPerConnection)
		throw new JoinRefused('ChannelRateLimitReached: Too many channels');

	const { revocations } = core;
	let { identity } = standing;
	try {
		const jwt = token ?? standing.token;
		// The connection's own JWT is judged again: it may have ended since.
		if (jwt !== null) identity = await core.identify(jwt);
	} catch (error) {
		if (error instanceof TokenRefused) throw new JoinRefused(error.reason);
		throw error;
	}

	const wanted: Extension[] = config.presence.enabled ? ['broadcast', 'presence'] : ['broadcast'];
	const readable = config.private
		? await readableBy(core, identity, name, wanted)
		: (['broadcast', 'presence'] as const);
	const replay = readReplay(config.broadcast.replay);
	if (replay !== null && !config.private)
		throw new JoinRefused(
			'UnableToReplayMessages: Replay is not allowed for public channels. Use a private channel.'
		);
	if (replay === 'invalid')
		throw new JoinRefused('UnableToReplayMessages: Replay params are not valid');
	if (!link.open) return null;

	const topic = { name, private: config.private };
	const channel = new Channel(core, link, {
		topic,
		join_ref: push.join_ref,
		config,
		identity,
		token,
		readable
	});
	let before: Broadcast[] = [];
	try {
		if (replay !== null) before = await replayed(core, name, replay);
	} catch (error) {
		channel.end(null);
		throw error;
	}
	if (!channel.open || !link.open) {
		channel.end(null);
		return null;
	}
	const bindings = config.postgres_changes.map((binding, index) => ({ ...binding, id: index + 1 }));
	channel.reply(push.ref, { status: 'ok', response: { postgres_changes: bindings } });
	channel.release(before);
	if (config.broadcast.replication_ready)
		channel.system('ok', 'Replication connection established');
	if (bindings.length > 0)
		channel.system('error', 'postgres_changes is not offered here', 'postgres_changes');
	// Revoked while the policies were being asked: their answer may be from before.
	if (core.revocations !== revocations) await channel.reauthorize();
	return channel;
}

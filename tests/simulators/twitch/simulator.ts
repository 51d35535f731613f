/**
 * All of the fake Twitch on one loopback port.
 *
 *   const twitch = await startTwitch();
 *   startTheProductWith(twitch.env);
 *   twitch.fire('channel.follow', '1001');       // told, and in /channels/followers
 *   twitch.script.dropNext(); twitch.fire('channel.follow', '1001'); // only Helix knows this one
 *   twitch.reconnect(); twitch.close(4000); twitch.cut(); twitch.keepalive.silence();
 *   twitch.clock.advance(30_000);                // time passes without waiting
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { BombOptions } from './bomb.ts';
import { Clock } from './clock.ts';
import { seeded, type Fields, type Notice, type TwitchType } from './generators/index.ts';
import { eventSubEndpoints, eventSubRules } from './helix/eventsub.ts';
import { Helix } from './helix/index.ts';
import { readEndpoints } from './helix/reads.ts';
import { readAsked, refuse, send, type Answer, type Asked } from './http.ts';
import { OAuth } from './oauth.ts';
import { Records } from './record.ts';
import { Script } from './script.ts';
import { Sockets } from './sockets.ts';
import { Subscriptions, type Subscription } from './subscriptions.ts';
import { Teller } from './teller.ts';
import { Tokens, type Client } from './tokens.ts';
import { Webhooks } from './webhooks.ts';
import { World } from './world.ts';

export interface TwitchOptions {
	/** A free one when left out. */
	readonly port?: number;
	/** Of chance: the same seed tells the same facts. */
	readonly seed?: number;
	/** Goes into ids; two simulators that feed one product need two names. */
	readonly name?: string;
	/** Where consent may lead back to, to the letter; the product on any loopback port when left out. */
	readonly redirectUris?: readonly (string | RegExp)[];
	/** Seconds between keepalives, whatever is asked for. */
	readonly keepaliveS?: number;
	/** Answers for paths of your own: no fault befalls them, and no record tells of them. */
	readonly extra?: (asked: Asked) => Answer | undefined;
}

const loopback = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\/connect\/twitch\/callback$/;

export type TwitchSimulator = Awaited<ReturnType<typeof startTwitch>>;

export async function startTwitch(options: TwitchOptions = {}) {
	const { seed = 1, name = 'twitch', redirectUris = [loopback] } = options;
	const clock = new Clock();
	const random = seeded(seed);
	const records = new Records(clock.now);
	const script = new Script(clock, seeded(seed + 1));
	const world = new World(clock.now);
	const tokens = new Tokens(clock);
	const subscriptions = new Subscriptions(clock, tokens);
	const sockets = new Sockets(clock, records, script, subscriptions);
	const webhooks = new Webhooks(clock, records);
	const oauth = new OAuth(clock, tokens, world);
	const rules = eventSubRules();
	const parts = { clock, random, world, records, script, tokens, subscriptions, sockets, webhooks };
	const helix = new Helix(clock, tokens, {
		...readEndpoints(world),
		...eventSubEndpoints({ ...parts, rules })
	});
	sockets.rules.keepaliveS = options.keepaliveS ?? null;

	const client: Client & { secret: string } = {
		id: 'simulated0client0000000000000',
		secret: 'simulated0secret0000000000000',
		redirectUris: [...redirectUris]
	};
	const publicClient: Client = {
		id: 'simulated0public0000000000000',
		secret: null,
		redirectUris: []
	};
	for (const one of [client, publicClient]) tokens.clients.set(one.id, one);
	const teller = new Teller({ ...parts, name, clientId: client.id });

	function answer(asked: Asked): Answer {
		if (asked.path.startsWith('/helix/')) return helix.handle(asked);
		if (asked.path.startsWith('/oauth2/')) return oauth.handle(asked);
		if (asked.path === '/activate') return oauth.device.page(asked);
		return refuse(404, `${asked.path} is nowhere on this Twitch`);
	}

	async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const asked = await readAsked(request);
		const { method, path } = asked;
		const extra = options.extra?.(asked);
		if (extra !== undefined) return send(response, extra);
		const fault = script.faultFor(asked);
		const note = (status: unknown) => records.note('request', { method, path, status });
		if (fault === 'timeout' || fault === 'reset') {
			note(fault);
			if (fault === 'reset') response.destroy();
			return;
		}
		if (typeof fault === 'object' && 'status' in fault) {
			note(fault.status);
			const { body } = refuse(fault.status, 'a planned fault');
			send(response, { body, ...fault });
			return;
		}
		const made = answer(asked);
		note(fault === 'lost' ? fault : made.status);
		if (fault === 'lost') response.destroy();
		else if (fault !== undefined) clock.after(fault.delayMs, () => send(response, made));
		else send(response, made);
	}

	const server = createServer((request, response) => {
		serve(request, response).catch((error: unknown) => {
			records.note('broken', { error: String(error) });
			if (!response.headersSent) send(response, refuse(500, String(error)));
		});
	});
	server.on('upgrade', (request, stream, head) => sockets.upgrade(request, stream, head));
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(options.port ?? 0, '127.0.0.1', resolve);
	});
	const bound = server.address();
	const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
	const origin = `http://127.0.0.1:${port}`;
	const socketOrigin = `ws://127.0.0.1:${port}`;
	const addresses = {
		api: `${origin}/helix`,
		id: `${origin}/oauth2`,
		eventsub: `${socketOrigin}/ws`
	};

	return {
		origin,
		addresses,
		client,
		/** Without a secret: for the device code flow. */
		publicClient,
		/** What points the product here. */
		env: {
			TWITCH_CLIENT_ID: client.id,
			TWITCH_CLIENT_SECRET: client.secret,
			TWITCH_API_URL: addresses.api,
			TWITCH_ID_URL: addresses.id,
			TWITCH_EVENTSUB_URL: addresses.eventsub
		},
		...parts,
		rules,
		helix,
		oauth,
		users: world.users,
		/** What is true of a channel; change it, and Helix tells the change. */
		channel: (id: string) => world.channel(id),
		/** Tokens as if the person had just allowed these. */
		tokenFor: (userId: string, scopes: readonly string[], by: Client = client) =>
			tokens.grant(by.id, userId, scopes),
		appToken: () => tokens.app(client.id),
		fire: (type: TwitchType, broadcasterId: string, event: Fields = {}) =>
			teller.fire(type, broadcasterId, event),
		fireNotice: (kind: Notice, broadcasterId: string, event: Fields = {}) =>
			teller.fireNotice(kind, broadcasterId, event),
		giftBomb: (broadcasterId: string, bomb: BombOptions) =>
			teller.fireGiftBomb(broadcasterId, bomb),
		scene: (broadcasterId: string) => teller.scene(broadcasterId),
		revoke: (which: (one: Subscription) => boolean, reason = 'authorization_revoked') =>
			teller.revoke(which, reason),
		/** The person disconnects the program in their settings. */
		disconnect(userId: string, by: Client = client) {
			tokens.disconnect(by.id, userId);
			teller.revokeConsent(userId);
			return teller.fire('user.authorization.revoke', userId, { client_id: by.id });
		},
		/** Asks every session to move to a new address. */
		reconnect: () => sockets.reconnect(socketOrigin),
		close(code: number) {
			for (const session of [...sockets.sessions]) sockets.close(session, code);
		},
		cut: () => sockets.cut(),
		keepalive: { silence: () => sockets.silence(true), speak: () => sockets.silence(false) },
		/** Resolves when no webhook is on its way. */
		settled: () => webhooks.settled(),
		async stop() {
			clock.stop();
			sockets.stop();
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
			await webhooks.settled();
		}
	};
}

import { twitch } from '../../src/lib/platforms/twitch/index.ts';
import { readTypes } from '../../src/lib/platforms/twitch/normalize.ts';
import {
	challengeBody,
	notificationBody,
	payload,
	revocationBody,
	sign,
	allTypes
} from '../simulators/twitch/index.ts';
import { testPlatform, type Kind } from './platform.ts';

const channelId = '1001';
/** What is read, but for what says nothing else than when: two of them at one time are one fact. */
const types = allTypes.filter(
	(type) => readTypes.includes(type) && type !== 'stream.offline' && type !== 'channel.chat.clear'
);
const about = (n: number, type = types[n % types.length] ?? 'channel.follow') =>
	payload(type, {
		channelId,
		random: () => 0.5,
		at: new Date('2026-11-20T09:59:00Z'),
		n,
		sender: 'contract'
	});

const kinds = {
	event: 'notification',
	challenge: 'webhook_callback_verification',
	revocation: 'revocation'
} as const satisfies Record<Kind, string>;

/** What the headers say of the subscription: what the body says, as Twitch does. */
function subscriptionIn(body: string) {
	try {
		const { type, version } = JSON.parse(body).subscription;
		return typeof type === 'string' && typeof version === 'string' ? { type, version } : undefined;
	} catch {
		return undefined;
	}
}

const text = (body: string | Uint8Array) =>
	typeof body === 'string' ? body : new TextDecoder().decode(body);

testPlatform({
	platform: twitch,
	channelId,
	secret: 'a-secret-of-this-channel',
	fixtures: new URL('../../src/lib/platforms/twitch/fixtures/', import.meta.url),
	windowMs: 600_000,
	header: {
		id: 'twitch-eventsub-message-id',
		time: 'twitch-eventsub-message-timestamp',
		signature: 'twitch-eventsub-message-signature'
	},
	sign: (body, { secret, id, time, kind, about = text(body) }) => ({
		...sign(body, {
			secret,
			id,
			timestamp: time,
			type: kinds[kind],
			subscription: subscriptionIn(about)
		}).headers
	}),
	// Nanoseconds, as Twitch writes them.
	time: (at) => at.toISOString().replace('Z', '000000Z'),
	event: (n) => notificationBody(about(n)),
	challenge: (answer) => challengeBody(about(1), answer),
	revocation: () => revocationBody(about(1), 'authorization_revoked'),
	unknownKind: () => notificationBody({ ...about(1), type: 'channel.something_new' }),
	badTimes: [
		'',
		'soon',
		'0',
		'1795168800',
		'1795168800000',
		'2026-11-20',
		'2026-11-20T10:00:00',
		'2026-11-20 10:00:00Z',
		'2026-11-20T10:00:60Z',
		'2026-11-20T25:00:00Z',
		'2026-02-30T10:00:00Z',
		'2026-11-20T10:00:00.Z',
		'2026-11-20T10:00:00.1234567890Z',
		'2026-11-20T10:00:00Z, 2026-11-20T10:00:00Z',
		'+275760-09-13T00:00:00Z',
		'infinity'
	],
	forgeries: (signature) => ({
		'in capitals': signature.toUpperCase(),
		'in capitals after its name': `sha256=${signature.slice(7).toUpperCase()}`,
		'without its name': signature.slice(7),
		'named sha1': signature.replace('sha256', 'sha1'),
		'that is empty': 'sha256=',
		'one digit short': signature.slice(0, -1),
		'one digit long': `${signature}0`,
		'with its last digit changed': signature.slice(0, -1) + (signature.endsWith('0') ? '1' : '0'),
		'of 10 kB': `sha256=${'a'.repeat(10_240)}`,
		'that is not hexadecimal': `sha256=${'z'.repeat(64)}`,
		'sent twice': `${signature}, ${signature}`,
		'sent once wrong, once right': `sha256=${'0'.repeat(64)}, ${signature}`,
		'among fifty': Array(50).fill(signature).join(' ')
	}),
	contradictions: {
		'a header that names another event type': {
			headers: { 'twitch-eventsub-subscription-type': 'channel.something_else' }
		},
		'an event dressed up as a revocation': {
			headers: { 'twitch-eventsub-message-type': 'revocation' }
		},
		'a challenge dressed up as a revocation': {
			headers: { 'twitch-eventsub-message-type': 'revocation' },
			body: challengeBody(about(1), 'x')
		},
		'an event dressed up as a challenge': {
			headers: { 'twitch-eventsub-message-type': 'webhook_callback_verification' }
		},
		'a message type that does not exist': {
			headers: { 'twitch-eventsub-message-type': '__proto__' }
		},
		'a retry count that is none': { headers: { 'twitch-eventsub-message-retry': '-1' } }
	},
	incomplete: {
		'a follow by nobody': notificationBody({ ...about(0, 'channel.follow'), event: {} }),
		'a cheer without bits': notificationBody({
			...about(0, 'channel.cheer'),
			event: { ...about(0, 'channel.cheer').event, bits: 'lots' }
		}),
		'no event at all': notificationBody(about(0)).replace(/"event":.*/, '"events":[]}')
	}
});

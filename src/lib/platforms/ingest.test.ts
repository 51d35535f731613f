import { describe, expect, test } from 'vitest';
import { AppError, type Draft } from '../bus/index.ts';
import {
	notificationBody,
	payload,
	sign,
	type TwitchType
} from '../../../tests/simulators/twitch/index.ts';
import type { Part } from './gather.ts';
import { ingest, MAX_DELIVERY_BYTES, type Connection, type DeliveryRecord } from './ingest.ts';
import type { Delivery, Platform } from './platform.ts';
import { twitch } from './twitch/index.ts';

const now = new Date('2026-05-03T18:20:30Z');
const secret = 'a-secret-of-the-test';
const connection: Connection = { id: 'c-1', account_id: 'a-1', secrets: [secret] };

/** Ports that remember what was asked of them, in order. */
function ports(changes: Partial<Parameters<typeof ingest>[2]> = {}) {
	const steps: string[] = [];
	const log: DeliveryRecord[] = [];
	return {
		steps,
		log,
		clock: () => now,
		connections: async (platform: string, channel: string | null) => {
			steps.push(`connections ${platform} ${channel}`);
			return [connection];
		},
		record: async (account: string, drafts: Draft[]) => {
			steps.push(`record ${account} ${drafts.map((draft) => draft.event_type).join()}`);
			return drafts.map((_, index) => ({
				outcome: 'recorded' as const,
				event_id: `e-${index}`,
				seq: index + 1
			}));
		},
		gather: async (account: string, parts: Part[]) => {
			steps.push(`gather ${account} ${parts.map(({ draft }) => draft.event_type).join()}`);
			return parts.map(() => ({ outcome: 'gathered' as const, event_id: null, seq: null }));
		},
		logDelivery: (line: DeliveryRecord) => {
			log.push(line);
		},
		...changes
	};
}

function delivery(
	changes: {
		secret?: string;
		type?: TwitchType;
		headers?: Record<string, string>;
		body?: string;
	} = {}
): Delivery {
	const made = payload(changes.type ?? 'channel.follow', {
		channelId: '1001',
		random: () => 0.5,
		at: now,
		n: 1,
		sender: 'test'
	});
	const { headers, body } = sign(changes.body ?? notificationBody(made), {
		secret: changes.secret ?? secret,
		id: 'm-1',
		timestamp: now.toISOString(),
		subscription: made
	});
	return {
		headers: { ...headers, ...changes.headers },
		body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
		received_at: now
	};
}

test('a genuine delivery is recorded, then acknowledged', async () => {
	let commit: (value: []) => void = () => undefined;
	const committed = new Promise<[]>((resolve) => (commit = resolve));
	const door = ports();
	let answered = false;
	const answer = ingest(twitch, delivery(), {
		...door,
		record: async (account, drafts) => {
			await committed;
			return door.record(account, drafts);
		}
	}).then((result) => {
		answered = true;
		return result;
	});
	// Everything that can happen before the commit has happened when the loop has turned idle twice.
	for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
	expect(answered).toBe(false);
	commit([]);
	expect(await answer).toMatchObject({ status: 200, outcome: 'recorded' });
	expect(door.steps).toEqual(['connections twitch 1001', 'record a-1 twitch:follower']);
	expect(door.log).toEqual([
		expect.objectContaining({
			connection_id: 'c-1',
			message_id: 'm-1',
			outcome: 'recorded',
			at: now
		})
	]);
});

test('what may be a part is stored as such before it is acknowledged', async () => {
	const door = ports();
	const gift = delivery({ type: 'channel.subscription.gift' });
	expect(await ingest(twitch, gift, door)).toMatchObject({ status: 200, outcome: 'gathered' });
	expect(door.steps).toEqual(['connections twitch 1001', 'gather a-1 twitch:gift_sub']);
	const gather = () => Promise.reject(new AppError('unavailable', 'The database is away.'));
	expect(await ingest(twitch, gift, ports({ gather }))).toMatchObject({ status: 503 });
});

describe('who hears nothing', () => {
	const refused = {
		'an unknown channel': [delivery(), { connections: async () => [] }, 'unknown_channel'],
		'a wrong secret': [delivery({ secret: 'another-secret' }), {}, 'forged'],
		'an old message': [delivery(), { clock: () => new Date(+now + 601_000) }, 'stale']
	} as const;
	test.each(Object.entries(refused))('%s', async (_, [request, changes, outcome]) => {
		const door = ports(changes);
		const answer = await ingest(twitch, request, door);
		expect(answer).toMatchObject({ status: 403, outcome });
		expect(door.steps.filter((step) => step.startsWith('record'))).toEqual([]);
		expect(door.log).toEqual([expect.objectContaining({ outcome, connection_id: null })]);
	});

	test('all of them hear the same, to the byte', async () => {
		const answers = await Promise.all(
			Object.values(refused).map(async ([request, changes]) => {
				const { status, headers, body } = await ingest(twitch, request, ports(changes));
				return { status, headers, body };
			})
		);
		expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
	});
});

test('every account whose secret signed it gets the event, others do not', async () => {
	const door = ports({
		connections: async () => [
			connection,
			{ id: 'c-2', account_id: 'a-2', secrets: ['another-secret'] },
			{ id: 'c-3', account_id: 'a-3', secrets: ['the-next-secret', secret] }
		]
	});
	expect(await ingest(twitch, delivery(), door)).toMatchObject({ status: 200 });
	expect(door.steps).toEqual(['record a-1 twitch:follower', 'record a-3 twitch:follower']);
});

describe('faults of ours are 503 with Retry-After, so that the platform sends again', () => {
	const away = new AppError('unavailable', 'The database is away.', { retryAfter: 9 });
	const faults = {
		'the database away while looking up': [{ connections: () => Promise.reject(away) }, '9'],
		'the database away while recording': [{ record: () => Promise.reject(away) }, '9'],
		'anything unexpected': [{ record: () => Promise.reject(new TypeError('x')) }, '5'],
		'fewer results than drafts': [{ record: async () => [] }, '5']
	} as const;
	test.each(Object.entries(faults))('%s', async (_, [changes, retryAfter]) => {
		const door = ports(changes);
		const answer = await ingest(twitch, delivery(), door);
		expect(answer).toMatchObject({
			status: 503,
			outcome: 'failed',
			headers: { 'retry-after': retryAfter, 'content-type': 'application/problem+json' }
		});
		expect(answer.body).not.toContain('TypeError');
		expect(door.log).toEqual([expect.objectContaining({ outcome: 'failed' })]);
	});

	test('a revocation whose log line cannot be written', async () => {
		const request = delivery({
			body: JSON.stringify({
				subscription: {
					id: 's',
					type: 'channel.follow',
					status: 'user_removed',
					condition: { broadcaster_user_id: '1001' }
				}
			}),
			headers: { 'twitch-eventsub-message-type': 'revocation' }
		});
		expect(await ingest(twitch, request, ports())).toMatchObject({
			status: 200,
			outcome: 'revoked'
		});
		const logDelivery = () => Promise.reject(away);
		expect(await ingest(twitch, request, ports({ logDelivery }))).toMatchObject({ status: 503 });
	});
});

test('a refusal by the database is answered with its code: a resend would not help', async () => {
	const refusal = new AppError('conflict', 'The account is closed.');
	const answer = await ingest(twitch, delivery(), ports({ record: () => Promise.reject(refusal) }));
	expect(answer).toMatchObject({ status: 409, outcome: 'failed' });
});

test('the answer does not depend on the delivery log', async () => {
	const logDelivery = () => {
		throw new Error('the log is full');
	};
	expect(await ingest(twitch, delivery(), ports({ logDelivery }))).toMatchObject({ status: 200 });
});

test('a draft that the bus refuses costs only itself', async () => {
	const draft = {
		event_type: 'odd:fact',
		class: 'animated',
		platform: 'odd',
		data: {}
	} as const;
	const odd: Platform = {
		name: 'odd',
		title: 'Odd',
		eventTypes: [],
		webhook: {
			channelId: twitch.webhook!.channelId,
			secret: twitch.webhook!.secret,
			identify: () => ({ channel_id: '1', message_id: 'm', kind: 'k' }),
			verify: async () => 'genuine',
			read: () => ({
				kind: 'events',
				drafts: [draft, { ...draft, event_type: 'no colon' }, { ...draft, platform: 'twitch' }]
			})
		}
	};
	const door = ports();
	expect(await ingest(odd, delivery(), door)).toMatchObject({ status: 200, outcome: 'recorded' });
	expect(door.steps).toEqual(['connections odd 1', 'record a-1 odd:fact']);
});

test('one byte too many is 413, before anything else is looked at', async () => {
	const door = ports();
	const body = new Uint8Array(MAX_DELIVERY_BYTES + 1);
	expect(await ingest(twitch, { ...delivery(), body }, door)).toMatchObject({ status: 413 });
	expect(door.steps).toEqual([]);
});

test('a platform without webhooks has no door', async () => {
	const { name, title, eventTypes } = twitch;
	expect(await ingest({ name, title, eventTypes }, delivery(), ports())).toMatchObject({
		status: 404
	});
});

/** The fake platforms speak as the real ones: over HTTP, and what they sign is genuine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Draft } from '../src/lib/bus/index.ts';
import { ingest } from '../src/lib/platforms/ingest.ts';
import { twitch } from '../src/lib/platforms/twitch/index.ts';
import { twitchSender, twitchTypes, type TwitchSender } from './simulators/twitch/index.ts';

const secret = 'a-secret-of-this-channel';
const recorded: Draft[] = [];
let server: Server;
let sender: TwitchSender;

beforeAll(async () => {
	server = createServer(async (request, response) => {
		const body = Buffer.concat(await request.toArray());
		const headers = Object.fromEntries(
			Object.entries(request.headers).map(([name, value]) => [name, String(value)])
		);
		const received_at = new Date();
		const answer = await ingest(
			twitch,
			{ headers, body, received_at },
			{
				clock: () => received_at,
				logDelivery: () => undefined,
				connections: async (_, channel) =>
					channel === '1001' ? [{ id: 'c', account_id: 'a', secrets: [secret] }] : [],
				record: async (_, drafts) => {
					recorded.push(...drafts);
					return drafts.map(() => ({ outcome: 'recorded', event_id: 'e', seq: 1 }));
				},
				gather: async (_, parts) => {
					recorded.push(...parts.map(({ draft }) => draft));
					return parts.map(() => ({ outcome: 'gathered', event_id: null, seq: null }));
				}
			}
		);
		response.writeHead(answer.status, answer.headers).end(answer.body);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const url = `http://127.0.0.1:${port}/webhooks/twitch`;
	let state = 7;
	const random = () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
	sender = twitchSender({ url, secret, channelId: '1001', random });
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test.each(twitchTypes)('%s arrives, and no two are the same fact', async (type) => {
	recorded.length = 0;
	for (let n = 0; n < 30; n += 1) expect(await sender.send(type)).toMatchObject({ status: 200 });
	expect(recorded).toHaveLength(30);
	const keys = recorded.flatMap(({ transport_key, business_key }) => [transport_key, business_key]);
	const named = keys.filter((key) => key !== null);
	expect(new Set(named).size).toBe(named.length);
});

test('a message delivered twice is the same to the byte', async () => {
	recorded.length = 0;
	const message = sender.anyNotification();
	await sender.deliver(message);
	await sender.deliver(message);
	expect(recorded[1]).toEqual(recorded[0]);
});

test('challenges and revocations arrive', async () => {
	const challenge = await sender.deliver(sender.challenge('pogchamp-é'));
	expect(challenge).toMatchObject({ status: 200, contentType: 'text/plain', body: 'pogchamp-é' });
	const revocation = await sender.deliver(sender.revocation('user_removed'));
	expect(revocation).toMatchObject({ status: 200 });
});

import { expect, it } from 'vitest';
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';
import type { Target } from '$lib/platforms/source.ts';
import { source } from '$lib/platforms/twitch/eventsub/index.ts';
import { systemClock } from './clock.ts';
import { Subscriber } from './subscriber.ts';

const access: Access = {
	...{ id: 'client', secret: null, addresses: { api: 'http://127.0.0.1:9' } },
	...{ access_token: 'token' }
};
const wanted = { type: 'channel.raid', version: '1', condition: { to_broadcaster_user_id: '1' } };
const callback = 'https://example.com/webhooks/twitch';
const made = JSON.stringify({
	data: [{ id: 's1', ...wanted, status: 'enabled', transport: { callback } }]
});

it.each<[string, Target, string[]]>([
	['an address is removed', { method: 'webhook', callback, secret: 's' }, ['POST', 'DELETE']],
	['a session ends with it', { method: 'websocket', session_id: 'one' }, ['POST']]
])('what is made for somebody who has left: at %s', async (_name, target, expected) => {
	const asked: string[] = [];
	let isThere = true;
	const subscriber = new Subscriber({
		...{ source, clock: systemClock, chance: () => 0.5, channelId: null },
		call<T>(make: (access: Access) => Call<T>): Promise<CallResult<T>> {
			const { request, read } = make(access);
			asked.push(request.method);
			// They leave while the platform is at it.
			isThere = false;
			const status = request.method === 'POST' ? 202 : 204;
			return Promise.resolve(read({ status, headers: {}, body: made }, new Date()));
		},
		onChange: () => undefined
	});
	subscriber.want([wanted]);
	expect(await subscriber.make([wanted], () => (isThere ? target : null))).toBe(false);
	expect(asked).toEqual(expected);
});

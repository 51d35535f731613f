/** Connections to channels on platforms. A secret goes in and never comes out again. */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { findPlatform } from '$lib/platforms/catalog.ts';
import * as connections from '$lib/server/backend/statements/connections.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import type { SecretBox } from '$lib/server/secrets.ts';
import { defineAction } from './define.ts';
import { listed, Name } from './fields.ts';
import { accountOf } from './principal.ts';

const list = defineAction({
	id: 'connections.list',
	summary: 'Lists the connected channels, without their secrets.',
	method: 'GET',
	path: '/connections',
	polled: true,
	permission: 'connections:read',
	input: z.strictObject({}),
	output: listed(connections.Connection),
	run: async ({ as, principal }) => ({
		items: await as((sql) => connections.listConnections(sql, accountOf(principal)))
	})
});

export interface Channel {
	platform: string;
	channel_id: string;
	channel_name?: string | null | undefined;
	secret: string;
}

/** A channel in the form that its platform asks for. Throws `invalid_input`. */
export function readChannel(channel: Channel) {
	const door = findPlatform(channel.platform)?.webhook;
	if (door === undefined)
		throw new AppError('invalid_input', `platform: ${channel.platform} takes no webhooks here.`, {
			issues: [{ path: 'platform', message: 'takes no webhooks here' }]
		});
	const form = z.object({ channel_id: door.channelId, secret: door.secret });
	return {
		platform: channel.platform,
		channel_name: channel.channel_name ?? null,
		...parseInput(form, channel)
	};
}

/** The row of a channel that was read, its secret sealed for this account. */
export function sealChannel(
	secrets: SecretBox,
	account_id: string,
	{ secret, ...channel }: ReturnType<typeof readChannel>
) {
	const owner = { account_id, provider: channel.platform };
	return { ...channel, secret_ciphertext: secrets.seal(secret, owner) };
}

const save = defineAction({
	id: 'connections.save',
	summary: 'Connects a channel by the secret that its webhooks are signed with, or replaces it.',
	method: 'POST',
	path: '/connections',
	permission: 'connections:edit',
	input: z.strictObject({
		platform: z.string().max(50),
		channel_id: Text(200),
		channel_name: Name.nullable().default(null),
		secret: Text(500)
	}),
	output: connections.Connection.extend({ webhook_url: z.string() }),
	status: 201,
	run: async ({ as, principal, services, origin }, channel) => {
		const account = accountOf(principal);
		const sealed = sealChannel(services.secrets, account, readChannel(channel));
		const saved = await as((sql) => connections.saveConnection(sql, account, sealed));
		return { ...saved, webhook_url: `${origin}/webhooks/${channel.platform}` };
	}
});

export const connectionActions = [list, save];

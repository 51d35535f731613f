/**
 * Connections to channels on platforms: by consent, or by the secret of their webhooks. Secrets and
 * tokens go in and never come out again.
 */
import { z } from 'zod';
import { AppError } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { findPlatform } from '$lib/platforms/catalog.ts';
import { connectFlows, connectionModes } from '$lib/platforms/connect.ts';
import { connectable } from '$lib/server/access/clients.ts';
import { groupsOf, makeWebhookSecret, requireMode } from '$lib/server/access/consents.ts';
import * as authorizations from '$lib/server/backend/statements/authorizations.ts';
import * as connections from '$lib/server/backend/statements/connections.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import type { SecretBox } from '$lib/server/secrets.ts';
import { defineAction } from './define.ts';
import { Id, listed, Name } from './fields.ts';
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

const GroupIds = z.array(z.string().max(50)).max(100);

const authorize = defineAction({
	id: 'connections.authorize',
	summary: 'Begins to ask a channel’s owner for consent.',
	method: 'POST',
	path: '/connections/authorize',
	permission: 'connections:edit',
	input: z.strictObject({
		platform: z.string().max(50),
		/** `code`: open `url` in the browser. `device`: type `user_code` at `verification_uri`. */
		flow: z.enum(connectFlows),
		/** Which events; left out: those that the platform recommends. */
		groups: GroupIds.nullable().default(null),
		/** Left out: as the channel is connected, or the platform's usual. */
		mode: z.enum(connectionModes).nullable().default(null)
	}),
	output: z.object({
		id: z.uuid(),
		flow: z.enum(connectFlows),
		url: z.string().nullable(),
		user_code: z.string().nullable(),
		verification_uri: z.string().nullable(),
		expires_at: z.string(),
		interval_s: z.number().nullable()
	}),
	status: 201,
	run: ({ as, principal, services, origin }, wish) =>
		services.consents.begin(as, { ...wish, account_id: accountOf(principal) }, origin)
});

const authorization = defineAction({
	id: 'connections.authorization',
	summary: 'Tells how a consent that one has begun stands; looks whether a device code was typed.',
	method: 'GET',
	path: '/connections/authorize/{id}',
	permission: 'connections:edit',
	input: z.strictObject({ id: Id }),
	output: z.object({
		status: authorizations.AuthorizationStatus,
		reason: z.string().nullable(),
		connection: connections.Connection.nullable(),
		/** Groups that were asked for and not granted. */
		declined_groups: z.array(z.string())
	}),
	run: async ({ as, principal, services }, { id }) => {
		const account = accountOf(principal);
		const look = () => as((sql) => authorizations.getAuthorization(sql, account, id));
		let found = await look();
		// Only who may look makes us ask.
		if (found.status === 'pending' && (await services.consents.pollDevices(id)) > 0)
			found = await look();
		const { status, reason, connection, groups } = found;
		const declined_groups =
			connection === null ? [] : groups.filter((group) => !connection.groups.includes(group));
		return { status, reason, connection, declined_groups };
	}
});

const update = defineAction({
	id: 'connections.update',
	summary: 'Changes how a connection’s events come, or which.',
	method: 'PUT',
	path: '/connections/{id}',
	permission: 'connections:edit',
	input: z.strictObject({
		id: Id,
		mode: z.enum(connectionModes).nullable().default(null),
		groups: GroupIds.nullable().default(null)
	}),
	output: connections.Connection,
	run: async ({ as, principal, services }, { id, mode, groups }) => {
		const account = accountOf(principal);
		const found = await as((sql) => connections.getConnection(sql, account, id));
		const { connect } = connectable(found.platform);
		requireMode(connect, mode);
		const wanted = groups === null ? null : groupsOf(connect, groups);
		const missing = (wanted ?? []).filter(
			({ id: group, scopes }) =>
				!found.groups.includes(group) && !scopes.every((scope) => found.scopes.includes(scope))
		);
		if (missing.length > 0) {
			const names = missing.map(({ id: group }) => group).join(', ');
			throw new AppError(
				'conflict',
				`The channel’s owner has not consented to ${names}: connect the channel again with these groups.`,
				{ issues: missing.map(({ id: group }) => ({ path: 'groups', message: group })) }
			);
		}
		return as((sql) =>
			connections.updateConnection(sql, account, id, {
				mode,
				groups: wanted?.map(({ id: group }) => group) ?? null,
				secret_ciphertext:
					mode === 'webhook' ? makeWebhookSecret(services.secrets, account, found.platform) : null
			})
		);
	}
});

const remove = defineAction({
	id: 'connections.disconnect',
	summary: 'Disconnects a channel: its consent is given back, its history stays.',
	method: 'DELETE',
	path: '/connections/{id}',
	permission: 'connections:edit',
	input: z.strictObject({ id: Id }),
	output: connections.Connection,
	run: async ({ as, principal, services }, { id }) => {
		const account = accountOf(principal);
		// The statement says who may; only then is anything of the connection looked at.
		await as((sql) => connections.getConnection(sql, account, id));
		const given = await services.access.tokensOf(id);
		const ended = await as((sql) => connections.disconnect(sql, account, id));
		if (given !== null) await services.access.revoke(given);
		return ended;
	}
});

export const connectionActions = [list, save, authorize, authorization, update, remove];

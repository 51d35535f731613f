/** The platforms, how each can be connected here, and the program that people consent to. */
import { z } from 'zod';
import { platforms } from '$lib/platforms/catalog.ts';
import { connectFlows, connectionModes } from '$lib/platforms/connect.ts';
import type { Platform } from '$lib/platforms/platform.ts';
import { connectable, ownerOf } from '$lib/server/access/clients.ts';
import { flowsOf, redirectUri } from '$lib/server/access/consents.ts';
import * as clients from '$lib/server/backend/statements/clients.ts';
import { parseInput } from '$lib/server/http/problem.ts';
import type { Services } from '$lib/server/services.ts';
import { defineAction } from './define.ts';
import { listed } from './fields.ts';
import { accountOf } from './principal.ts';

const Group = z.object({
	id: z.string(),
	title: z.string(),
	description: z.string(),
	scopes: z.array(z.string()),
	is_default: z.boolean(),
	event_types: z.array(z.string())
});

export const PlatformEntry = z.object({
	name: z.string(),
	title: z.string(),
	/** How its channels can be connected with the client there is; empty: by webhook secret only. */
	flows: z.array(z.enum(connectFlows)),
	/** Whether there is a client to consent to, the account's own or the server's. */
	is_configured: z.boolean(),
	client_id: z.string().nullable(),
	/** Whose client it is. */
	client_of: z.enum(['account', 'server']).nullable(),
	has_secret: z.boolean(),
	/** To be registered with the platform for the flow `code`. */
	redirect_uri: z.string(),
	groups: z.array(Group),
	takes_webhooks: z.boolean(),
	webhook_url: z.string(),
	modes: z.array(z.enum(connectionModes))
});

/** A platform as an account finds it. */
function entryOf(
	{ name, title, connect, webhook }: Platform,
	own: clients.OwnClient | undefined,
	{ access }: Services,
	origin: string
): z.input<typeof PlatformEntry> {
	const server = access.clients.ofServer(name);
	const client =
		own !== undefined
			? { id: own.client_id, has_secret: own.has_secret, of: 'account' as const }
			: server !== null
				? { id: server.id, has_secret: server.secret !== null, of: 'server' as const }
				: null;
	const flows =
		connect === undefined
			? []
			: flowsOf(connect, client && { secret: client.has_secret ? 'set' : null });
	return {
		name,
		title,
		flows,
		is_configured: client !== null,
		client_id: client?.id ?? null,
		client_of: client?.of ?? null,
		has_secret: client?.has_secret ?? false,
		redirect_uri: redirectUri(origin, name),
		groups: (connect?.groups ?? []).map(({ isDefault, eventTypes, scopes, ...group }) => ({
			...group,
			scopes: [...scopes],
			is_default: isDefault,
			event_types: [...eventTypes]
		})),
		takes_webhooks: webhook !== undefined,
		webhook_url: `${origin}/webhooks/${name}`,
		modes: connect === undefined ? (webhook === undefined ? [] : ['webhook']) : [...connect.modes]
	};
}

const list = defineAction({
	id: 'platforms.list',
	summary: 'Lists the platforms and how each can be connected here.',
	method: 'GET',
	path: '/platforms',
	permission: 'connections:read',
	input: z.strictObject({}),
	output: listed(PlatformEntry),
	run: async ({ as, principal, services, origin }) => {
		const own = await as((sql) => clients.listClients(sql, accountOf(principal)));
		return {
			items: platforms.map((platform) =>
				entryOf(
					platform,
					own.find((client) => client.platform === platform.name),
					services,
					origin
				)
			)
		};
	}
});

const saveClient = defineAction({
	id: 'platforms.save_client',
	summary: 'Stores the account’s own client on a platform; what was granted to another one ends.',
	method: 'PUT',
	path: '/platforms/{platform}/client',
	permission: 'connections:edit',
	input: z.strictObject({
		platform: z.string().max(50),
		client_id: z.string().max(200),
		/** null: a public client. */
		client_secret: z.string().max(500).nullable()
	}),
	output: clients.OwnClient,
	run: async ({ as, principal, services }, input) => {
		const account = accountOf(principal);
		const { platform } = input;
		const { idForm, secretForm } = connectable(platform).connect.client;
		const { client_id, client_secret } = parseInput(
			z.object({ client_id: idForm, client_secret: secretForm.nullable() }),
			input
		);
		const secret_ciphertext =
			client_secret === null
				? null
				: services.secrets.seal(client_secret, ownerOf.clientSecret(account, platform));
		return as((sql) =>
			clients.saveClient(sql, account, { platform, client_id, secret_ciphertext })
		);
	}
});

const removeClient = defineAction({
	id: 'platforms.remove_client',
	summary: 'Removes the account’s own client; the server’s is used again, if there is one.',
	method: 'DELETE',
	path: '/platforms/{platform}/client',
	permission: 'connections:edit',
	input: z.strictObject({ platform: z.string().max(50) }),
	output: z.object({ removed: z.boolean() }),
	run: async ({ as, principal, services }, { platform }) => {
		const account = accountOf(principal);
		connectable(platform);
		const fallback = services.access.clients.ofServer(platform)?.id ?? null;
		return {
			removed: await as((sql) => clients.removeClient(sql, account, platform, fallback))
		};
	}
});

export const platformActions = [list, saveClient, removeClient];

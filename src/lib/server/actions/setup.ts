/** First run: the owner, their account, its starter overlay, and the first keys, in one call. */
import { z } from 'zod';
import { Text } from '$lib/bus/event.ts';
import { permissions } from '$lib/bus/permission.ts';
import { starterDocument } from '$lib/overlay/starter.ts';
import { platforms } from '$lib/platforms/catalog.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '$lib/server/auth.ts';
import { accountExists, createAccount } from '$lib/server/backend/statements/accounts.ts';
import { saveConnection } from '$lib/server/backend/statements/connections.ts';
import { createKey } from '$lib/server/backend/statements/keys.ts';
import { makeKey } from '$lib/server/secrets.ts';
import { alreadySetUp } from '$lib/server/setup.ts';
import { readChannel, sealChannel } from './connections.ts';
import { defineAction } from './define.ts';
import { Name } from './fields.ts';
import { overlayUrl } from './keys.ts';
import { claimsOf } from './principal.ts';

export const SetupAnswer = z.object({
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	overlay_url: z.string(),
	api_key: z.string(),
	webhook_url: z.string()
});

const run = defineAction({
	id: 'setup.run',
	summary: 'Makes the first account, with the token that the server printed at its start.',
	method: 'POST',
	path: '/setup',
	permission: 'public',
	input: z.strictObject({
		token: z.string().max(200),
		email: z.email().max(254),
		password: Text(MAX_PASSWORD).min(MIN_PASSWORD),
		account: Name,
		/** A channel to connect at once; its platform says what is well formed. */
		connection: z
			.strictObject({ platform: z.string().max(50), channel_id: Text(200), secret: Text(500) })
			.optional()
	}),
	output: SetupAnswer,
	status: 201,
	run: async ({ services, origin, answer }, input) => {
		const { email, password, account, connection } = input;
		const { database, secrets, auth } = services;
		const channel = connection === undefined ? null : readChannel(connection);
		const platform = channel?.platform ?? platforms.find(({ webhook }) => webhook)?.name;
		return services.setup.use(input.token, async () => {
			if (await accountExists(database.sql)) throw alreadySetUp();
			// The account is what ends setup; a user left over from a setup cut short is taken up again.
			const user_id = await auth.establishUser({ email, password, name: account });
			const claims = claimsOf({
				kind: 'member',
				user_id,
				account_id: null,
				name: account,
				email
			});
			if (claims === null) throw new Error('A member has claims.');
			const overlayKey = makeKey('overlay');
			const apiKey = makeKey('api');
			const made = await database.sql.begin(async (sql) => {
				const { account_id, overlay_id } = await createAccount(
					sql,
					account,
					user_id,
					z.json().parse(starterDocument())
				);
				// The owner's own deeds from here on: in the log they carry the owner's name.
				await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
				const base = { hint: overlayKey.hint, token_hash: overlayKey.hash, permissions: [] };
				await createKey(sql, account_id, { ...base, kind: 'overlay', name: account, overlay_id });
				await createKey(sql, account_id, {
					kind: 'api',
					name: 'Setup',
					overlay_id: null,
					permissions: [...permissions],
					token_hash: apiKey.hash,
					hint: apiKey.hint
				});
				if (channel !== null)
					await saveConnection(sql, account_id, sealChannel(secrets, account_id, channel));
				return { account_id, overlay_id };
			});
			// The account stands: a session that cannot be had now is had by signing in.
			const cookies = await auth.signIn({ email, password }).catch(() => []);
			for (const cookie of cookies) answer.append('set-cookie', cookie);
			return {
				...made,
				overlay_url: overlayUrl(origin, overlayKey.secret),
				api_key: apiKey.secret,
				webhook_url: `${origin}/webhooks/${platform}`
			};
		});
	}
});

export const setupActions = [run];

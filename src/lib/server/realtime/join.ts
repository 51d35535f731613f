/**
 * What a `phx_join` asks for. A config that is not valid falls back to its defaults part by part:
 * the join itself does not fail for that (as hosted), so every field here has a `catch`.
 */
import { z } from 'zod';
import type { JsonRecord } from './wire.ts';

/** Booleans may arrive as `"true"`/`"false"` in any case. */
const Flag = z
	.union([z.boolean(), z.string().regex(/^(true|false)$/i)])
	.transform((value) => value === true || String(value).toLowerCase() === 'true')
	.catch(false);

const Binding = z.object({
	event: z.string().max(32).optional(),
	schema: z.string().max(255).optional(),
	table: z.string().max(255).optional(),
	filter: z.string().max(2000).optional(),
	select: z.array(z.string().max(255)).max(200).optional()
});

const BroadcastConfig = z.object({
	self: Flag,
	ack: Flag,
	replication_ready: Flag,
	/** Kept as sent: a replay that cannot be read refuses the join, it is not ignored. */
	replay: z.unknown().optional()
});
const PresenceConfig = z.object({ key: z.string().max(255).catch(''), enabled: Flag });

const Config = z.object({
	broadcast: BroadcastConfig.catch(BroadcastConfig.parse({})),
	presence: PresenceConfig.catch(PresenceConfig.parse({})),
	postgres_changes: z.array(Binding).max(100).catch([]),
	private: Flag
});
const Join = z.object({
	config: Config.catch(Config.parse({})),
	access_token: z.string().nullish().catch(null),
	/** An old alias of `access_token`. */
	user_token: z.string().nullish().catch(null)
});

export type JoinConfig = z.infer<typeof Config>;

/** Reads a join's payload; never fails. `token` is null when the connection's key decides. */
export function readJoin(payload: JsonRecord): { config: JoinConfig; token: string | null } {
	const { config, access_token, user_token } = Join.parse(payload);
	return { config, token: tokenOf(access_token ?? user_token) };
}

/** A JWT, or null for nothing and for `sb_` keys (which never replace the connection's own key). */
export const tokenOf = (value: unknown): string | null =>
	typeof value === 'string' && value !== '' && !value.startsWith('sb_') ? value : null;

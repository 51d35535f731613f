/**
 * What the platform sends, in its own spelling: only what an alert cannot do without is demanded.
 *
 * Source: (the address of the platform's documents)
 */
import { z } from 'zod';

export const Body = z.object({
	channel: z.string().regex(/^[a-z0-9]{1,40}$/),
	kind: z.string().min(1).max(100),
	/** Present when the platform asks whether this address is ours. */
	challenge: z.string().min(1).max(1_000).nullish().catch(null),
	/** Present when the platform stopped sending. */
	revoked: z.string().max(200).nullish().catch(null),
	event: z.record(z.string(), z.unknown()).nullish().catch(null)
});
export type Body = z.infer<typeof Body>;

export const Follow = z.object({
	id: z.string().min(1).max(100),
	viewer: z.object({ id: z.string().min(1).max(100), name: z.string().max(200).catch('') })
});

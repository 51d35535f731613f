/** Where a client finds the Realtime server: ours, or the Supabase project's. */
import { z } from 'zod';
import type { Services } from '$lib/server/services.ts';
import { PUBLISHABLE_KEY } from '$lib/server/tokens.ts';

export const RealtimeAddress = z.object({ url: z.string(), key: z.string(), topic: z.string() });

/** What `createClient(url, key)` and `channel(topic)` need. */
export const realtimeAddress = ({ config }: Services, origin: string, topic: string) => ({
	url: config.supabaseUrl ?? origin,
	key: config.supabasePublishableKey ?? PUBLISHABLE_KEY,
	topic
});

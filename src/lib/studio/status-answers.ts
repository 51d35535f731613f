/** What `/v1/channel-status` answers: see `answers.ts`. */
import { z } from 'zod';

export const ChannelStatus = z.object({
	platform: z.string(),
	is_online: z.boolean(),
	stream_title: z.string().nullable(),
	category: z.string().nullable(),
	category_picture: z.string().nullish(),
	viewer_count: z.int().nonnegative().nullable(),
	started_at: z.string().nullable(),
	updated_at: z.string().nullable()
});
export type ChannelStatus = z.infer<typeof ChannelStatus>;

/** What `/v1/channel-status` answers: see `answers.ts`. */
import { z } from 'zod';

/** Platforms name a category by text alone, or with its picture. */
const Category = z
	.union([
		z.string().transform((name) => ({ name, picture: null })),
		z
			.object({
				name: z.string(),
				picture: z.string().nullish(),
				art_url: z.string().nullish(),
				image_url: z.string().nullish()
			})
			.transform(({ name, picture, art_url, image_url }) => ({
				name,
				picture: picture ?? art_url ?? image_url ?? null
			}))
	])
	.nullable();

export const ChannelStatus = z.object({
	platform: z.string(),
	is_online: z.boolean(),
	stream_title: z.string().nullable(),
	category: Category,
	viewer_count: z.int().nonnegative().nullable(),
	started_at: z.string().nullable(),
	updated_at: z.string().nullable()
});
export type ChannelStatus = z.infer<typeof ChannelStatus>;

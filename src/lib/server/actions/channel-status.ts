/** Whether the account's channels are live. */
import { z } from 'zod';
import * as status from '$lib/server/backend/statements/channel-status.ts';
import { defineAction } from './define.ts';
import { listed } from './fields.ts';
import { accountOf } from './principal.ts';

const list = defineAction({
	id: 'channel_status.list',
	summary: 'Shows, for each platform, whether the channel is live and with what.',
	method: 'GET',
	path: '/channel-status',
	permission: 'spotify:read',
	polled: true,
	input: z.strictObject({}),
	output: listed(status.ChannelStatus),
	run: async ({ as, principal }) => ({
		items: await as((sql) => status.getStatus(sql, accountOf(principal)))
	})
});

export const channelStatusActions = [list];

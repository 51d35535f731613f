/** What viewers do with channel points, and who may do what in the channel. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';
import { ann, bo, count, cy, Fragment, instant, somebody } from './events-parts.ts';

export const reward = defineEventType({
	type: 'twitch:reward',
	class: 'animated',
	title: 'Channel points reward',
	description: 'A viewer redeemed a custom reward for channel points.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({
		user: Viewer,
		reward: z.object({
			id: z.string().nullable(),
			title: z.string(),
			cost: count.nullable(),
			prompt: z.string().nullable()
		}),
		/** What the viewer typed; empty when the reward asks for nothing. */
		message: z.string(),
		/** `unfulfilled`, `fulfilled`, `canceled` or `unknown`, as it was when first told. */
		status: z.string().nullable()
	}),
	sample: {
		user: bo,
		reward: { id: 'rw-1', title: 'Drink water', cost: 500, prompt: 'Stay healthy' },
		message: '',
		status: 'unfulfilled'
	}
});

export const automaticReward = defineEventType({
	type: 'twitch:automatic_reward',
	class: 'data',
	title: 'Built-in reward',
	description: 'A viewer redeemed a reward that Twitch offers, such as a highlighted message.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		user: Viewer,
		/** `send_highlighted_message`, `random_sub_emote_unlock` … */
		kind: z.string(),
		cost: count.nullable(),
		emote_id: z.string().nullable(),
		message: z.string(),
		fragments: z.array(Fragment)
	}),
	sample: {
		user: bo,
		kind: 'send_highlighted_message',
		cost: 200,
		emote_id: null,
		message: 'look here',
		fragments: [{ type: 'text', text: 'look here', emote_id: null, bits: null }]
	}
});

/** Somebody's standing in the channel changed. */
const role = (type: string, title: string, description: string) =>
	defineEventType({
		type: `twitch:${type}`,
		class: 'data',
		title,
		description,
		duration_ms: null,
		priority: 'low',
		data: z.object({ user: Viewer }),
		sample: { user: ann }
	});

export const moderatorAdd = role(
	'moderator_add',
	'Moderator added',
	'A viewer became a moderator of the channel.'
);
export const moderatorRemove = role(
	'moderator_remove',
	'Moderator removed',
	'A viewer is no longer a moderator of the channel.'
);
export const vipAdd = role('vip_add', 'VIP added', 'A viewer became a VIP of the channel.');
export const vipRemove = role(
	'vip_remove',
	'VIP removed',
	'A viewer is no longer a VIP of the channel.'
);

export const ban = defineEventType({
	type: 'twitch:ban',
	class: 'data',
	title: 'Ban',
	description: 'A viewer was banned or timed out.',
	duration_ms: null,
	priority: 'low',
	data: z.object({
		user: Viewer,
		moderator: somebody,
		reason: z.string(),
		banned_at: instant,
		/** null: for good. */
		ends_at: instant,
		is_permanent: z.boolean()
	}),
	sample: {
		user: cy,
		moderator: ann,
		reason: 'spam',
		banned_at: '2026-05-03T18:15:11Z',
		ends_at: '2026-05-03T18:25:11Z',
		is_permanent: false
	}
});

export const unban = defineEventType({
	type: 'twitch:unban',
	class: 'data',
	title: 'Ban lifted',
	description: 'A ban or time-out was taken back.',
	duration_ms: null,
	priority: 'low',
	data: z.object({ user: Viewer, moderator: somebody }),
	sample: { user: cy, moderator: ann }
});

export const eventTypes = [
	...[reward, automaticReward],
	...[moderatorAdd, moderatorRemove, vipAdd, vipRemove, ban, unban]
];

import type { Platform } from '../platform.ts';
import { connectBy } from './connect.ts';
import { eventTypes } from './events.ts';
import { groups } from './groups.ts';
import { webhook } from './webhook.ts';

export const twitch: Platform = {
	name: 'twitch',
	title: 'Twitch',
	eventTypes,
	webhook,
	connect: connectBy(groups)
};

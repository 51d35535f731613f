import type { Platform } from '../platform.ts';
import { connectBy } from './connect.ts';
import { eventTypes } from './events.ts';
import { source } from './eventsub/index.ts';
import { groups } from './groups.ts';
import { gatherings } from './normalize.ts';
import { status } from './status.ts';
import { webhook } from './webhook.ts';

export const twitch: Platform = {
	name: 'twitch',
	title: 'Twitch',
	eventTypes,
	webhook,
	gatherings,
	connect: connectBy(groups),
	source,
	status
};

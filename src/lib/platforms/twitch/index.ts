import type { Platform } from '../platform.ts';
import { eventTypes } from './events.ts';
import { webhook } from './webhook.ts';

export const twitch: Platform = { name: 'twitch', title: 'Twitch', eventTypes, webhook };

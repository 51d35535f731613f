import type { Platform } from '../platform.ts';
import { eventTypes } from './events.ts';
import { webhook } from './webhook.ts';

export const template: Platform = { name: 'template', title: 'Template', eventTypes, webhook };

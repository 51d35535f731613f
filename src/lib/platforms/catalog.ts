/**
 * The platforms and all that they bring, derived from one explicit list.
 */
import type { EventTypeDefinition, Platform } from './platform.ts';
import { twitch } from './twitch/index.ts';

/** One line for each platform. */
export const platforms: readonly Platform[] = [twitch];

/** Every event type of every platform, in the order of the list above. */
export const eventTypes: readonly EventTypeDefinition[] = platforms.flatMap(
	(platform) => platform.eventTypes
);

export const findPlatform = (name: string): Platform | undefined =>
	platforms.find((platform) => platform.name === name);

export const findEventType = (type: string): EventTypeDefinition | undefined =>
	eventTypes.find((definition) => definition.type === type);

/**
 * The schemas that have a name of their own in documents: `#/components/schemas/<name>`, the type
 * of the generated client and the GraphQL type. A schema that is not here may name itself by
 * `.meta({ id: 'Name' })`; the answer of an action that has neither is named after the action.
 */
import { z } from 'zod';
import { EventClass, EventOrigin, EventStatus, Priority, StreamingEvent } from '$lib/bus/event.ts';
import * as message from '$lib/bus/message.ts';
import { Permission, Role } from '$lib/bus/permission.ts';
import { Play, PlayReason, PlayStatus, PlayWithEvent } from '$lib/bus/status.ts';
import type { Action } from '$lib/server/actions/define.ts';
import { KeyMade } from '$lib/server/actions/keys.ts';
import { RealtimeAddress } from '$lib/server/actions/realtime.ts';
import { MyAccount } from '$lib/server/backend/statements/accounts.ts';
import { ChannelStatus, SpotifyManual } from '$lib/server/backend/statements/channel-status.ts';
import { Connection } from '$lib/server/backend/statements/connections.ts';
import * as events from '$lib/server/backend/statements/events.ts';
import { Key, KeyKind } from '$lib/server/backend/statements/keys.ts';
import { Overlay, OverlaySummary } from '$lib/server/backend/statements/overlays.ts';
import * as queue from '$lib/server/backend/statements/queue.ts';

const named: Readonly<Record<string, z.ZodType>> = {
	EventClass,
	EventOrigin,
	EventStatus,
	Priority,
	Permission,
	Role,
	PlayStatus,
	PlayReason,
	KeyKind,
	Event: StreamingEvent,
	EventPage: events.EventPage,
	EventDetail: events.EventDetail,
	PlayTransition: events.Transition,
	Play,
	PlayWithEvent,
	OverlayState: message.OverlayState,
	EventBroadcast: message.EventBroadcast,
	PlayChanged: message.PlayChanged,
	AnimationCancel: message.AnimationCancel,
	AnimationReplay: message.AnimationReplay,
	AnimationStarted: message.AnimationStarted,
	AnimationEnded: message.AnimationEnded,
	AnimationCancelled: message.AnimationCancelled,
	StatusChanged: message.StatusChanged,
	BusMessage: message.BusMessage,
	Queue: queue.Queue,
	OverlayQueue: queue.OverlayQueue,
	OverlayInstance: queue.Instance,
	Cancelled: queue.Cancelled,
	Replayed: queue.Replayed,
	Skipped: queue.Skipped,
	Paused: queue.Paused,
	Heartbeat: queue.Heartbeat,
	Reported: queue.Reported,
	Overlay,
	OverlaySummary,
	Key,
	KeyMade,
	Connection,
	ChannelStatus,
	SpotifyManualStatus: SpotifyManual,
	MyAccount,
	RealtimeAddress
};

/** `overlays.keys.list` as `OverlaysKeysList`. */
export const pascal = (name: string): string =>
	name
		.split(/[^A-Za-z0-9]+/)
		.map((word) => word.charAt(0).toUpperCase() + word.slice(1))
		.join('');

/** Gives every schema its name, and every action's answer one. */
export function nameSchemas(actions: readonly Action[]): void {
	for (const [id, schema] of Object.entries(named)) z.globalRegistry.add(schema, { id });
	for (const { id, output } of actions)
		if (z.globalRegistry.get(output)?.id === undefined)
			z.globalRegistry.add(output, { id: `${pascal(id)}Answer` });
}

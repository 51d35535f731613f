/** Which road a connection's mode takes. */
import type { HeldSource } from '$lib/server/backend/statements/sources.ts';
import type { SourceParts } from './parts.ts';
import type { Road, RoadEvents } from './road.ts';
import { SocketRoad } from './socket-road.ts';
import { WebhookRoad } from './webhook-road.ts';

interface Ends {
	readonly events: RoadEvents;
	/** The webhook secret in the clear; null when there is none that opens. */
	secret(): string | null;
	/** Whether there is anything to subscribe to. */
	isWanted(): boolean;
}

/** null: nothing delivers, by choice or because the platform does not offer it. */
export function roadOf(
	{ mode, channel_id, sessions }: HeldSource,
	{ platform, clock, chance, open, addresses, callback }: SourceParts,
	{ events, secret, isWanted }: Ends
): Road | null {
	const { socket } = platform.source;
	if (mode === 'webhook') return new WebhookRoad({ events, callback, secret });
	if (mode !== 'websocket' || socket === undefined) return null;
	return new SocketRoad({
		...{ events, clock, chance, open, isWanted, protocol: socket },
		former: sessions,
		url: addresses[socket.address] ?? '',
		channelId: channel_id
	});
}

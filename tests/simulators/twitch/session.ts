/** A WebSocket session, the codes that end one, and the rules that it is held to. */
import type { WebSocket } from 'ws';
import type { SessionOf } from './subscriptions.ts';

export interface Session extends SessionOf {
	readonly keepaliveS: number;
	current: WebSocket;
	/** The one before, until it closes. */
	previous: WebSocket | null;
	/** The path that takes the session over; null: none was offered, or it was used. */
	offered: string | null;
	isSilent: boolean;
	stopKeepalive: () => void;
	stopDeadline: () => void;
	stopGrace: () => void;
}

/** What becomes of a session's subscriptions when it is closed with a code. */
export const statuses: Readonly<Record<number, string>> = {
	4000: 'websocket_internal_error',
	4001: 'websocket_received_inbound_traffic',
	4002: 'websocket_failed_ping_pong',
	4003: 'websocket_connection_unused',
	4004: 'websocket_failed_to_reconnect',
	4005: 'websocket_network_timeout',
	4006: 'websocket_network_error'
};
export const reasons: Readonly<Record<number, string>> = {
	4000: 'internal server error',
	4001: 'client sent inbound traffic',
	4002: 'client failed ping-pong',
	4003: 'connection unused',
	4004: 'reconnect grace time expired',
	4005: 'network timeout',
	4006: 'network error',
	4007: 'invalid reconnect'
};

export interface SocketRules {
	/** Seconds between keepalives, whatever the client asks for; null: what it asks for, 10 to 600. */
	keepaliveS: number | null;
	subscribeWithinMs: number;
	reconnectWithinMs: number;
	/** Whether both sockets get every notification while both are open. */
	tellsBoth: boolean;
	/** The next so many connections are closed with this code right after their welcome. */
	closeNext: { times: number; code: number };
}

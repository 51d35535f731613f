/**
 * The capability of being connected by consent (OAuth 2): which consents which events need, and
 * the calls of both flows. The server keeps states, codes and tokens; a platform only spells.
 */
import type { EventType } from '../bus/index.ts';
import type { Access, Call, Client, ClientSettings, HttpAnswer } from './call.ts';

/**
 * How a connection's events come here. `relay`: through a machine with a public address that passes
 * them on; `poll`: by asking, for platforms or networks that allow nothing else.
 */
export const connectionModes = ['websocket', 'webhook', 'relay', 'poll'] as const;
export type ConnectionMode = (typeof connectionModes)[number];

/** Whether the link stands. Whoever needs tokens uses `connected` connections only. */
export const connectionStatuses = ['connected', 'reconnect_needed', 'disconnected'] as const;
export type ConnectionStatus = (typeof connectionStatuses)[number];

/** Events that are asked for together, because people think of them together. */
export interface EventGroup {
	/** `follows`, `subscriptions`, `chat`: stable, stored with the connection. */
	readonly id: string;
	readonly title: string;
	/** One sentence: what the streamer gets, for the person who chooses. */
	readonly description: string;
	readonly scopes: readonly string[];
	readonly eventTypes: readonly EventType[];
	/** Chosen unless the streamer says otherwise. */
	readonly isDefault: boolean;
}

/** Tokens as the platform gave them. */
export interface Grant {
	readonly access_token: string;
	/** null: none was given (app tokens), or the old one stays (a refresh that rotates nothing). */
	readonly refresh_token: string | null;
	/** Seconds from the answer; null where tokens do not end by time. */
	readonly expires_in_s: number | null;
	readonly scopes: readonly string[];
}

/** Whose token it is. */
export interface Identified {
	readonly channel_id: string;
	readonly login: string;
	readonly name: string;
	readonly picture: string | null;
}

/** What a check of a token answers. */
export interface Validation {
	readonly channel_id: string;
	readonly client_id: string;
	readonly scopes: readonly string[];
	readonly expires_in_s: number | null;
}

export interface DeviceStart {
	readonly device_code: string;
	readonly user_code: string;
	readonly verification_uri: string;
	readonly expires_in_s: number;
	readonly interval_s: number;
}

/** `slow_down`: ask less often, by five seconds (RFC 8628 §3.5). */
export type DevicePoll =
	| { readonly state: 'granted'; readonly grant: Grant }
	| { readonly state: 'pending' | 'slow_down' | 'denied' | 'expired' };

/** What a platform says, with each answer, about how much may still be asked. */
export interface Budget {
	readonly limit: number;
	readonly remaining: number;
	/** When it is full again. */
	readonly reset_at: Date;
}

/** `code`: back and forth through the browser; `device`: a short code, no address of our own. */
export const connectFlows = ['code', 'device'] as const;
export type ConnectFlow = (typeof connectFlows)[number];

export interface Connect {
	readonly client: ClientSettings;
	readonly groups: readonly EventGroup[];
	readonly flows: readonly ConnectFlow[];
	/** Flows that a client without a secret cannot use. */
	readonly needsSecret: readonly ConnectFlow[];
	/** The first is what a new connection gets. */
	readonly modes: readonly ConnectionMode[];
	/** Reads it from any answer of the platform; null when it says nothing. */
	budget(answer: HttpAnswer): Budget | null;
	/** Where the streamer is sent. `state` comes back untouched. */
	authorizeUrl(
		client: Client,
		request: { redirect_uri: string; scopes: readonly string[]; state: string }
	): string;
	exchangeCode(client: Client, request: { code: string; redirect_uri: string }): Call<Grant>;
	startDevice(client: Client, scopes: readonly string[]): Call<DeviceStart>;
	pollDevice(
		client: Client,
		request: { device_code: string; scopes: readonly string[] }
	): Call<DevicePoll>;
	/** `unauthorized` means for good: the consent is gone. */
	refresh(client: Client, refresh_token: string): Call<Grant>;
	validate(client: Client, access_token: string): Call<Validation>;
	revoke(client: Client, token: string): Call<null>;
	/** A token for the program itself, not for a streamer. */
	appToken(client: Client): Call<Grant>;
	identify(access: Access): Call<Identified>;
}

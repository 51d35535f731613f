/**
 * Access: the tokens of connections and the calls made with them. A platform's folder says what to
 * ask and how to read the answer; here it is asked.
 */
import type { Access, Call, CallResult } from '$lib/platforms/call.ts';

export interface PlatformAccess {
	/**
	 * Makes the call with the connection's token; a token that ended or was refused is refreshed
	 * once and the call made again. Rate limits, time-out and fetch log included. Never throws for
	 * what the platform does. `unauthorized` means for good: the connection has to be made again.
	 */
	call<T>(connectionId: string, make: (access: Access) => Call<T>): Promise<CallResult<T>>;
	/** With the program's own token (webhook subscriptions, channels that are not connected). */
	callAsApp<T>(
		accountId: string,
		platform: string,
		make: (access: Access) => Call<T>
	): Promise<CallResult<T>>;
	/**
	 * Notes that the platform took the consent back (a revocation told by a socket, a webhook, a
	 * check): the connection is `reconnect_needed`. `reason`: the platform's own word.
	 */
	revoked(connectionId: string, reason: string): Promise<void>;
	/** The same for all connections to a channel that were granted to this client. */
	revokedAt(platform: string, channelId: string, clientId: string, reason: string): Promise<void>;
	/**
	 * Tells when a connection was made, changed (mode, groups, status, tokens, secret) or removed,
	 * in this process or another; after the feed was away, once for every connection there is.
	 */
	onChanged(listener: (connectionId: string) => void): () => void;
}

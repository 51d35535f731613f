/** What all connections of one server share. */
import type { Log } from '../log.ts';
import type { Authorizer } from './authorizer.ts';
import type { Channel } from './channel.ts';
import type { RealtimeClock } from './clock.ts';
import type { Hub } from './hub.ts';
import type { RateCounter, RealtimeLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import type { Replay } from './replay.ts';
import type { Identity } from './token.ts';

export type RealtimeLog = Pick<Log, 'debug' | 'info' | 'warn' | 'error'>;

export interface Core {
	readonly hub: Hub;
	readonly outbox: Outbox;
	readonly authorizer: Authorizer;
	readonly replay: Replay;
	readonly limits: RealtimeLimits;
	readonly clock: RealtimeClock;
	readonly log: RealtimeLog;
	readonly rates: { joins: RateCounter; presence: RateCounter; requests: RateCounter };
	/** Verifies a JWT; throws `TokenRefused`. */
	identify(jwt: string): Promise<Identity>;
	/** Every joined channel. */
	readonly channels: Set<Channel>;
	/** Counts revocations: a join that was judged before one has to be judged again. */
	revocations: number;
	/** The server is going away: no new joins. */
	closing: boolean;
}

/** The subscriptions that exist, and which of them an event is for. */
import type { Clock } from './clock.ts';
import type { Fields } from './generators/index.ts';
import { secretWord, type Tokens } from './tokens.ts';
import { eventSubTypes } from './types.ts';

/** Dead WebSocket subscriptions stay in the list: at least a minute, Twitch says no more. */
const LISTED_AFTERWARDS_MS = 600_000;

/** A WebSocket session, as far as subscriptions care. */
export interface SessionOf {
	id: string;
	readonly connectedAt: Date;
	clientId: string | null;
	userId: string | null;
}

export type Transport =
	| { readonly method: 'websocket'; readonly session: SessionOf; disconnectedAt: Date | null }
	| { readonly method: 'webhook'; readonly callback: string; readonly secret: string };

export interface Subscription {
	readonly id: string;
	status: string;
	readonly type: string;
	readonly version: string;
	readonly condition: Readonly<Record<string, string>>;
	readonly cost: number;
	readonly created_at: string;
	readonly clientId: string;
	/** Whose token made it; null: the program's own. */
	readonly userId: string | null;
	readonly transport: Transport;
	/** Failures in a row. */
	failures: number;
}

/** Nanoseconds of zero: the text has Twitch's form. */
export const stamp = (at: Date): string => at.toISOString().replace('Z', '000000Z');

/** How Twitch writes it. The secret is never told. */
export function written({
	id,
	status,
	type,
	version,
	condition,
	cost,
	created_at,
	transport
}: Subscription) {
	return {
		id,
		status,
		type,
		version,
		condition,
		created_at,
		transport:
			transport.method === 'webhook'
				? { method: transport.method, callback: transport.callback }
				: {
						method: transport.method,
						session_id: transport.session.id,
						connected_at: transport.session.connectedAt.toISOString(),
						...(transport.disconnectedAt && {
							disconnected_at: transport.disconnectedAt.toISOString()
						})
					},
		cost
	};
}

export const conditionKey = (condition: Readonly<Record<string, string>>): string =>
	JSON.stringify(
		Object.entries(condition)
			.filter(([, value]) => value !== '')
			.sort()
	);

export class Subscriptions {
	/** Oldest first. */
	readonly all = new Map<string, Subscription>();
	readonly #clock: Clock;
	readonly #tokens: Tokens;

	constructor(clock: Clock, tokens: Tokens) {
		this.#clock = clock;
		this.#tokens = tokens;
	}

	/** 0 when the person whom it is about lets this program in, whatever for; else 1. */
	costOf(clientId: string, type: string, condition: Readonly<Record<string, string>>): number {
		if (eventSubTypes[type]?.webhookOnly) return 0;
		const known = Object.values(condition).some(
			(userId) => this.#tokens.consent(clientId, userId) !== undefined
		);
		return known ? 0 : 1;
	}

	add(
		made: Pick<
			Subscription,
			'status' | 'type' | 'version' | 'condition' | 'clientId' | 'userId' | 'transport'
		>
	) {
		const subscription: Subscription = {
			...made,
			id: `${secretWord(4)}-${secretWord(2)}-4${secretWord(2).slice(1)}-${secretWord(2)}-${secretWord(6)}`,
			cost: this.costOf(made.clientId, made.type, made.condition),
			created_at: stamp(this.#clock.now()),
			failures: 0
		};
		this.all.set(subscription.id, subscription);
		return subscription;
	}

	enabled = (): Subscription[] =>
		[...this.all.values()].filter(({ status }) => status === 'enabled');

	/** Those of a token: a user's are over WebSocket, a program's by webhook. */
	of = (clientId: string, userId: string | null): Subscription[] =>
		[...this.all.values()].filter((one) => one.clientId === clientId && one.userId === userId);

	onSession = (session: SessionOf): Subscription[] =>
		[...this.all.values()].filter(
			({ transport }) => transport.method === 'websocket' && transport.session === session
		);

	/** The enabled ones that ask for this event. */
	wanting = (type: string, version: string, event: Fields): Subscription[] =>
		this.enabled().filter(
			(one) => one.type === type && one.version === version && matches(one.condition, event)
		);

	/** A session's end switches its subscriptions off; there is no replay. */
	sessionEnded(session: SessionOf, status: string): void {
		for (const one of this.onSession(session)) {
			if (one.status === 'enabled') one.status = status;
			if (one.transport.method === 'websocket') one.transport.disconnectedAt ??= this.#clock.now();
			this.#clock.after(LISTED_AFTERWARDS_MS, () => this.all.delete(one.id));
		}
	}
}

/** Which field of an event a key of a condition is compared with; others name readers. */
function matches(condition: Readonly<Record<string, string>>, event: Fields): boolean {
	return Object.entries(condition).every(([key, wanted]) => {
		if (wanted === '' || key === 'moderator_user_id' || key === 'user_id') return true;
		if (key === 'reward_id') {
			const reward = event['reward'];
			return (
				typeof reward === 'object' && reward !== null && 'id' in reward && reward.id === wanted
			);
		}
		return event[key] === wanted;
	});
}

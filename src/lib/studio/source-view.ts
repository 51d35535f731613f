/** What the connections page makes of the server's answers. Pure. */
import type {
	ConnectablePlatform,
	Connection,
	EventGroup,
	SourceReport,
	Subscription
} from './source-answers.ts';

export type SourceState = SourceReport['state'];

const lamps = {
	live: 'go',
	connecting: 'standby',
	polling: 'standby',
	waiting: 'standby',
	stopped: 'off',
	problem: 'stop'
} as const satisfies Record<SourceState, string>;

/** How the connection does: what the source says, unless the link itself no longer stands. */
export function stateOf(connection: Connection, source: SourceReport | null): SourceState {
	if (connection.status === 'disconnected') return 'stopped';
	if (connection.status === 'reconnect_needed') return 'problem';
	return source?.state ?? 'connecting';
}

export const lampOf = (state: SourceState) => lamps[state];

/** `Works` needs no words; the others are what a person looks for. */
export const toneOf = (status: string): 'go' | 'standby' | 'stop' =>
	status === 'enabled' ? 'go' : status === 'pending' || status === 'missing' ? 'standby' : 'stop';

/** Those in trouble first, then in the platform's order. */
export const troubleFirst = (subscriptions: readonly Subscription[]): Subscription[] =>
	[...subscriptions].sort(
		(a, b) => Number(a.status === 'enabled') - Number(b.status === 'enabled')
	);

/** `channel.hype_train.begin` in words, for types that the dictionary does not know. */
export function wordsOf(name: string): string {
	const words = name.replace(/^channel\./, '').replaceAll(/[._]+/g, ' ');
	return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Chosen groups that bring nothing, because a consent they need was not given. */
export const declinedGroups = (
	platform: Pick<ConnectablePlatform, 'groups'>,
	{ groups, scopes }: Pick<Connection, 'groups' | 'scopes'>
): EventGroup[] =>
	platform.groups.filter(
		(group) => groups.includes(group.id) && !group.scopes.every((scope) => scopes.includes(scope))
	);

/** Whether choosing these groups needs consents that the connection does not have. */
export const needsConsent = (
	platform: Pick<ConnectablePlatform, 'groups'>,
	groups: readonly string[],
	scopes: readonly string[]
): boolean => declinedGroups(platform, { groups: [...groups], scopes: [...scopes] }).length > 0;

/** What share came by itself, 0 to 1; null before anything came. */
export const promptShare = ({ received, missed }: SourceReport['reliability']): number | null =>
	received + missed === 0 ? null : received / (received + missed);

/** Connected by a webhook secret alone: nobody consented, so there are no tokens to ask with. */
export const isByHand = ({ login }: Pick<Connection, 'login'>): boolean => login == null;

/** What the server adds in parentheses to the words of a problem; null where it adds nothing. */
export const detailIn = (text: string): string | null => /\(([^()]+)\)\s*$/.exec(text)?.[1] ?? null;

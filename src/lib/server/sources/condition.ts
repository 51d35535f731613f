/** How a source is and what is the matter with it, from what is known of it. Pure. */
import type {
	HeldSource,
	SourceState,
	SubscriptionRow
} from '$lib/server/backend/statements/sources.ts';
import type { ProblemCode } from './problems.ts';

export interface Snapshot {
	readonly status: HeldSource['status'];
	readonly mode: HeldSource['mode'];
	/** Whether there is a road for the mode to deliver by. */
	readonly hasRoad: boolean;
	/** Sessions that stand. */
	readonly sessions: number;
	/** How many subscriptions are wanted. */
	readonly wanted: number;
	readonly rows: readonly SubscriptionRow[];
	/** Whether the platform's list was seen. */
	readonly isReconciled: boolean;
	/** Why no socket is left. */
	readonly lostReason: string | null;
	readonly isDatabaseAway: boolean;
	readonly dropped: number;
	readonly failingPolls: readonly string[];
}

export interface Problem {
	readonly code: ProblemCode;
	readonly detail: string | null;
}

export function stateOf(one: Snapshot): SourceState {
	if (one.status !== 'connected') return 'problem';
	if (one.wanted === 0) return 'waiting';
	const has = (wanted: SubscriptionRow['status']) =>
		one.rows.some(({ status }) => status === wanted);
	switch (one.mode) {
		case 'relay':
			return 'problem';
		case 'poll':
			return 'polling';
		case 'webhook':
			if (has('enabled')) return 'live';
			return has('pending') || !one.isReconciled ? 'connecting' : 'polling';
		case 'websocket':
			if (!one.hasRoad) return 'problem';
			// Not before each has its answer: what the others bring meanwhile nobody would tell.
			if (one.sessions > 0 && has('enabled') && !has('pending')) return 'live';
			return one.lostReason === null ? 'connecting' : 'polling';
	}
}

/** Which rows are whose problem; a row is told once, by the first that fits. */
const rowProblems: readonly (readonly [ProblemCode, (row: SubscriptionRow) => boolean])[] = [
	['consent_missing', ({ status }) => status === 'missing'],
	['consent_revoked', ({ status }) => status === 'revoked'],
	['platform_unavailable', ({ reason }) => reason === 'platform_unavailable'],
	['limit_reached', ({ reason }) => reason?.startsWith('limit_reached') ?? false],
	[
		'callback_unreachable',
		({ status, reason }) =>
			status === 'failed' && /callback|notification_failures/.test(reason ?? '')
	],
	['subscription_failed', ({ status }) => status === 'failed']
];

export function problemsOf(one: Snapshot): Problem[] {
	const found: Problem[] = [];
	const add = (code: ProblemCode, detail: string | null = null) => found.push({ code, detail });
	const isConnected = one.status === 'connected';
	if (!isConnected) add('reconnect_needed');
	else if (one.mode === 'relay') add('relay_unavailable');
	else if (one.mode === 'websocket' && !one.hasRoad) add('mode_unavailable');
	else if (one.rows.length === 0) add('nothing_chosen');
	if (one.lostReason !== null) add('socket_lost', one.lostReason);
	const open = new Set(isConnected ? one.rows : []);
	for (const [code, matches] of rowProblems) {
		const rows = [...open].filter(matches);
		for (const row of rows) open.delete(row);
		if (rows.length > 0) add(code, rows.map(({ type }) => type).join(', '));
	}
	if (one.isDatabaseAway) add('database_away');
	if (one.dropped > 0) add('events_dropped', String(one.dropped));
	if (one.failingPolls.length > 0) add('poll_failed', one.failingPolls.join(', '));
	return found;
}

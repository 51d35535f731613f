/** Events, plays, queues and messages for tests: valid as they come, changed by spreads. */
import type { BusMessage, Play, PlayWithEvent, StreamingEvent } from '$lib/bus';
import type { OverlayQueue, QueueAnswer } from './answers.ts';

/** A readable UUID: `uuid(7)` ends in 7. */
export const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const ACCOUNT = uuid(1);
export const OVERLAY = uuid(2);
export const AT = '2026-11-20T20:00:00.000Z';

export const anEvent = (change: Partial<StreamingEvent> = {}): StreamingEvent => ({
	id: uuid(1000 + (change.seq ?? 1)),
	account_id: ACCOUNT,
	seq: 1,
	event_type: 'stage:follower',
	class: 'alert',
	platform: 'stage',
	origin: 'live',
	external_id: null,
	data: { user: { id: '1', login: 'ann', name: 'Ann', picture: null } },
	metadata: {},
	priority: 'normal',
	status: 'pending',
	duration_ms: 5_000,
	cancelable: true,
	replayable: true,
	scheduled_at: null,
	occurred_at: null,
	created_at: AT,
	started_at: null,
	completed_at: null,
	...change
});

/** The play of event `seq` on the one overlay, waiting. */
export const aPlay = ({
	event,
	...change
}: Partial<Play> & { event?: Partial<StreamingEvent> } = {}): PlayWithEvent => {
	const seq = change.seq ?? 1;
	const whole = anEvent({ seq, ...event });
	return {
		id: uuid(2000 + seq * 10 + (change.play_no ?? 1)),
		event_id: whole.id,
		account_id: ACCOUNT,
		overlay_id: OVERLAY,
		seq,
		priority: whole.priority,
		lane: 'main',
		status: 'queued',
		reason: 'live',
		play_no: 1,
		attempt: change.status === 'playing' ? 1 : 0,
		duration_ms: 5_000,
		instance_id: null,
		elapsed_ms: change.status === 'playing' ? 0 : null,
		outcome: null,
		created_at: AT,
		started_at: null,
		ended_at: null,
		...change,
		event: whole
	};
};

export const anOverlay = (change: Partial<OverlayQueue> = {}): OverlayQueue => ({
	overlay_id: OVERLAY,
	name: 'My alerts',
	rev: 0,
	paused: false,
	leader_id: null,
	instances: [],
	playing: [],
	waiting: [],
	waiting_count: change.waiting?.length ?? 0,
	recent: [],
	...change
});

export const aQueue = (
	overlay: Partial<OverlayQueue> = {},
	change: Partial<QueueAnswer> = {}
): QueueAnswer => ({
	epoch: 'first',
	top_seq: 0,
	paused: false,
	overlays: [anOverlay(overlay)],
	...change
});

type PlayMessageType = Exclude<BusMessage['type'], 'EVENT_BROADCAST' | 'STATUS_CHANGED'>;

export const playMessage = (
	type: PlayMessageType,
	rev: number,
	play: PlayWithEvent
): BusMessage => ({ type, epoch: 'first', at: AT, overlay_id: play.overlay_id, rev, play });

/** The account's message for a new event with one play. */
export const broadcast = (rev: number, { event, ...play }: PlayWithEvent): BusMessage => ({
	type: 'EVENT_BROADCAST',
	epoch: 'first',
	at: AT,
	event,
	plays: [{ ...play, rev }]
});

export const statusMessage = (
	state: Record<string, boolean>,
	change: { subject?: string; overlay_id?: string | null; rev?: number | null } = {}
): BusMessage => ({
	type: 'STATUS_CHANGED',
	epoch: 'first',
	at: AT,
	subject: 'queue',
	overlay_id: null,
	rev: null,
	state,
	...change
});

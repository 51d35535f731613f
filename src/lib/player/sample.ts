/** Builders of what a server says, for tests: readable ids, everything else as usual. */
import type { BusMessage, OverlayState, PlayWithEvent } from '../bus/index.ts';

/** A uuid that tells its kind and number: `id('play', 3)`. */
export const id = (kind: 'play' | 'event' | 'page' | 'overlay' | 'account', number = 1): string => {
	const first = { play: 'b', event: 'e', page: 'c', overlay: 'd', account: 'a' }[kind];
	return `${first.repeat(8)}-0000-4000-8000-${String(number).padStart(12, '0')}`;
};

export const ME = id('page', 1);
export const OTHER = id('page', 2);
export const OVERLAY = id('overlay');
export const EPOCH = 'epoch-one';
const AT = '2026-11-20T20:00:00.000Z';

/** A play of the event with this number: the first of its kind, queued, six seconds long. */
export function aPlay(number: number, change: Partial<PlayWithEvent> = {}): PlayWithEvent {
	const priority = change.priority ?? 'normal';
	return {
		id: id('play', number),
		event_id: id('event', number),
		account_id: id('account'),
		overlay_id: OVERLAY,
		seq: number,
		priority,
		lane: 'main',
		status: 'queued',
		reason: 'live',
		play_no: 1,
		attempt: 0,
		duration_ms: 6_000,
		instance_id: null,
		elapsed_ms: null,
		outcome: null,
		created_at: AT,
		started_at: null,
		ended_at: null,
		event: {
			id: id('event', number),
			account_id: id('account'),
			seq: number,
			event_type: 'custom:high_score',
			class: 'alert',
			platform: 'custom',
			origin: 'live',
			external_id: null,
			data: { player: 'Ada', score: number },
			metadata: {},
			priority,
			status: 'pending',
			duration_ms: 6_000,
			cancelable: true,
			replayable: true,
			scheduled_at: null,
			occurred_at: null,
			created_at: AT,
			started_at: null,
			completed_at: null
		},
		...change
	};
}

/** The same play, claimed by this page (unless told otherwise) just now. */
export const playing = (number: number, change: Partial<PlayWithEvent> = {}): PlayWithEvent =>
	aPlay(number, {
		status: 'playing',
		attempt: 1,
		instance_id: ME,
		elapsed_ms: 0,
		...change
	});

/** The message that tells of a play, by the name that fits its status. */
export function told(rev: number, play: PlayWithEvent, epoch = EPOCH): BusMessage {
	const { event, ...bare } = play;
	const envelope = { epoch, at: AT, overlay_id: OVERLAY, rev };
	switch (play.status) {
		case 'queued':
			return { type: 'EVENT_BROADCAST', ...envelope, event, play: bare };
		case 'cancelled':
			return { type: 'ANIMATION_CANCEL', ...envelope, play };
		case 'held':
		case 'playing':
			return { type: 'PLAY_CHANGED', ...envelope, play };
		default:
			return { type: 'ANIMATION_ENDED', ...envelope, play };
	}
}

export const status = (
	subject: string,
	state: Record<string, string | boolean | null>,
	rev: number | null = null
): BusMessage => ({
	type: 'STATUS_CHANGED',
	epoch: EPOCH,
	at: AT,
	subject,
	overlay_id: OVERLAY,
	rev,
	state
});

/** The answer to a pull. */
export const aState = (change: Partial<OverlayState> = {}): OverlayState => ({
	epoch: EPOCH,
	recovered: true,
	top_seq: 0,
	cursor: 0,
	more: false,
	rev: 0,
	paused: false,
	leader_id: ME,
	plays: [],
	events: [],
	...change
});

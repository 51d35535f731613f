/**
 * A command shows three states: sent, accepted by the bus, and answered by the stage. What the
 * stage can say differs: a test or a replay is on screen once a page reports its first frame; a
 * cancel, skip or pause has reached the pages once its message came back by the same channel
 * that they listen to. With no page connected the command stays `accepted`: nothing is pretended.
 */
import type { BusMessage } from '$lib/bus';

export const commandKinds = [
	'test',
	'replay',
	'cancel_play',
	'cancel_event',
	'skip',
	'pause',
	'resume'
] as const;
export type CommandKind = (typeof commandKinds)[number];

export type CommandState = 'sent' | 'accepted' | 'seen' | 'failed';

/** What a command is about; null where it is about everything of that sort. */
export interface CommandTarget {
	event_id: string | null;
	play_id: string | null;
	overlay_id: string | null;
}

/** Whether this message is the stage's answer to that command. */
export function answersCommand(
	kind: CommandKind,
	{ event_id, play_id, overlay_id }: CommandTarget,
	message: BusMessage
): boolean {
	switch (kind) {
		case 'test':
			return message.type === 'ANIMATION_STARTED' && message.play.event_id === event_id;
		case 'replay':
			return (
				message.type === 'ANIMATION_STARTED' &&
				message.play.event_id === event_id &&
				message.play.reason === 'replay' &&
				(overlay_id === null || message.overlay_id === overlay_id)
			);
		case 'cancel_play':
		case 'cancel_event':
			return (
				(message.type === 'ANIMATION_CANCELLED' || message.type === 'ANIMATION_CANCEL') &&
				(play_id === null ? message.play.event_id === event_id : message.play.id === play_id)
			);
		case 'skip':
			return (
				message.type === 'ANIMATION_ENDED' &&
				message.play.status === 'skipped' &&
				message.overlay_id === overlay_id
			);
		case 'pause':
		case 'resume':
			return (
				message.type === 'STATUS_CHANGED' &&
				message.subject === 'queue' &&
				message.overlay_id === overlay_id &&
				(typeof message.state.paused !== 'boolean' || message.state.paused === (kind === 'pause'))
			);
	}
}

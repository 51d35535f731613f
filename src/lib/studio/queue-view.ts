/**
 * The live queue as the studio believes it, and how a message changes that belief. Pure: the
 * monotonic time is an argument.
 *
 * The row is the truth and a message only a hint, so every message is applied at once, and a
 * hole in an overlay's `rev` (or another `epoch`, or news that a message cannot carry in full)
 * marks the view `behind`: whoever holds it pulls. A pulled answer replaces what was believed,
 * except for overlays of which messages have already told something newer.
 */
import { isTerminal, type BusMessage, type PlayWithEvent, type Priority } from '$lib/bus';
import type { OverlayQueue, QueueAnswer } from './answers.ts';

/** A play on screen, and the monotonic time at which its `elapsed_ms` would have been 0. */
export interface PlayingView {
	play: PlayWithEvent;
	began_ms: number;
}

export interface OverlayView extends Omit<OverlayQueue, 'playing'> {
	playing: PlayingView[];
}

export interface QueueView {
	epoch: string;
	top_seq: number;
	paused: boolean;
	overlays: OverlayView[];
	/** Something was missed or not told in full: pull. */
	behind: boolean;
}

const RECENT = 20;
const urgency: Record<Priority, number> = { critical: 0, high: 1, normal: 2, low: 3 };

const beginOf = (play: PlayWithEvent, now: number) => now - (play.elapsed_ms ?? 0);

/** The order in which SQL claims: priority, then seq, then play_no. */
const byTurn = (a: PlayWithEvent, b: PlayWithEvent) =>
	urgency[a.priority] - urgency[b.priority] || a.seq - b.seq || a.play_no - b.play_no;

/** What is left of a play, in milliseconds. */
export const remainingOf = ({ play, began_ms }: PlayingView, now: number): number =>
	Math.max(0, play.duration_ms - (now - began_ms));

function viewOf(overlay: OverlayQueue, now: number): OverlayView {
	return {
		...overlay,
		playing: overlay.playing.map((play) => ({ play, began_ms: beginOf(play, now) }))
	};
}

/** Takes a pulled answer, asked for while `view` was (or was not yet) believed. */
export function takeAnswer(view: QueueView | null, answer: QueueAnswer, now: number): QueueView {
	const known = view?.epoch === answer.epoch ? view.overlays : [];
	let behind = false;
	const overlays = answer.overlays.map((overlay) => {
		const newer = known.find(
			({ overlay_id, rev }) => overlay_id === overlay.overlay_id && rev > overlay.rev
		);
		if (newer === undefined) return viewOf(overlay, now);
		// Asked before, answered after the messages: what they told stands, and one more pull settles it.
		behind = true;
		return newer;
	});
	const top_seq =
		view?.epoch === answer.epoch ? Math.max(view.top_seq, answer.top_seq) : answer.top_seq;
	return { epoch: answer.epoch, top_seq, paused: answer.paused, overlays, behind };
}

function placePlay(overlay: OverlayView, play: PlayWithEvent, now: number): OverlayView {
	const others = ({ id }: PlayWithEvent) => id !== play.id;
	const playing = overlay.playing.filter((one) => others(one.play));
	const waiting = overlay.waiting.filter(others);
	const recent = overlay.recent.filter(others);
	let count = overlay.waiting_count - (overlay.waiting.length - waiting.length);
	if (play.status === 'playing') {
		const before = overlay.playing.find((one) => one.play.id === play.id);
		// A play that only said `started` goes on from where it was: no jump of the bar.
		const began_ms =
			before !== undefined && before.play.attempt === play.attempt
				? before.began_ms
				: beginOf(play, now);
		playing.push({ play, began_ms });
		playing.sort((a, b) => a.play.lane.localeCompare(b.play.lane));
	} else if (isTerminal(play.status)) {
		recent.unshift(play);
	} else {
		waiting.push(play);
		waiting.sort(byTurn);
		count += 1;
	}
	return {
		...overlay,
		playing,
		waiting,
		waiting_count: Math.max(count, waiting.length),
		recent: recent.slice(0, RECENT)
	};
}

/** Applies one overlay's change if it is the next one or later; an older one is no news. */
function advance(
	view: QueueView,
	overlayId: string,
	rev: number,
	change: (overlay: OverlayView) => OverlayView
): QueueView {
	const overlay = view.overlays.find(({ overlay_id }) => overlay_id === overlayId);
	if (overlay === undefined) return { ...view, behind: true };
	if (rev <= overlay.rev) return view;
	const changed = { ...change(overlay), rev };
	return {
		...view,
		overlays: view.overlays.map((one) => (one === overlay ? changed : one)),
		// Beyond the first fifty the waiting list is cut: what moves up is only in the database.
		behind:
			view.behind ||
			rev > overlay.rev + 1 ||
			(changed.waiting.length < overlay.waiting.length &&
				changed.waiting_count > changed.waiting.length)
	};
}

/** Applies one message of the account's topic. */
export function applyMessage(view: QueueView, message: BusMessage, now: number): QueueView {
	if (message.epoch !== view.epoch) return { ...view, behind: true };
	switch (message.type) {
		case 'EVENT_BROADCAST': {
			const { event, plays = [] } = message;
			const gap = event.seq > view.top_seq + 1;
			const heard = {
				...view,
				top_seq: Math.max(view.top_seq, event.seq),
				behind: view.behind || gap
			};
			return plays.reduce(
				(next, { rev, ...play }) =>
					advance(next, play.overlay_id, rev, (overlay) =>
						placePlay(overlay, { ...play, event }, now)
					),
				heard
			);
		}
		case 'STATUS_CHANGED': {
			const { subject, overlay_id, rev, state } = message;
			const says = (name: string) =>
				subject === 'queue' && typeof state[name] === 'boolean' ? state[name] : null;
			const told =
				overlay_id === null || rev === null
					? view
					: advance(view, overlay_id, rev, (overlay) => ({
							...overlay,
							paused: says('paused') ?? overlay.paused
						}));
			return {
				...told,
				paused: says('account_paused') ?? view.paused,
				// Leaders, pages and keys are told in full only by the answer to a pull.
				behind: true
			};
		}
		default:
			return advance(view, message.overlay_id, message.rev, (overlay) =>
				placePlay(overlay, message.play, now)
			);
	}
}

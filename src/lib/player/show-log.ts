/** What was on the stage and what went wrong, with the clock's stamps: bounded, newest last. */
import type { PlayWithEvent } from '../bus/index.ts';
import type { Clock } from './clock.ts';

const KEEP = 200;

export interface Shown {
	play_id: string;
	event_id: string;
	event_type: string;
	attempt: number;
	offset_ms: number;
	/** Milliseconds of the page's monotonic clock, as are the two below. */
	shown_at: number;
	painted_at: number | null;
	hidden_at: number | null;
	how: 'end' | 'cut' | null;
}

export interface Fault {
	at: number;
	part: string;
	play_id: string | null;
	message: string;
}

export interface ShowLog {
	readonly entries: readonly Readonly<Shown>[];
	readonly faults: readonly Fault[];
	shown(play: PlayWithEvent, offset_ms: number): void;
	painted(play_id: string): void;
	hidden(play_id: string, how: 'end' | 'cut'): void;
	fault(part: string, error: unknown, play_id?: string | null): void;
}

export function createShowLog(clock: Clock): ShowLog {
	const entries: Shown[] = [];
	const faults: Fault[] = [];
	const keep = <Entry>(list: Entry[], entry: Entry) => {
		list.push(entry);
		if (list.length > KEEP) list.shift();
	};
	const open = (playId: string) =>
		entries.findLast((entry) => entry.play_id === playId && entry.hidden_at === null);
	return {
		entries,
		faults,
		shown: (play, offset_ms) =>
			keep(entries, {
				play_id: play.id,
				event_id: play.event_id,
				event_type: play.event.event_type,
				attempt: play.attempt,
				offset_ms,
				shown_at: clock.now(),
				painted_at: null,
				hidden_at: null,
				how: null
			}),
		painted(play_id) {
			const entry = open(play_id);
			if (entry) entry.painted_at ??= clock.now();
		},
		hidden(play_id, how) {
			const entry = open(play_id);
			if (entry) Object.assign(entry, { hidden_at: clock.now(), how });
		},
		fault: (part, error, play_id = null) =>
			keep(faults, {
				at: clock.now(),
				part,
				play_id,
				message: (error instanceof Error ? error.message : String(error)).slice(0, 500)
			})
	};
}

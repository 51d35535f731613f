/**
 * What the player needs from whoever paints. The player decides which play is on and since when;
 * a stage only prepares, shows and hides, and never decides that a play is over.
 *
 * A stage promises: no method throws or rejects; a fault of one element is told through `onFault`
 * and harms no other; `hide` of a play that is not shown does nothing.
 */
import type { PlayWithEvent } from '../bus/index.ts';

/** Something on the stage broke. `play_id` is null when it belongs to no play. */
export interface StageFault {
	play_id: string | null;
	/** The element or layer at fault, by its name in the overlay document. */
	part: string;
	message: string;
}

export interface Stage {
	/**
	 * Loads and decodes all that the play needs (bounded ~1.5 s); resolves with names of what could
	 * not be had. Never rejects.
	 */
	prepare(play: PlayWithEvent): Promise<{ missing: string[] }>;
	/** Puts the play on screen at `offset_ms` of its timeline. */
	show(play: PlayWithEvent, options: { offset_ms: number; sounding: boolean }): void;
	/**
	 * Takes it off: 'end' its timeline is over; 'cut' gone from the screen within 150 ms, sound too.
	 */
	hide(play_id: string, how: 'end' | 'cut'): void;
	/** Only the leading copy of an overlay sounds; this one may start or stop doing so in mid-play. */
	setSounding(sounding: boolean): void;
	/**
	 * First frame of a play painted (falls back to a timer when hidden: OBS stops frames).
	 * Returns how to stop listening.
	 */
	onPainted(listener: (play_id: string) => void): () => void;
	onFault(listener: (fault: StageFault) => void): () => void;
	/** Frees everything; the stage is of no use afterwards. */
	destroy(): void;
}

/**
 * A timeline laid out for one play: entrance, hold and exit of a given total become, for each
 * element and property, one line of segments from the first millisecond to the last. Pure; whoever
 * plays it needs only to know the time.
 */
import {
	neutral,
	type Easing,
	type Keyframe,
	type Property,
	type Timeline,
	type Track
} from './timeline.ts';

/** From `start_ms` to `end_ms` the value goes from `from` to `to`. */
export interface Segment {
	start_ms: number;
	end_ms: number;
	from: number;
	to: number;
	easing: Exclude<Easing, 'step'>;
}
export interface Line {
	element: string;
	property: Property;
	/** Covers the play without holes, in order. */
	segments: Segment[];
}
export interface Score {
	total_ms: number;
	lines: Line[];
	/** When anything moves, in order, not overlapping: outside of these no frame is needed. */
	motion: { start_ms: number; end_ms: number }[];
}

/** Lays out a timeline over `total_ms` milliseconds. */
export function compose(timeline: Timeline, total_ms: number): Score {
	const { entrance, hold, exit } = timeline;
	const ends = entrance.duration_ms + exit.duration_ms;
	// Too short a play: entrance and exit shrink together and nothing is held. Whole milliseconds,
	// so that where one part ends and the next begins is one number.
	const pace = ends > total_ms ? total_ms / ends : 1;
	const held_at = Math.round(entrance.duration_ms * pace);
	const exit_at = Math.max(held_at, total_ms - exit.duration_ms);
	const parts = [
		{ ...entrance, start: 0, end: held_at, pace, loop: null },
		{ ...hold, start: held_at, end: exit_at, pace: 1, duration_ms: Infinity, loop: hold.loop_ms },
		{ ...exit, start: exit_at, end: total_ms, pace, loop: null }
	];

	const named = new Map<string, Pick<Track, 'element' | 'property'>>();
	for (const { tracks } of parts)
		for (const { element, property } of tracks)
			named.set(`${element} ${property}`, { element, property });

	const lines = [...named.values()].map(({ element, property }) => {
		const points: Point[] = [];
		for (const part of parts) {
			const track = part.tracks.find(
				(each) => each.element === element && each.property === property
			);
			// An entrance that takes no time still sets where things are.
			if (track !== undefined && (part.end > part.start || part.start === 0))
				place(points, track.keyframes, part);
		}
		return { element, property, segments: connect(points, property, total_ms) };
	});
	return { total_ms, lines, motion: motionOf(lines) };
}

interface Point {
	at: number;
	value: number;
	easing: Easing;
}

/** Adds the keyframes of one part at their place in the play; a loop is written out. */
function place(
	points: Point[],
	frames: readonly Keyframe[],
	part: { start: number; end: number; duration_ms: number; loop: number | null; pace: number }
): void {
	const { start, end, duration_ms, loop, pace } = part;
	for (let begin = start; begin === start || begin < end; begin += loop ?? end) {
		// What came before stands until here: a first keyframe at 0 then jumps, a later one moves.
		const carried = points[points.length - 1];
		if (carried !== undefined) points.push({ at: begin, value: carried.value, easing: 'linear' });
		for (const { at_ms, value, easing } of frames) {
			const at = begin + Math.round(at_ms * pace);
			if (at_ms > (loop ?? duration_ms) || (pace === 1 && at > end)) break;
			// Rounding must not push a shrunken part's last keyframe out of it.
			points.push({ at: Math.min(at, end), value, easing });
		}
		if (loop === null) break;
	}
}

/** Joins points to segments that cover everything from 0 to the end. */
function connect(points: Point[], property: Property, total: number): Segment[] {
	const first = points[0];
	if (first === undefined) return [];
	const rest = neutral[property];
	const segments: Segment[] = [];
	// An entrance begins with its first value; a line that starts later leaves the design as it is.
	let previous: Point = { at: 0, value: first.at === 0 ? first.value : rest, easing: 'linear' };
	for (const point of [
		...points,
		{ at: total, value: points[points.length - 1]!.value, easing: 'linear' } satisfies Point
	]) {
		if (point.at > previous.at)
			segments.push({
				start_ms: previous.at,
				end_ms: point.at,
				from: previous.value,
				// A step stands still and leaves the jump to whatever follows.
				to: point.easing === 'step' ? previous.value : point.value,
				easing: point.easing === 'step' ? 'linear' : point.easing
			});
		previous = point;
	}
	return segments;
}

function motionOf(lines: readonly Line[]): Score['motion'] {
	const spans = lines
		.flatMap(({ segments }) =>
			segments.flatMap(({ start_ms, end_ms, from, to }, i) => {
				const moves = from === to ? [] : [{ start_ms, end_ms }];
				const before = segments[i - 1];
				// A jump is motion that takes no time.
				if (before !== undefined && before.to !== from) moves.push({ start_ms, end_ms: start_ms });
				return moves;
			})
		)
		.sort((a, b) => a.start_ms - b.start_ms);
	const merged: Score['motion'] = [];
	for (const span of spans) {
		const last = merged[merged.length - 1];
		if (last !== undefined && span.start_ms <= last.end_ms)
			last.end_ms = Math.max(last.end_ms, span.end_ms);
		else merged.push({ ...span });
	}
	return merged;
}

/** When the next frame is needed, seen from `at_ms`: now (equal), later, or never again (null). */
export function nextMotion({ motion }: Score, at_ms: number): number | null {
	for (const { start_ms, end_ms } of motion) {
		if (at_ms < start_ms) return start_ms;
		if (at_ms < end_ms) return at_ms;
	}
	return null;
}

/**
 * The one place that knows GSAP. It plays scores: `seek(ms)` sets every moving property of every
 * pose to its value at that instant, and nothing happens between two seeks. GSAP's own clock is
 * unhooked and put to sleep; time is told, never read. The same score at the same instant gives
 * the same values, however one got there.
 */
import { gsap } from 'gsap/gsap-core';
import type { Score, Segment } from '$lib/overlay/score';
import { neutral, type Pose } from '$lib/overlay/timeline';

export interface Playback {
	seek(at_ms: number): void;
	/** Frees it; the poses keep their last values. */
	end(): void;
}

const eases: Record<Segment['easing'], string> = {
	linear: 'none',
	sine_in: 'sine.in',
	sine_out: 'sine.out',
	sine_in_out: 'sine.inOut',
	quad_in: 'power1.in',
	quad_out: 'power1.out',
	quad_in_out: 'power1.inOut',
	cubic_in: 'power2.in',
	cubic_out: 'power2.out',
	cubic_in_out: 'power2.inOut',
	quart_in: 'power3.in',
	quart_out: 'power3.out',
	quart_in_out: 'power3.inOut',
	expo_in: 'expo.in',
	expo_out: 'expo.out',
	expo_in_out: 'expo.inOut',
	back_in: 'back.in',
	back_out: 'back.out',
	back_in_out: 'back.inOut',
	elastic_out: 'elastic.out',
	bounce_out: 'bounce.out'
};

// Before the first tween: otherwise GSAP's root has run for a random while, and two runs differ.
gsap.ticker.remove(gsap.updateRoot);
gsap.updateRoot(0);
sleep();

/** Any use wakes GSAP's ticker, and with `updateRoot` removed it would never sleep by itself. */
function sleep(): void {
	gsap.ticker.sleep();
}

/** Pose of an element that does not move. */
export const rest = (): Pose => ({ ...neutral });

/** Binds a score to the poses of its elements. Elements without a pose are left out. */
export function play(score: Score, poses: ReadonlyMap<string, Pose>): Playback {
	const timeline = build(score, poses);
	return {
		seek(at_ms) {
			timeline.totalTime(Math.min(Math.max(at_ms, 0), score.total_ms) / 1000, true);
			sleep();
		},
		end() {
			timeline.kill();
			sleep();
		}
	};
}

function build(score: Score, poses: ReadonlyMap<string, Pose>): ReturnType<typeof gsap.timeline> {
	const timeline = gsap.timeline({ paused: true, defaults: { overwrite: false } });
	for (const { element, property, segments } of score.lines) {
		const pose = poses.get(element);
		if (pose === undefined) continue;
		let carried: number | null = null;
		for (const { start_ms, end_ms, from, to, easing } of segments) {
			if (carried === null) pose[property] = from;
			else if (carried !== from) timeline.set(pose, { [property]: from }, start_ms / 1000);
			if (from !== to)
				timeline.fromTo(
					pose,
					{ [property]: from },
					{
						[property]: to,
						duration: (end_ms - start_ms) / 1000,
						ease: eases[easing],
						immediateRender: false,
						lazy: false
					},
					start_ms / 1000
				);
			carried = to;
		}
	}
	sleep();
	return timeline;
}

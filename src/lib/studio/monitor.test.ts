import { describe, expect, it } from 'vitest';
import { ApiError } from './api.ts';
import type { QueueAnswer } from './answers.ts';
import { Live, type LinkHandlers } from './live.svelte.ts';
import { Monitor } from './monitor.svelte.ts';
import type { Schedule } from './puller.ts';
import { anEvent, aPlay, aQueue, broadcast } from './test-builders.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));
const never: Schedule = () => () => {};

function stage(answers: (QueueAnswer | ApiError)[]) {
	let handlers: LinkHandlers | undefined;
	let pulls = 0;
	let events = 0;
	const live = new Live((given) => {
		handlers = given;
		return Promise.resolve({ close: () => {} });
	});
	const monitor = new Monitor({
		api: {
			queue: () => {
				const answer = answers[Math.min(pulls, answers.length - 1)] ?? aQueue();
				pulls += 1;
				return answer instanceof ApiError ? Promise.reject(answer) : Promise.resolve(answer);
			},
			events: () => {
				events += 1;
				return Promise.resolve({
					items: [anEvent({ seq: 1 })],
					page: 1,
					limit: 30,
					total: 1,
					total_is_exact: true
				});
			}
		},
		live,
		now: () => 0,
		later: never
	});
	const stops = [monitor.start(), live.start()];
	return {
		monitor,
		live,
		say: (message: Parameters<LinkHandlers['onMessage']>[0]) => handlers?.onMessage(message),
		needPull: () => handlers?.onNeedPull('subscribed'),
		pulls: () => pulls,
		eventPulls: () => events,
		stop: () => stops.forEach((stop) => stop())
	};
}

describe('the monitor', () => {
	it('shows a message at once, without waiting for a pull', async () => {
		const { monitor, say, pulls } = stage([aQueue({}, { top_seq: 1 })]);
		await settle();
		say(broadcast(1, aPlay({ seq: 2 })));
		expect(monitor.queue?.overlays[0]?.waiting.map(({ seq }) => seq)).toEqual([2]);
		expect(monitor.newest?.map(({ seq }) => seq)).toEqual([2, 1]);
		await settle();
		expect(pulls()).toBe(1);
	});

	it('pulls when a message shows that one was missed', async () => {
		const whole = aQueue(
			{ rev: 3, waiting: [aPlay({ seq: 2 }), aPlay({ seq: 3 })] },
			{ top_seq: 3 }
		);
		const { monitor, say, pulls } = stage([aQueue({}, { top_seq: 1 }), whole]);
		await settle();
		say(broadcast(3, aPlay({ seq: 3 })));
		expect(monitor.queue?.overlays[0]?.waiting.map(({ seq }) => seq)).toEqual([3]);
		await settle();
		expect(pulls()).toBe(2);
		expect(monitor.queue?.overlays[0]?.waiting.map(({ seq }) => seq)).toEqual([2, 3]);
		expect(monitor.queue?.behind).toBe(false);
	});

	it('pulls queue and events whenever the link says that something may be missing', async () => {
		const { needPull, pulls, eventPulls } = stage([aQueue()]);
		await settle();
		needPull();
		await settle();
		expect([pulls(), eventPulls()]).toEqual([2, 2]);
	});

	it('says why a pull failed, keeps what it knew, and forgets the fault when one works', async () => {
		const { monitor, needPull } = stage([aQueue(), new ApiError('unreachable'), aQueue()]);
		await settle();
		needPull();
		await settle();
		expect(monitor.error?.code).toBe('unreachable');
		expect(monitor.queue).not.toBeNull();
		needPull();
		await settle();
		expect(monitor.error).toBeNull();
	});

	it('hears nothing more once stopped', async () => {
		const { monitor, say, stop } = stage([aQueue()]);
		await settle();
		stop();
		say(broadcast(1, aPlay({ seq: 2 })));
		expect(monitor.queue?.overlays[0]?.waiting).toEqual([]);
	});
});

describe('the link', () => {
	it('is opened again until it works, and hung up also while it is being opened', async () => {
		const timers: (() => void)[] = [];
		let opened = 0;
		let closed = 0;
		const live = new Live(
			() => {
				opened += 1;
				return opened < 3
					? Promise.reject(new ApiError('unreachable'))
					: Promise.resolve({ close: () => (closed += 1) });
			},
			(run) => {
				timers.push(run);
				return () => {};
			}
		);
		const stop = live.start();
		await settle();
		expect(live.state).toBe('down');
		timers.shift()?.();
		await settle();
		timers.shift()?.();
		expect(opened).toBe(3);
		stop();
		await settle();
		expect(closed).toBe(1);
	});
});

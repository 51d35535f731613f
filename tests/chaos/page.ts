/**
 * An overlay page as a process of its own, to be killed: the product's real player, queue and
 * realtime link, on a stage that paints nothing and writes down what it was told to show. Painting
 * itself is watched in real Chromium by tests/e2e.
 */
import WebSocket from 'ws';
import type { PlayWithEvent } from '../../src/lib/bus/index.ts';
import { overlayApi } from '../../src/lib/player/api.ts';
import { realClock } from '../../src/lib/player/clock.ts';
import { startPlayer, type Player } from '../../src/lib/player/player.ts';
import type { Stage } from '../../src/lib/player/stage.ts';
import { connectTopic } from '../../src/lib/realtime/supervisor.ts';
import { historyWriter } from './history.ts';

const { CHAOS_ORIGIN, CHAOS_KEY, CHAOS_OVERLAY, CHAOS_HISTORY, CHAOS_NAME } = process.env;
const overlay = CHAOS_OVERLAY ?? '';
const origin = CHAOS_ORIGIN ?? '';
const name = CHAOS_NAME ?? '';
const instance = crypto.randomUUID();
const write = historyWriter(CHAOS_HISTORY ?? '');

function recordingStage(): Stage {
	const painted = new Set<(play_id: string) => void>();
	const shown = new Map<string, PlayWithEvent>();
	const entry = (play: PlayWithEvent) => {
		const { user } = play.event.data;
		const marker =
			typeof user === 'object' && user !== null && !Array.isArray(user) ? String(user.name) : '';
		const { id, attempt, reason } = play;
		return { process: name, instance, overlay, play: id, marker, attempt, reason };
	};
	return {
		prepare: () => Promise.resolve({ missing: [] }),
		show(play) {
			shown.set(play.id, play);
			write({ ...entry(play), f: 'show' });
			setTimeout(() => painted.forEach((listener) => listener(play.id)), 16);
		},
		hide(play_id, how) {
			const play = shown.get(play_id);
			shown.delete(play_id);
			if (play) write({ ...entry(play), f: 'hide', how });
		},
		setSounding() {},
		onPainted(listener) {
			painted.add(listener);
			return () => painted.delete(listener);
		},
		onFault: () => () => {},
		destroy() {}
	};
}

const clock = realClock();
let player: Player | null = null;
const api = overlayApi({
	origin,
	key: CHAOS_KEY ?? '',
	request: fetch,
	clock,
	onSession: ({ server, revision }) => player?.session({ version: server.version, revision })
});

async function openSession() {
	for (;;)
		try {
			return await api.openSession();
		} catch {
			await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
		}
}

write({ process: name, f: 'page', type: 'start', overlay, instance });
const stop = (type: 'stopped') => {
	write({ process: name, f: 'page', type, overlay, instance });
	process.exit(0);
};
process.on('SIGTERM', () => stop('stopped'));
process.on('disconnect', () => stop('stopped'));
process.send?.({ instance });

const session = await openSession();
player = startPlayer(
	{ api, stage: recordingStage(), clock, reload: () => {} },
	{
		instance_id: instance,
		overlay_id: session.overlay_id,
		session: { version: session.server.version, revision: session.revision }
	}
);
const running = player;
connectTopic({
	...session.realtime,
	url: origin,
	sseUrl: `${origin}/v1/overlay/events`,
	clock,
	transport: WebSocket,
	token: (options) => api.token(options),
	onMessage: (message) => running.message(message),
	onNeedPull: () => running.needPull(),
	onState: (state) => {
		const up = state === 'realtime' || state === 'stream';
		write({ process: name, f: 'link', type: up ? 'up' : 'down', instance });
		running.link(up);
	}
});

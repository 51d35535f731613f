/**
 * Puts an overlay together: key → session → stage → player → realtime. Whatever is not there yet
 * (the server, the document, a canvas) is tried again, and until all is there this page takes no
 * lease, so alerts wait for a page that can show them. Only a refused key ends it.
 */
import type { Note } from './notes.ts';
import type { Supervised } from '$lib/realtime/supervisor.ts';
import { KeyRefused, overlayApi } from '$lib/player/api.ts';
import { realClock, type Clock } from '$lib/player/clock.ts';
import { startPlayer, type Player } from '$lib/player/player.ts';
import { retryDelay, spreadOf } from '$lib/player/retry.ts';
import type { OverlaySession } from '$lib/player/answers.ts';
import type { Stage } from '$lib/player/stage.ts';
import { exposeDiagnostics } from './diagnostics.ts';
import { watchVisibility } from './visibility.ts';

export interface OverlayOptions {
	host: HTMLElement;
	window: Window;
	/** Something to tell a person; never called in OBS, where it would be on air. */
	onNote: (note: Note | null) => void;
}

/** So many failures of our own code to load, and the page is loaded anew: a deploy took it away. */
const RELOAD_AFTER = 4;

/** Runs the overlay whose key is in the address. Returns how to stop. */
export function openOverlay({ host, window, onNote }: OverlayOptions): () => void {
	const instanceId = crypto.randomUUID();
	const clock = realClock();
	const undo: (() => void)[] = [];
	let closed = false;
	let player: Player | null = null;
	let link: Supervised | null = null;

	const api = overlayApi({
		origin: window.location.origin,
		key: window.location.hash.slice(1),
		request: (input, init) => window.fetch(input, init),
		clock,
		onSession: (session) => player?.session(loadedAs(session))
	});
	const reload = () => window.location.reload();
	const note = (told: Note | null) => {
		if (!('obsstudio' in window)) onNote(told);
	};
	const end = () => {
		link?.close();
		if (!closed) note('refused');
	};

	async function run(): Promise<void> {
		const [{ session, stage }, { connectTopic }] = await untilItWorks(open);
		if (closed) return stage.destroy();
		note(null);
		player = startPlayer(
			{ api, stage, clock, reload, onRevoked: end },
			{ instance_id: instanceId, overlay_id: session.overlay_id, session: loadedAs(session) }
		);
		const playing = player;
		link = connectTopic({
			...session.realtime,
			sseUrl: `${window.location.origin}/v1/overlay/events`,
			clock,
			token: (options) =>
				api.token(options).catch((error: unknown) => {
					if (error instanceof KeyRefused) playing.revoke();
					throw error;
				}),
			onMessage: (message) => playing.message(message),
			onNeedPull: () => playing.needPull(),
			onState: (state) => playing.link(state === 'realtime' || state === 'stream'),
			onFault: (part, message) => playing.fault(part, message)
		});
		undo.push(
			watchVisibility(window, (visible) => playing.visibility(visible)),
			() => playing.close(),
			() => stage.destroy()
		);
	}

	async function open() {
		const session = await api.openSession();
		const [{ load }, { createStage }, supervisor] = await Promise.all([
			import('$lib/overlay/document.ts'),
			import('$lib/render/index.ts'),
			import('$lib/realtime/supervisor.ts')
		]).catch((cause: unknown) => {
			throw new Error(CODE_MISSING, { cause });
		});
		const { document, issues } = load(session.document);
		if (!document) {
			note('unreadable');
			throw new Error(`The document cannot be read: ${issues[0]?.path} ${issues[0]?.message}`);
		}
		const stage: Stage = await createStage(host, document, { now: clock.now });
		return [{ session, stage }, supervisor] as const;
	}

	async function untilItWorks<Result>(attempt: () => Promise<Result>): Promise<Result> {
		let missing = 0;
		for (let tries = 0; ; tries += 1) {
			try {
				return await attempt();
			} catch (error) {
				if (error instanceof KeyRefused || closed) throw error;
				if (error instanceof Error && error.message === CODE_MISSING) missing += 1;
				if (missing >= RELOAD_AFTER) reload();
				await pause(clock, retryDelay(tries, spreadOf(instanceId), RETRY));
			}
		}
	}

	undo.push(
		exposeDiagnostics(window, () => ({
			state: closed ? 'closed' : player === null ? 'opening' : 'running',
			link: link?.state ?? 'connecting',
			...player?.diagnose()
		}))
	);
	if (window.location.hash.length < 2) note('no_key');
	else run().catch(end);

	return () => {
		closed = true;
		link?.close();
		for (const one of undo) one();
	};
}

const RETRY = { first_ms: 500, most_ms: 10_000 };
const CODE_MISSING = 'A part of the page could not be loaded.';

const loadedAs = ({ server, revision }: OverlaySession) => ({ version: server.version, revision });

const pause = (clock: Clock, ms: number): Promise<void> =>
	new Promise((resolve) => clock.after(ms, resolve));

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '$lib/bus/error.ts';
import type { StreamingEvent } from '$lib/bus/event.ts';
import type { FeedMessage, HintFeed, Revocation } from '$lib/server/backend/index.ts';
import { createLog } from './log.ts';
import { readCursor, Streams, type Pulled, type StreamRequest } from './sse.ts';

const ACCOUNT = 'account:00000000-0000-4000-8000-000000000001';
const KEY = '00000000-0000-4000-8000-0000000000aa';

const anEvent = (seq: number): StreamingEvent => ({
	id: '00000000-0000-4000-8000-0000000000ee',
	account_id: '00000000-0000-4000-8000-000000000001',
	seq,
	event_type: 'custom:test',
	class: 'animated',
	platform: 'custom',
	origin: 'live',
	external_id: null,
	data: {},
	metadata: {},
	priority: 'normal',
	status: 'pending',
	duration_ms: null,
	cancelable: true,
	replayable: true,
	scheduled_at: null,
	occurred_at: null,
	created_at: '2026-01-01T00:00:00Z',
	started_at: null,
	completed_at: null
});

function aMessage(type: string, body: Record<string, unknown>, topic = ACCOUNT): FeedMessage {
	const payload = { type, epoch: 'e1', at: '2026-01-01T00:00:00Z', ...body };
	return {
		id: 'x',
		topic,
		event: type,
		private: true,
		payload,
		payload_json: JSON.stringify(payload),
		inserted_at: '2026-01-01T00:00:00Z'
	};
}
const happened = (seq: number) => aMessage('EVENT_BROADCAST', { event: anEvent(seq) });

/** A log of `top` events, a feed, and streams over both. */
function world(top = 0) {
	const log = { epoch: 'e1', top, oldest: 1 };
	const listeners = {
		messages: new Set<(messages: FeedMessage[]) => void>(),
		revoked: new Set<(revocation: Revocation) => void>(),
		reset: new Set<() => void>()
	};
	const on = <T>(set: Set<T>, listener: T) => {
		set.add(listener);
		return () => void set.delete(listener);
	};
	const feed: HintFeed = {
		subscribe: (listener) => on(listeners.messages, listener),
		onRevoked: (listener) => on(listeners.revoked, listener),
		onReset: (listener) => on(listeners.reset, listener)
	};
	let now = 1_000_000;
	let allowed = true;
	const pulls: number[] = [];
	const pull = async (epoch: string | null, cursor: number): Promise<Pulled> => {
		pulls.push(cursor);
		const recovered = epoch === log.epoch && cursor <= log.top && cursor >= log.oldest - 1;
		const from = recovered ? cursor : log.top;
		const to = Math.min(log.top, from + 2);
		const events = Array.from({ length: to - from }, (_, i) => anEvent(from + 1 + i));
		return {
			epoch: log.epoch,
			recovered,
			top_seq: log.top,
			cursor: to,
			more: to < log.top,
			events
		};
	};
	const streams = new Streams({ feed, log: createLog({ level: 'silent' }), now: () => now });
	return {
		log,
		streams,
		listeners,
		pulls,
		pass: (ms: number) => {
			now += ms;
			return vi.advanceTimersByTimeAsync(ms);
		},
		forbid: () => (allowed = false),
		/** Commits one event, and tells the feed unless it is lost. */
		commit(lost = false) {
			log.top += 1;
			if (!lost) for (const tell of listeners.messages) tell([happened(log.top)]);
		},
		tell: (message: FeedMessage) => {
			for (const listener of listeners.messages) listener([message]);
		},
		open: (request: Partial<StreamRequest> = {}) =>
			streams
				.open({
					topic: ACCOUNT,
					principal: { kind: 'api', key_id: KEY, account_id: 'a' },
					lastEventId: null,
					signal: new AbortController().signal,
					pull,
					stillAllowed: async () => {
						if (!allowed) throw new AppError('forbidden', 'no more');
					},
					...request
				})
				.then(reader)
	};
}

/** Reads a stream in the background; `ids` of its events, its whole text, and how it ended. */
function reader(response: Response) {
	let text = '';
	const state = { ended: null as null | 'closed' | 'cut' };
	const stream = response.body;
	if (stream === null) throw new Error('no body');
	const source = stream.getReader();
	const done = (async () => {
		try {
			for (;;) {
				const { done, value } = await source.read();
				if (done) break;
				text += Buffer.from(value).toString();
			}
			state.ended = 'closed';
		} catch {
			state.ended = 'cut';
		}
	})();
	return {
		text: () => text,
		ids: () => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
		state,
		done,
		leave: () => source.cancel()
	};
}

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});

describe('a stream', () => {
	it('without a cursor begins at the top and says where that is', async () => {
		const { open, commit, pass } = world(7);
		const { ids, text } = await open();
		commit();
		await pass(0);
		expect(ids()).toEqual(['e1:7', 'e1:8']);
		expect(text()).toContain('event: ready\ndata: {"epoch":"e1","top_seq":7}');
	});

	it('with a cursor brings every event after it once, in order, over several pulls', async () => {
		const { open, commit, pass } = world(7);
		const { ids } = await open({ lastEventId: 'e1:2' });
		commit();
		await pass(0);
		expect(ids()).toEqual(['e1:3', 'e1:4', 'e1:5', 'e1:6', 'e1:7', 'e1:8']);
	});

	it('misses nothing and doubles nothing that is committed while it pulls', async () => {
		const { open, commit, pass, streams } = world(3);
		const opening = open({ lastEventId: 'e1:0' });
		// The stream listens already, and its first pull is under way.
		expect(streams.count).toBe(1);
		commit();
		const { ids } = await opening;
		commit();
		await pass(0);
		expect(ids()).toEqual(['e1:1', 'e1:2', 'e1:3', 'e1:4', 'e1:5']);
	});

	it('brings a past that is larger than its buffer, at its reader’s pace', async () => {
		const big = { ...anEvent(1), data: { fill: 'x'.repeat(60_000) } };
		const { open, pass } = world(0);
		const { ids } = await open({
			lastEventId: 'e1:0',
			pull: async (_epoch, cursor) => ({
				epoch: 'e1',
				recovered: true,
				top_seq: 60,
				cursor: cursor + 30,
				more: cursor < 30,
				events: Array.from({ length: 30 }, (_, i) => ({ ...big, seq: cursor + 1 + i }))
			})
		});
		await pass(1);
		expect(ids()).toHaveLength(60);
		expect(ids().at(-1)).toBe('e1:60');
	});

	it('fills a hole that the feed left', async () => {
		const { open, commit, pass, pulls } = world(1);
		const { ids } = await open();
		commit(true);
		commit(true);
		expect(pulls).toHaveLength(1);
		commit();
		commit();
		await pass(0);
		expect(ids()).toEqual(['e1:1', 'e1:2', 'e1:3', 'e1:4', 'e1:5']);
	});

	it('pulls when the feed was away', async () => {
		const { open, commit, pass, listeners } = world(1);
		const { ids } = await open();
		commit(true);
		for (const reset of listeners.reset) reset();
		await pass(0);
		expect(ids()).toEqual(['e1:1', 'e1:2']);
	});

	for (const [name, cursor] of Object.entries({
		'too old': 'e1:1',
		'of another epoch': 'e0:5',
		'from the future': 'e1:99',
		'no cursor of ours': 'DROP TABLE'
	}))
		it(`says reset when the cursor is ${name}, and goes on from the top`, async () => {
			const { open, commit, pass, log } = world(7);
			log.oldest = 5;
			const { ids, text } = await open({ lastEventId: cursor });
			commit();
			await pass(0);
			expect(text()).toContain('event: reset\ndata: {"epoch":"e1","top_seq":7}');
			expect(ids()).toEqual(['e1:7', 'e1:8']);
		});

	it('starts afresh when a restored database begins a new life', async () => {
		const { open, log, tell, pass } = world(7);
		const { text } = await open();
		Object.assign(log, { epoch: 'e2', top: 3 });
		tell(aMessage('EVENT_BROADCAST', { epoch: 'e2', event: anEvent(3) }));
		await pass(0);
		expect(text()).toContain('id: e2:3\nevent: reset');
	});

	it('carries other messages without an id, and nothing of other topics', async () => {
		const { open, tell, pass } = world(1);
		const { ids, text } = await open();
		tell(aMessage('STATUS_CHANGED', { subject: 'queue' }));
		tell(aMessage('STATUS_CHANGED', { subject: 'secret' }, 'account:other'));
		await pass(0);
		expect(ids()).toEqual(['e1:1']);
		expect(text()).toContain('"subject":"queue"');
		expect(text()).not.toContain('secret');
	});

	it('says something every 15 s', async () => {
		const { open, pass } = world();
		const { text } = await open();
		await pass(30_000);
		expect(text().match(/^:$/gm)).toHaveLength(2);
	});

	it('that is refused at its first pull is a refusal, and leaves nothing behind', async () => {
		const { open, streams } = world();
		const refused = open({
			pull: async () => {
				throw new AppError('gone', 'revoked');
			}
		});
		await expect(refused).rejects.toMatchObject({ code: 'gone' });
		expect(streams.count).toBe(0);
	});
});

describe('a stream ends', () => {
	it('when its key is revoked, and no other', async () => {
		const { open, listeners, streams } = world();
		const mine = await open();
		const other = await open({ principal: { kind: 'api', key_id: 'another', account_id: 'a' } });
		for (const revoke of listeners.revoked) revoke({ key_id: KEY });
		await mine.done;
		expect(mine.state.ended).toBe('closed');
		expect(other.state.ended).toBeNull();
		expect(streams.count).toBe(1);
	});

	it('when its member leaves the account', async () => {
		const { open, listeners } = world();
		const member = { kind: 'member', user_id: 'u', account_id: 'a', name: '', email: '' } as const;
		const { done, state } = await open({ principal: member });
		for (const revoke of listeners.revoked) revoke({ user_id: 'u', account_id: 'b' });
		expect(state.ended).toBeNull();
		for (const revoke of listeners.revoked) revoke({ user_id: 'u', account_id: 'a' });
		await done;
		expect(state.ended).toBe('closed');
	});

	it('when a revocation may have been missed and it is not allowed any more', async () => {
		const { open, listeners, forbid } = world();
		const { done, state } = await open();
		forbid();
		for (const reset of listeners.reset) reset();
		await done;
		expect(state.ended).toBe('closed');
	});

	it('when its session expires', async () => {
		const { open, pass } = world();
		const { state } = await open({
			principal: {
				kind: 'overlay',
				key_id: KEY,
				account_id: 'a',
				overlay_id: 'o',
				expires_at: 1_000_000 + 40_000
			}
		});
		await pass(30_000);
		expect(state.ended).toBeNull();
		await pass(15_000);
		expect(state.ended).toBe('closed');
	});

	it('when its reader is too slow: nothing is kept without bound', async () => {
		const { streams, tell } = world();
		const response = await streams.open({
			topic: ACCOUNT,
			principal: { kind: 'api', key_id: KEY, account_id: 'a' },
			lastEventId: null,
			signal: new AbortController().signal,
			pull: async () => ({
				epoch: 'e1',
				recovered: false,
				top_seq: 0,
				cursor: 0,
				more: false,
				events: []
			}),
			stillAllowed: async () => {}
		});
		for (let i = 0; i < 20; i++) tell(aMessage('STATUS_CHANGED', { fill: 'x'.repeat(50_000) }));
		expect(streams.count).toBe(0);
		await expect(response.text()).rejects.toThrow(/slow/);
	});

	it('when its reader leaves, and at shutdown, leaving no listener behind', async () => {
		const { open, streams, listeners } = world();
		const leaving = await open();
		const staying = await open();
		await leaving.leave();
		expect(streams.count).toBe(1);
		streams.close();
		await staying.done;
		expect(staying.state.ended).toBe('closed');
		expect(streams.count).toBe(0);
		expect(Object.values(listeners).map(({ size }) => size)).toEqual([0, 0, 0]);
	});
});

it('one principal opens a hundred streams and no more', async () => {
	const { open } = world();
	for (let i = 0; i < 100; i++) await open();
	await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' });
	const other = await open({ principal: { kind: 'api', key_id: 'another', account_id: 'a' } });
	expect(other.state.ended).toBeNull();
});

it('reads cursors', () => {
	expect(readCursor(null)).toBeNull();
	expect(readCursor('')).toBeNull();
	expect(readCursor('e-1:12')).toEqual({ epoch: 'e-1', seq: 12 });
	for (const bad of ['e1', 'e1:-1', 'e1:1e3', ':1', 'e1:99999999999999999999'])
		expect(readCursor(bad)).toEqual({ epoch: '', seq: 0 });
});

/** The life of an EventSub session: its rules one by one, and what holds whatever happens. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SocketEffect, SocketInput } from '../../source.ts';
import { closeCodes, initial, socket, step, WELCOME_WITHIN_MS, type State } from './session.ts';

const URL = 'wss://eventsub.example/ws';
const MOVE = 'wss://eventsub.example/ws?opaque=abc&x=1';

let count = 0;
const message = (message_type: string, payload: unknown, id = `m${(count += 1)}`) =>
	JSON.stringify({
		metadata: { message_id: id, message_type, message_timestamp: '2026-05-03T18:20:30.1Z', new: 1 },
		payload,
		unknown_key: true
	});
const welcome = (id = 'S1', keepalive: number | null = 10) =>
	message('session_welcome', {
		session: { id, status: 'connected', keepalive_timeout_seconds: keepalive, recovery_url: null }
	});
const reconnect = (url = MOVE) =>
	message('session_reconnect', { session: { id: 'S1', reconnect_url: url } });
const subscription = (status = 'enabled') => ({
	id: 'sub-1',
	type: 'channel.follow',
	status,
	condition: { broadcaster_user_id: '1001' }
});
const follow = (id?: string) =>
	message(
		'notification',
		{
			subscription: subscription(),
			event: {
				user_id: '7',
				user_login: 'ann',
				user_name: 'Ann',
				followed_at: '2026-05-03T18:20:30Z'
			}
		},
		id
	);

/** Plays inputs at given times; answers the effects of the last one without the schedule. */
function play(
	inputs: readonly (readonly [SocketInput, number])[],
	from: State = initial(URL, '1001')
) {
	let state = from;
	let effects: readonly SocketEffect[] = [];
	for (const [input, now] of inputs) ({ state, effects } = step(state, input, now));
	return {
		state,
		effects: effects.filter(({ kind }) => kind !== 'schedule'),
		at: effects.find((effect) => effect.kind === 'schedule')?.at ?? null
	};
}
const frame = (socket: number, text: string): SocketInput => ({ kind: 'frame', socket, text });
const connected: [SocketInput, number][] = [
	[{ kind: 'connect' }, 0],
	[{ kind: 'opened', socket: 1 }, 5],
	[frame(1, welcome()), 10]
];

describe('the session', () => {
	it('connects to the base address, and subscribes when it is welcomed', () => {
		expect(play(connected.slice(0, 1)).effects).toEqual([{ kind: 'connect', socket: 1, url: URL }]);
		expect(play(connected).effects).toEqual([
			{ kind: 'subscribe', session_id: 'S1', within_ms: 10_000 }
		]);
	});

	it('gives up a socket that is not welcomed in time', () => {
		const late = play([...connected.slice(0, 2), [{ kind: 'tick' }, WELCOME_WITHIN_MS]]);
		expect(late.effects).toMatchObject([
			{ kind: 'close', socket: 1 },
			{ kind: 'lost', retry: 'soon' }
		]);
		expect(late.at).toBeNull();
	});

	it('bears silence for 1.2 times the promised period, which every frame begins anew', () => {
		expect(play(connected).at).toBe(10 + 12_000);
		const kept: [SocketInput, number][] = [
			...connected,
			[frame(1, message('session_keepalive', {})), 9_000]
		];
		expect(play([...kept, [{ kind: 'tick' }, 20_999]]).effects).toEqual([]);
		expect(play([...kept, [{ kind: 'tick' }, 21_000]]).effects).toMatchObject([
			{ kind: 'close', socket: 1 },
			{ kind: 'lost', reason: 'silent for longer than 10 s' }
		]);
		const patient = play([...connected.slice(0, 2), [frame(1, welcome('S', 600)), 10]]);
		expect(patient.at).toBe(10 + 720_000);
	});

	it('delivers a message once, by whichever socket and however often it comes', () => {
		const first = play([...connected, [frame(1, follow('same')), 20]]);
		expect(first.effects).toMatchObject([
			{
				kind: 'deliver',
				subscription: 'sub-1',
				type: 'channel.follow',
				reading: { kind: 'events', drafts: [{ event_type: 'twitch:follower' }] }
			}
		]);
		const moving = play([[frame(1, reconnect()), 30]], first.state);
		expect(play([[frame(1, follow('same')), 40]], moving.state).effects).toEqual([]);
		expect(play([[frame(2, follow('same')), 40]], moving.state).effects).toEqual([]);
		expect(play([[frame(2, follow('other')), 40]], moving.state).effects).toHaveLength(1);
	});

	it('moves to the given address untouched, reads both, and makes no subscription anew', () => {
		const moving = play([...connected, [frame(1, reconnect()), 20]]);
		expect(moving.effects).toEqual([{ kind: 'connect', socket: 2, url: MOVE }]);
		expect(play([[frame(1, follow()), 25]], moving.state).effects).toHaveLength(1);
		const moved = play([[frame(2, welcome('S1')), 30]], moving.state);
		expect(moved.effects).toEqual([
			{ kind: 'close', socket: 1 },
			{ kind: 'moved', session_id: 'S1' }
		]);
		expect(play([[{ kind: 'closed', socket: 1, code: 4004 }, 40]], moved.state).effects).toEqual(
			[]
		);
	});

	it('opens one heir for a storm of reconnects', () => {
		const storm = play([
			...connected,
			[frame(1, reconnect(`${MOVE}1`)), 20],
			[frame(1, reconnect(`${MOVE}2`)), 21],
			[frame(1, reconnect(`${MOVE}3`)), 22]
		]);
		expect(storm.effects).toEqual([
			{ kind: 'close', socket: 3 },
			{ kind: 'connect', socket: 4, url: `${MOVE}3` }
		]);
		expect(play([[frame(3, welcome('late')), 30]], storm.state).effects).toEqual([]);
	});

	it('waits for the heir when the old socket breaks, but not when its grace is over', () => {
		const moving = play([...connected, [frame(1, reconnect()), 20]]).state;
		const broken = play([[{ kind: 'closed', socket: 1, code: 1006 }, 30]], moving);
		expect(broken.effects).toEqual([]);
		expect(play([[frame(2, welcome()), 40]], broken.state).effects).toEqual([
			{ kind: 'moved', session_id: 'S1' }
		]);
		expect(play([[{ kind: 'closed', socket: 1, code: 4004 }, 30]], moving).effects).toMatchObject([
			{ kind: 'close', socket: 2 },
			{ kind: 'lost', retry: 'soon' }
		]);
		expect(
			play([[{ kind: 'closed', socket: 2, code: 4007 }, 40]], broken.state).effects
		).toMatchObject([{ kind: 'lost', reason: 'invalid reconnect URL' }]);
		expect(play([[{ kind: 'closed', socket: 2, code: 4007 }, 40]], moving).effects).toMatchObject([
			{ kind: 'problem' }
		]);
	});

	it.each([
		[4000, 'backoff'],
		[4001, 'backoff'],
		[4002, 'soon'],
		[4003, 'when_wanted'],
		[4004, 'soon'],
		[4005, 'soon'],
		[4006, 'soon'],
		[4007, 'soon'],
		[1006, 'soon'],
		[1000, 'soon']
	] as const)('closed with %i, connects again: %s', (code, retry) => {
		const closed = play([...connected, [{ kind: 'closed', socket: 1, code }, 50]]);
		const reason = closeCodes.get(code)?.reason ?? `closed with ${code}`;
		expect(closed.effects).toEqual([{ kind: 'lost', retry, reason }]);
		expect(play([[{ kind: 'connect' }, 60]], closed.state).effects).toEqual([
			{ kind: 'connect', socket: 2, url: URL }
		]);
	});

	it.each([
		['authorization_revoked', true],
		['user_removed', true],
		['version_removed', false],
		['moderator_removed', false]
	])('tells a revocation: %s', (status, is_consent) => {
		const revoked = play([
			...connected,
			[frame(1, message('revocation', { subscription: subscription(status) })), 20]
		]);
		expect(revoked.effects).toEqual([
			{ kind: 'revoked', subscription: 'sub-1', type: 'channel.follow', reason: status, is_consent }
		]);
	});

	it.each(['', 'null', '[]', '{"metadata":{}}', 'ping', message('session_future', {})])(
		'goes on after a frame that says nothing it knows: %s',
		(text) => {
			const odd = play([...connected, [frame(1, text), 20]]);
			expect(odd.effects).toMatchObject([{ kind: 'problem' }]);
			expect(play([[frame(1, follow()), 30]], odd.state).effects).toHaveLength(1);
		}
	);

	it('whatever happens: two sockets at most, no message twice, lost means none is left, and it never stops', () => {
		const inputs = fc.array(
			fc.record({
				after: fc.integer({ min: 0, max: 20_000 }),
				what: fc.constantFrom(
					'connect',
					'opened',
					'welcome',
					'reconnect',
					'follow',
					'closed',
					'tick',
					'junk'
				),
				which: fc.integer({ min: 0, max: 2 }),
				id: fc.integer({ min: 0, max: 5 }),
				code: fc.constantFrom(1000, 1006, 4000, 4003, 4004, 4007)
			}),
			{ maxLength: 60 }
		);
		fc.assert(
			fc.property(inputs, (events) => {
				let session = socket.start(URL, '1001');
				let now = 0;
				let made = 0;
				const open = new Set<number>();
				const delivered: string[] = [];
				for (const { after, what, which, id, code } of events) {
					now += after;
					const target = Math.max(1, made - which);
					const texts: Record<string, string> = {
						welcome: welcome(`S${target}`),
						reconnect: reconnect(),
						follow: follow(`id${id}`),
						junk: 'junk'
					};
					const text = texts[what];
					const input: SocketInput =
						text !== undefined
							? frame(target, text)
							: what === 'closed'
								? { kind: 'closed', socket: target, code }
								: what === 'opened'
									? { kind: 'opened', socket: target }
									: what === 'tick'
										? { kind: 'tick' }
										: { kind: 'connect' };
					if (input.kind === 'closed') open.delete(target);
					const stepped = session.step(input, now);
					session = stepped.session;
					for (const effect of stepped.effects) {
						if (effect.kind === 'connect') {
							expect(effect.socket).toBe((made += 1));
							open.add(effect.socket);
						}
						if (effect.kind === 'close') open.delete(effect.socket);
						if (effect.kind === 'deliver') delivered.push(`id${id}`);
						if (effect.kind === 'lost') expect(open.size).toBe(0);
					}
					expect(open.size).toBeLessThanOrEqual(2);
					// Whoever has a socket is woken; whoever has none can begin anew.
					expect(stepped.effects.some(({ kind }) => kind === 'schedule')).toBe(open.size > 0);
				}
				expect(new Set(delivered).size).toBe(delivered.length);
				if (open.size === 0)
					expect(session.step({ kind: 'connect' }, now).effects[0]).toMatchObject({
						kind: 'connect',
						url: URL
					});
			}),
			{ numRuns: 300 }
		);
	});
});

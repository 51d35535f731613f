/**
 * What the Realtime server promises to the unmodified supabase-js, as a suite that runs once for
 * each protocol version. Private rooms (`room:…`) are judged by policies on realtime.messages that
 * read a table of members, as an application would write them.
 */
import type { RealtimeChannel } from '@supabase/supabase-js';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import {
	client,
	serve,
	subscribe,
	tokenFor,
	until,
	type Served,
	type Subscription
} from './realtime-server.ts';

export interface RealtimeSuite {
	vsn: '1.0.0' | '2.0.0';
}

/** Tables and policies of the rooms. */
export const roomPolicies = `
	create table public.room_members (user_id uuid, room text, may_write boolean default false);
	grant select on public.room_members to authenticated;
	create policy "members read rooms" on realtime.messages for select to authenticated
		using (exists (select from public.room_members m
			where m.user_id = (select auth.uid()) and m.room = (select realtime.topic())));
	create policy "writers write rooms" on realtime.messages for insert to authenticated
		with check (exists (select from public.room_members m
			where m.user_id = (select auth.uid()) and m.room = (select realtime.topic()) and m.may_write));
	create table public.scores (id int, points int);
	create function public.announce_score() returns trigger language plpgsql security definer
		set search_path = '' as $$ begin
			perform realtime.send(jsonb_build_object('points', new.points), 'score', 'room:scores', true);
			return new; end $$;
	create trigger announce_score after insert on public.scores
		for each row execute function public.announce_score();`;

/** A user who is a member of a room. */
async function member(db: TestDatabase, room: string, mayWrite = false): Promise<string> {
	const user = randomUUID();
	await db.sql`insert into public.room_members (user_id, room, may_write) values (${user}, ${room}, ${mayWrite})`;
	return user;
}

export function testRealtime({ vsn }: RealtimeSuite): void {
	describe(`protocol ${vsn}`, () => {
		let db: TestDatabase;
		let served: Served;
		let leaveAll: (() => Promise<unknown>)[] = [];

		beforeAll(async () => {
			db = await testDatabase();
			await db.sql.unsafe(roomPolicies);
			served = await serve({ database: db.database, feed: db.feed });
		});
		afterEach(async () => {
			await Promise.all(leaveAll.map((leave) => leave()));
			leaveAll = [];
		});
		afterAll(async () => {
			await served.close();
			await db.close();
		});

		function connect(options: Parameters<typeof client>[2] = {}) {
			const supabase = client(served, vsn, options);
			leaveAll.push(async () => {
				await supabase.removeAllChannels();
				await supabase.realtime.disconnect();
			});
			return supabase;
		}
		async function joined(channel: RealtimeChannel): Promise<Subscription> {
			const subscription = subscribe(channel);
			await subscription.reaches('SUBSCRIBED');
			return subscription;
		}
		/** A client whose token is there before it joins. */
		async function signedIn(user: string, options: Parameters<typeof client>[2] = {}) {
			const supabase = connect({ token: () => tokenFor({ sub: user }), ...options });
			await supabase.realtime.setAuth();
			return supabase;
		}
		const room = (name: string) => `room:${name}:${randomUUID()}`;
		const isPrivate = { config: { private: true } };

		describe('broadcast', () => {
			test('reaches the others on the topic, letter for letter', async () => {
				const topic = `public:é:${randomUUID()}`;
				const [from, to] = [
					await joined(connect().channel(topic)),
					await joined(connect().channel(topic))
				];
				const payload = { text: '👩‍👩‍👧 "quoted" \\ é \u2028', n: [1, { deep: null }] };
				await from.channel.send({ type: 'broadcast', event: 'été ✨', payload });
				await to.receives(1);
				expect(to.messages).toEqual([{ event: 'été ✨', payload }]);
				expect(from.messages).toEqual([]);
			});

			test('comes back to the sender who asked for it, and is acknowledged', async () => {
				const config = { broadcast: { self: true, ack: true } };
				const own = await joined(connect().channel(`public:${randomUUID()}`, { config }));
				const answer = await own.channel.send({ type: 'broadcast', event: 'x', payload: { a: 1 } });
				expect(answer).toBe('ok');
				await own.receives(1);
				expect(own.messages).toEqual([{ event: 'x', payload: { a: 1 } }]);
			});

			test('too large a payload is refused, not sent', async () => {
				const topic = `public:${randomUUID()}`;
				const other = await joined(connect().channel(topic));
				const config = { broadcast: { ack: true } };
				const own = await joined(connect().channel(topic, { config }));
				const send = (length: number) =>
					own.channel.send({ type: 'broadcast', event: 'x', payload: { a: 'x'.repeat(length) } });
				expect(await send(256_500)).toBe('error');
				expect(await send(255_000)).toBe('ok');
				await other.receives(1);
				expect(other.messages).toHaveLength(1);
			});

			test('raw bytes arrive as they are (2.0.0 only)', async () => {
				const topic = `public:${randomUUID()}`;
				const to = await joined(connect().channel(topic));
				const from = await joined(client2(topic));
				const bytes = Uint8Array.of(0, 255, 1, 254).buffer;
				await from.channel.send({ type: 'broadcast', event: 'bytes', payload: bytes });
				await from.channel.send({ type: 'broadcast', event: 'after', payload: {} });
				await until(() => to.messages.some(({ event }) => event === 'after'), 'the second message');
				const received = to.messages.filter(({ event }) => event === 'bytes');
				if (vsn === '1.0.0') expect(received).toEqual([]);
				else
					expect(new Uint8Array(received[0]?.payload as ArrayBuffer)).toEqual(
						new Uint8Array(bytes)
					);
			});
			function client2(topic: string) {
				const supabase = client(served, '2.0.0');
				leaveAll.push(() => supabase.removeAllChannels());
				return supabase.channel(topic);
			}

			test('public and private topics of one name are separate', async () => {
				const topic = room('both');
				const user = await member(db, topic);
				const open = await joined(connect().channel(topic));
				const closed = await joined((await signedIn(user)).channel(topic, isPrivate));
				await db.sql`select realtime.send('{"a":1}', 'secret', ${topic}, true)`;
				await db.sql`select realtime.send('{"a":2}', 'open', ${topic}, false)`;
				await Promise.all([open.receives(1), closed.receives(1)]);
				expect(open.messages.map(({ event }) => event)).toEqual(['open']);
				expect(closed.messages.map(({ event }) => event)).toEqual(['secret']);
			});
		});

		describe('REST', () => {
			test('channel.send falls back to it before joining', async () => {
				const topic = `public:${randomUUID()}`;
				const to = await joined(connect().channel(topic));
				const answer = await connect()
					.channel(topic)
					.send({ type: 'broadcast', event: 'rest', payload: { a: '✨' } });
				expect(answer).toBe('ok');
				await to.receives(1);
				expect(to.messages).toEqual([{ event: 'rest', payload: { a: '✨' } }]);
			});

			test('httpSend sends one message', async () => {
				const topic = `public/${randomUUID()} ✨`;
				const to = await joined(connect().channel(topic));
				const answer = await connect().channel(topic).httpSend('a/b', { a: 1 });
				expect(answer).toEqual({ success: true });
				await to.receives(1);
				expect(to.messages).toEqual([{ event: 'a/b', payload: { a: 1 } }]);
			});

			test('a private topic takes it from who may write only', async () => {
				const topic = room('rest');
				const reader = await member(db, topic);
				const writer = await member(db, topic, true);
				const to = await joined((await signedIn(reader)).channel(topic, isPrivate));
				const send = async (user: string) =>
					(await signedIn(user)).channel(topic, isPrivate).httpSend('x', { user });
				await expect(send(reader)).rejects.toThrow('Unauthorized');
				expect(await send(writer)).toEqual({ success: true });
				await to.receives(1);
				expect(to.messages).toEqual([{ event: 'x', payload: { user: writer } }]);
			});
		});

		describe('private topics', () => {
			test('are closed to strangers and to who is not signed in', async () => {
				const topic = room('closed');
				const stranger = subscribe((await signedIn(randomUUID())).channel(topic, isPrivate));
				await stranger.reaches('CHANNEL_ERROR');
				expect(stranger.errors[0]).toBe(
					`Unauthorized: You do not have permissions to read from this Channel topic: ${topic}`
				);
				const anonymous = subscribe(connect().channel(topic, isPrivate));
				await anonymous.reaches('CHANNEL_ERROR');
				expect(anonymous.errors[0]).toContain('Unauthorized');
			});

			test('let writers write and drop what readers send', async () => {
				const topic = room('write');
				const config = { private: true, broadcast: { ack: true } };
				const reader = await joined(
					(await signedIn(await member(db, topic))).channel(topic, { config })
				);
				const writer = await joined(
					(await signedIn(await member(db, topic, true))).channel(topic, { config })
				);
				const denied = reader.channel.send(
					{ type: 'broadcast', event: 'denied', payload: {} },
					{ timeout: 300 }
				);
				expect(await denied).toBe('timed out');
				expect(await writer.channel.send({ type: 'broadcast', event: 'yes', payload: {} })).toBe(
					'ok'
				);
				await reader.receives(1);
				expect(reader.messages).toEqual([{ event: 'yes', payload: {} }]);
				expect(writer.messages).toEqual([]);
			});

			test('a row in the database becomes a message with its id', async () => {
				const user = await member(db, 'room:scores');
				const to = await joined((await signedIn(user)).channel('room:scores', isPrivate));
				await db.sql`insert into public.scores values (1, 100), (2, 200)`;
				await to.receives(2);
				const rows = await db.sql<{ id: string; payload: unknown }[]>`
					select id, payload from realtime.messages where topic = 'room:scores' order by n`;
				expect(to.messages).toEqual(
					rows.map(({ id, payload }) => ({ event: 'score', payload, meta: { id } }))
				);
			});

			test('replay what was said, oldest first, marked, and never twice', async () => {
				const topic = room('replay');
				const user = await member(db, topic);
				const since = Date.now() - 60_000;
				const witness = await joined((await signedIn(user)).channel(topic, isPrivate));
				await db.sql`select realtime.send(jsonb_build_object('n', n), 'said', ${topic}, true)
					from generate_series(1, 30) n`;
				await witness.receives(30);
				const config = { private: true, broadcast: { replay: { since, limit: 3 } } };
				const to = await joined((await signedIn(user)).channel(topic, { config }));
				await db.sql`select realtime.send('{"n":31}', 'said', ${topic}, true)`;
				await to.receives(4);
				const numbers = to.messages.map(({ payload }) => (payload as { n: number }).n);
				expect(numbers).toEqual([28, 29, 30, 31]);
				expect(to.messages.map(({ meta }) => (meta as { replayed?: true }).replayed)).toEqual([
					true,
					true,
					true,
					undefined
				]);
			});

			test('a join without the token is refused, and succeeds once it is there', async () => {
				const topic = room('race');
				const user = await member(db, topic);
				let letGo = (_token: string) => {};
				const token = new Promise<string>((resolve) => (letGo = resolve));
				const early = subscribe(connect({ token: () => token }).channel(topic, isPrivate));
				await early.reaches('CHANNEL_ERROR');
				letGo(await tokenFor({ sub: user }));
				await early.reaches('SUBSCRIBED');
				expect(early.statuses).toEqual(['CHANNEL_ERROR', 'SUBSCRIBED']);
			});
		});

		describe('tokens', () => {
			test('one that ends closes its channel and says so', async () => {
				const topic = room('expiry');
				const user = await member(db, topic);
				// One and the same at every call: another would be judged, and refused, as it arrives.
				const token = await tokenFor({ sub: user }, 30, served.clock.now());
				const supabase = await signedIn(user, { token: async () => token });
				const to = await joined(supabase.channel(topic, isPrivate));
				served.clock.advance(31_000);
				await to.reaches('CLOSED');
				expect(to.statuses).toEqual(['SUBSCRIBED', 'CLOSED']);
				expect(to.system).toMatchObject([
					{ status: 'error', message: expect.stringMatching(/^Token has expired \d+ seconds ago$/) }
				]);
			});

			test('a heartbeat brings a new one, which keeps the channel', async () => {
				const topic = room('refresh');
				const user = await member(db, topic, true);
				const mint = () => tokenFor({ sub: user }, 120, served.clock.now());
				let current = await mint();
				let beats = 0;
				const supabase = await signedIn(user, { token: async () => current, heartbeatMs: 300 });
				supabase.realtime.onHeartbeat((status) => {
					if (status === 'ok') beats++;
				});
				const config = { private: true, broadcast: { ack: true } };
				const to = await joined(supabase.channel(topic, { config }));
				for (let step = 0; step < 3; step++) {
					served.clock.advance(50_000);
					current = await mint();
					const before = beats;
					// The first of them sends the token; the acknowledgement comes after it was judged.
					await until(() => beats >= before + 2, 'two heartbeats');
					expect(await to.channel.send({ type: 'broadcast', event: 'x', payload: {} })).toBe('ok');
				}
				expect(to.statuses).toEqual(['SUBSCRIBED']);
			});

			test('one that lost its right closes the channel', async () => {
				const topic = room('lost');
				const user = await member(db, topic);
				const supabase = await signedIn(user);
				const to = await joined(supabase.channel(topic, isPrivate));
				await db.sql`delete from public.room_members where user_id = ${user}`;
				await supabase.realtime.setAuth(await tokenFor({ sub: user, again: true }));
				await to.reaches('CLOSED');
				expect(to.system.map(({ message }) => message)).toEqual([
					`You no longer have permission to read from this Channel topic: ${topic}`
				]);
			});

			test('a revocation closes the channels it hits at once, and no other', async () => {
				const topic = room('revoked');
				const [user, other] = [await member(db, topic), await member(db, topic)];
				const hit = await joined((await signedIn(user)).channel(topic, isPrivate));
				const spared = await joined((await signedIn(other)).channel(topic, isPrivate));
				await db.sql`delete from public.room_members where user_id = ${user}`;
				const revoked = JSON.stringify({ user_id: user, account_id: randomUUID() });
				await db.sql`select pg_notify('cuelight_revoked', ${revoked})`;
				await hit.reaches('CLOSED');
				expect(hit.system[0]?.message).toContain('no longer have permission');
				expect(spared.statuses).toEqual(['SUBSCRIBED']);
			});
		});

		describe('presence', () => {
			test('shows who joins, changes and leaves', async () => {
				const topic = `public:${randomUUID()}`;
				const watcher = connect().channel(topic, { config: { presence: { key: 'watcher' } } });
				watcher.on('presence', { event: 'sync' }, () => {});
				await joined(watcher);
				const supabase = connect();
				const guest = supabase.channel(topic, {
					config: { presence: { key: 'guest', enabled: true } }
				});
				await joined(guest);
				const seen = () =>
					Object.values(watcher.presenceState<{ n: number }>()).map((metas) =>
						metas.map(({ n }) => n)
					);
				expect(await guest.track({ n: 1 })).toBe('ok');
				await until(() => JSON.stringify(seen()) === '[[1]]', 'the guest is seen');
				expect(await guest.track({ n: 2 })).toBe('ok');
				await until(() => JSON.stringify(seen()) === '[[2]]', 'the change is seen');
				const late = connect().channel(topic);
				late.on('presence', { event: 'sync' }, () => {});
				await joined(late);
				await until(() => Object.keys(late.presenceState()).length === 1, 'the state is sent');
				expect(Object.keys(late.presenceState())).toEqual(['guest']);
				await supabase.removeAllChannels();
				await until(() => seen().length === 0, 'the leave is seen');
			});

			test('more than five calls in thirty seconds close the channel', async () => {
				const to = await joined(
					connect().channel(`public:${randomUUID()}`, { config: { presence: { enabled: true } } })
				);
				for (let n = 1; n <= 5; n++) expect(await to.channel.track({ n })).toBe('ok');
				void to.channel.track({ n: 6 });
				await to.reaches('CLOSED');
				expect(to.system.map(({ message }) => message)).toEqual([
					'Client presence rate limit exceeded'
				]);
			});

			test('in a private room only writers may be seen', async () => {
				const topic = room('presence');
				const config = { private: true, presence: { enabled: true } };
				const writer = await joined(
					(await signedIn(await member(db, topic, true))).channel(topic, { config })
				);
				const reader = await joined(
					(await signedIn(await member(db, topic))).channel(topic, { config })
				);
				expect(await reader.channel.track({ who: 'reader' })).toBe('error');
				expect(await writer.channel.track({ who: 'writer' })).toBe('ok');
				await until(() => Object.keys(reader.channel.presenceState()).length === 1, 'seen');
				expect(Object.values(reader.channel.presenceState())).toMatchObject([[{ who: 'writer' }]]);
			});
		});

		describe('connection', () => {
			test('a lost socket is rejoined by the client itself', async () => {
				const to = await joined(connect().channel(`public:${randomUUID()}`));
				served.cutSockets();
				await until(() => to.statuses.length >= 3, 'joined again');
				expect(to.statuses).toEqual(['SUBSCRIBED', 'CHANNEL_ERROR', 'SUBSCRIBED']);
			});

			test('a lost feed makes every client join again, so that it pulls', async () => {
				const topic = room('reset');
				const user = await member(db, topic);
				const to = await joined((await signedIn(user)).channel(topic, isPrivate));
				await db.sql`select pg_terminate_backend(pid) from pg_stat_activity
					where datname = current_database() and pid <> pg_backend_pid()`;
				await until(() => {
					served.clock.advance(10);
					return to.statuses.length >= 3;
				}, 'joined again');
				expect(to.statuses).toEqual(['SUBSCRIBED', 'CHANNEL_ERROR', 'SUBSCRIBED']);
				await db.sql`select realtime.send('{"still":"here"}', 'x', ${topic}, true)`;
				await to.receives(1);
			});

			test('an unknown key is refused', async () => {
				const to = subscribe(connect({ key: 'sb_publishable_wrong' }).channel('public:x'));
				await to.reaches('CHANNEL_ERROR');
				expect(to.statuses).toEqual(['CHANNEL_ERROR']);
			});

			test('postgres_changes is answered, not offered', async () => {
				const channel = connect().channel(`public:${randomUUID()}`);
				channel.on(
					'postgres_changes',
					{ event: 'INSERT', schema: 'public', table: 'scores', filter: 'id=eq.1' },
					() => {}
				);
				const to = await joined(channel);
				await until(() => to.system.length > 0, 'the system message');
				expect(to.system).toMatchObject([{ status: 'error', extension: 'postgres_changes' }]);
				expect(to.statuses).toEqual(['SUBSCRIBED']);
			});

			test('who asks is told when messages from the database can flow', async () => {
				const config = { broadcast: { replication_ready: true } };
				const to = await joined(connect().channel(`public:${randomUUID()}`, { config }));
				await until(() => to.system.length > 0, 'the system message');
				expect(to.system).toMatchObject([
					{ status: 'ok', message: 'Replication connection established' }
				]);
			});
		});
	});
}

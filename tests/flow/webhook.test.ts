/** From the bytes of a webhook to what an overlay page has on its screen, at the test's time. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ingest } from '../../src/lib/platforms/ingest.ts';
import { twitch } from '../../src/lib/platforms/twitch/index.ts';
import { cancelEvent, replayEvent } from '../../src/lib/server/backend/statements/queue.ts';
import { openIntake, type Intake } from '../contract/intake.ts';
import {
	twitchSender,
	twitchTypes,
	type TwitchMessage,
	type TwitchSender,
	type TwitchType
} from '../simulators/twitch/index.ts';
import { advance, ManualClock, Page } from './page.ts';

const channelId = '1001';
const secret = 'a-secret-of-this-channel';

let intake: Intake;
let clock: ManualClock;
let sender: TwitchSender;

beforeEach(async () => {
	clock = new ManualClock(new Date('2026-11-20T10:00:00Z'));
	intake = await openIntake({ platform: twitch, channelId, secret, now: clock.date });
	const now = () => clock.date;
	sender = twitchSender({ url: 'none:', secret, channelId, now, random: () => 0.5 });
});
afterEach(() => intake?.close());

/** Hands a message to the door, as the webhook route does. */
async function arrive(message: TwitchMessage) {
	const { headers, body } = message;
	const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
	const answer = await ingest(
		twitch,
		{ headers, body: bytes, received_at: clock.date },
		intake.ports(clock.date)
	);
	const told = JSON.parse(answer.body).events?.[0];
	return { ...answer, eventId: told?.event_id ?? (await settle()) };
}

/** What may be a part of something is judged, as the server does after each arrival and when it is due. */
async function settle(): Promise<string> {
	await intake.settle(clock.date);
	const [row] = await intake.db.sql<{ id: string }[]>`
		select id from app.platform_events order by seq desc limit 1`;
	return row?.id ?? 'none';
}

const send = (type: TwitchType, event?: Record<string, unknown>) =>
	arrive(sender.notification(type, event));

async function statusOf(eventId: string): Promise<string> {
	const [row] = await intake.db.sql<{ status: string }[]>`
		select status from app.platform_events where id = ${eventId}`;
	return row?.status ?? 'none';
}

const playStatuses = async () =>
	(
		await intake.db.sql<{ status: string }[]>`select status from app.plays order by seq, play_no`
	).map(({ status }) => status);

test('a follow is shown for its time, and its event tells how far it is', async () => {
	const page = await Page.open(intake, clock);
	await advance(clock, [page], 1_000);
	const { eventId } = await send('channel.follow', { user_name: 'Ann' });
	expect(await statusOf(eventId)).toBe('active');
	await page.hear();
	expect(page.onScreen).toEqual(['twitch:follower']);
	expect(page.shown[0]).toMatchObject({ offset_ms: 0, sounding: true });

	await advance(clock, [page], 4_999);
	expect(page.onScreen).toEqual(['twitch:follower']);
	await advance(clock, [page], 1);
	expect(page.onScreen).toEqual([]);
	expect(page.shown[0]?.left).toBe('end');
	expect(await statusOf(eventId)).toBe('completed');
	expect(await playStatuses()).toEqual(['completed']);
});

test('each type is shown once, in order of priority, then of arrival', async () => {
	const page = await Page.open(intake, clock);
	for (const type of twitchTypes) await send(type, type === 'channel.cheer' ? { bits: 100 } : {});
	await advance(clock, [page], 3_000);
	await settle();
	await advance(clock, [page], 90_000);
	expect(page.shownTypes).toEqual([
		// The lane was free: the first begins at once.
		'twitch:follower',
		'twitch:raid',
		// Waited for its recipients, of whom nobody told.
		'twitch:gift_sub',
		'twitch:resub',
		'twitch:cheer',
		'twitch:reward',
		// Waited for its message.
		'twitch:subscribe'
	]);
	expect(new Set(await playStatuses())).toEqual(new Set(['completed']));
});

test('a delivery that comes again, and the same fact under another id, are shown once', async () => {
	const page = await Page.open(intake, clock);
	const message = sender.notification('channel.follow');
	const first = await arrive(message);
	const again = await arrive(message);
	expect([first.outcome, again.outcome]).toEqual(['recorded', 'duplicate']);
	expect(again.eventId).toBe(first.eventId);
	const cheer = { user_id: '7', bits: 100, message: 'Cheer100' };
	expect(await send('channel.cheer', cheer)).toMatchObject({ outcome: 'recorded' });
	expect(await send('channel.cheer', cheer)).toMatchObject({ outcome: 'duplicate' });
	await advance(clock, [page], 30_000);
	expect(page.shownTypes).toEqual(['twitch:follower', 'twitch:cheer']);
});

test('a gift of five is one alert, whatever comes first', async () => {
	const page = await Page.open(intake, clock);
	for (const message of sender.giftBomb(5))
		expect(await arrive(message)).toMatchObject({ status: 200, outcome: 'gathered' });
	await advance(clock, [page], 60_000);
	expect(page.shownTypes).toEqual(['twitch:gift_sub']);
	expect(await intake.countEvents()).toBe(1);
	expect(await playStatuses()).toEqual(['completed']);
});

test('what is cancelled leaves the screen at once and never comes back', async () => {
	const page = await Page.open(intake, clock);
	const { eventId } = await send('channel.raid');
	const waiting = await send('channel.follow');
	await advance(clock, [page], 2_000);
	expect(page.onScreen).toEqual(['twitch:raid']);
	await intake.db.database.as(intake.owner, async (sql) => {
		// The waiting one first: otherwise it would begin as soon as the lane is free.
		await cancelEvent(sql, intake.accountId, waiting.eventId, clock.date);
		await cancelEvent(sql, intake.accountId, eventId, clock.date);
	});
	await page.hear();
	expect(page.onScreen).toEqual([]);
	expect(page.shown[0]?.left).toBe('cut');
	// Neither the platform's redelivery nor a pull nor a fresh page brings it back.
	await page.take({ kind: 'need_pull' });
	const fresh = await Page.open(intake, clock);
	await advance(clock, [page, fresh], 60_000);
	expect(page.shownTypes).toEqual(['twitch:raid']);
	expect(fresh.shown).toEqual([]);
	expect(await playStatuses()).toEqual(['cancelled', 'cancelled']);

	await intake.db.database.as(intake.owner, (sql) =>
		replayEvent(sql, intake.accountId, eventId, null, clock.date)
	);
	await advance(clock, [page, fresh], 20_000);
	expect(page.shownTypes).toEqual(['twitch:raid', 'twitch:raid']);
	expect(await statusOf(eventId)).toBe('completed');
});

test('what came while no page was open is shown when one opens, in order, each once', async () => {
	for (const type of ['channel.follow', 'channel.raid', 'channel.cheer'] as const)
		await send(type, type === 'channel.cheer' ? { bits: 100 } : {});
	expect(await playStatuses()).toEqual(['queued', 'queued', 'queued']);
	clock.moveTo(clock.ms + 3_600_000);
	const page = await Page.open(intake, clock);
	await advance(clock, [page], 60_000);
	expect(page.shownTypes).toEqual(['twitch:raid', 'twitch:follower', 'twitch:cheer']);
	expect(new Set(await playStatuses())).toEqual(new Set(['completed']));
});

test('a page that loses every hint shows everything all the same', async () => {
	const page = await Page.open(intake, clock);
	page.deaf = true;
	for (const type of twitchTypes) {
		await send(type);
		await advance(clock, [page], 700);
	}
	await advance(clock, [page], 3_000);
	await settle();
	await advance(clock, [page], 180_000);
	expect(page.shownTypes).toHaveLength(twitchTypes.length);
	expect(new Set(page.shownTypes).size).toBe(twitchTypes.length);
	expect(new Set(await playStatuses())).toEqual(new Set(['completed']));
});

test('two pages show the same at the same time, and one sounds', async () => {
	const pages = [await Page.open(intake, clock), await Page.open(intake, clock)];
	await send('channel.follow');
	await send('channel.cheer');
	await advance(clock, pages, 30_000);
	for (const page of pages) expect(page.shownTypes).toEqual(['twitch:follower', 'twitch:cheer']);
	for (const place of [0, 1])
		expect(pages.map((page) => page.shown[place]?.sounding).toSorted()).toEqual([false, true]);
});

test('the page that leads dies in mid alert: the other shows it to its end, and nothing twice', async () => {
	const leader = await Page.open(intake, clock);
	const other = await Page.open(intake, clock);
	await send('channel.raid');
	await send('channel.follow');
	await advance(clock, [leader, other], 3_000);
	expect(leader.onScreen).toEqual(['twitch:raid']);
	// From here on the leader is gone: only the other is given time.
	await advance(clock, [other], 60_000);
	expect(other.shownTypes).toEqual(['twitch:raid', 'twitch:follower']);
	expect(await playStatuses()).toEqual(['completed', 'completed']);
});

test('a forged or stale delivery shows nothing', async () => {
	const page = await Page.open(intake, clock);
	const message = sender.notification('channel.follow');
	const forged = { ...message, body: String(message.body).replace('Follow', 'follow').concat(' ') };
	expect(await arrive(forged)).toMatchObject({ status: 403 });
	clock.moveTo(clock.ms + 601_000);
	expect(await arrive(message)).toMatchObject({ status: 403 });
	await advance(clock, [page], 10_000);
	expect(page.shown).toEqual([]);
	expect(await intake.countEvents()).toBe(0);
});

/** Statistics against a count of everything, one by one, whatever was counted ahead. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import {
	EventAnalytics,
	OverlayAnalytics,
	rollAnalytics
} from '../../src/lib/server/backend/statements/analytics.ts';
import { startFaces, type Faces, type Who } from './faces.ts';

let faces: Faces;
beforeAll(async () => {
	faces = await startFaces();
}, 120_000);
afterAll(() => faces?.close());

/** A night in which clocks go back in Vienna, so that a day has 25 hours. */
const START = Date.parse('2029-10-27T12:00:00Z');
const QUARTER = 15 * 60_000;
const zones = ['UTC', 'Europe/Vienna', 'Asia/Kathmandu', 'America/St_Johns'];
const statuses = ['completed', 'cancelled', 'skipped', 'expired', 'failed'] as const;

const happening = fc.record({
	minute: fc.integer({ min: 0, max: 60 * 36 }),
	type: fc.constantFrom('twitch:cheer', 'twitch:follower', 'kick:follow'),
	origin: fc.constantFrom('live', 'poll', 'manual', 'test'),
	status: fc.constantFrom(...statuses, 'queued' as const),
	delay_ms: fc.option(fc.integer({ min: 0, max: 100_000 })),
	/** Of a replay, after the first play. */
	again: fc.option(fc.constantFrom(...statuses), { freq: 4 })
});
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

const iso = (ms: number) => new Date(ms).toISOString();

/** Writes events and plays as the past has left them. */
async function write(happenings: readonly Happening[]): Promise<void> {
	const { sql } = faces.db;
	for (const one of happenings) {
		const at = iso(START + one.minute * 60_000);
		const [made] = await sql<{ id: string }[]>`
			select app.record_events(${faces.account_id}, ${sql.json([
				{
					...{ event_type: one.type, platform: one.type.split(':')[0] ?? '' },
					...{ class: 'data', origin: one.origin }
				}
			])}, ${at}) -> 0 ->> 'event_id' as id`;
		const play = (no: number, status: string, reason: string, delay: number | null) => sql`
			insert into app.plays (account_id, overlay_id, event_id, event_created_at, seq, priority, lane,
				status, reason, play_no, duration_ms, created_at, started_at, ended_at)
			values (${faces.account_id}, ${faces.overlay_id}, ${made?.id ?? ''}, ${at}, 1, 10, 'main', ${status},
				${reason}, ${no}, 5000, ${at}, ${delay === null ? null : iso(Date.parse(at) + delay)},
				${status === 'queued' ? null : iso(Date.parse(at) + (delay ?? 0) + 5000)})`;
		const reason = one.origin === 'test' ? 'test' : 'live';
		await play(1, one.status, reason, one.status === 'queued' ? null : one.delay_ms);
		if (one.again !== null) await play(2, one.again, 'replay', 3000);
	}
}

/** The hour and the day in a time zone, as text. */
function local(ms: number, zone: string): { hour: number; day: string } {
	const parts = new Intl.DateTimeFormat('en-CA', {
		...{ timeZone: zone, hourCycle: 'h23', hour: 'numeric' },
		...{ year: 'numeric', month: '2-digit', day: '2-digit' }
	}).formatToParts(ms);
	const part = (name: string) => parts.find(({ type }) => type === name)?.value ?? '';
	return { hour: Number(part('hour')), day: `${part('year')}-${part('month')}-${part('day')}` };
}

function tally<Key>(keys: readonly Key[]): Map<Key, number> {
	const counts = new Map<Key, number>();
	for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
	return counts;
}

async function ask(who: Who, path: string, query: Record<string, string>) {
	const response = await faces.rest(
		faces.who[who],
		'GET',
		`/analytics/${path}?${new URLSearchParams(query).toString()}`
	);
	return { status: response.status, body: z.json().parse(await response.json()) };
}

it('counts events and plays as one would by hand', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(happening, { minLength: 5, maxLength: 40 }),
			fc.constantFrom(...zones),
			fc.integer({ min: 0, max: 100 }),
			fc.integer({ min: 60, max: 160 }),
			fc.integer({ min: 0, max: 39 }),
			async (happenings, zone, first, last, split) => {
				const { sql } = faces.db;
				for (const table of ['platform_events', 'plays', 'analytics_events', 'analytics_plays'])
					await sql`delete from ${sql(`app.${table}`)} where account_id = ${faces.account_id}`;
				await sql`delete from app.analytics_marks`;
				await write(happenings.slice(0, split));
				// Somewhere in the middle of it all, and once more with nothing new.
				await rollAnalytics(sql, new Date(START + 20 * 3_600_000));
				await rollAnalytics(sql, new Date(START + 20 * 3_600_000));
				const late = happenings
					.slice(split)
					.filter(({ minute }) => minute >= 20 * 60)
					.concat(happenings.slice(0, 1));
				await write(late.slice(0, -1));
				const all = [...happenings.slice(0, split), ...late.slice(0, -1)];

				const [from, to] = [START + first * QUARTER, START + Math.max(first + 1, last) * QUARTER];
				const query = { from: iso(from), to: iso(to), time_zone: zone };
				const within = (ms: number) => ms >= from && ms < to;
				const real = all.filter(({ origin }) => origin !== 'test');
				const events = real.filter(({ minute }) => within(START + minute * 60_000));

				const counted = EventAnalytics.parse((await ask('owner', 'events', query)).body);
				expect(counted.total).toBe(events.length);
				expect(new Map(counted.by_type.map((row) => [row.event_type, row.count]))).toEqual(
					tally(events.map(({ type }) => type))
				);
				expect(new Map(counted.by_platform.map((row) => [row.platform, row.count]))).toEqual(
					tally(events.map(({ type }) => type.split(':')[0]))
				);
				const when = events.map(({ minute }) => local(START + minute * 60_000, zone));
				expect(new Map(counted.by_hour.map((row) => [row.hour, row.count]))).toEqual(
					tally(when.map(({ hour }) => hour))
				);
				expect(
					new Map(counted.series.map((row) => [local(Date.parse(row.at), zone).day, row.count]))
				).toEqual(tally(when.map(({ day }) => day)));
				const hourly = EventAnalytics.parse(
					(await ask('reader', 'events', { ...query, interval: 'hour' })).body
				);
				const hours = hourly.series.map(({ at }) => Date.parse(at));
				// Each hour of the clock once, also the one that there is twice.
				expect(new Set(hours).size).toBe(hours.length);
				expect(hourly.series.map(({ count }) => count).reduce((sum, n) => sum + n, 0)).toBe(
					events.length
				);
				for (const row of hourly.series) {
					const at = Date.parse(row.at);
					const inside = events.filter(
						({ minute }) =>
							START + minute * 60_000 >= at && START + minute * 60_000 < at + 3_600_000
					);
					expect(row.count).toBe(inside.length);
				}

				const plays = real.flatMap((one) => {
					const at = START + one.minute * 60_000;
					return [
						...(one.status === 'queued'
							? []
							: [
									{
										status: one.status,
										delay: one.delay_ms,
										no: 1,
										end: at + (one.delay_ms ?? 0) + 5000
									}
								]),
						...(one.again === null
							? []
							: [{ status: one.again, delay: 3000, no: 2, end: at + 8000 }])
					];
				});
				const ended = plays.filter(({ end }) => within(end));
				const [row] = OverlayAnalytics.parse(
					(await ask('moderator', 'overlays', query)).body
				).items;
				expect(row).toMatchObject({
					plays: ended.length,
					shown: ended.filter(({ delay }) => delay !== null).length,
					...Object.fromEntries(
						statuses.map((status) => [
							status,
							ended.filter((play) => play.status === status).length
						])
					)
				});
				expect((row?.series ?? []).reduce((sum, step) => sum + step.plays, 0)).toBe(ended.length);
				const delays = ended
					.flatMap(({ delay, no }) => (delay === null || no > 1 ? [] : [delay]))
					.toSorted((one, other) => one - other);
				const rank = (part: number) => delays[Math.ceil(delays.length * part) - 1] ?? null;
				expect(row?.delay).toMatchObject({ plays: delays.length, max_ms: delays.at(-1) ?? null });
				for (const [told, exact] of [
					[row?.delay.p50_ms, rank(0.5)],
					[row?.delay.p95_ms, rank(0.95)]
				] as const) {
					if (exact === null) expect(told).toBeNull();
					else expect(Math.abs((told ?? -1) - exact)).toBeLessThanOrEqual(exact * 0.0101 + 1);
				}
			}
		),
		{ numRuns: 15 }
	);
}, 120_000);

it('is for who may read events, of their own account, in a time zone that there is', async () => {
	for (const path of ['events', 'overlays']) {
		for (const who of ['owner', 'moderator', 'reader'] as const)
			expect((await ask(who, path, {})).status).toBe(200);
		expect((await ask('anonymous', path, {})).status).toBe(401);
		for (const time_zone of ['Mars/North', '+02:00', ''])
			expect((await ask('owner', path, { time_zone })).status).toBe(400);
		expect((await ask('owner', path, { from: '2020-01-01T00:00:00Z' })).status).toBe(400);
	}
	const theirs = OverlayAnalytics.parse((await ask('stranger', 'overlays', {})).body).items;
	expect(theirs.map(({ overlay_id }) => overlay_id)).not.toContain(faces.overlay_id);
});

/** The history goes out whole: every event of a filter once, in each form, to those who may. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startDoors, type Doors } from './doors.ts';

/** More than the history gives at once. */
const EVENTS = 450;

let doors: Doors;
beforeAll(async () => {
	doors = await startDoors();
	await doors.db.sql`
		select app.record_events(${doors.account_id},
			jsonb_agg(jsonb_build_object('event_type', case when n % 9 = 0 then 'arcade:nine' else 'arcade:record' end,
				'class', 'data', 'platform', 'arcade', 'origin', 'manual', 'priority', 'normal',
				'external_id', '=1+' || n, 'data', '{}'::jsonb, 'metadata', '{}'::jsonb,
				'cancelable', true, 'replayable', true)), clock_timestamp())
		from generate_series(1, ${EVENTS}) as n`;
}, 120_000);
afterAll(() => doors?.close());

const Seq = z.object({ seq: z.int(), event_type: z.string() });
const take = (query: string) => doors.owner.ask('GET', `/v1/events/export?${query}`);

describe('the history as a file', () => {
	it('has each event once, newest first, as lines of JSON and as JSON', async () => {
		const lines = await take('types=arcade:record,arcade:nine');
		expect(lines.headers.get('content-type')).toBe('application/x-ndjson');
		const seqs = lines.text
			.trimEnd()
			.split('\n')
			.map((line) => Seq.parse(JSON.parse(line)).seq);
		expect(seqs).toHaveLength(EVENTS);
		expect(new Set(seqs).size).toBe(EVENTS);
		expect(seqs).toEqual(seqs.toSorted((a, b) => b - a));
		const json = await take('types=arcade:record,arcade:nine&format=json');
		expect(
			z
				.array(Seq)
				.parse(JSON.parse(json.text))
				.map(({ seq }) => seq)
		).toEqual(seqs);
		const none = await take('types=arcade:none&format=json');
		expect(JSON.parse(none.text)).toEqual([]);
	});

	it('is narrowed as the list is, and its CSV holds no formula', async () => {
		const csv = await take('types=arcade:nine&format=csv');
		expect(csv.headers.get('content-disposition')).toContain('events.csv');
		expect(csv.text.match(/arcade:nine/g)).toHaveLength(EVENTS / 9);
		expect(csv.text).toContain("'=1+9");
		expect(csv.text).not.toMatch(/(^|,)"?[=+@]/m);
	});

	it('is refused as a whole to whoever may not read events, and for nonsense', async () => {
		expect((await doors.browser().ask('GET', '/v1/events/export')).status).toBe(401);
		const wish = { name: 'Looks at overlays', permissions: ['overlays:read'] };
		const { body } = await doors.owner.ask('POST', '/v1/keys', wish);
		const program = doors.program(z.object({ secret: z.string() }).parse(body).secret);
		expect((await program.ask('GET', '/v1/events/export')).status).toBe(403);
		expect((await take('format=pdf')).status).toBe(400);
		expect((await take('cursor=3')).status).toBe(400);
	});
});

/** The recorder over a real database: what is shared, what is kept apart, what order there is. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Draft, type DraftInput } from '../../src/lib/bus/event.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { recordEvents } from '../../src/lib/server/backend/statements/events.ts';
import { EventRecorder } from '../../src/lib/server/events.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

let db: TestDatabase;
let account = '';
let calls = 0;
let recorder: EventRecorder;

beforeAll(async () => {
	db = await testDatabase();
	account = (await createAccount(db.sql, 'Recorder', randomUUID(), {})).account_id;
	recorder = new EventRecorder((id, drafts) => {
		calls += 1;
		return recordEvents(db.sql, id, drafts);
	});
});
afterAll(() => db?.close());

const aDraft = (name: string, over: Partial<DraftInput> = {}): Draft =>
	Draft.parse({
		event_type: 'custom:test',
		class: 'data',
		platform: 'custom',
		external_id: name,
		transport_key: name,
		data: { name },
		...over
	});
const stored = async (names: string[]) =>
	(
		await db.sql<{ external_id: string }[]>`
			select external_id from app.platform_events
			where account_id = ${account} and external_id = any (${names}) order by seq`
	).map(({ external_id }) => external_id);

it('two hundred arrivals at once are a few calls, in order, without holes', async () => {
	calls = 0;
	const names = Array.from({ length: 200 }, (_, i) => `many-${i}`);
	const outcomes = await Promise.all(names.map((name) => recorder.record(account, [aDraft(name)])));
	const seqs = outcomes.map(([outcome]) => outcome?.seq ?? 0);
	expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
	expect(await stored(names)).toEqual(names);
	expect(calls).toBeLessThan(10);
});

it('the same delivery twice in one batch is one event, and both senders are told so', async () => {
	const [first, second] = await Promise.all([
		recorder.record(account, [aDraft('twin')]),
		recorder.record(account, [aDraft('twin')])
	]);
	expect([first[0]?.outcome, second[0]?.outcome]).toEqual(['recorded', 'duplicate']);
	expect(second[0]?.event_id).toBe(first[0]?.event_id);
	expect(await stored(['twin'])).toEqual(['twin']);
});

it('an arrival that the database refuses is refused whole, and harms no other', async () => {
	// A date that the bus lets through and PostgreSQL does not know.
	const poison = aDraft('poison', { occurred_at: '2026-02-28T23:59:59Z' });
	const beyond = { ...poison, occurred_at: 'not a date' };
	const results = await Promise.allSettled([
		recorder.record(account, [aDraft('before')]),
		recorder.record(account, [aDraft('with-poison'), beyond]),
		recorder.record(account, [aDraft('after')])
	]);
	expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
	expect(results[1]).toMatchObject({ reason: { code: 'invalid_input' } });
	expect(await stored(['before', 'with-poison', 'poison', 'after'])).toEqual(['before', 'after']);
});

it('accounts do not share numbers or batches', async () => {
	const other = (await createAccount(db.sql, 'Other', randomUUID(), {})).account_id;
	const [mine, theirs] = await Promise.all([
		recorder.record(account, [aDraft('mine')]),
		recorder.record(other, [aDraft('theirs')])
	]);
	expect(theirs[0]?.seq).toBe(1);
	expect(mine[0]?.seq).toBeGreaterThan(1);
});

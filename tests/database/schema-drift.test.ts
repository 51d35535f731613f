/** The committed schema.sql, and the lists that SQL and TypeScript both hold. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { permissions, rolePermissions, roles } from '../../src/lib/bus/permission.ts';
import { deriveEventStatus, playStatuses, mayBecome } from '../../src/lib/bus/status.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';
import { dumpSchema } from './schema.ts';

let db: TestDatabase;
beforeAll(async () => {
	db = await testDatabase();
});
afterAll(() => db?.close());

test('schema.sql is what the migrations make (else: npm run gen)', async () => {
	const committed = readFileSync(join(import.meta.dirname, '../../supabase/schema.sql'), 'utf8');
	expect(await dumpSchema(db.sql)).toBe(committed);
});

test('SQL and the bus hold the same permissions and roles', async () => {
	const rows = await db.sql<{ role: string; permissions: string[] }[]>`
		select role, array_agg(permission order by permission) as permissions
		from app.role_permissions group by role`;
	expect(Object.fromEntries(rows.map((row) => [row.role, row.permissions]))).toEqual(
		Object.fromEntries(roles.map((role) => [role, [...rolePermissions[role]].sort()]))
	);
	const [known] = await db.sql<{ names: string[] }[]>`
		select array_agg(name order by name) as names from app.permissions`;
	expect(known?.names).toEqual([...permissions].sort());
});

test('SQL and the bus allow the same moves of a play', async () => {
	const pairs = playStatuses.flatMap((from) => playStatuses.map((to) => ({ from, to })));
	const rows = await db.sql<{ from: string; to: string; may: boolean }[]>`
		select p."from", p."to", app.may_become(p."from", p."to") as may
		from jsonb_to_recordset(${db.sql.json(pairs)}) as p ("from" text, "to" text)`;
	expect(rows.map(({ from, to, may }) => `${from} ${to} ${may}`)).toEqual(
		pairs.map(({ from, to }) => `${from} ${to} ${mayBecome(from, to)}`)
	);
});

test('SQL and the bus derive the same event status from its plays', async () => {
	const sets = playStatuses.flatMap((one) => [[one], ...playStatuses.map((two) => [one, two])]);
	for (const statuses of [[], ...sets]) {
		const [row] = await db.sql<{ status: string }[]>`
			select app.derive_event_status(${statuses}::text[]) as status`;
		expect([statuses, row?.status]).toEqual([statuses, deriveEventStatus(statuses)]);
	}
});

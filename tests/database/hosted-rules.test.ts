/**
 * Hosted Supabase's rules, without a hosted project: the migrations are applied by a role that is
 * no superuser, owns nothing in auth and realtime, and may make policies on realtime.messages only
 * as a member of its owner. And a list of what no migration may say.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../../src/lib/server/backend/database.ts';
import { readBootstrap, readMigrations } from '../../src/lib/server/backend/files.ts';
import { migrate } from '../../src/lib/server/backend/migrate.ts';
import { createLog } from '../../src/lib/server/log.ts';
import type { Database } from '../../src/lib/server/backend/index.ts';
import { createDatabase } from '../harness/cluster.ts';

const log = createLog({ level: 'error' });
const role = `hosted_${randomBytes(4).toString('hex')}`;

let admin: Database;
let hosted: Database;
let url: string;
let drop: () => Promise<void>;

beforeAll(async () => {
	const made = await createDatabase(inject('cluster'));
	drop = made.drop;
	admin = openDatabase(made.url, log);
	const address = new URL(made.url);
	const database = decodeURIComponent(address.pathname.slice(1));
	const password =
		address.password === '' ? '' : ` password '${decodeURIComponent(address.password)}'`;
	address.username = role;
	url = address.href;
	await admin.sql.unsafe(readBootstrap()).simple();
	await admin.sql
		.unsafe(
			`create role ${role} login nosuperuser createrole bypassrls${password};
			grant anon, authenticated, service_role, supabase_realtime_admin to ${role};
			grant create on database ${database} to ${role};
			grant create, usage on schema extensions to ${role};
			-- As hosted has it: no columns, index or trigger of ours, and another owner.
			drop trigger announce_messages on realtime.messages;
			alter table realtime.messages drop column txid, drop column n;
			alter schema realtime owner to supabase_realtime_admin;
			revoke create on schema realtime from supabase_realtime_admin;
			alter table realtime.messages owner to supabase_realtime_admin;
			grant usage on schema realtime, auth to ${role};`
		)
		.simple();
	hosted = openDatabase(url, log);
});

afterAll(async () => {
	await hosted?.close();
	await admin?.close();
	await drop?.();
	const cleaner = openDatabase(inject('cluster').url, log);
	await cleaner.sql.unsafe(`drop role if exists ${role}`);
	await cleaner.close();
});

describe('applied as hosted applies them', () => {
	test('the role may not create in realtime and auth', async () => {
		for (const schema of ['realtime', 'auth'])
			await expect(
				hosted.sql.unsafe(`create function ${schema}.x() returns int language sql as 'select 1'`)
			).rejects.toThrow('permission denied');
	});

	test('every migration passes', async () => {
		const applied = await migrate({ url, supabase: true, log });
		expect(applied).toEqual(readMigrations().map(({ version }) => version));
	});

	test('and what they made works: an event is stored, told and judged', async () => {
		const user_id = '6f1c3b5e-0000-4000-8000-000000000001';
		const [made] = await hosted.sql<{ account: { account_id: string } }[]>`
			select app.create_account('Hosted', ${user_id}, '{}') as account`;
		const account_id = made?.account.account_id ?? '';
		const draft = {
			event_type: 'twitch:follower',
			class: 'animated',
			platform: 'twitch',
			transport_key: '1',
			data: {}
		};
		await hosted.sql`select app.record_events(${account_id}, ${hosted.sql.json([draft])})`;
		const told = await hosted.sql<{ topic: string }[]>`select topic from realtime.messages`;
		expect(told).toHaveLength(2);
		const as = (sub: string) =>
			hosted.as(
				{ sub, role: 'authenticated', aud: 'authenticated', kind: 'member' },
				async (sql) => {
					await sql`select set_config('realtime.topic', ${`account:${account_id}`}, true)`;
					return (await sql`select 1 from realtime.messages`).length;
				}
			);
		expect(await as(user_id)).toBe(2);
		expect(await as('6f1c3b5e-0000-4000-8000-000000000002')).toBe(0);
	});
});

/** What no migration may say, and why. */
const banned: Record<string, RegExp> = {
	'creates in a schema of Supabase':
		/\b(create|alter)\s+(or\s+replace\s+)?(table|function|view|materialized\s+view|index|type|sequence|trigger|schema)\s+(if\s+not\s+exists\s+)?(auth|storage|realtime)\b/,
	'an index on a table of Supabase':
		/\bcreate\s+(unique\s+)?index\b[^;]*\bon\s+(auth|storage|realtime)\./,
	'needs a superuser':
		/\b(superuser|alter\s+system|event\s+trigger|session_replication_role|set\s+session\s+authorization|pg_read_file|pg_ls_dir)\b|\bcopy\b[^;]*\bprogram\b|\blanguage\s+(c|plpython3u)\b/,
	'changes roles': /\b(create|alter|drop)\s+(role|user)\b/,
	'an extension outside schema extensions':
		/\bcreate\s+extension\b(?![^;]*with\s+schema\s+extensions)/,
	'what not every server has':
		/\b(cron|net|vault|pgmq|pgsodium)\.|\bcreate\s+publication\b|replication_slot/,
	'newer than PostgreSQL 15':
		/\b(uuidv7|uuidv4|any_value|json_table|json_exists|json_query|json_value|random_normal|merge_action|array_sample)\s*\(|\breturning\s+(with\s*\(|old\.|new\.)|\bvirtual\b/,
	'cannot run in a transaction': /\bconcurrently\b|\bvacuum\b/,
	'gives to everyone': /\bgrant\b[^;]*\bto\s+([^;]*,\s*)?(public|anon)\b/,
	'keywords in capitals': /\b(SELECT|INSERT|UPDATE|DELETE|CREATE|FROM|WHERE|BEGIN|END)\b/
};

describe.each(
	readMigrations().map(({ version, name, text }) => ({ file: `${version}_${name}`, text }))
)('$file', ({ text }) => {
	// Comments and messages may name what statements may not.
	const statements = text.replace(/--.*$/gm, '').replace(/'(?:[^']|'')*'/g, "''");

	test.each(Object.entries(banned))('has nothing that %s', (_why, pattern) => {
		expect(pattern.exec(statements)?.[0] ?? null).toBeNull();
	});

	test('takes execute from public before giving it by name', () => {
		const makes = /\bcreate\s+(or\s+replace\s+)?function\b/.test(statements);
		const revokes =
			/\brevoke\s+execute\s+on\s+all\s+functions\s+in\s+schema\s+app\s+from\s+public\b/.test(
				statements
			);
		expect(revokes || !makes).toBe(true);
	});
});

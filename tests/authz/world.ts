/**
 * Two accounts with one of everything, the subjects of `subjects.ts`, and attempts that are undone:
 * what a request writes as its principal is rolled back once it was judged, so that ten thousand
 * attempts begin from the same rows.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { claimsOf, type Principal } from '../../src/lib/server/actions/principal.ts';
import type { Claims, Database, Sql, TransactionSql } from '../../src/lib/server/backend/index.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { starterDocument } from '../../src/lib/overlay/starter.ts';
import type { Services } from '../../src/lib/server/services.ts';
import {
	insertKey,
	makeSession,
	makeSubjects,
	type People,
	type Place,
	type Side,
	type Subject
} from './subjects.ts';

export const objectKinds = [
	...([
		'event',
		'play',
		'overlay',
		'key',
		'overlay key',
		'pairing',
		'member',
		'invitation'
	] as const),
	...(['connection', 'viewer', 'authorization', 'session', 'account', 'template'] as const)
] as const;
export type ObjectKind = (typeof objectKinds)[number];

/** Of whom the object is that a request names. */
export const states = ['own', 'foreign', 'missing', 'deleted'] as const;
export type State = (typeof states)[number];

const Touched = z.array(z.tuple([z.string(), z.string()]));
export type Touched = z.infer<typeof Touched>;
const Attempt = z.object({ state: z.string(), value: z.string().nullable(), touched: Touched });
export type Attempt = z.infer<typeof Attempt>;

export interface World {
	subjects: readonly Subject[];
	places: Readonly<Record<Side, Place>>;
	/** The id of an object as the subject sees it. */
	idOf(kind: ObjectKind, subject: Subject, state: State): Promise<string>;
	/** Services that undo what they write as a principal, and note it in `touched`. */
	services: Services;
	touched: Touched;
	/** A statement as somebody, undone. */
	attempt(subject: Subject, statement: string): Promise<Attempt>;
	/** What differs from the beginning although everything is undone: nothing, or an escape. */
	escaped(): Promise<string[]>;
}

class Undone<T> extends Error {
	readonly answer: T;
	constructor(answer: T) {
		super('undone on purpose');
		this.answer = answer;
	}
}

/** Makes the world in a fresh database with running services. */
export async function makeWorld(services: Services): Promise<World> {
	const { database } = services;
	const { sql } = database;
	// Its clockwork would write, too: above all it sweeps up the keys that have ended.
	await services.scheduler.stop();
	await sql.unsafe(
		`create or replace function app.end_due_keys(p_now timestamptz default clock_timestamp())
		returns integer language sql set search_path = '' as 'select 0'`
	);
	const people: People = {
		...{ owner: randomUUID(), administrator: randomUUID(), moderator: randomUUID() },
		...{ both: randomUUID(), stranger: randomUUID(), removed: randomUUID(), nobody: randomUUID() }
	};
	for (const id of Object.values(people)) await makeUser(sql, id);
	const places = {
		mine: await makePlace(sql, 'Mine', people.owner),
		theirs: await makePlace(sql, 'Theirs', people.stranger)
	};
	const join = (place: Place, user_id: string, role: string) => sql`
		insert into app.members (account_id, user_id, role) values (${place.account_id}, ${user_id}, ${role})`;
	await join(places.mine, people.administrator, 'administrator');
	await join(places.mine, people.moderator, 'moderator');
	await join(places.mine, people.both, 'moderator');
	await join(places.theirs, people.both, 'owner');
	// Tasks are the matter of the account that was made first.
	await sql`update app.accounts set created_at = '2020-01-01' where id = ${places.mine.account_id}`;
	// The last owner cannot leave; each account has another.
	for (const place of Object.values(places)) {
		const second = randomUUID();
		await makeUser(sql, second);
		await join(place, second, 'owner');
	}
	const subjects = await makeSubjects(sql, places.mine, places.theirs, people);
	const objects = {
		mine: await makeObjects(sql, places.mine, people.owner),
		theirs: await makeObjects(sql, places.theirs, people.stranger)
	};
	const gone = {
		mine: await makeObjects(sql, places.mine, people.owner),
		theirs: await makeObjects(sql, places.theirs, people.stranger)
	};
	for (const side of [gone.mine, gone.theirs])
		for (const kind of objectKinds)
			if (kind !== 'account') await removeObject(sql, kind, side[kind]);
	const consents = new Map<string, string>();
	const lent: string[] = [];
	for (const { name, principal, home } of subjects)
		if (principal.kind !== 'anonymous')
			consents.set(name, await makeConsent(sql, places[home].account_id, principal));

	await sql.unsafe(readFileSync(new URL('./probe.sql', import.meta.url), 'utf8')).simple();
	await sql`create table authz.names as select id, name from app.accounts`;
	await sql`grant select on authz.names to authenticated`;
	await sql`
		insert into app.tasks (name, title, interval_s, next_run_at)
		values ('a_task', 'A task', 3600, now() + interval '1 day') on conflict do nothing`;
	await sql`insert into authz.before select authz.state()`;

	const touched: Touched = [];
	const as = async <T>(claims: Claims, run: (sql: TransactionSql) => Promise<T>): Promise<T> => {
		try {
			return await database.as(claims, async (sql): Promise<T> => {
				const answer = await run(sql);
				await sql`select set_config('role', 'none', true)`;
				const [row] = await sql`select authz.touched() as touched`;
				touched.push(...Touched.parse(row?.touched));
				throw new Undone(answer);
			});
		} catch (thrown) {
			if (thrown instanceof Undone) return thrown.answer;
			throw thrown;
		}
	};
	const undoing: Database = { ...database, as };
	const other = { mine: 'theirs', theirs: 'mine' } as const;

	return {
		...{ subjects, places, touched },
		services: { ...services, database: undoing },
		async idOf(kind, { name, home, principal }, state) {
			if (state === 'missing') return randomUUID();
			// An account that is deleted leaves no other trace than one that never was.
			if (state === 'deleted') return kind === 'account' ? randomUUID() : gone[home][kind];
			if (state === 'foreign') return objects[other[home]][kind];
			if (kind === 'authorization') return consents.get(name) ?? objects[home][kind];
			if (kind !== 'session' || principal.kind !== 'member') return objects[home][kind];
			const session = randomUUID();
			await makeSession(sql, principal.user_id, session);
			lent.push(session);
			return session;
		},
		async attempt({ principal }, statement) {
			const claims = claimsOf(principal);
			const [row] = await sql`
				select authz.attempt(${claims === null ? 'anon' : 'authenticated'},
					${sql.json({ ...(claims ?? { role: 'anon' }) })}, ${statement}) as answer`;
			return Attempt.parse(row?.answer);
		},
		async escaped() {
			await sql`delete from identity."session" where id = any (${lent.splice(0)}::uuid[])`;
			const rows = await sql<{ name: string; owner: string }[]>`
				select t.name, k.owner
				from (select authz.state() as now, b.state as before from authz.before b) s
				cross join lateral jsonb_object_keys(s.now || s.before) as t (name)
				cross join lateral jsonb_object_keys(
					coalesce(s.now -> t.name, '{}') || coalesce(s.before -> t.name, '{}')) as k (owner)
				where (s.now -> t.name -> k.owner) is distinct from (s.before -> t.name -> k.owner)`;
			// What escaped once is told once.
			if (rows.length > 0) await sql`update authz.before set state = authz.state()`;
			return rows.map(({ name, owner }) => `${name} of ${owner}`);
		}
	};
}

const makeUser = (sql: Sql, id: string) => sql`
	insert into identity."user" (id, name, email, "emailVerified")
	values (${id}, 'Somebody', ${`${id}@example.com`}, true)`;

async function makePlace(sql: Sql, name: string, owner: string): Promise<Place> {
	const document = z.json().parse(starterDocument());
	const made = await createAccount(sql, name, owner, document);
	const other_overlay_id = randomUUID();
	await sql`
		insert into app.overlays (id, account_id, name, document, revision, created_at, updated_at)
		select ${other_overlay_id}, account_id, 'Second', document, revision, created_at, updated_at
		from app.overlays where id = ${made.overlay_id}`;
	await sql`
		insert into app.overlay_queues (overlay_id, account_id)
		values (${other_overlay_id}, ${made.account_id})`;
	return { ...made, other_overlay_id };
}

type Objects = Record<ObjectKind, string>;

/** One of everything in an account; the overlay that is deleted later is one of its own. */
async function makeObjects(sql: Sql, place: Place, by: string): Promise<Objects> {
	const { account_id } = place;
	const fresh = () => randomUUID();
	const drafts = [
		{
			...{
				event_type: 'custom:word',
				class: 'animated',
				platform: 'custom',
				data: { word: 'secret' }
			},
			...{ transport_key: fresh(), origin: 'live' }
		}
	];
	const [recorded] = await sql<{ id: string }[]>`
		select app.record_events(${account_id}, ${sql.json(drafts)}) -> 0 ->> 'event_id' as id`;
	const event = recorded?.id ?? '';
	const [play] = await sql<{ id: string }[]>`
		select id from app.plays where event_id = ${event} and overlay_id = ${place.overlay_id}`;
	const ids = { overlay: fresh(), pairing: fresh(), member: fresh(), invitation: fresh() };
	const more = { connection: fresh(), viewer: fresh(), authorization: fresh(), session: fresh() };
	const template = fresh();
	await sql`
		insert into app.overlays (id, account_id, name, document, revision, created_at, updated_at)
		select ${ids.overlay}, account_id, 'Third', document, revision, created_at, updated_at
		from app.overlays where id = ${place.overlay_id}`;
	await sql`insert into app.overlay_queues (overlay_id, account_id) values (${ids.overlay}, ${account_id})`;
	const key = { account_id, by, overlay_id: null, revoked: false, ended: false };
	await sql`
		insert into app.pairings (id, account_id, permissions, code_hash, created_by, created_at, expires_at)
		values (${ids.pairing}, ${account_id}, '{events:read}', sha256(${ids.pairing}::text::bytea), ${by},
			now(), now() + interval '1 hour')`;
	await makeUser(sql, ids.member);
	await sql`insert into app.members (account_id, user_id, role) values (${account_id}, ${ids.member}, 'moderator')`;
	await sql`
		insert into app.invitations (id, account_id, role, token_hash, created_by, created_at, expires_at)
		values (${ids.invitation}, ${account_id}, 'moderator', sha256(${ids.invitation}::text::bytea), ${by},
			now(), now() + interval '1 day')`;
	await sql`
		insert into app.platform_connections (id, account_id, platform, channel_id, mode, created_at, updated_at)
		values (${more.connection}, ${account_id}, 'twitch', ${more.connection}, 'relay', now(), now())`;
	await sql`
		insert into app.viewers (id, account_id, platform, platform_user_id, login, name, named_at,
			first_seen_at, last_seen_at)
		values (${more.viewer}, ${account_id}, 'twitch', ${more.viewer}, 'mara', 'Mara', now(), now(), now())`;
	await sql`
		insert into app.event_templates (id, account_id, name, event_type, created_at, updated_at)
		values (${template}, ${account_id}, ${template}, 'custom:word', now(), now())`;
	await sql`
		insert into app.event_types (account_id, type, title, class, priority, created_at, updated_at)
		values (${account_id}, 'custom:kind', 'Kind', 'animated', 'normal', now(), now())
		on conflict do nothing`;
	await makeSession(sql, by, more.session);
	await insertConsent(sql, more.authorization, account_id, 'member', by);
	return {
		...{ event, play: play?.id ?? '', account: account_id, template, ...ids, ...more },
		key: await insertKey(sql, { ...key, kind: 'api', given: ['events:read'] }),
		'overlay key': await insertKey(sql, {
			...{ ...key, overlay_id: place.overlay_id, kind: 'overlay', given: [] }
		})
	};
}

const tables: Readonly<Record<Exclude<ObjectKind, 'account'>, string>> = {
	event: 'app.platform_events',
	play: 'app.plays',
	overlay: 'app.overlays',
	key: 'app.keys',
	'overlay key': 'app.keys',
	pairing: 'app.pairings',
	member: 'app.members',
	invitation: 'app.invitations',
	connection: 'app.platform_connections',
	viewer: 'app.viewers',
	authorization: 'app.pending_authorizations',
	session: 'identity."session"',
	template: 'app.event_templates'
};

const removeObject = (sql: Sql, kind: Exclude<ObjectKind, 'account'>, id: string) =>
	sql.unsafe(`delete from ${tables[kind]} where ${kind === 'member' ? 'user_id' : 'id'} = '${id}'`);

async function makeConsent(sql: Sql, account_id: string, principal: Principal): Promise<string> {
	const id = randomUUID();
	const { sub = id } = claimsOf(principal) ?? {};
	await insertConsent(sql, id, account_id, principal.kind, sub);
	return id;
}

const insertConsent = (
	sql: Sql,
	id: string,
	account_id: string,
	kind: string,
	actor: string
) => sql`
	insert into app.pending_authorizations (id, account_id, actor_kind, actor_id, platform, flow, groups,
		scopes, client_id, state_hash, created_at, expires_at, used_at)
	values (${id}, ${account_id}, ${kind}, ${actor}, 'twitch', 'code', '{}', '{}', 'client',
		-- Too old to count against those that may wait; what is given is taken all the same.
		sha256(${id}::text::bytea), now() - interval '1 hour', now() - interval '1 minute', now())`;

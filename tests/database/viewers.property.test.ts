/** What platforms tell of viewers comes late, twice and in any order: the same facts, the same tables. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

let db: TestDatabase;
beforeAll(async () => {
	db = await testDatabase();
});
afterAll(() => db?.close());

const START = Date.parse('2030-01-01T00:00:00Z');
/** Few people and few minutes: facts touch each other, and some fall into one instant. */
const person = fc.constantFrom('ann', 'bo', 'cy').map((login) => ({
	...{ id: `1${login}`, login, picture: null },
	name: login.toUpperCase()
}));
const minute = fc.constantFrom(0, 1, 9, 11, 30);
const tier = fc.constantFrom(1, 2, null);

const fact = fc.oneof(
	...[
		'follower',
		'unfollower',
		'moderator_add',
		'moderator_remove',
		'vip_add',
		'vip_remove',
		'cheer'
	]
		.concat('subscription_end')
		.map((type) =>
			fc.record({ type: fc.constant(type), minute, data: fc.record({ user: person }) })
		),
	fc.record({
		type: fc.constant('subscribe'),
		minute,
		data: fc.record({
			user: person,
			tier,
			is_gift: fc.boolean(),
			gifter: fc.option(person)
		})
	}),
	fc.record({
		type: fc.constantFrom('resub', 'sub_upgrade'),
		minute,
		data: fc.record({ user: person, tier })
	}),
	fc.record({
		type: fc.constant('gift_sub'),
		minute,
		data: fc.record({
			user: fc.option(person),
			tier,
			recipients: fc.array(person, { maxLength: 3 })
		})
	})
);
type Fact = typeof fact extends fc.Arbitrary<infer T> ? T : never;

const newAccount = async (): Promise<string> => {
	const [row] = await db.sql<{ id: string }[]>`
		insert into app.accounts (name) values ('Property') returning id`;
	if (row === undefined) throw new Error('No account was made.');
	return row.id;
};

async function record(account: string, facts: readonly Fact[], batch: number): Promise<void> {
	for (let first = 0; first < facts.length; first += batch) {
		const drafts = facts.slice(first, first + batch).map(({ type, minute, data }) => ({
			...{ event_type: `twitch:${type}`, class: 'data', platform: 'twitch', data },
			occurred_at: new Date(START + minute * 60_000).toISOString()
		}));
		await db.sql`select app.record_events(${account}, ${db.sql.json(drafts)})`;
	}
}

/** All of an account's records without the ids that chance gave. */
const tables = (account: string) => db.sql`
	select v.platform_user_id, v.login, v.name, v.first_seen_at, v.last_seen_at,
		(select jsonb_agg(jsonb_build_array(h.action, h.at) order by h.at, h.action)
			from app.follower_history h where h.viewer_id = v.id) as follows,
		(select f.followed_at from app.current_followers f where f.viewer_id = v.id) as followed_at,
		(select jsonb_agg(jsonb_build_array(s.started_at, s.ended_at, s.tier, s.is_gift, g.login) order by s.started_at)
			from app.viewer_subscriptions s left join app.viewers g on g.id = s.gifter_id
			where s.viewer_id = v.id) as subscriptions,
		(select jsonb_agg(jsonb_build_array(r.role, r.granted_at, r.revoked_at) order by r.role, r.granted_at)
			from app.viewer_roles r where r.viewer_id = v.id) as roles
	from app.viewers v where v.account_id = ${account} order by v.platform_user_id`;

it('any order and repetition of the same facts makes the same tables', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fact, { minLength: 1, maxLength: 14 }).chain((facts) =>
				fc.record({
					facts: fc.constant(facts),
					// Each fact at least once, some again, in any order.
					told: fc.array(fc.constantFrom(...facts), { maxLength: 6 }).chain((again) =>
						fc.shuffledSubarray([...facts, ...again], {
							minLength: facts.length + again.length
						})
					),
					batch: fc.integer({ min: 1, max: 5 })
				})
			),
			async ({ facts, told, batch }) => {
				const [one, other] = [await newAccount(), await newAccount()];
				await record(one, facts, facts.length);
				await record(other, told, batch);
				expect(await tables(other)).toEqual(await tables(one));
			}
		),
		{ numRuns: 50 }
	);
});

it('periods never overlap, and only the last may be open', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(fact, { minLength: 1, maxLength: 20 }), async (facts) => {
			const account = await newAccount();
			await record(account, facts, 7);
			const overlaps = await db.sql`
				with period as (
					select viewer_id, 'subscription' as kind, started_at as begin, ended_at as "end"
					from app.viewer_subscriptions where account_id = ${account}
					union all
					select viewer_id, role, granted_at, revoked_at from app.viewer_roles where account_id = ${account}
				),
				neighbours as (
					select p.*, lead(p.begin) over (partition by p.viewer_id, p.kind order by p.begin) as next
					from period p
				)
				select * from neighbours n
				where n."end" < n.begin or (n.next is not null and (n."end" is null or n."end" > n.next))`;
			expect(overlaps).toEqual([]);
		}),
		{ numRuns: 30 }
	);
});

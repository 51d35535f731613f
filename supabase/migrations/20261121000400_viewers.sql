-- Viewers: who follows, subscribes, moderates, as far as platforms told. Kept up to date by the
-- events themselves, in the transaction that records them.
--
-- What platforms tell comes late, twice and in any order, so nothing here depends on the order of
-- arrival: what was told is kept as facts, each with the time at which it happened, and the tables
-- that people read are made from all facts of a viewer. The same facts make the same tables.
--
-- Only what platforms told (origin live or poll) has an effect: a test, a button of a moderator and
-- a replay change nothing here.

-- What an event does beside being shown, by its type. Data, so that no function names a platform.
create table app.event_handlers (
  event_type text primary key check (event_type ~ '^[a-z][a-z0-9_]*:[a-z][a-z0-9_]*$'),
  handler text not null check (handler ~ '^[a-z][a-z0-9_]*$')
);
alter table app.event_handlers enable row level security;
-- No policy and no grant.
alter table app.event_handlers force row level security;

-- `seen`: no more than that the viewer did something.
insert into app.event_handlers (event_type, handler)
values ('twitch:follower', 'follow'), ('twitch:unfollower', 'unfollow'), ('twitch:unfollow', 'unfollow'),
  ('twitch:subscribe', 'subscribe'), ('twitch:subscription_end', 'unsubscribe'),
  ('twitch:gift_sub', 'gift'), ('twitch:resub', 'renew'), ('twitch:sub_upgrade', 'upgrade'),
  ('twitch:moderator_add', 'moderator_add'), ('twitch:moderator_remove', 'moderator_remove'),
  ('twitch:vip_add', 'vip_add'), ('twitch:vip_remove', 'vip_remove'),
  ('twitch:cheer', 'seen'), ('twitch:power_up', 'seen'), ('twitch:raid', 'seen'),
  ('twitch:charity_donation', 'seen'), ('twitch:reward', 'seen'), ('twitch:automatic_reward', 'seen'),
  ('twitch:ban', 'seen'), ('twitch:unban', 'seen');

create table app.viewers (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  platform text not null,
  platform_user_id text not null check (char_length(platform_user_id) between 1 and 200),
  login text not null,
  name text not null,
  -- When the names were told; older ones do not replace them.
  named_at timestamptz not null,
  picture text,
  picture_at timestamptz,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (account_id, platform, platform_user_id)
);
-- None for the search by name: it would be written with every event of a viewer, to spare a rare
-- reader some milliseconds.
create index viewers_seen on app.viewers (account_id, last_seen_at desc, id desc);
alter table app.viewers enable row level security;
alter table app.viewers force row level security;

-- What was told of a viewer's subscriptions and roles.
create table app.viewer_facts (
  viewer_id uuid not null references app.viewers (id) on delete cascade,
  kind text not null check (kind in ('subscribe', 'renew', 'unsubscribe',
    'moderator_add', 'moderator_remove', 'vip_add', 'vip_remove')),
  at timestamptz not null,
  -- {tier, is_gift, gifter}: of subscriptions.
  detail jsonb not null,
  primary key (viewer_id, kind, at)
);
alter table app.viewer_facts enable row level security;
-- No policy and no grant: the tables made from it can be read.
alter table app.viewer_facts force row level security;

-- Which events a viewer made; platform_events has no index by viewer, as most events need none.
create table app.viewer_events (
  viewer_id uuid not null references app.viewers (id) on delete cascade,
  -- No foreign key: old partitions of events are dropped whole.
  event_id uuid not null,
  event_created_at timestamptz not null,
  event_type text not null,
  seq bigint not null,
  primary key (viewer_id, seq)
);
alter table app.viewer_events enable row level security;
-- No policy and no grant.
alter table app.viewer_events force row level security;

create table app.follower_history (
  viewer_id uuid not null references app.viewers (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  action text not null check (action in ('follow', 'unfollow')),
  at timestamptz not null,
  primary key (viewer_id, at, action)
);
create index follower_history_account on app.follower_history (account_id, at desc);
alter table app.follower_history enable row level security;
alter table app.follower_history force row level security;

-- One row for each time that a viewer was subscribed; ended_at null: still is. One that changes
-- (another tier, paid by somebody else) ends, and another begins.
create table app.viewer_subscriptions (
  viewer_id uuid not null references app.viewers (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  started_at timestamptz not null,
  ended_at timestamptz,
  -- 1, 2 or 3; null: the platform did not say, or has no tiers.
  tier smallint,
  is_gift boolean not null,
  -- Null: nobody, or somebody unnamed.
  gifter_id uuid references app.viewers (id) on delete set null,
  primary key (viewer_id, started_at)
);
create index viewer_subscriptions_account on app.viewer_subscriptions (account_id);
create index viewer_subscriptions_gifter on app.viewer_subscriptions (gifter_id);
alter table app.viewer_subscriptions enable row level security;
alter table app.viewer_subscriptions force row level security;

-- One row for each time that a viewer had a role; revoked_at null: still has.
create table app.viewer_roles (
  viewer_id uuid not null references app.viewers (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  role text not null check (role in ('moderator', 'vip')),
  granted_at timestamptz not null,
  revoked_at timestamptz,
  primary key (viewer_id, role, granted_at)
);
create index viewer_roles_account on app.viewer_roles (account_id, role);
alter table app.viewer_roles enable row level security;
alter table app.viewer_roles force row level security;

create policy "Viewers can be read by who may read who did what" on app.viewers
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:userinfo'))::uuid[]));
create policy "Follows can be read by who may read who did what" on app.follower_history
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:userinfo'))::uuid[]));
create policy "Subscriptions can be read by who may read who did what" on app.viewer_subscriptions
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:userinfo'))::uuid[]));
create policy "Roles can be read by who may read who did what" on app.viewer_roles
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:userinfo'))::uuid[]));

-- Who follows now: whose last word was a follow.
create view app.current_followers with (security_invoker = true) as
select v.account_id, v.id as viewer_id, v.platform, v.platform_user_id, v.login, v.name, last.at as followed_at
from app.viewers v
cross join lateral (
  select h.action, h.at
  from app.follower_history h
  where h.viewer_id = v.id
  -- Both in one instant: the unfollow is believed.
  order by h.at desc, h.action desc
  limit 1
) last
where last.action = 'follow';

grant select on app.viewers, app.follower_history, app.viewer_subscriptions, app.viewer_roles,
  app.current_followers to authenticated;

-- From facts to tables -------------------------------------------------------------------------

-- Internal: makes the subscriptions of these viewers from all that was told.
-- An end closes what began before it. Between two ends the first fact begins a subscription, and so
-- does each `subscribe` after it; a `renew` only says that it goes on. A gift is told twice, with the
-- bomb it belongs to and with its recipient: gifts within ten minutes of each other are one.
create function app.derive_subscriptions(p_viewers uuid[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from app.viewer_subscriptions s where s.viewer_id = any (p_viewers);
  with fact as (
    select f.viewer_id, f.kind, f.at, f.detail,
      (f.detail ->> 'is_gift')::boolean as is_gift,
      count(*) filter (where f.kind = 'unsubscribe') over line as ends_before,
      -- In one instant: the end of the old, then the new.
      row_number() over line as place
    from app.viewer_facts f
    where f.viewer_id = any (p_viewers) and f.kind in ('subscribe', 'renew', 'unsubscribe')
    window line as (partition by f.viewer_id
      order by f.at, case f.kind when 'unsubscribe' then 0 when 'subscribe' then 1 else 2 end)
  ),
  step as (
    select f.*,
      case when lag(f.place) over spell is null then 1
        when f.kind = 'renew' then 0
        when f.is_gift and lag(f.is_gift) over spell and lag(f.kind) over spell = 'subscribe'
          and f.at - lag(f.at) over spell < interval '10 minutes' then 0
        else 1 end as begins
    from fact f
    where f.kind <> 'unsubscribe'
    window spell as (partition by f.viewer_id, f.ends_before order by f.place)
  ),
  numbered as (
    select s.*, sum(s.begins) over (partition by s.viewer_id, s.ends_before order by s.place) as number
    from step s
  ),
  period as (
    select n.viewer_id, n.ends_before, min(n.at) as started_at,
      (array_agg(n.detail -> 'tier' order by n.place desc)
        filter (where jsonb_typeof(n.detail -> 'tier') = 'number'))[1] as tier,
      (array_agg(n.is_gift order by n.place desc) filter (where n.is_gift is not null))[1] as is_gift,
      (array_agg(n.detail ->> 'gifter' order by n.place)
        filter (where n.detail ->> 'gifter' is not null))[1] as gifter
    from numbered n
    group by n.viewer_id, n.ends_before, n.number
  ),
  ending as (
    select f.viewer_id, f.ends_before - 1 as closes, f.at from fact f where f.kind = 'unsubscribe'
  )
  insert into app.viewer_subscriptions (viewer_id, account_id, started_at, ended_at, tier, is_gift, gifter_id)
  select p.viewer_id, v.account_id, p.started_at,
    coalesce(lead(p.started_at) over (partition by p.viewer_id, p.ends_before order by p.started_at), e.at),
    p.tier::smallint, coalesce(p.is_gift, false), g.id
  from period p
  join app.viewers v on v.id = p.viewer_id
  left join ending e on e.viewer_id = p.viewer_id and e.closes = p.ends_before
  -- Facts name the platform's id, so that they do not depend on which viewer came first.
  left join app.viewers g on g.account_id = v.account_id and g.platform = v.platform
    and g.platform_user_id = p.gifter;
end
$$;

-- Internal: the same for roles. A role lasts from the first grant after a revocation to the next
-- revocation; in one instant the revocation is believed.
create function app.derive_roles(p_viewers uuid[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from app.viewer_roles r where r.viewer_id = any (p_viewers);
  with fact as (
    select f.viewer_id, split_part(f.kind, '_', 1) as role, f.kind like '%\_remove' as is_end, f.at,
      count(*) filter (where f.kind like '%\_remove') over (
        partition by f.viewer_id, split_part(f.kind, '_', 1)
        order by f.at, case when f.kind like '%\_remove' then 1 else 0 end) as ends_before
    from app.viewer_facts f
    where f.viewer_id = any (p_viewers)
      and f.kind in ('moderator_add', 'moderator_remove', 'vip_add', 'vip_remove')
  )
  insert into app.viewer_roles (viewer_id, account_id, role, granted_at, revoked_at)
  select f.viewer_id, v.account_id, f.role, min(f.at), e.at
  from fact f
  join app.viewers v on v.id = f.viewer_id
  left join fact e on e.viewer_id = f.viewer_id and e.role = f.role and e.is_end
    and e.ends_before = f.ends_before + 1
  where not f.is_end
  group by f.viewer_id, v.account_id, f.role, f.ends_before, e.at;
end
$$;

-- Internal: what new events say of viewers. The caller holds the account's lock, so nobody else
-- changes them meanwhile.
create function app.note_viewers(
  p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- Of whom something new was told: of subscriptions, of roles.
  v_subscribers uuid[];
  v_bearers uuid[];
begin
  with told as materialized (
    -- Each event with a handler, and everybody it names: actor (1), gifter (2), recipients (3 …).
    select d.ord::integer as ord, d.event_type, h.handler, d.platform, n.place,
      coalesce(d.occurred_at, p_now) as at, d.data -> 'tier' as tier, d.data -> 'is_gift' as is_gift,
      case when h.handler = 'gift' then d.data #>> '{user,id}' else d.data #>> '{gifter,id}' end as gifter,
      n.person ->> 'id' as id,
      left(coalesce(n.person ->> 'login', ''), 200) as login,
      left(coalesce(n.person ->> 'name', n.person ->> 'login', n.person ->> 'id'), 200) as name,
      left(n.person ->> 'picture', 2000) as picture
    from rows from (jsonb_to_recordset(p_drafts) as (event_type text, platform text, origin text,
        data jsonb, occurred_at timestamptz))
      with ordinality as d (event_type, platform, origin, data, occurred_at, ord)
    join app.event_handlers h on h.event_type = d.event_type
    cross join lateral (
      select 1 as place, d.data -> 'user' as person
      union all
      select 2, d.data -> 'gifter'
      union all
      select 2 + r.place, r.person
      from jsonb_array_elements(case when jsonb_typeof(d.data -> 'recipients') = 'array'
        then d.data -> 'recipients' else '[]' end) with ordinality as r (person, place)
    ) n
    where coalesce(d.origin, 'live') in ('live', 'poll')
      and char_length(n.person ->> 'id') between 1 and 200
  ),
  person as (
    insert into app.viewers as v (account_id, platform, platform_user_id, login, name, named_at, picture,
      picture_at, first_seen_at, last_seen_at)
    select p_account, t.platform, t.id,
      (array_agg(t.login order by t.at desc, t.name desc, t.login desc))[1],
      (array_agg(t.name order by t.at desc, t.name desc, t.login desc))[1],
      max(t.at),
      (array_agg(t.picture order by t.at desc, t.picture desc) filter (where t.picture is not null))[1],
      max(t.at) filter (where t.picture is not null), min(t.at), max(t.at)
    from told t
    group by t.platform, t.id
    on conflict (account_id, platform, platform_user_id) do update
    set login = case when (excluded.named_at, excluded.name, excluded.login) > (v.named_at, v.name, v.login)
        then excluded.login else v.login end,
      name = case when (excluded.named_at, excluded.name, excluded.login) > (v.named_at, v.name, v.login)
        then excluded.name else v.name end,
      named_at = greatest(v.named_at, excluded.named_at),
      picture = case when v.picture_at is null or (excluded.picture_at, excluded.picture) > (v.picture_at, v.picture)
        then excluded.picture else v.picture end,
      picture_at = greatest(v.picture_at, excluded.picture_at),
      first_seen_at = least(v.first_seen_at, excluded.first_seen_at),
      last_seen_at = greatest(v.last_seen_at, excluded.last_seen_at)
    returning v.id, v.platform, v.platform_user_id
  ),
  named as materialized (
    select t.*, p.id as viewer_id
    from told t
    join person p on p.platform = t.platform and p.platform_user_id = t.id
  ),
  event as (
    insert into app.viewer_events (viewer_id, event_id, event_created_at, event_type, seq)
    select n.viewer_id, p_events[n.ord], p_now, n.event_type, p_first - 1 + n.ord
    from named n
    where n.place = 1
    on conflict do nothing
  ),
  follow as (
    insert into app.follower_history (viewer_id, account_id, action, at)
    select n.viewer_id, p_account, n.handler, n.at
    from named n
    where n.place = 1 and n.handler in ('follow', 'unfollow')
    on conflict do nothing
  ),
  fact as (
    select n.viewer_id,
      case n.handler when 'gift' then 'subscribe' when 'upgrade' then 'renew' else n.handler end as kind,
      n.at,
      case when n.handler in ('gift', 'subscribe', 'renew', 'upgrade') then jsonb_build_object(
        -- smallint's own limits: a number beyond them is no tier.
        'tier', case when jsonb_typeof(n.tier) = 'number' and n.tier::numeric between 0 and 1000
          then to_jsonb(trunc(n.tier::numeric)) end,
        'is_gift', case n.handler when 'gift' then true when 'upgrade' then false
          when 'subscribe' then coalesce(n.is_gift = 'true', false) end,
        'gifter', case when n.handler in ('gift', 'subscribe') then n.gifter end)
      else '{}' end as detail
    from named n
    where (n.handler = 'gift' and n.place > 2)
      or (n.place = 1 and n.handler in ('subscribe', 'renew', 'upgrade', 'unsubscribe',
        'moderator_add', 'moderator_remove', 'vip_add', 'vip_remove'))
  ),
  kept as (
    insert into app.viewer_facts as f (viewer_id, kind, at, detail)
    -- Told twice for one instant and differently: one of them, whichever came first.
    select n.viewer_id, n.kind, n.at, (array_agg(n.detail order by n.detail desc))[1]
    from fact n
    group by n.viewer_id, n.kind, n.at
    on conflict (viewer_id, kind, at) do update
    set detail = excluded.detail
    where excluded.detail > f.detail
    returning f.viewer_id, f.kind
  )
  select array_agg(distinct k.viewer_id) filter (where k.kind in ('subscribe', 'renew', 'unsubscribe')),
    array_agg(distinct k.viewer_id) filter (where k.kind not in ('subscribe', 'renew', 'unsubscribe'))
  into v_subscribers, v_bearers
  from kept k;
  if v_subscribers is not null then
    perform app.derive_subscriptions(v_subscribers);
  end if;
  if v_bearers is not null then
    perform app.derive_roles(v_bearers);
  end if;
end
$$;

-- Internal: hands new events to the handlers of their types.
create function app.handle_events(
  p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.note_viewers(p_account, p_drafts, p_events, p_first, p_now);
end
$$;

-- Recording -------------------------------------------------------------------------------------

-- Stores a batch of drafts (src/lib/bus/event.ts, Draft, already parsed), all or nothing. Answers
-- in their order [{index, outcome: 'recorded' | 'duplicate', event_id, seq, status}]; a duplicate
-- names the event that was first. For the trusted server only: it asks nobody's permission.
-- As before, and what is new is handed to the handlers of its types.
create or replace function app.record_events(
  p_account uuid, p_drafts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_count integer := jsonb_array_length(p_drafts);
  v_first bigint;
  v_epoch uuid;
  v_paused boolean;
  v_names integer;
  v_showable text[];
  v_types text[];
  -- The new ones, by position, and what they become.
  v_drafts jsonb := p_drafts;
  v_events uuid[];
  v_statuses text[];
  -- The duplicates: position, first event, its seq; or the position of the twin.
  v_known integer[] := '{}';
  v_known_events uuid[];
  v_known_seqs bigint[];
  v_twins integer[];
  v_overlays uuid[];
  v_live uuid[];
  v_behind uuid[];
  v_started uuid[];
begin
  if v_count = 0 then
    return '[]';
  end if;
  -- Before any lock, as making a partition waits for every writer. Two lookups in the catalog's
  -- cache when both are there.
  if to_regclass('app.platform_events_' || to_char(p_now at time zone 'UTC', 'YYYY_MM')) is null
    or to_regclass('app.platform_events_'
      || to_char((p_now at time zone 'UTC') + interval '1 month', 'YYYY_MM')) is null then
    perform app.ensure_event_partitions(p_now, 1);
  end if;

  -- The account's lock, and numbers for all drafts; those of duplicates are given back below.
  update app.accounts
  set next_seq = next_seq + v_count
  where id = p_account
  returning next_seq - v_count, epoch, paused_at is not null into v_first, v_epoch, v_paused;
  if not found then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;

  select count(d.transport_key) + count(d.business_key), array_agg(gen_random_uuid()),
    array_agg(distinct d.event_type) filter (where d.class in ('animated', 'alert')),
    array_agg(distinct d.event_type)
  into v_names, v_events, v_showable, v_types
  from jsonb_to_recordset(p_drafts)
    as d (event_type text, class text, transport_key text, business_key text);

  -- Nearly always all are new, so first as if they were.
  if v_names > 0 and app.remember_keys(p_account, p_drafts, v_events, v_first, p_now) < v_names then
    delete from app.event_keys k
    using jsonb_to_recordset(p_drafts) as d (transport_key text, business_key text)
    where k.account_id = p_account and k.event_id = any (v_events)
      and ((k.kind = 'transport' and k.key = d.transport_key) or (k.kind = 'business' and k.key = d.business_key));
    select coalesce(array_agg(f.ord), '{}'), array_agg(f.event_id), array_agg(f.seq), array_agg(f.twin)
    into v_known, v_known_events, v_known_seqs, v_twins
    from app.find_duplicates(p_account, p_drafts) f;
    select coalesce(jsonb_agg(d.draft order by d.ord), '[]'),
      coalesce(array_agg(v_events[d.ord] order by d.ord), '{}')
    into v_drafts, v_events
    from jsonb_array_elements(p_drafts) with ordinality as d (draft, ord)
    where not d.ord = any (v_known);
    update app.accounts set next_seq = v_first + cardinality(v_events) where id = p_account;
    perform app.remember_keys(p_account, v_drafts, v_events, v_first, p_now);
  end if;

  if cardinality(v_events) > 0 then
    v_statuses := array_fill('completed'::text, array[cardinality(v_events)]);
    if v_showable is not null then
      -- The queues that may get plays, in the one lock order.
      select array_agg(q.overlay_id), array_agg(q.overlay_id) filter (where q.is_live)
      into v_overlays, v_live
      from (
        select q.overlay_id, not v_paused and q.paused_at is null and q.lease_until > p_now as is_live
        from app.overlay_queues q
        where q.account_id = p_account and exists (
          select from app.event_subscriptions s
          cross join unnest(v_showable) as t (event_type)
          where s.overlay_id = q.overlay_id and t.event_type like s.like_pattern)
        order by q.overlay_id
        for no key update
      ) q;
      if v_overlays is not null then
        select m.p_statuses, m.p_behind into v_statuses, v_behind
        from app.make_plays(p_account, v_drafts, v_events, v_first, v_overlays, coalesce(v_live, '{}'), p_now) m;
      end if;
    end if;

    insert into app.platform_events (id, created_at, account_id, seq, event_type, class, platform,
      origin, external_id, data, raw, metadata, priority, status, duration_ms, cancelable,
      replayable, scheduled_at, occurred_at, completed_at)
    select v_events[d.ord], p_now, p_account, v_first - 1 + d.ord, d.event_type, d.class, d.platform,
      coalesce(d.origin, 'live'), d.external_id, coalesce(d.data, '{}'), d.raw, coalesce(d.metadata, '{}'),
      case d.priority when 'low' then 0 when 'high' then 20 when 'critical' then 30 else 10 end,
      v_statuses[d.ord], d.duration_ms, coalesce(d.cancelable, true), coalesce(d.replayable, true),
      d.scheduled_at, d.occurred_at, case when v_statuses[d.ord] = 'completed' then p_now end
    from rows from (jsonb_to_recordset(v_drafts) as (event_type text, class text, platform text,
        origin text, external_id text, data jsonb, raw jsonb, metadata jsonb, priority text,
        duration_ms integer, cancelable boolean, replayable boolean, scheduled_at timestamptz,
        occurred_at timestamptz))
      with ordinality as d (event_type, class, platform, origin, external_id, data, raw, metadata,
        priority, duration_ms, cancelable, replayable, scheduled_at, occurred_at, ord);

    -- Most batches end here: the types that change records are few.
    if exists (select from app.event_handlers h where h.event_type = any (v_types)) then
      perform app.handle_events(p_account, v_drafts, v_events, v_first, p_now);
    end if;

    perform app.publish_events(p_account, v_epoch, v_first, v_first - 1 + cardinality(v_events), p_now);

    if v_behind is not null then
      v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_behind) as o order by o);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;

  if cardinality(v_known) = 0 then
    return (
      select jsonb_agg(
        jsonb_build_object('index', e.ord - 1, 'outcome', 'recorded', 'event_id', e.id,
          'seq', v_first - 1 + e.ord, 'status', e.status)
        order by e.ord)
      from unnest(v_events, v_statuses) with ordinality as e (id, status, ord));
  end if;
  return (
    with fresh as (
      select i as ord, row_number() over (order by i) as place
      from generate_series(1, v_count) as i
      where not i = any (v_known)
    ),
    known as (
      select k.ord, k.event_id, k.seq, k.twin
      from unnest(v_known, v_known_events, v_known_seqs, v_twins) as k (ord, event_id, seq, twin)
    ),
    answer as (
      select i as ord, k.ord is null as is_new, coalesce(k.event_id, v_events[f.place]) as event_id,
        coalesce(k.seq, v_first - 1 + f.place) as seq, v_statuses[f.place] as status
      from generate_series(1, v_count) as i
      left join known k on k.ord = i
      left join fresh f on f.ord = coalesce(k.twin, i)
    )
    select jsonb_agg(
      jsonb_build_object('index', a.ord - 1,
        'outcome', case when a.is_new then 'recorded' else 'duplicate' end,
        'event_id', a.event_id, 'seq', a.seq,
        'status', coalesce(a.status,
          (select e.status from app.platform_events e where e.account_id = p_account and e.seq = a.seq)))
      order by a.ord)
    from answer a);
end
$$;

-- Reading --------------------------------------------------------------------------------------

-- Internal: a viewer as lists show it.
create function app.viewer_document(p_viewer uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', v.id, 'platform', v.platform, 'platform_user_id', v.platform_user_id,
      'login', v.login, 'name', v.name, 'picture', v.picture,
      'first_seen_at', v.first_seen_at, 'last_seen_at', v.last_seen_at,
      'followed_at', (select f.followed_at from app.current_followers f where f.viewer_id = v.id),
      'subscription', (
        select jsonb_build_object('tier', s.tier, 'is_gift', s.is_gift, 'started_at', s.started_at)
        from app.viewer_subscriptions s
        where s.viewer_id = v.id and s.ended_at is null
        order by s.started_at desc
        limit 1),
      'roles', (
        select coalesce(jsonb_agg(r.role order by r.role), '[]')
        from app.viewer_roles r
        where r.viewer_id = v.id and r.revoked_at is null))
    from app.viewers v
    where v.id = p_viewer);
end
$$;

-- Viewers, those seen last first: {items, next_cursor}.
-- p_filter: search (part of a name), platform, role (follower, subscriber, moderator, vip: now),
-- cursor (of the page before), limit (1–200, 50).
create function app.list_viewers(p_account uuid, p_filter jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
-- Which index is best depends on what was asked for.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_search text := lower(nullif(trim(p_filter ->> 'search'), ''));
  v_platform text := p_filter ->> 'platform';
  v_role text := p_filter ->> 'role';
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 50), 1), 200);
  v_cursor text := p_filter ->> 'cursor';
  v_seen timestamptz;
  v_id uuid;
  v_items jsonb;
  v_next text;
begin
  perform app.require_permission(p_account, 'events:userinfo');
  if v_cursor is not null then
    if v_cursor !~ '^[0-9]{1,17}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
      perform app.refuse('CU400', 'cursor: take it from the next_cursor of the page before');
    end if;
    -- Microseconds since 1970, which is what the database keeps.
    v_seen := '1970-01-01 00:00:00+00'::timestamptz + split_part(v_cursor, '_', 1)::bigint * interval '1 microsecond';
    v_id := split_part(v_cursor, '_', 2)::uuid;
  end if;
  if v_search is not null then
    v_search := '%' || replace(replace(replace(v_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  end if;
  with page as materialized (
    select v.id, v.last_seen_at
    from app.viewers v
    where v.account_id = p_account
      and (v_platform is null or v.platform = v_platform)
      and (v_search is null or lower(v.login || ' ' || v.name) like v_search)
      and (v_seen is null or (v.last_seen_at, v.id) < (v_seen, v_id))
      and case v_role
        when 'follower' then exists (select from app.current_followers f where f.viewer_id = v.id)
        when 'subscriber' then exists (
          select from app.viewer_subscriptions s where s.viewer_id = v.id and s.ended_at is null)
        when 'moderator' then exists (
          select from app.viewer_roles r where r.viewer_id = v.id and r.role = 'moderator' and r.revoked_at is null)
        when 'vip' then exists (
          select from app.viewer_roles r where r.viewer_id = v.id and r.role = 'vip' and r.revoked_at is null)
        else true end
    order by v.last_seen_at desc, v.id desc
    -- One more tells whether there is another page.
    limit v_limit + 1
  ),
  shown as (
    select p.id, p.last_seen_at, row_number() over (order by p.last_seen_at desc, p.id desc) as place
    from page p
  )
  select coalesce(jsonb_agg(app.viewer_document(s.id) order by s.place) filter (where s.place <= v_limit), '[]'),
    case when count(*) > v_limit then max((extract(epoch from s.last_seen_at) * 1000000)::bigint || '_' || s.id)
      filter (where s.place = v_limit) end
  into v_items, v_next
  from shown s;
  return jsonb_build_object('items', v_items, 'next_cursor', v_next);
end
$$;

-- Internal: a viewer of this account, or CU404.
create function app.require_viewer(p_account uuid, p_viewer uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not exists (select from app.viewers v where v.id = p_viewer and v.account_id = p_account) then
    perform app.refuse('CU404', format('There is no viewer %s', p_viewer));
  end if;
end
$$;

-- All that is known of a viewer: the document of the list, and {follow_history, subscriptions,
-- role_history, counts, last_events}, newest first, at most 100 of each and 20 events (none for who
-- may not read events).
create function app.get_viewer(p_account uuid, p_viewer uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'events:userinfo');
  perform app.require_viewer(p_account, p_viewer);
  return app.viewer_document(p_viewer) || jsonb_build_object(
    'follow_history', (
      select coalesce(jsonb_agg(jsonb_build_object('action', h.action, 'at', h.at) order by h.at desc, h.action desc), '[]')
      from (select * from app.follower_history f where f.viewer_id = p_viewer
        order by f.at desc, f.action desc limit 100) h),
    'subscriptions', (
      select coalesce(jsonb_agg(jsonb_build_object('tier', s.tier, 'is_gift', s.is_gift,
        'gifter', case when g.id is not null then jsonb_build_object('id', g.id, 'login', g.login, 'name', g.name) end,
        'started_at', s.started_at, 'ended_at', s.ended_at) order by s.started_at desc), '[]')
      from (select * from app.viewer_subscriptions x where x.viewer_id = p_viewer
        order by x.started_at desc limit 100) s
      left join app.viewers g on g.id = s.gifter_id),
    'role_history', (
      select coalesce(jsonb_agg(jsonb_build_object('role', r.role, 'granted_at', r.granted_at,
        'revoked_at', r.revoked_at) order by r.granted_at desc, r.role), '[]')
      from (select * from app.viewer_roles x where x.viewer_id = p_viewer
        order by x.granted_at desc, x.role limit 100) r),
    'counts', (
      select coalesce(jsonb_object_agg(c.event_type, c.number), '{}')
      from (select e.event_type, count(*) as number from app.viewer_events e
        where e.viewer_id = p_viewer group by e.event_type) c),
    'last_events', (
      select coalesce(jsonb_agg(d.document order by d.seq desc), '[]')
      from (select * from app.viewer_events x where x.viewer_id = p_viewer
        and app.has_permission(p_account, 'events:read') order by x.seq desc limit 20) e
      join app.event_documents d on d.id = e.event_id and d.created_at = e.event_created_at));
end
$$;

-- Internal: a document without a person: every object in it that is the person (their id, with a
-- login) keeps its shape and loses its words.
create function app.blot_person(p_document jsonb, p_person text)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  case jsonb_typeof(p_document)
    when 'object' then
      if p_document ->> 'id' = p_person and p_document ? 'login' then
        return p_document || '{"id": "erased", "login": "erased", "name": "erased", "picture": null}';
      end if;
      return (select coalesce(jsonb_object_agg(o.key, app.blot_person(o.value, p_person)), '{}')
        from jsonb_each(p_document) o);
    when 'array' then
      return (select coalesce(jsonb_agg(app.blot_person(a.value, p_person) order by a.place), '[]')
        from jsonb_array_elements(p_document) with ordinality as a (value, place));
    else
      return p_document;
  end case;
end
$$;

-- Erases a person: everything recorded of them here, and their names, picture and words in the
-- account's events (which stay, as "erased": counts and order do not change). What the platform sent
-- is deleted from these events. Live messages are gone within 72 hours, duplicate marks (which hold
-- the platform's id of a person) within 30 days. If they come back, they are somebody new.
-- Answers {viewer_id, events}: how many events named them.
create function app.erase_viewer(
  p_account uuid, p_viewer uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_viewer app.viewers;
  v_events integer;
begin
  perform app.require_permission(p_account, 'events:delete');
  -- Nothing is recorded of them while they are erased.
  perform 1 from app.accounts a where a.id = p_account for no key update;
  perform app.require_viewer(p_account, p_viewer);
  select * into v_viewer from app.viewers v where v.id = p_viewer;
  update app.platform_events e
  set raw = null,
    data = app.blot_person(e.data, v_viewer.platform_user_id)
      -- What they wrote is theirs, too.
      || case when e.data #>> '{user,id}' = v_viewer.platform_user_id and e.data ? 'message'
        then '{"message": ""}'::jsonb else '{}' end
      || case when e.data #>> '{user,id}' = v_viewer.platform_user_id and e.data ? 'fragments'
        then '{"fragments": []}'::jsonb else '{}' end
  -- Every event of the platform is looked at: nothing lists who is named as a recipient or in chat.
  where e.account_id = p_account and e.platform = v_viewer.platform
    and jsonb_path_exists(e.data, 'strict $.** ? (@.id == $person && exists(@.login))',
      jsonb_build_object('person', v_viewer.platform_user_id), true);
  get diagnostics v_events = row_count;
  -- Facts about others that name them as a giver.
  update app.viewer_facts f
  set detail = f.detail || '{"gifter": null}'
  from app.viewers v
  where v.id = f.viewer_id and v.account_id = p_account and v.platform = v_viewer.platform
    and f.detail ->> 'gifter' = v_viewer.platform_user_id;
  delete from app.viewers v where v.id = p_viewer;
  perform app.log_command(p_account, 'viewer.erase', 'viewer', p_viewer,
    jsonb_build_object('events', v_events), p_now);
  return jsonb_build_object('viewer_id', p_viewer, 'events', v_events);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_viewers(uuid, jsonb),
  app.get_viewer(uuid, uuid),
  app.erase_viewer(uuid, uuid, timestamptz)
  to authenticated, service_role;

-- Gatherings: messages that may be parts of one happening wait here, stored before they are
-- acknowledged, until the server's rules (src/lib/platforms/gather.ts) say what has become whole.
-- The rules run outside the database, so what they decided counts only if nothing has arrived
-- since they looked: rev is that fence, and the row's lock the order of arrivals and releases.

create table app.gatherings (
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Platform, rule and channel.
  name text not null check (char_length(name) between 1 and 300),
  -- Grows with each arrival and each release; never starts again, so the row stays.
  rev bigint not null,
  -- When the rule is to look again though nothing arrives; null: it need not.
  due_at timestamptz,
  -- What was released lately: [{event_id, seq, until, what}], written by the rule.
  memory jsonb not null default '[]',
  primary key (account_id, name)
);
create index gatherings_due on app.gatherings (due_at) where due_at is not null;
alter table app.gatherings enable row level security;
-- No policy and no grant: it is the server's own.
alter table app.gatherings force row level security;

create table app.gathering_parts (
  id bigint generated always as identity primary key,
  account_id uuid not null,
  name text not null,
  transport_key text,
  about jsonb not null,
  -- The event that this part is, should nothing else belong to it (src/lib/bus/event.ts, Draft).
  draft jsonb not null,
  arrived_at timestamptz not null,
  foreign key (account_id, name) references app.gatherings (account_id, name) on delete cascade
);
create index gathering_parts_gathering on app.gathering_parts (account_id, name, id);
create unique index gathering_parts_transport on app.gathering_parts (account_id, transport_key);
alter table app.gathering_parts enable row level security;
-- No policy and no grant.
alter table app.gathering_parts force row level security;

-- Stores parts ([{name, about, draft}]), all or nothing; answers in their order 'gathered', or
-- 'duplicate' for a message that waits already or whose event is stored. What got a part is due at
-- once: should the server die before it looked, the next one that settles what is due will.
create function app.gather(
  p_account uuid, p_parts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_new integer[];
begin
  if not exists (select from app.accounts a where a.id = p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  -- First of all the locks: what is known below cannot change any more.
  insert into app.gatherings (account_id, name, rev, due_at)
  select p_account, n.name, 1, p_now
  from (select distinct part ->> 'name' as name from jsonb_array_elements(p_parts) as part order by 1) n
  on conflict (account_id, name) do update
  set rev = gatherings.rev + 1, due_at = least(gatherings.due_at, excluded.due_at);

  with part as (
    select d.ord, d.draft ->> 'transport_key' as key
    from rows from (jsonb_to_recordset(p_parts) as (draft jsonb)) with ordinality as d (draft, ord)
  )
  select coalesce(array_agg(p.ord), '{}') into v_new
  from part p
  where p.key is null or (
    not exists (select from part twin where twin.key = p.key and twin.ord < p.ord)
    and not exists (select from app.gathering_parts w where w.account_id = p_account and w.transport_key = p.key)
    and not exists (select from app.event_keys k
      where k.account_id = p_account and k.kind = 'transport' and k.key = p.key));

  insert into app.gathering_parts (account_id, name, transport_key, about, draft, arrived_at)
  select p_account, d.name, d.draft ->> 'transport_key', d.about, d.draft, p_now
  from rows from (jsonb_to_recordset(p_parts) as (name text, about jsonb, draft jsonb))
    with ordinality as d (name, about, draft, ord)
  where d.ord = any (v_new)
  order by d.ord;

  return (
    select coalesce(
      jsonb_agg(case when i = any (v_new) then 'gathered' else 'duplicate' end order by i), '[]')
    from generate_series(1, jsonb_array_length(p_parts)) as i);
end
$$;

-- What a rule judges: {rev, memory, parts: [{id, arrived_at, about, draft}]} in order of arrival;
-- null when nothing was ever gathered under this name.
create function app.read_gathering(p_account uuid, p_name text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  -- One statement, so one state of the world: rev and parts belong together.
  return (
    select jsonb_build_object('rev', g.rev, 'memory', g.memory, 'parts', (
      select coalesce(
        jsonb_agg(
          jsonb_build_object('id', p.id, 'arrived_at', p.arrived_at, 'about', p.about, 'draft', p.draft)
          order by p.id),
        '[]')
      from app.gathering_parts p
      where p.account_id = g.account_id and p.name = g.name))
    from app.gatherings g
    where g.account_id = p_account and g.name = p_name);
end
$$;

-- Internal: the event that a rule means: {event_id, seq}, or {draft}: the outcome at that place.
create function app.whole_of(p_event jsonb, p_outcomes jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select case when p_event ? 'draft'
    then (p_event - 'draft') || jsonb_build_object(
      'event_id', p_outcomes -> (p_event ->> 'draft')::integer -> 'event_id',
      'seq', p_outcomes -> (p_event ->> 'draft')::integer -> 'seq')
    else p_event end
$$;

-- Stores what a rule decided, if rev is still what it looked at: records the drafts, lets the keys
-- of the parts that are done name their events (so that the same message or fact is known again),
-- and remembers. Answers the outcomes of the drafts; null when something arrived meanwhile or
-- another process was first: look again.
create function app.release_gathering(
  p_account uuid, p_name text, p_rev bigint, p_drafts jsonb, p_done jsonb, p_memory jsonb,
  p_due_at timestamptz, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_outcomes jsonb;
begin
  perform from app.gatherings g
  where g.account_id = p_account and g.name = p_name and g.rev = p_rev
  for update;
  if not found then
    return null;
  end if;
  v_outcomes := app.record_events(p_account, p_drafts, p_now);

  with done as (
    delete from app.gathering_parts p
    using jsonb_to_recordset(p_done) as d (part bigint, event jsonb)
    where p.id = d.part and p.account_id = p_account and p.name = p_name
    returning p.id, p.draft, app.whole_of(d.event, v_outcomes) as event
  )
  insert into app.event_keys (account_id, kind, key, event_id, event_created_at, seq, created_at)
  select p_account, name.kind, name.key, (d.event ->> 'event_id')::uuid, coalesce(e.created_at, p_now),
    (d.event ->> 'seq')::bigint, p_now
  from done d
  cross join lateral (
    values ('transport', d.draft ->> 'transport_key'), ('business', d.draft ->> 'business_key')
  ) as name (kind, key)
  left join app.platform_events e
    on e.account_id = p_account and e.seq = (d.event ->> 'seq')::bigint
  where name.key is not null
  order by d.id
  on conflict do nothing;

  update app.gatherings g
  set rev = g.rev + 1, due_at = p_due_at, memory = (
    select coalesce(jsonb_agg(app.whole_of(m.entry, v_outcomes) order by m.ord), '[]')
    from jsonb_array_elements(p_memory) with ordinality as m (entry, ord))
  where g.account_id = p_account and g.name = p_name;
  return v_outcomes;
end
$$;

-- What is to be judged now: [{account_id, name}], the longest due first.
create function app.due_gatherings(p_now timestamptz default clock_timestamp(), p_limit integer default 500)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('account_id', d.account_id, 'name', d.name) order by d.due_at), '[]')
    from (
      select g.account_id, g.name, g.due_at
      from app.gatherings g
      where g.due_at <= p_now
      order by g.due_at
      limit p_limit
    ) d);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function app.gather(uuid, jsonb, timestamptz), app.read_gathering(uuid, text),
  app.release_gathering(uuid, text, bigint, jsonb, jsonb, jsonb, timestamptz, timestamptz),
  app.due_gatherings(timestamptz, integer)
  to service_role;

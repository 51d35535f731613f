-- Sources: who keeps a connection's events coming, in what state that is, what is subscribed to,
-- and what asking the platform afterwards found to be missing.
--
-- Lock order here, after the account's: connection, source, subscriptions, polls.

create table app.sources (
  connection_id uuid primary key references app.platform_connections (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- One process at a time holds a source; whoever is silent for longer than its lease has lost it.
  owner uuid,
  lease_until timestamptz,
  mode text not null,
  state text not null default 'waiting'
    check (state in ('live', 'connecting', 'polling', 'waiting', 'stopped', 'problem')),
  since timestamptz not null,
  session_count integer not null default 0,
  -- Sessions on the platform that were ours, the latest first: what is subscribed on them is ours.
  sessions text[] not null default '{}',
  -- [{code, detail, since}]
  problems jsonb not null default '[]',
  received bigint not null default 0,
  missed bigint not null default 0,
  -- From when received and missed count.
  counted_since timestamptz not null,
  last_event_at timestamptz,
  reconcile_requested_at timestamptz,
  reconciled_at timestamptz
);
create index sources_account on app.sources (account_id);
alter table app.sources enable row level security;
-- No policy and no grant: what may be told of it app.get_source tells.
alter table app.sources force row level security;

-- What a connection wants to be subscribed to, and what has become of it.
create table app.eventsub_subscriptions (
  connection_id uuid not null references app.platform_connections (id) on delete cascade,
  type text not null check (char_length(type) between 1 and 200),
  version text not null,
  status text not null check (status in ('enabled', 'pending', 'missing', 'revoked', 'failed')),
  reason text check (char_length(reason) <= 500),
  -- The platform's id; null while there is none.
  platform_id text,
  cost integer not null default 0,
  received bigint not null default 0,
  missed bigint not null default 0,
  last_event_at timestamptz,
  last_poll_at timestamptz,
  last_poll_agreed boolean,
  updated_at timestamptz not null,
  primary key (connection_id, type)
);
alter table app.eventsub_subscriptions enable row level security;
-- No policy and no grant.
alter table app.eventsub_subscriptions force row level security;

create table app.quota_snapshots (
  id bigint generated always as identity primary key,
  connection_id uuid not null references app.platform_connections (id) on delete cascade,
  total integer not null,
  total_cost integer not null,
  max_total_cost integer not null,
  at timestamptz not null
);
create index quota_snapshots_connection on app.quota_snapshots (connection_id, at desc);
create index quota_snapshots_at on app.quota_snapshots (at);
alter table app.quota_snapshots enable row level security;
-- No policy and no grant.
alter table app.quota_snapshots force row level security;

create table app.source_polls (
  connection_id uuid not null references app.platform_connections (id) on delete cascade,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,49}$'),
  every_s integer,
  -- Which look this is; grows when one is settled, so that a look that is made again after a crash
  -- names what it finds by the same name.
  version integer not null default 1,
  opened_at timestamptz,
  -- Lists that tell since when: everything until then is known. Null before the first look.
  known_until timestamptz,
  -- Lists that do not: who was in it, [{id, login, name, since, about}], as of the account's seq
  -- below. Null before the first look.
  members jsonb,
  seq bigint,
  last_at timestamptz,
  next_at timestamptz,
  last_error text check (char_length(last_error) <= 500),
  missed bigint not null default 0,
  primary key (connection_id, name)
);
alter table app.source_polls enable row level security;
-- No policy and no grant.
alter table app.source_polls force row level security;

-- Internal: a source's state, for its account's topic.
create function app.publish_source(p_connection uuid, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_account uuid;
  v_state jsonb;
begin
  select s.account_id, jsonb_build_object('connection_id', s.connection_id, 'mode', s.mode,
    'state', s.state, 'since', s.since, 'session_count', s.session_count, 'problems', s.problems)
  into v_account, v_state
  from app.sources s
  where s.connection_id = p_connection;
  perform app.publish_status(v_account, null, 'source', false, v_state, p_now);
end
$$;

-- What this process has to keep going, of these platforms: renews what it holds and takes what
-- nobody holds. {held: [...], elsewhere: [ids that others hold]}. Only connections by consent: one that
-- was made by hand has no tokens to ask with.
create function app.claim_sources(
  p_owner uuid, p_platforms text[], p_lease_s numeric, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_stopped uuid;
begin
  -- What is connected no more has no source.
  for v_stopped in
    update app.sources s
    set owner = null, lease_until = null, state = 'stopped', since = p_now, session_count = 0, problems = '[]'
    from app.platform_connections c
    where c.id = s.connection_id and c.status = 'disconnected' and s.state <> 'stopped'
    returning s.connection_id
  loop
    perform app.publish_source(v_stopped, p_now);
  end loop;
  insert into app.sources (connection_id, account_id, mode, since, counted_since)
  select c.id, c.account_id, c.mode, p_now, p_now
  from app.platform_connections c
  join app.connection_tokens t on t.connection_id = c.id
  where c.platform = any (p_platforms) and c.status <> 'disconnected'
    and not exists (select from app.sources s where s.connection_id = c.id)
  on conflict (connection_id) do nothing;
  update app.sources s
  set owner = p_owner, lease_until = p_now + p_lease_s * interval '1 second', mode = c.mode
  from app.platform_connections c
  where c.id = s.connection_id and c.platform = any (p_platforms) and c.status <> 'disconnected'
    and exists (select from app.connection_tokens t where t.connection_id = c.id)
    and (s.owner = p_owner or s.owner is null or s.lease_until <= p_now);
  return jsonb_build_object(
    'held', (
      select coalesce(jsonb_agg(jsonb_build_object('connection_id', c.id, 'account_id', c.account_id,
          'platform', c.platform, 'channel_id', c.channel_id, 'mode', c.mode, 'status', c.status,
          'scopes', c.scopes, 'groups', c.groups, 'secret_ciphertext', app.base64(c.secret_ciphertext),
          'connected_at', c.created_at, 'sessions', s.sessions,
          'reconcile_wanted', coalesce(s.reconcile_requested_at > s.reconciled_at,
            s.reconcile_requested_at is not null))
        order by c.created_at, c.id), '[]')
      from app.sources s
      join app.platform_connections c on c.id = s.connection_id
      where s.owner = p_owner),
    'elsewhere', (
      select coalesce(jsonb_agg(s.connection_id), '[]')
      from app.sources s
      join app.platform_connections c on c.id = s.connection_id
      where s.owner is distinct from p_owner and s.owner is not null and c.status <> 'disconnected'));
end
$$;

-- Gives back what a process holds, all of it or one.
create function app.release_sources(p_owner uuid, p_connection uuid default null)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.sources s
  set owner = null, lease_until = null
  where s.owner = p_owner and (p_connection is null or s.connection_id = p_connection);
end
$$;

-- Notes how a source is. p_problems: [{code, detail}], which keep since when they are there.
-- p_session: a session that has just become ours. p_counts: {type: {received, last_event_at}} since
-- the last report. False when somebody else holds it now; then nothing is noted but the counts.
create function app.report_source(
  p_connection uuid, p_owner uuid, p_state text, p_session_count integer, p_problems jsonb,
  p_session text, p_counts jsonb, p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_source app.sources;
  v_problems jsonb;
begin
  select s.* into v_source from app.sources s where s.connection_id = p_connection for update;
  if not found then
    return false;
  end if;
  if p_counts <> '{}' then
    update app.eventsub_subscriptions e
    set received = e.received + (k.value ->> 'received')::bigint,
      last_event_at = greatest(e.last_event_at, (k.value ->> 'last_event_at')::timestamptz)
    from jsonb_each(p_counts) k
    where e.connection_id = p_connection and e.type = k.key;
    update app.sources s
    set received = s.received + k.received, last_event_at = greatest(s.last_event_at, k.last_event_at)
    from (
      select sum((c.value ->> 'received')::bigint) as received,
        max((c.value ->> 'last_event_at')::timestamptz) as last_event_at
      from jsonb_each(p_counts) c
    ) k
    where s.connection_id = p_connection;
  end if;
  if v_source.owner is distinct from p_owner then
    return false;
  end if;
  v_problems := (
    select coalesce(jsonb_agg(n.problem || jsonb_build_object('since', coalesce(
      (select o.problem -> 'since' from jsonb_array_elements(v_source.problems) as o (problem)
        where o.problem ->> 'code' = n.problem ->> 'code' limit 1), to_jsonb(p_now))) order by n.ord), '[]')
    from jsonb_array_elements(p_problems) with ordinality as n (problem, ord));
  update app.sources s
  set state = p_state,
    since = case when s.state = p_state then s.since else p_now end,
    session_count = p_session_count,
    problems = v_problems,
    sessions = case when p_session is null or p_session = any (s.sessions) then s.sessions
      else (array_prepend(p_session, s.sessions))[1:20] end
  where s.connection_id = p_connection;
  if (v_source.state, v_source.session_count, v_source.problems)
    is distinct from (p_state, p_session_count, v_problems) then
    perform app.publish_source(p_connection, p_now);
  end if;
  return true;
end
$$;

-- Notes what has become of subscriptions: p_rows [{type, version, status, reason, platform_id,
-- cost}] are all that the connection wants when p_all, otherwise some of them. p_quota: {total,
-- total_cost, max_total_cost} or null.
create function app.save_subscriptions(
  p_connection uuid, p_rows jsonb, p_all boolean, p_quota jsonb,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  -- In one order, whoever writes.
  perform from app.sources s where s.connection_id = p_connection for update;
  if p_all then
    delete from app.eventsub_subscriptions e
    where e.connection_id = p_connection
      and not exists (select from jsonb_array_elements(p_rows) r where r ->> 'type' = e.type);
  end if;
  insert into app.eventsub_subscriptions (connection_id, type, version, status, reason, platform_id,
    cost, updated_at)
  select p_connection, r.type, r.version, r.status, left(r.reason, 500), r.platform_id, r.cost, p_now
  from jsonb_to_recordset(p_rows)
    as r (type text, version text, status text, reason text, platform_id text, cost integer)
  on conflict (connection_id, type) do update
  set version = excluded.version, status = excluded.status, reason = excluded.reason,
    platform_id = excluded.platform_id, cost = excluded.cost, updated_at = excluded.updated_at;
  if p_quota is not null then
    insert into app.quota_snapshots (connection_id, total, total_cost, max_total_cost, at)
    select p_connection, q.total, q.total_cost, q.max_total_cost, p_now
    from jsonb_to_record(p_quota) as q (total integer, total_cost integer, max_total_cost integer);
  end if;
  if p_all then
    update app.sources s set reconciled_at = p_now where s.connection_id = p_connection;
  end if;
end
$$;

-- Looks at a list begin here: what was known of it, and who came or went since then by what was
-- delivered: {version, opened_at, known_until, members, delivered: [{id, login, name, came}], seq}.
-- p_came and p_left: event types that make somebody a member, or no longer one.
create function app.open_poll(
  p_connection uuid, p_name text, p_came text[], p_left text[],
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_poll app.source_polls;
  v_account uuid;
  v_top bigint;
begin
  select c.account_id, a.next_seq - 1 into v_account, v_top
  from app.platform_connections c
  join app.accounts a on a.id = c.account_id
  where c.id = p_connection;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  insert into app.source_polls (connection_id, name, opened_at)
  values (p_connection, p_name, p_now)
  on conflict (connection_id, name) do update
  set opened_at = coalesce(source_polls.opened_at, excluded.opened_at)
  returning * into v_poll;
  return jsonb_build_object('version', v_poll.version, 'opened_at', v_poll.opened_at,
    'known_until', v_poll.known_until, 'members', v_poll.members, 'seq', v_top,
    'delivered', (
      select coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'login', coalesce(d.login, ''),
        'name', coalesce(d.name, ''), 'came', d.came)), '[]')
      from (
        select distinct on (e.data #>> '{user,id}') e.data #>> '{user,id}' as id,
          e.data #>> '{user,login}' as login, e.data #>> '{user,name}' as name,
          e.event_type = any (p_came) as came
        from app.platform_events e
        where v_poll.seq is not null and e.account_id = v_account and e.seq > v_poll.seq
          and e.seq <= v_top and e.event_type = any (p_came || p_left)
          -- A drill changes nobody's role.
          and e.origin <> 'test'
        order by e.data #>> '{user,id}', e.seq desc
      ) d
      where d.id is not null));
end
$$;

-- Ends a look that succeeded. p_members null: a list that tells since when, known until
-- p_known_until. p_checked: [{type, missed}], what each subscription should have told and did not.
create function app.settle_poll(
  p_connection uuid, p_name text, p_version integer, p_known_until timestamptz, p_members jsonb,
  p_seq bigint, p_checked jsonb, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_missed bigint;
begin
  select coalesce(sum((c ->> 'missed')::bigint), 0) into v_missed from jsonb_array_elements(p_checked) c;
  perform from app.sources s where s.connection_id = p_connection for update;
  update app.source_polls p
  set version = p.version + 1, opened_at = null,
    known_until = coalesce(p_known_until, p.known_until), members = p_members, seq = p_seq,
    last_at = p_now, last_error = null, missed = p.missed + v_missed
  where p.connection_id = p_connection and p.name = p_name and p.version = p_version;
  -- Somebody else has settled the same look.
  if not found then
    return;
  end if;
  update app.eventsub_subscriptions e
  set missed = e.missed + (c ->> 'missed')::bigint, last_poll_at = p_now,
    last_poll_agreed = (c ->> 'missed')::bigint = 0
  from jsonb_array_elements(p_checked) c
  where e.connection_id = p_connection and e.type = c ->> 'type';
  update app.sources s set missed = s.missed + v_missed where s.connection_id = p_connection;
end
$$;

-- Notes when a list is looked at next, and why the last look failed (null: it did not).
create function app.schedule_poll(
  p_connection uuid, p_name text, p_every_s integer, p_next_at timestamptz, p_error text)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.source_polls (connection_id, name, every_s, next_at, last_error)
  values (p_connection, p_name, p_every_s, p_next_at, left(p_error, 500))
  on conflict (connection_id, name) do update
  set every_s = excluded.every_s, next_at = excluded.next_at,
    last_error = coalesce(excluded.last_error, source_polls.last_error);
end
$$;

-- How a connection's events come, whole.
create function app.get_source(
  p_account uuid, p_connection uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_connection app.platform_connections;
  v_source app.sources;
begin
  perform app.require_permission(p_account, 'connections:read');
  select c.* into v_connection
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  select s.* into v_source from app.sources s where s.connection_id = p_connection;
  return jsonb_build_object(
    'connection_id', p_connection,
    'platform', v_connection.platform,
    'mode', v_connection.mode,
    'state', case
      when v_connection.status = 'disconnected' then 'stopped'
      when v_source.connection_id is null then
        -- Made by hand: nobody but the platform knows what is subscribed, so what came counts.
        case when v_connection.last_delivery_at is null then 'waiting' else 'live' end
      -- Nobody has held it for a while: what it was is no longer known.
      when v_source.owner is null or v_source.lease_until <= p_now then 'waiting'
      else v_source.state end,
    'since', coalesce(v_source.since, v_connection.updated_at),
    'last_event_at', greatest(v_source.last_event_at, v_connection.last_delivery_at),
    'session_count', coalesce(v_source.session_count, 0),
    'problems', case
      when v_connection.status = 'disconnected' then '[]'
      else coalesce(v_source.problems, '[]') end,
    'reconciled_at', v_source.reconciled_at,
    'reliability', jsonb_build_object('received', coalesce(v_source.received, 0),
      'missed', coalesce(v_source.missed, 0),
      'since', coalesce(v_source.counted_since, v_connection.created_at)),
    'subscriptions', (
      select coalesce(jsonb_agg(jsonb_build_object('type', e.type, 'version', e.version,
        'status', e.status, 'reason', e.reason, 'cost', e.cost, 'received', e.received,
        'last_event_at', e.last_event_at, 'last_poll_at', e.last_poll_at,
        'last_poll_agreed', e.last_poll_agreed, 'missed', e.missed) order by e.type), '[]')
      from app.eventsub_subscriptions e
      where e.connection_id = p_connection),
    'quota', (
      select jsonb_build_object('total', q.total, 'total_cost', q.total_cost,
        'max_total_cost', q.max_total_cost, 'at', q.at)
      from app.quota_snapshots q
      where q.connection_id = p_connection
      order by q.at desc, q.id desc
      limit 1),
    'polls', (
      select coalesce(jsonb_agg(jsonb_build_object('name', p.name, 'every_s', p.every_s,
        'last_at', p.last_at, 'next_at', p.next_at, 'last_error', p.last_error,
        'missed', p.missed) order by p.name), '[]')
      from app.source_polls p
      where p.connection_id = p_connection));
end
$$;

-- Asks whoever holds the source to compare what is subscribed with what should be. Answers when it
-- was asked for.
create function app.request_reconcile(
  p_account uuid, p_connection uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  update app.sources s set reconcile_requested_at = p_now where s.connection_id = p_connection;
  if not found or v_status = 'disconnected' then
    perform app.refuse('CU409', 'This channel is not connected by consent, so what it is subscribed to '
      'cannot be looked at: connect it again');
  end if;
  perform app.log_command(p_account, 'connection.reconcile', 'connection', p_connection, null, p_now);
  -- The way by which servers hear of changed connections (access).
  perform pg_notify('cuelight_connections', p_connection::text);
  return to_jsonb(p_now);
end
$$;

-- Asks for a reconcile of every source that had none since p_reconciled_before, or whose quota was
-- not looked at since p_looked_before; how many.
create function app.request_reconciles(
  p_reconciled_before timestamptz, p_looked_before timestamptz,
  p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_ids uuid[];
begin
  with due as (
    update app.sources s
    set reconcile_requested_at = p_now
    where s.owner is not null
      and (s.reconciled_at is null or s.reconciled_at < p_reconciled_before
        or not exists (select from app.quota_snapshots q
          where q.connection_id = s.connection_id and q.at >= p_looked_before))
    returning s.connection_id
  )
  select array_agg(d.connection_id) into v_ids from due d;
  perform pg_notify('cuelight_connections', i.id::text) from unnest(v_ids) as i (id);
  return coalesce(cardinality(v_ids), 0);
end
$$;

-- Forgets snapshots of more than 30 days ago; how many.
create function app.purge_sources(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_purged integer;
begin
  delete from app.quota_snapshots q where q.at < p_now - interval '30 days';
  get diagnostics v_purged = row_count;
  return v_purged;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.get_source(uuid, uuid, timestamptz),
  app.request_reconcile(uuid, uuid, timestamptz)
  to authenticated, service_role;
grant execute on function
  app.claim_sources(uuid, text[], numeric, timestamptz),
  app.release_sources(uuid, uuid),
  app.report_source(uuid, uuid, text, integer, jsonb, text, jsonb, timestamptz),
  app.save_subscriptions(uuid, jsonb, boolean, jsonb, timestamptz),
  app.open_poll(uuid, text, text[], text[], timestamptz),
  app.settle_poll(uuid, text, integer, timestamptz, jsonb, bigint, jsonb, timestamptz),
  app.schedule_poll(uuid, text, integer, timestamptz, text),
  app.request_reconciles(timestamptz, timestamptz, timestamptz),
  app.purge_sources(timestamptz)
  to service_role;

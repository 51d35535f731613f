-- The queue: one for each overlay. Pages obey it: the order, the lease and every move of a play
-- are decided here, under the lock of the overlay's queue row.

create table app.overlay_queues (
  overlay_id uuid primary key references app.overlays (id) on delete cascade,
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Counts the queue's changes 1, 2, 3 … as its messages do; a reader that sees a hole pulls.
  rev bigint not null default 0,
  paused_at timestamptz,
  paused_by uuid,
  -- The page that leads: it sounds, and its reports count. Live while lease_until lies ahead.
  leader_id uuid,
  lease_version bigint not null default 0,
  lease_until timestamptz
)
with (fillfactor = 50);
create index overlay_queues_account on app.overlay_queues (account_id);
alter table app.overlay_queues enable row level security;
alter table app.overlay_queues force row level security;

-- A page that has the overlay open.
create table app.overlay_instances (
  overlay_id uuid not null references app.overlays (id) on delete cascade,
  id uuid not null,
  account_id uuid not null references app.accounts (id) on delete cascade,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  visible boolean,
  muted boolean,
  protocol text,
  user_agent text,
  primary key (overlay_id, id)
)
with (fillfactor = 70);
create index overlay_instances_account on app.overlay_instances (account_id);
alter table app.overlay_instances enable row level security;
alter table app.overlay_instances force row level security;

-- One showing of one event on one overlay.
create table app.plays (
  id uuid primary key default gen_random_uuid(),
  -- No foreign key: the overlay's says the same.
  account_id uuid not null,
  overlay_id uuid not null references app.overlays (id) on delete cascade,
  -- No foreign key: old partitions of events are dropped whole.
  event_id uuid not null,
  event_created_at timestamptz not null,
  seq bigint not null,
  priority smallint not null,
  lane text not null,
  status text not null check (status in ('held', 'queued', 'playing', 'completed', 'cancelled',
    'skipped', 'expired', 'failed')),
  reason text not null check (reason in ('live', 'replay', 'test')),
  play_no integer not null check (play_no > 0),
  attempt integer not null default 0,
  duration_ms integer not null check (duration_ms > 0),
  -- The page that claimed it last; kept when the play goes back to waiting, so that a late report
  -- of that page is believed.
  instance_id uuid,
  lease_version bigint,
  claimed_at timestamptz,
  scheduled_at timestamptz,
  outcome text,
  -- What the page told of it: missing, error, delay_ms.
  detail jsonb,
  requested_by uuid,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  unique (event_id, overlay_id, play_no),
  check ((ended_at is not null) = (status in ('completed', 'cancelled', 'skipped', 'expired', 'failed'))),
  check (status <> 'playing' or (instance_id is not null and claimed_at is not null))
)
with (fillfactor = 70);
-- The head of a lane.
create index plays_waiting on app.plays (overlay_id, lane, priority desc, seq, play_no)
  where status = 'queued';
-- A lane shows one play at a time, whatever a function may believe.
create unique index plays_one_in_a_lane on app.plays (overlay_id, lane) where status = 'playing';
-- What ended last; also the foreign key's index.
create index plays_ended on app.plays (overlay_id, ended_at desc);
create index plays_scheduled on app.plays (scheduled_at)
  where status = 'queued' and scheduled_at is not null;
alter table app.plays enable row level security;
alter table app.plays force row level security;

-- Every move of a play: the proof.
create table app.play_transitions (
  id bigint generated always as identity primary key,
  -- No foreign key: the log outlives what it speaks of.
  play_id uuid not null,
  account_id uuid not null,
  at timestamptz not null,
  from_status text not null,
  to_status text not null,
  actor_kind text not null,
  actor_id uuid,
  reason text
);
create index play_transitions_play on app.play_transitions (play_id);
alter table app.play_transitions enable row level security;
alter table app.play_transitions force row level security;
create trigger play_transitions_append_only
  before update or delete or truncate on app.play_transitions
  for each statement execute function app.refuse_change();

create policy "Queues can be read by who may read overlays" on app.overlay_queues
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('overlays:read'))::uuid[]));
create policy "Instances can be read by who may read overlays" on app.overlay_instances
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('overlays:read'))::uuid[]));
create policy "Plays can be read by who may read events" on app.plays
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:read'))::uuid[]));
create policy "Transitions can be read by who may read events" on app.play_transitions
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('events:read'))::uuid[]));
grant select on app.overlay_queues, app.overlay_instances, app.plays, app.play_transitions
  to authenticated;

-- Moves -------------------------------------------------------------------------------------

-- The moves a play may make: the same table as `transitions` in src/lib/bus/status.ts; a test
-- compares them.
create function app.may_become(p_from text, p_to text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case p_from
    when 'held' then p_to in ('queued', 'cancelled', 'skipped', 'expired', 'failed')
    when 'queued' then p_to in ('held', 'playing', 'completed', 'cancelled', 'skipped', 'expired', 'failed')
    when 'playing' then p_to in ('queued', 'completed', 'cancelled', 'skipped', 'failed')
    else false
  end;
end
$$;

create function app.check_play_move()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  if not app.may_become(old.status, new.status) then
    raise exception 'A play that is % cannot become %', old.status, new.status using errcode = 'CU409';
  end if;
  return new;
end
$$;
create trigger plays_move
  before update of status on app.plays
  for each row when (old.status is distinct from new.status)
  execute function app.check_play_move();

-- The same rule as deriveEventStatus in src/lib/bus/status.ts; a test compares them.
create function app.derive_event_status(p_statuses text[])
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when 'playing' = any (p_statuses) then 'active'
    when p_statuses && array['held', 'queued'] then 'pending'
    when cardinality(p_statuses) = 0 or 'completed' = any (p_statuses) then 'completed'
    else 'cancelled'
  end;
end
$$;

-- Internal: takes the queues' locks in the one order there is.
create function app.lock_queues(p_overlays uuid[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform from app.overlay_queues q
  where q.overlay_id = any (p_overlays)
  order by q.overlay_id
  for no key update;
end
$$;

-- Internal: moves plays to another status and writes down each move. The caller holds the queues'
-- locks. Not for 'playing': that is app.advance's.
create function app.move_plays(
  p_plays uuid[], p_to text, p_outcome text, p_reason text, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  with old as (
    select p.id, p.status from app.plays p where p.id = any (p_plays)
  ),
  moved as (
    update app.plays p
    set status = p_to,
      outcome = p_outcome,
      -- Shown to its end, though the page's 'started' may have been lost.
      started_at = case when p_to = 'completed' then coalesce(p.started_at, p.claimed_at) else p.started_at end,
      ended_at = case when p_to in ('held', 'queued') then null else p_now end
    from old
    where p.id = old.id
    returning p.id, p.account_id, old.status as from_status
  )
  insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
    actor_id, reason)
  select m.id, m.account_id, p_now, m.from_status, p_to, app.actor_kind(), app.actor_id(), p_reason
  from moved m;
end
$$;

-- Internal: starts what may start on one overlay and answers the plays that it started. For each
-- lane that shows nothing: the best waiting play by (priority desc, seq, play_no) whose time has
-- come. Nothing while the overlay or the account is paused, or without a page that leads.
-- The caller holds the queue's lock, and this runs in a later statement than the one that took
-- it: so it sees a pause of the account, which takes every queue's lock before it is acknowledged.
create function app.advance(p_overlay uuid, p_now timestamptz)
returns uuid[]
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_leader uuid;
  v_lease bigint;
  v_started uuid[];
begin
  select q.leader_id, q.lease_version into v_leader, v_lease
  from app.overlay_queues q
  join app.accounts a on a.id = q.account_id
  where q.overlay_id = p_overlay and q.lease_until > p_now and q.paused_at is null
    and a.paused_at is null;
  if v_leader is null then
    return '{}';
  end if;
  -- Steps from lane to lane through the index of waiting plays: the cost is in the number of
  -- lanes, not in the length of the queue.
  with recursive lane as (
    (select p.lane from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued' order by p.lane limit 1)
    union all
    select (select p.lane from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued' and p.lane > l.lane
      order by p.lane limit 1)
    from lane l
    where l.lane is not null
  ),
  best as (
    select head.id
    from lane l
    cross join lateral (
      select p.id from app.plays p
      where p.overlay_id = p_overlay and p.lane = l.lane and p.status = 'queued'
        and (p.scheduled_at is null or p.scheduled_at <= p_now)
      order by p.priority desc, p.seq, p.play_no
      limit 1
    ) head
    where l.lane is not null
      and not exists (select from app.plays x
        where x.overlay_id = p_overlay and x.lane = l.lane and x.status = 'playing')
  ),
  started as (
    update app.plays p
    set status = 'playing', instance_id = v_leader, lease_version = v_lease,
      attempt = p.attempt + 1, claimed_at = p_now
    from best
    where p.id = best.id
    returning p.id, p.account_id
  ),
  logged as (
    insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
      actor_id, reason)
    select s.id, s.account_id, p_now, 'queued', 'playing', 'overlay', v_leader, 'claimed'
    from started s
  )
  select coalesce(array_agg(s.id), '{}') into v_started from started s;
  return v_started;
end
$$;

-- Internal: brings the status of the events behind these plays up to what their plays say. The
-- last locks a transaction takes, in order of id.
create function app.refresh_event_status(p_plays uuid[])
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_events uuid[];
  v_from timestamptz;
  v_to timestamptz;
begin
  -- The bounds let the planner leave out all other partitions.
  select array_agg(distinct p.event_id), min(p.event_created_at), max(p.event_created_at)
  into v_events, v_from, v_to
  from app.plays p where p.id = any (p_plays);
  -- Locked first and read in the next statement: another overlay may be ending its play of the
  -- same event at this moment.
  perform from app.platform_events e
  where e.id = any (v_events) and e.created_at between v_from and v_to
  order by e.id
  for no key update;
  update app.platform_events e
  set status = d.status,
    started_at = d.started_at,
    completed_at = case when d.status in ('completed', 'cancelled') then d.ended_at end
  from (
    select p.event_id, app.derive_event_status(array_agg(p.status)) as status,
      min(p.started_at) as started_at, max(p.ended_at) as ended_at
    from app.plays p
    where p.event_id = any (v_events)
    group by p.event_id
  ) d
  where e.id = d.event_id and e.created_at between v_from and v_to
    and (e.status, e.started_at) is distinct from (d.status, d.started_at);
end
$$;

-- Documents ---------------------------------------------------------------------------------

-- An event as src/lib/bus/event.ts has it. Views, not functions: the planner sees through them.
create view app.event_documents with (security_invoker = true) as
select e.id, e.created_at, e.account_id, e.seq, e.event_type, e.class,
  jsonb_build_object(
    'id', e.id, 'account_id', e.account_id, 'seq', e.seq, 'event_type', e.event_type,
    'class', e.class, 'platform', e.platform, 'origin', e.origin, 'external_id', e.external_id,
    'data', e.data, 'metadata', e.metadata,
    'priority', case e.priority when 0 then 'low' when 10 then 'normal' when 20 then 'high' else 'critical' end,
    'status', e.status, 'duration_ms', e.duration_ms, 'cancelable', e.cancelable,
    'replayable', e.replayable, 'scheduled_at', e.scheduled_at, 'occurred_at', e.occurred_at,
    'created_at', e.created_at, 'started_at', e.started_at, 'completed_at', e.completed_at
  ) as document
from app.platform_events e;

-- A play as src/lib/bus/status.ts has it, but for elapsed_ms, which depends on the reader's now.
create view app.play_documents with (security_invoker = true) as
select p.id, p.account_id, p.overlay_id, p.event_id, p.event_created_at, p.seq, p.status,
  case when p.status = 'playing' then p.claimed_at end as playing_since,
  jsonb_build_object(
    'id', p.id, 'event_id', p.event_id, 'account_id', p.account_id, 'overlay_id', p.overlay_id,
    'seq', p.seq,
    'priority', case p.priority when 0 then 'low' when 10 then 'normal' when 20 then 'high' else 'critical' end,
    'lane', p.lane, 'status', p.status, 'reason', p.reason, 'play_no', p.play_no,
    'attempt', p.attempt, 'duration_ms', p.duration_ms,
    'instance_id', case when p.status = 'playing' then p.instance_id end,
    'outcome', p.outcome, 'created_at', p.created_at, 'started_at', p.started_at,
    'ended_at', p.ended_at
  ) as document
from app.plays p;

-- Milliseconds since a moment, never below zero: a clock that was set back is not negative time.
-- Null since no moment.
create function app.elapsed_ms(p_since timestamptz, p_now timestamptz)
returns bigint
language plpgsql
immutable
strict
set search_path = ''
as $$
begin
  return greatest(0, floor(extract(epoch from p_now - p_since) * 1000))::bigint;
end
$$;

-- Internal: plays with their events (PlayWithEvent), in the order asked for.
create function app.describe_plays(p_plays uuid[], p_now timestamptz)
returns table (ord bigint, id uuid, overlay_id uuid, account_id uuid, play jsonb)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_from timestamptz;
  v_to timestamptz;
begin
  select min(p.event_created_at), max(p.event_created_at) into v_from, v_to
  from app.plays p where p.id = any (p_plays);
  return query
    select wanted.ord, p.id, p.overlay_id, p.account_id,
      p.document || jsonb_build_object('elapsed_ms', app.elapsed_ms(p.playing_since, p_now), 'event', e.document)
    from unnest(p_plays) with ordinality as wanted (id, ord)
    join app.play_documents p on p.id = wanted.id
    join app.event_documents e on e.id = p.event_id and e.created_at = p.event_created_at
      and e.created_at between v_from and v_to
    order by wanted.ord;
end
$$;

revoke execute on all functions in schema app from public;

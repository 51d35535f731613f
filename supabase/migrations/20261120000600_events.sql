-- Events: what happened. One append-mostly log for each account, counted by seq.

-- Partitioned by the month (UTC) of created_at, the database's own time: partitions are made ahead
-- and dropped whole by retention. The first key column must be in every lookup for pruning, so
-- plays remember their event's created_at.
create table app.platform_events (
  id uuid not null,
  created_at timestamptz not null,
  -- No foreign key: events are written under the lock of the account's row, which proves that it
  -- exists, and a check for each row would cost as much as a second index.
  account_id uuid not null,
  seq bigint not null check (seq > 0),
  event_type text not null,
  class text not null check (class in ('animated', 'data', 'alert', 'system')),
  platform text not null,
  origin text not null check (origin in ('live', 'test', 'manual', 'poll')),
  external_id text,
  data jsonb not null,
  raw jsonb,
  metadata jsonb not null default '{}',
  -- low 0, normal 10, high 20, critical 30: a plain sort works
  priority smallint not null check (priority in (0, 10, 20, 30)),
  -- Derived from the plays by app.refresh_event_status, never set beside them.
  status text not null check (status in ('pending', 'active', 'completed', 'cancelled')),
  duration_ms integer,
  cancelable boolean not null,
  replayable boolean not null,
  scheduled_at timestamptz,
  occurred_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  -- Cancelled by command, also when it had no play that could have been.
  cancelled_at timestamptz,
  -- What the history's text search looks through: every string in data, written as JSON writes it.
  search text not null generated always as (
    lower(left(jsonb_path_query_array(data, 'strict $.** ? (@.type() == "string")')::text, 500))
  ) stored,
  primary key (id, created_at)
) partition by range (created_at);
alter table app.platform_events enable row level security;
-- No policy and no grant: who may see an event may not always see its viewer. The reading
-- functions decide.
alter table app.platform_events force row level security;

-- Newest first, and `seq > cursor`.
create index platform_events_seq on app.platform_events (account_id, seq desc);
-- The history filtered by type: one ordered range for each type.
create index platform_events_type on app.platform_events (account_id, event_type, seq desc);
do $$
begin
  if exists (select from pg_catalog.pg_extension where extname = 'pg_trgm') then
    execute format(
      'create index platform_events_search on app.platform_events using gin (search %I.gin_trgm_ops)',
      (select n.nspname from pg_catalog.pg_extension e
        join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm'));
  end if;
end
$$;

-- What makes an event a duplicate: the delivery's id and the fact's own. Kept for 30 days.
create table app.event_keys (
  account_id uuid not null,
  kind text not null check (kind in ('transport', 'business')),
  key text not null,
  event_id uuid not null,
  event_created_at timestamptz not null,
  seq bigint not null,
  created_at timestamptz not null,
  primary key (account_id, kind, key)
);
-- The purge reads by age, and age is the order of the heap: a summary of block ranges is enough.
create index event_keys_age on app.event_keys using brin (created_at);
alter table app.event_keys enable row level security;
-- No policy and no grant.
alter table app.event_keys force row level security;

-- Makes the partition of p_now's month and of the months after it; answers how many were new.
-- `create table if not exists` under the lock, not a look before it: whoever waited for the lock
-- would decide by a catalog cache from before the wait.
create function app.ensure_event_partitions(p_now timestamptz, p_months_ahead integer)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_first timestamp := date_trunc('month', p_now at time zone 'UTC');
  v_start timestamp;
  v_name text;
  v_made integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('app.platform_events', 0));
  for v_month in 0..p_months_ahead loop
    v_start := v_first + make_interval(months => v_month);
    v_name := 'platform_events_' || to_char(v_start, 'YYYY_MM');
    if to_regclass('app.' || v_name) is null then
      execute format(
        'create table if not exists app.%I partition of app.platform_events '
          -- Room for the two later versions (active, completed) beside the first.
          'for values from (%L) to (%L) with (fillfactor = 80)',
        v_name, v_start at time zone 'UTC', (v_start + interval '1 month') at time zone 'UTC');
      execute format('alter table app.%I enable row level security', v_name);
      execute format('alter table app.%I force row level security', v_name);
      v_made := v_made + 1;
    end if;
  end loop;
  return v_made;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function app.ensure_event_partitions(timestamptz, integer) to service_role;

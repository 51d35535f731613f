-- Tasks: what a server does again and again, slowly. Several processes may work on one database:
-- a due task is claimed by one of them, under a lease that it renews while it works. A process that
-- dies renews nothing, so its task is free again when the lease ends.

create table app.tasks (
  name text primary key check (name ~ '^[a-z][a-z0-9_]{0,49}$'),
  title text not null check (char_length(title) between 1 and 200),
  interval_s integer not null check (interval_s between 1 and 2678400),
  is_enabled boolean not null default true,
  -- Asked for by a person: it runs once, also when it is disabled.
  is_asked boolean not null default false,
  next_run_at timestamptz not null,
  last_run_at timestamptz,
  last_duration_ms integer check (last_duration_ms >= 0),
  -- What went wrong in the last run; null when it went well.
  last_error text check (char_length(last_error) <= 500),
  -- The process that runs it and until when that is believed.
  run_owner uuid,
  run_until timestamptz,
  runs bigint not null default 0,
  failures bigint not null default 0,
  failures_in_row integer not null default 0,
  check ((run_owner is null) = (run_until is null))
);
alter table app.tasks enable row level security;
-- No policy and no grant: errors may speak of other accounts. The functions decide.
alter table app.tasks force row level security;

-- Makes the tasks of a server known: [{name, title, interval_s}]. A new one is due at once; one that
-- is known keeps its state, and runs no later than its new interval allows.
create function app.register_tasks(p_tasks jsonb, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.tasks (name, title, interval_s, next_run_at)
  select t.name, t.title, t.interval_s, p_now
  from jsonb_to_recordset(p_tasks) as t (name text, title text, interval_s integer)
  -- Two servers that start together would wait for each other in different orders.
  order by t.name
  on conflict (name) do update
  set title = excluded.title, interval_s = excluded.interval_s,
    next_run_at = least(tasks.next_run_at, p_now + make_interval(secs => excluded.interval_s))
  where (tasks.title, tasks.interval_s) is distinct from (excluded.title, excluded.interval_s);
end
$$;

-- Takes due tasks that this process knows (p_names), at most p_limit, the longest overdue first:
-- their names. A task that somebody has under a living lease, or is claiming now, is left alone; one
-- whose lease ended counts a failure for the process that died with it.
create function app.claim_tasks(
  p_owner uuid, p_names text[], p_limit integer, p_lease_s integer,
  p_now timestamptz default clock_timestamp())
returns text[]
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_claimed text[];
begin
  with due as (
    select t.name
    from app.tasks t
    where t.name = any (p_names)
      and ((t.is_enabled and t.next_run_at <= p_now) or t.is_asked)
      and (t.run_until is null or t.run_until <= p_now)
    order by t.next_run_at, t.name
    limit p_limit
    for update skip locked
  ),
  claimed as (
    update app.tasks t
    set run_owner = p_owner, run_until = p_now + make_interval(secs => p_lease_s),
      last_run_at = p_now, is_asked = false, runs = t.runs + 1,
      failures = t.failures + case when t.run_owner is null then 0 else 1 end,
      failures_in_row = t.failures_in_row + case when t.run_owner is null then 0 else 1 end,
      last_error = case when t.run_owner is null then t.last_error
        else 'The process that ran it ended in the middle of it' end
    from due
    where t.name = due.name
    returning t.name
  )
  select coalesce(array_agg(c.name order by c.name), '{}') into v_claimed from claimed c;
  return v_claimed;
end
$$;

-- Says that a process still works on its tasks; answers the names of those that are still its own.
-- Not the others: it was silent for too long, and somebody else may have begun.
create function app.renew_tasks(
  p_owner uuid, p_names text[], p_lease_s integer, p_now timestamptz default clock_timestamp())
returns text[]
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_renewed text[];
begin
  with renewed as (
    update app.tasks t
    set run_until = p_now + make_interval(secs => p_lease_s)
    where t.run_owner = p_owner and t.name = any (p_names) and t.run_until > p_now
    returning t.name
  )
  select coalesce(array_agg(r.name order by r.name), '{}') into v_renewed from renewed r;
  return v_renewed;
end
$$;

-- Ends a run. p_error null: it went well, and the next one is due an interval from now. Else it is
-- tried again after 15 s, 30 s, 60 s … up to its interval or a quarter of an hour, whichever is
-- longer. Answers {failures_before, failures_in_row}: 0 and 1 is the moment to tell somebody.
-- Null: it was not this process's to end any more.
create function app.finish_task(
  p_owner uuid, p_name text, p_error text, p_duration_ms integer,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_before integer;
  v_after integer;
begin
  select t.failures_in_row into v_before
  from app.tasks t
  where t.name = p_name and t.run_owner = p_owner
  for update;
  if not found then
    return null;
  end if;
  v_after := case when p_error is null then 0 else v_before + 1 end;
  update app.tasks t
  set run_owner = null, run_until = null, last_duration_ms = p_duration_ms,
    last_error = left(p_error, 500), failures_in_row = v_after,
    failures = t.failures + case when p_error is null then 0 else 1 end,
    next_run_at = p_now + make_interval(secs => case when p_error is null then t.interval_s
      else least(15 * 2 ^ least(v_after - 1, 20), greatest(t.interval_s, 900)) end)
  where t.name = p_name;
  return jsonb_build_object('failures_before', v_before, 'failures_in_row', v_after);
end
$$;

-- Gives a task back that was broken off (the server stops): somebody else may run it at once.
create function app.release_task(
  p_owner uuid, p_name text, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.tasks t
  set run_owner = null, run_until = null, runs = t.runs - 1, next_run_at = p_now,
    -- As it may have been asked for while disabled.
    is_asked = t.is_asked or not t.is_enabled
  where t.name = p_name and t.run_owner = p_owner;
end
$$;

-- Whether an account is the one of this server's operator: the first that was made on it, by
-- whoever held the setup link.
create function app.is_operator_account(p_account uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return p_account = (select a.id from app.accounts a order by a.created_at, a.id limit 1);
end
$$;

-- Tasks work for all accounts, so running and stopping them is not a matter of one of them: only
-- the owner of the operator's account may (who holds account:manage there).
create function app.require_operator(p_account uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'account:manage');
  if not app.is_operator_account(p_account) then
    perform app.refuse('CU403', 'Tasks work for every account of this server: only the owner of the account that was made first on it may run, enable or disable them');
  end if;
end
$$;

-- Internal. p_is_operator: errors in full, as they may speak of any account.
create function app.task_document(p_name text, p_is_operator boolean, p_now timestamptz)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('name', t.name, 'title', t.title, 'interval_s', t.interval_s,
      'is_enabled', t.is_enabled, 'next_run_at', t.next_run_at, 'last_run_at', t.last_run_at,
      'last_duration_ms', t.last_duration_ms,
      'last_error', case when t.last_error is null or p_is_operator then t.last_error
        else 'It failed; the operator of this server can read why' end,
      'is_running', coalesce(t.run_until > p_now, false),
      'runs', t.runs, 'failures', t.failures)
    from app.tasks t
    where t.name = p_name);
end
$$;

create function app.list_tasks(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_is_operator boolean := app.is_operator_account(p_account);
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(jsonb_agg(app.task_document(t.name, v_is_operator, p_now) order by t.name), '[]')
    from app.tasks t);
end
$$;

-- Makes a task due now, also a disabled one (once). While it runs: once more after that.
create function app.run_task(
  p_account uuid, p_name text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_operator(p_account);
  update app.tasks t set is_asked = true where t.name = p_name;
  if not found then
    perform app.refuse('CU404', format('There is no task %s', p_name));
  end if;
  perform app.log_command(p_account, 'task.run', 'task', null, jsonb_build_object('name', p_name), p_now);
  return app.task_document(p_name, true, p_now);
end
$$;

-- Lets a task run by itself, or not. A run that has begun goes on to its end.
create function app.set_task_enabled(
  p_account uuid, p_name text, p_is_enabled boolean, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_operator(p_account);
  update app.tasks t set is_enabled = p_is_enabled where t.name = p_name;
  if not found then
    perform app.refuse('CU404', format('There is no task %s', p_name));
  end if;
  perform app.log_command(p_account, case when p_is_enabled then 'task.enable' else 'task.disable' end,
    'task', null, jsonb_build_object('name', p_name), p_now);
  return app.task_document(p_name, true, p_now);
end
$$;

-- What tasks do that no other file has a verb for ------------------------------------------------

-- Forgets sessions and verifications that have ended: {sessions, verifications}.
create function app.purge_sessions(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_sessions integer;
  v_verifications integer;
begin
  delete from identity."session" s where s."expiresAt" <= p_now;
  get diagnostics v_sessions = row_count;
  delete from identity."verification" v where v."expiresAt" <= p_now;
  get diagnostics v_verifications = row_count;
  return jsonb_build_object('sessions', v_sessions, 'verifications', v_verifications);
end
$$;

-- Drops whole months of events that ended before p_before, with their plays; answers how many.
-- A month in which a play is still open stays. Readers whose cursor is older start afresh
-- (app.is_recoverable). The month of p_now and those after it are never touched.
create function app.drop_event_partitions(
  p_before timestamptz, p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_name text;
  v_start timestamptz;
  v_end timestamptz;
  v_dropped integer := 0;
begin
  -- The same lock as app.ensure_event_partitions.
  perform pg_advisory_xact_lock(hashtextextended('app.platform_events', 0));
  for v_name in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'app.platform_events'::regclass
      and c.relname ~ '^platform_events_[0-9]{4}_[0-9]{2}$'
    order by c.relname
  loop
    v_start := to_date(right(v_name, 7), 'YYYY_MM')::timestamp at time zone 'UTC';
    v_end := (v_start at time zone 'UTC' + interval '1 month') at time zone 'UTC';
    exit when v_end > least(p_before, p_now);
    continue when exists (
      select from app.plays p
      where p.event_created_at >= v_start and p.event_created_at < v_end and p.ended_at is null);
    delete from app.plays p where p.event_created_at >= v_start and p.event_created_at < v_end;
    execute format('drop table app.%I', v_name);
    v_dropped := v_dropped + 1;
  end loop;
  return v_dropped;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_tasks(uuid, timestamptz),
  app.run_task(uuid, text, timestamptz),
  app.set_task_enabled(uuid, text, boolean, timestamptz)
  to authenticated, service_role;
grant execute on function
  app.register_tasks(jsonb, timestamptz),
  app.claim_tasks(uuid, text[], integer, integer, timestamptz),
  app.renew_tasks(uuid, text[], integer, timestamptz),
  app.finish_task(uuid, text, text, integer, timestamptz),
  app.release_task(uuid, text, timestamptz),
  app.purge_sessions(timestamptz),
  app.drop_event_partitions(timestamptz, timestamptz)
  to service_role;

-- Setup: the schema, what the database must offer, and how a function refuses.
--
-- House rules for every migration here:
--  * hosted Supabase's rules: applied by a role that is no superuser; nothing is created in auth,
--    realtime or storage except policies; every grant is written down.
--  * valid on PostgreSQL 15, 17 and 18.
--  * everything lives in schema app, which no Data API exposes. Row level security is enabled and
--    forced on every table; a table with no policy answers nobody but this file's role, which
--    bypasses row security and owns the functions.
--  * functions are verbs, set search_path = '', and are security definer unless they touch nothing.
--    execute is taken from public at the end of each file and given back by name.
--  * time is an argument (p_now, always last).
--  * the verbs that run many times a second carry three settings, which hold in what they call:
--    plan_cache_mode = force_generic_plan, as a custom plan looks cheaper where partitions can be
--    left out, and planning it each time costs more than running it; enable_seqscan = off, as every
--    lookup has its index, and a plan made while a table was small would read all of it until the
--    next analyze; jit = off, as compiling takes longer than any of these statements.
--
-- Lock order, everywhere: the account's row, then its overlay queues in order of overlay_id, then
-- plays, then events in order of id. Who needs fewer starts further down; nobody goes back up.

do $$
begin
  if current_setting('server_version_num')::int < 150000 then
    raise exception 'Cuelight needs PostgreSQL 15 or newer, this is %', current_setting('server_version');
  end if;
  -- Row security is forced, so the owner of the functions must be allowed to pass it.
  if not (select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user) then
    raise exception 'The role % that owns Cuelight''s functions lacks bypassrls', current_user
      using hint = format('As a superuser: alter role %I bypassrls', current_user);
  end if;
  -- Makes the text search of the history fast; without it the search still works.
  if exists (select from pg_catalog.pg_available_extensions where name = 'pg_trgm') then
    create extension if not exists pg_trgm with schema extensions;
  end if;
end
$$;

create schema app;
comment on schema app is 'Cuelight''s tables and verbs. Private: no Data API exposes it.';
grant usage on schema app to authenticated, service_role;

-- Ends the transaction with one of the codes of src/lib/bus/error.ts, e.g. 'CU404'.
create function app.refuse(p_code text, p_message text)
returns void
language plpgsql
immutable
set search_path = ''
as $$
begin
  raise exception using errcode = p_code, message = p_message;
end
$$;

-- Who acts, from the token: member, api, remote or overlay; system where there is no token
-- (the trusted server itself).
create function app.actor_kind()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(auth.jwt() ->> 'kind', 'system');
end
$$;

create function app.actor_id()
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  return (auth.jwt() ->> 'sub')::uuid;
end
$$;

-- An append-only table refuses every change to what is written, also from its owner.
create function app.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%.% is append-only', tg_table_schema, tg_table_name using errcode = 'CU409';
end
$$;

revoke execute on all functions in schema app from public;

-- The audit log read and exported; an account exported whole, and deleted without a trace.

create index audit_log_action on app.audit_log (account_id, action, id desc);
create index audit_log_actor on app.audit_log (account_id, actor_id, id desc);

-- Internal: what to call an actor: a member's name, a key's name; null when it is gone.
create function app.actor_name(p_kind text, p_id uuid)
returns text
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return case p_kind
    when 'member' then (select u."name" from identity."user" u where u."id" = p_id)
    when 'system' then null
    else (select k.name from app.keys k where k.id = p_id)
  end;
end
$$;

-- Newest first, from before p_before (the id of the last entry that was read):
-- {items: [{id, at, actor_kind, actor_id, actor_name, action, target_kind, target_id, detail}],
-- next_before}. p_search looks, whatever the case, in actions and details.
create function app.list_audit(
  p_account uuid, p_search text, p_actor uuid, p_action text, p_from timestamptz, p_to timestamptz,
  p_before bigint, p_limit integer)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_like text := '%' || replace(replace(replace(p_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  v_limit integer := least(greatest(coalesce(p_limit, 25), 1), 1000);
begin
  perform app.require_permission(p_account, 'audit:read');
  return (
    with page as (
      select l.*
      from app.audit_log l
      where l.account_id = p_account
        and (p_before is null or l.id < p_before)
        and (p_actor is null or l.actor_id = p_actor)
        -- 'key' finds key.create and key.revoke, 'key.create' itself.
        and (p_action is null or l.action = p_action or starts_with(l.action, p_action || '.'))
        and (p_from is null or l.at >= p_from)
        and (p_to is null or l.at < p_to)
        and (p_search is null or l.action ilike v_like or l.detail::text ilike v_like
          or l.target_id::text ilike v_like)
      order by l.id desc
      limit v_limit + 1
    ), shown as (
      select * from page order by id desc limit v_limit
    )
    select jsonb_build_object(
      'items', coalesce(
        jsonb_agg(
          jsonb_build_object('id', s.id, 'at', s.at, 'actor_kind', s.actor_kind,
            'actor_id', s.actor_id, 'actor_name', app.actor_name(s.actor_kind, s.actor_id),
            'action', s.action, 'target_kind', s.target_kind, 'target_id', s.target_id,
            'detail', s.detail)
          order by s.id desc),
        '[]'),
      'next_before', case when (select count(*) from page) > v_limit then min(s.id) end)
    from shown s);
end
$$;

-- Notes that somebody took the log or the account with them.
create function app.note_export(
  p_account uuid, p_what text, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account,
    case p_what when 'audit' then 'audit:read' else 'account:manage' end);
  perform app.log_command(p_account,
    case p_what when 'audit' then 'audit.export' else 'account.export' end,
    'account', p_account, null, p_now);
end
$$;

-- Whatever belongs to an account -----------------------------------------------------------

-- Internal: every table that holds rows of accounts, found in the catalog, so that a new one is
-- never forgotten: (name, condition on t with the account as $1, level, key of t, the same as values
-- of a JSON array $2). A row belongs by its account_id, or by a foreign key to a row that does. The
-- deepest level refers to all others.
create function app.account_tables()
returns table (name text, condition text, level integer, key text, place text)
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
  with recursive tables as (
    select c.oid, c.relname::text collate "default" as name,
      exists (select from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attname = 'account_id' and not a.attisdropped) as has_account
    from pg_catalog.pg_class c
    where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  ), links as (
    select f.conrelid as child, f.confrelid as parent,
      (select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n)
        from unnest(f.conkey) with ordinality k (att, n)
        join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.att) as child_columns,
      (select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n)
        from unnest(f.confkey) with ordinality k (att, n)
        join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.att) as parent_columns
    from pg_catalog.pg_constraint f
    where f.contype = 'f' and f.conrelid <> f.confrelid
      and f.conrelid in (select oid from tables) and f.confrelid in (select oid from tables)
  ), paths as (
    select t.oid, t.name, 0 as level,
      case t.name when 'accounts' then 't.id = $1' else 't.account_id = $1' end as condition
    from tables t
    where t.has_account or t.name = 'accounts'
    union all
    select t.oid, t.name, p.level + 1,
      case when t.has_account then 't.account_id = $1'
        else format('(%s) in (select %s from app.%I t where %s)',
          l.child_columns, l.parent_columns, p.name, p.condition) end
    from paths p
    join links l on l.parent = p.oid
    join tables t on t.oid = l.child
    where p.level < 20
  )
  select p.name,
    -- Rows that belong in two ways (by either of two parents) are taken by each.
    string_agg(distinct p.condition, ' or '),
    max(p.level),
    k.key,
    k.place
  from paths p
  cross join lateral (
    select string_agg(format('t.%I', a.attname::text collate "default"), ', ' order by k.n) as key,
      string_agg(format('($2 ->> %s)::%s', k.n - 1, format_type(a.atttypid, a.atttypmod)), ', '
        order by k.n) as place
    from pg_catalog.pg_index i
    cross join lateral unnest(i.indkey::int2[]) with ordinality k (att, n)
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.att
    where i.indrelid = p.oid and i.indisprimary
  ) k
  group by p.name, k.key, k.place;
end
$$;

-- The next rows of one table of an account, as {rows, after}: after (the key of the last row) is
-- null at the end. Nothing that opens anything: no column of bytes (hashes, ciphertexts), none
-- named after a secret. Whole tables whose only use is a secret are left out (app.export_tables).
create function app.export_rows(p_account uuid, p_table text, p_after jsonb, p_limit integer)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_table record;
  v_relation regclass;
  v_secrets text[];
  v_answer jsonb;
begin
  perform app.require_permission(p_account, 'account:manage');
  select * into v_table from app.account_tables() t where t.name = p_table;
  if not found then
    perform app.refuse('CU404', format('There is no table %s of accounts', p_table));
  end if;
  v_relation := format('app.%I', p_table)::regclass;
  select coalesce(array_agg(a.attname::text), '{}') into v_secrets
  from pg_catalog.pg_attribute a
  where a.attrelid = v_relation and a.attnum > 0 and not a.attisdropped
    and (a.atttypid = 'bytea'::regtype
      or a.attname ~ '(secret|token|cipher|password|verifier|hash)' and a.attname !~ '(_at|_until)$');
  execute format(
    'with page as (
      select to_jsonb(t) - $4 as document, jsonb_build_array(%1$s) as place, row_number() over (order by %1$s) as n
      from %2$s t
      where (%3$s) and ($2 is null or (%1$s) > (%4$s))
      order by %1$s limit $3)
    select jsonb_build_object(''rows'', coalesce(jsonb_agg(document order by n), ''[]''),
      ''after'', case when count(*) = $3 then (array_agg(place order by n desc))[1] end)
    from page',
    v_table.key, v_relation, v_table.condition, v_table.place)
  into v_answer
  using p_account, p_after, p_limit, v_secrets;
  return v_answer;
end
$$;

-- The tables that an export holds, in order.
create function app.export_tables(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'account:manage');
  return (
    select jsonb_agg(t.name order by t.level, t.name)
    from app.account_tables() t
    where t.name not in ('app_tokens', 'connection_tokens', 'idempotency_keys',
      'pending_authorizations', 'account_deletions'));
end
$$;

-- Deletion ---------------------------------------------------------------------------------

-- Accounts that are going. Nobody belongs to them any more; app.purge_accounts takes what is left,
-- this row last.
create table app.account_deletions (
  account_id uuid primary key references app.accounts (id) on delete cascade,
  requested_at timestamptz not null
);
alter table app.account_deletions enable row level security;
-- No policy and no grant.
alter table app.account_deletions force row level security;

-- As before, and what belongs to an account that is going may go: the purge names it.
create or replace function app.refuse_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' and exists (
    select from app.account_deletions d
    where d.account_id::text = current_setting('app.purging', true)) then
    return null;
  end if;
  raise exception '%.% is append-only', tg_table_schema, tg_table_name using errcode = 'CU409';
end
$$;

-- Deletes an account, whose name has to be typed: {account_id}. With the commit nobody reaches it
-- any more, by session, key, page or platform; its rows follow within seconds. People who belong
-- to no other account go with it.
create function app.delete_account(
  p_account uuid, p_name text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_people uuid[];
  v_key app.keys;
begin
  perform app.lock_members(p_account, 'account:manage');
  if p_name is distinct from (select a.name from app.accounts a where a.id = p_account) then
    perform app.refuse('CU400', 'name: type the name of the account exactly, to delete it');
  end if;
  insert into app.account_deletions (account_id, requested_at) values (p_account, p_now)
  on conflict do nothing;
  for v_key in
    select * from app.keys k where k.account_id = p_account and k.revoked_at is null order by k.id
  loop
    perform app.end_key(v_key, p_now);
  end loop;
  -- No more events come in.
  delete from app.platform_connections c where c.account_id = p_account;
  with gone as (
    delete from app.members m where m.account_id = p_account returning m.user_id
  )
  select array_agg(g.user_id) into v_people from gone g;
  -- Who came here once and left; this account is why they are known.
  v_people := v_people || array(select i.accepted_by from app.invitations i
    where i.account_id = p_account and i.accepted_by is not null);
  delete from identity."user" u
  where u."id" = any (v_people)
    and not exists (select from app.members m where m.user_id = u."id" and m.account_id <> p_account);
  return jsonb_build_object('account_id', p_account);
end
$$;

-- Takes at most p_limit rows of each table of an account that is going, and the account itself when
-- nothing else is left; answers how many rows went, 0 when no account is going. To be called until then.
create function app.purge_accounts(p_limit integer)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_account uuid;
  v_table record;
  v_rows integer;
  v_gone integer := 0;
begin
  select d.account_id into v_account
  from app.account_deletions d
  order by d.requested_at, d.account_id
  limit 1
  -- Another process is at it.
  for update skip locked;
  if not found then
    return 0;
  end if;
  perform set_config('app.purging', v_account::text, true);
  -- Whoever records takes this row first: nothing comes in behind the last look.
  perform from app.accounts a where a.id = v_account for update;
  -- Hosted Realtime keeps its own messages for three days and lets nobody else remove them.
  if has_table_privilege('realtime.messages', 'delete') then
    execute 'delete from realtime.messages m where m.topic = any ($1)'
    using array(select 'account:' || v_account
      union all select 'overlay:' || o.id from app.overlays o where o.account_id = v_account);
  end if;
  for v_table in
    select t.name, t.condition, t.key from app.account_tables() t
    where t.name not in ('accounts', 'account_deletions')
    order by t.level desc, t.name
  loop
    execute format('delete from app.%1$I t where (%3$s) in (
      select %3$s from app.%1$I t where (%2$s) limit $2)', v_table.name, v_table.condition, v_table.key)
    using v_account, p_limit;
    get diagnostics v_rows = row_count;
    v_gone := v_gone + v_rows;
    -- What refers to these rows goes first.
    exit when v_rows = p_limit;
  end loop;
  if v_gone = 0 then
    delete from app.accounts a where a.id = v_account;
    v_gone := 1;
  end if;
  perform set_config('app.purging', '', true);
  return v_gone;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_audit(uuid, text, uuid, text, timestamptz, timestamptz, bigint, integer),
  app.note_export(uuid, text, timestamptz),
  app.export_tables(uuid),
  app.export_rows(uuid, text, jsonb, integer),
  app.delete_account(uuid, text, timestamptz)
  to authenticated, service_role;
grant execute on function app.purge_accounts(integer) to service_role;

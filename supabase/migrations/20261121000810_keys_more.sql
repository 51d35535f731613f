-- Keys, further: an overlap when a key is rotated, phones paired by a code, keys that only ingest,
-- and lists that say what a key may do now.

alter table app.keys
  -- When a rotated key stops working, while its successor works already.
  add column ends_at timestamptz;
create index keys_ending on app.keys (ends_at) where ends_at is not null and revoked_at is null;
create index keys_creator on app.keys (account_id, created_by);

-- A code that a phone turns into a key of its own: shown as a QR code, good once and for a minute.
create table app.pairings (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  permissions text[] not null,
  code_hash bytea not null unique check (octet_length(code_hash) = 32),
  created_by uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  key_id uuid references app.keys (id) on delete cascade,
  check ((used_at is null) = (key_id is null))
);
create index pairings_account on app.pairings (account_id, created_at desc);
create index pairings_key on app.pairings (key_id);
alter table app.pairings enable row level security;
-- No policy and no grant: hashes are nobody's to read.
alter table app.pairings force row level security;

-- What a token is worth --------------------------------------------------------------------

-- Internal: whether a key opens anything. Its end is also swept (app.end_due_keys), which closes
-- what it holds open; between the two this is exact.
create function app.is_live(p_key app.keys)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return p_key.revoked_at is null
    and (p_key.ends_at is null or p_key.ends_at > statement_timestamp());
end
$$;

-- What a key may do now: its own permissions, less those that its creator has lost since.
create function app.permissions_of_key(p_key app.keys)
returns text[]
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(array_agg(rp.permission order by rp.permission), '{}')
    from app.members m
    join app.role_permissions rp on rp.role = m.role and rp.permission = any (p_key.permissions)
    where m.account_id = p_key.account_id and m.user_id = p_key.created_by);
end
$$;

create or replace function app.permissions_in(p_account uuid)
returns text[]
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
  v_permissions text[];
begin
  case v_claims ->> 'kind'
    when 'member' then
      select array_agg(rp.permission order by rp.permission) into v_permissions
      from app.members m
      join app.role_permissions rp on rp.role = m.role
      where m.account_id = p_account and m.user_id = app.current_person();
    when 'api', 'remote', 'ingest' then
      select app.permissions_of_key(k) into v_permissions
      from app.keys k
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and app.is_live(k);
    else
      null;
  end case;
  return coalesce(v_permissions, '{}');
end
$$;

create or replace function app.is_related(p_account uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  return case
    when v_claims ->> 'kind' = 'member' then exists (
      select from app.members m
      where m.account_id = p_account and m.user_id = app.current_person())
    when v_claims ->> 'kind' in ('api', 'remote', 'ingest') then exists (
      select from app.keys k
      where k.id = (v_claims ->> 'key_id')::uuid and k.account_id = p_account
        and k.kind = v_claims ->> 'kind' and app.is_live(k))
    else false
  end;
end
$$;

-- [{id, name, role, permissions[], is_default}], by name.
create or replace function app.my_accounts()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', a.id, 'name', a.name, 'role', mine.role,
          'permissions', to_jsonb(app.permissions_in(a.id)), 'is_default', mine.is_default)
        order by a.name, a.id),
      '[]')
    from (
      select m.account_id, m.role, m.is_default
      from app.members m
      where m.user_id = app.current_person()
      union all
      select k.account_id, null, true
      from app.keys k
      where v_claims ->> 'kind' in ('api', 'remote', 'ingest')
        and k.id = (v_claims ->> 'key_id')::uuid and k.kind = v_claims ->> 'kind' and app.is_live(k)
    ) mine
    join app.accounts a on a.id = mine.account_id);
end
$$;

create or replace function app.find_key(p_token_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key app.keys;
begin
  select * into v_key from app.keys k
  where k.token_hash = p_token_hash and k.revoked_at is null
    and (k.ends_at is null or k.ends_at > p_now);
  if not found then
    return null;
  end if;
  if v_key.last_used_at is null or v_key.last_used_at < p_now - interval '1 minute' then
    update app.keys set last_used_at = p_now where id = v_key.id;
  end if;
  return jsonb_build_object('id', v_key.id, 'kind', v_key.kind, 'account_id', v_key.account_id,
    'overlay_id', v_key.overlay_id, 'permissions', to_jsonb(v_key.permissions),
    'created_by', v_key.created_by);
end
$$;

create or replace function app.key_document(p_key uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', k.id, 'kind', k.kind, 'name', k.name, 'hint', k.hint,
      'overlay_id', k.overlay_id, 'permissions', to_jsonb(k.permissions),
      -- An overlay's key opens its overlay and nothing else.
      'effective_permissions', to_jsonb(
        case when app.is_live(k) then app.permissions_of_key(k) else '{}' end),
      'created_by', k.created_by, 'rotated_from', k.rotated_from, 'created_at', k.created_at,
      'last_used_at', k.last_used_at, 'ends_at', k.ends_at, 'revoked_at', k.revoked_at)
    from app.keys k
    where k.id = p_key);
end
$$;

-- Verbs of keys ----------------------------------------------------------------------------

-- An ingest key brings events in and does nothing else, wherever it leaks.
alter table app.keys add check (kind <> 'ingest' or permissions <@ '{events:create}');

-- Puts a new secret in the place of the old one, which goes on working for the overlap and ends
-- at once without one. The new secret is a new key with a new id: sessions that were opened with
-- the old secret carry the old id and end with it.
drop function app.rotate_key(uuid, uuid, bytea, text, timestamptz);
create function app.rotate_key(
  p_account uuid, p_key uuid, p_token_hash bytea, p_hint text, p_overlap interval,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_old app.keys;
  v_id uuid;
begin
  v_old := app.lock_key(p_account, p_key);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if v_old.revoked_at is not null then
    perform app.refuse('CU410', 'This key was revoked: make a new one');
  end if;
  if v_old.ends_at is not null then
    perform app.refuse('CU409', 'This key has a successor already: rotate that one');
  end if;
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_overlap is null or p_overlap < interval '0' or p_overlap > interval '7 days' then
    perform app.refuse('CU400', 'overlap: an old key goes on for 7 days at most');
  end if;
  -- Else whoever rotates would hold a secret that may more than they do.
  if v_old.kind <> 'overlay' and not app.permissions_of_key(v_old) <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', 'You cannot give what you do not have: this key may more than you');
  end if;
  insert into app.keys (account_id, kind, name, hint, overlay_id, permissions, token_hash,
    created_by, rotated_from, created_at)
  values (p_account, v_old.kind, v_old.name, p_hint, v_old.overlay_id, v_old.permissions,
    p_token_hash, v_old.created_by, v_old.id, p_now)
  returning id into v_id;
  if p_overlap = interval '0' then
    perform app.end_key(v_old, p_now);
  else
    update app.keys set ends_at = p_now + p_overlap where id = v_old.id;
  end if;
  perform app.log_command(p_account, 'key.rotate', 'key', v_old.id,
    jsonb_build_object('kind', v_old.kind, 'new_key_id', v_id,
      'overlap_s', extract(epoch from p_overlap)), p_now);
  return app.key_document(v_id);
end
$$;

-- Ends the keys whose overlap is over, and closes what they hold open; answers how many.
create function app.end_due_keys(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key app.keys;
  v_ended integer := 0;
begin
  for v_key in
    select * from app.keys k
    where k.ends_at <= p_now and k.revoked_at is null
    order by k.id
    -- Another process is at it.
    for update skip locked
  loop
    perform app.end_key(v_key, p_now);
    perform app.log_command(v_key.account_id, 'key.end', 'key', v_key.id,
      jsonb_build_object('kind', v_key.kind), p_now);
    v_ended := v_ended + 1;
  end loop;
  return v_ended;
end
$$;

-- Verbs of pairing -------------------------------------------------------------------------

-- {id, state: waiting | paired | expired, permissions, expires_at, key}
create function app.pairing_document(p_pairing uuid, p_now timestamptz)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', p.id,
      'state', case when p.used_at is not null then 'paired'
        when p.expires_at <= p_now then 'expired' else 'waiting' end,
      'permissions', to_jsonb(p.permissions), 'expires_at', p.expires_at,
      'key', app.key_document(p.key_id))
    from app.pairings p
    where p.id = p_pairing);
end
$$;

-- Makes a code. What the phone may do is judged when it comes, as for any key.
create function app.create_pairing(
  p_account uuid, p_permissions text[], p_code_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'keys:edit');
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if p_code_hash is null or octet_length(p_code_hash) <> 32 then
    perform app.refuse('CU400', 'code_hash: must be a SHA-256, 32 bytes');
  end if;
  if not coalesce(p_permissions, '{}') <@ app.permissions_in(p_account) then
    perform app.refuse('CU403', 'You cannot give what you do not have');
  end if;
  -- Codes live for a minute: old ones are in nobody's way, and need not be kept.
  delete from app.pairings p where p.account_id = p_account and p.created_at < p_now - interval '1 day';
  insert into app.pairings (account_id, permissions, code_hash, created_by, created_at, expires_at)
  values (p_account, coalesce(p_permissions, '{}'), p_code_hash, app.actor_id(), p_now,
    p_now + interval '60 seconds')
  returning id into v_id;
  perform app.log_command(p_account, 'pairing.create', 'pairing', v_id,
    jsonb_build_object('permissions', to_jsonb(p_permissions)), p_now);
  return app.pairing_document(v_id, p_now);
end
$$;

create function app.get_pairing(
  p_account uuid, p_pairing uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'keys:edit');
  if not exists (select from app.pairings p where p.id = p_pairing and p.account_id = p_account) then
    perform app.refuse('CU404', format('There is no pairing %s', p_pairing));
  end if;
  return app.pairing_document(p_pairing, p_now);
end
$$;

-- Turns a code into a key of the phone that shows it, in the name of the member who made the code
-- and with what they may give now. CU410 when it was used or is older than a minute. For the server.
create function app.use_pairing(
  p_code_hash bytea, p_name text, p_token_hash bytea, p_hint text,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_pairing app.pairings;
  v_key jsonb;
begin
  select * into v_pairing from app.pairings p where p.code_hash = p_code_hash for update;
  if not found then
    perform app.refuse('CU404', 'There is no such code: show a new one');
  end if;
  if v_pairing.used_at is not null or v_pairing.expires_at <= p_now then
    perform app.refuse('CU410', 'This code was used or is older than a minute: show a new one');
  end if;
  perform set_config('request.jwt.claims', jsonb_build_object('kind', 'member',
    'sub', v_pairing.created_by, 'role', 'authenticated', 'aud', 'authenticated')::text, true);
  v_key := app.create_key(v_pairing.account_id, 'remote', p_name, null,
    array(select unnest(v_pairing.permissions) intersect select unnest(app.permissions_in(v_pairing.account_id))),
    p_token_hash, p_hint, p_now);
  update app.pairings p
  set used_at = p_now, key_id = (v_key ->> 'id')::uuid
  where p.id = v_pairing.id;
  return v_key;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.rotate_key(uuid, uuid, bytea, text, interval, timestamptz),
  app.create_pairing(uuid, text[], bytea, timestamptz),
  app.get_pairing(uuid, uuid, timestamptz)
  to authenticated, service_role;
grant execute on function
  app.end_due_keys(timestamptz),
  app.use_pairing(bytea, text, bytea, text, timestamptz)
  to service_role;

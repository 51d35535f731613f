-- Keys: 32 random bytes that the server makes, shown once, stored as their SHA-256. High entropy
-- needs no slow hash, and the hash is the index.

create table app.keys (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  kind text not null check (kind in ('overlay', 'api', 'remote', 'ingest')),
  name text not null check (char_length(name) between 1 and 100),
  -- The last characters of the secret, so that people tell keys apart.
  hint text not null check (char_length(hint) <= 12),
  -- Overlay keys open one overlay.
  overlay_id uuid,
  permissions text[] not null default '{}',
  token_hash bytea not null unique check (octet_length(token_hash) = 32),
  -- The member behind it: what they lose, the key loses.
  created_by uuid,
  -- The key that this one replaced.
  rotated_from uuid references app.keys (id) on delete set null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  check ((kind = 'overlay') = (overlay_id is not null))
);
create index keys_account on app.keys (account_id);
create index keys_overlay on app.keys (overlay_id);
create index keys_rotated_from on app.keys (rotated_from);
alter table app.keys enable row level security;
-- No policy and no grant: hashes are nobody's to read. app.list_keys shows the rest.
alter table app.keys force row level security;

-- What may be told of a key.
create function app.key_document(p_key uuid)
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
      'created_at', k.created_at, 'last_used_at', k.last_used_at, 'revoked_at', k.revoked_at)
    from app.keys k
    where k.id = p_key);
end
$$;

-- Overlay addresses are handed out by overlays:keys, every other key by keys:edit.
create function app.require_key_permission(p_account uuid, p_kind text)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account,
    case when p_kind = 'overlay' then 'overlays:keys' else 'keys:edit' end);
end
$$;

-- Makes a key. It may hold at most what its creator holds, and a key cannot make keys: a leaked
-- one could otherwise outlive its own revocation.
create function app.create_key(
  p_account uuid, p_kind text, p_name text, p_overlay uuid, p_permissions text[],
  p_token_hash bytea, p_hint text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
  v_beyond text;
begin
  perform app.require_key_permission(p_account, p_kind);
  if app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'A key cannot make keys: sign in');
  end if;
  if p_kind is null or p_kind not in ('overlay', 'api', 'remote', 'ingest') then
    perform app.refuse('CU400', format('kind: %s is not a kind of key', coalesce(p_kind, 'null')));
  end if;
  if p_name is null or char_length(p_name) not between 1 and 100 then
    perform app.refuse('CU400', 'name: a key needs a name of 1 to 100 characters');
  end if;
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  if p_kind = 'overlay' and not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if p_kind <> 'overlay' and p_overlay is not null then
    perform app.refuse('CU400', format('overlay_id: a key of kind %s belongs to no overlay', p_kind));
  end if;
  select wanted.name into v_beyond
  from unnest(p_permissions) as wanted (name)
  where not exists (select from app.permissions p where p.name = wanted.name)
  limit 1;
  if found then
    perform app.refuse('CU400', format('permissions: there is no permission %s', v_beyond));
  end if;
  select wanted.name into v_beyond
  from unnest(p_permissions) as wanted (name)
  where not wanted.name = any (app.permissions_in(p_account))
  limit 1;
  if found then
    perform app.refuse('CU403', format('You cannot give what you do not have: %s', v_beyond));
  end if;
  insert into app.keys (account_id, kind, name, hint, overlay_id, permissions, token_hash,
    created_by, created_at)
  values (p_account, p_kind, p_name, p_hint, p_overlay, coalesce(p_permissions, '{}'), p_token_hash,
    app.actor_id(), p_now)
  returning id into v_id;
  perform app.log_command(p_account, 'key.create', 'key', v_id,
    jsonb_build_object('kind', p_kind, 'name', p_name, 'overlay_id', p_overlay), p_now);
  return app.key_document(v_id);
end
$$;

-- Internal: a live key of the account, locked; CU404 when there is none, CU410 when it is revoked.
create function app.lock_key(p_account uuid, p_key uuid)
returns app.keys
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key app.keys;
begin
  if not app.is_related(p_account) then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;
  select * into v_key from app.keys k where k.id = p_key and k.account_id = p_account for update;
  if not found then
    perform app.refuse('CU404', format('There is no key %s', p_key));
  end if;
  perform app.require_key_permission(p_account, v_key.kind);
  return v_key;
end
$$;

-- Internal: ends a key. Its sockets close at once: the realtime server listens to cuelight_revoked.
create function app.end_key(p_key app.keys, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.keys set revoked_at = p_now where id = p_key.id;
  perform pg_notify('cuelight_revoked', jsonb_build_object('key_id', p_key.id)::text);
  if p_key.overlay_id is not null then
    perform app.publish_status(p_key.account_id, p_key.overlay_id, 'key', false,
      jsonb_build_object('key_id', p_key.id, 'revoked', true), p_now);
  end if;
end
$$;

-- Puts a new secret in the place of the old one, at once. The new secret is a new key with a new
-- id: sessions that were opened with the old secret carry the old id and end with it.
create function app.rotate_key(
  p_account uuid, p_key uuid, p_token_hash bytea, p_hint text,
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
  if p_token_hash is null or octet_length(p_token_hash) <> 32 then
    perform app.refuse('CU400', 'token_hash: must be a SHA-256, 32 bytes');
  end if;
  insert into app.keys (account_id, kind, name, hint, overlay_id, permissions, token_hash,
    created_by, rotated_from, created_at)
  values (p_account, v_old.kind, v_old.name, p_hint, v_old.overlay_id, v_old.permissions,
    p_token_hash, v_old.created_by, v_old.id, p_now)
  returning id into v_id;
  perform app.end_key(v_old, p_now);
  perform app.log_command(p_account, 'key.rotate', 'key', v_old.id,
    jsonb_build_object('kind', v_old.kind, 'new_key_id', v_id), p_now);
  return app.key_document(v_id);
end
$$;

-- Ends a key. Idempotent: revoking a revoked key says when it was revoked.
create function app.revoke_key(
  p_account uuid, p_key uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key app.keys;
begin
  v_key := app.lock_key(p_account, p_key);
  if v_key.revoked_at is null then
    perform app.end_key(v_key, p_now);
  end if;
  perform app.log_command(p_account, 'key.revoke', 'key', v_key.id,
    jsonb_build_object('kind', v_key.kind, 'already', v_key.revoked_at is not null), p_now);
  return app.key_document(v_key.id);
end
$$;

-- The account's keys, newest first; of those kinds that the token may handle.
create function app.list_keys(p_account uuid, p_kind text default null, p_overlay uuid default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_overlay_keys boolean := app.has_permission(p_account, 'overlays:keys');
  v_other_keys boolean := app.has_permission(p_account, 'keys:edit');
begin
  if p_kind is not null or not (v_overlay_keys or v_other_keys) then
    perform app.require_key_permission(p_account, p_kind);
  end if;
  return (
    select coalesce(jsonb_agg(app.key_document(k.id) order by k.created_at desc, k.id), '[]')
    from app.keys k
    where k.account_id = p_account
      and (p_kind is null or k.kind = p_kind)
      and (p_overlay is null or k.overlay_id = p_overlay)
      and case when k.kind = 'overlay' then v_overlay_keys else v_other_keys end);
end
$$;

-- Who holds this secret? Null when nobody does or it was revoked. Notes the use, at most once a
-- minute: an event a second must not be a write a second here.
create function app.find_key(p_token_hash bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_key app.keys;
begin
  select * into v_key from app.keys k where k.token_hash = p_token_hash and k.revoked_at is null;
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

-- The overlay's account, when the token is a live key of this overlay. Pages call it first.
-- CU410 for a key that was revoked while the page was open: the page says so and stops asking.
create function app.require_overlay_key(p_overlay uuid)
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
  v_account uuid;
  v_revoked_at timestamptz;
begin
  if v_claims ->> 'kind' = 'overlay' then
    select k.account_id, k.revoked_at into v_account, v_revoked_at
    from app.keys k
    where k.id = (v_claims ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = p_overlay;
  end if;
  if v_account is null then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if v_revoked_at is not null then
    perform app.refuse('CU410', 'This overlay address was revoked: copy the new one from the studio');
  end if;
  return v_account;
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.create_key(uuid, text, text, uuid, text[], bytea, text, timestamptz),
  app.rotate_key(uuid, uuid, bytea, text, timestamptz),
  app.revoke_key(uuid, uuid, timestamptz),
  app.list_keys(uuid, text, uuid)
  to authenticated, service_role;
grant execute on function app.find_key(bytea, timestamptz) to service_role;

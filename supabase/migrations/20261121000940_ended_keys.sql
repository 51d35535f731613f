-- A rotated key of an overlay ends with its overlap, not with the task that sweeps it up: a session
-- made before must not outlive it. And the keys of an overlay that is not of the account are not
-- found, as the overlay itself is not.

create or replace function app.require_overlay_key(p_overlay uuid)
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
  v_key app.keys;
begin
  if v_claims ->> 'kind' = 'overlay' then
    select * into v_key
    from app.keys k
    where k.id = (v_claims ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = p_overlay;
  end if;
  if v_key.id is null then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  if not app.is_live(v_key) then
    perform app.refuse('CU410', 'This overlay address was revoked: copy the new one from the studio');
  end if;
  return v_key.account_id;
end
$$;

create or replace function app.may_join(p_topic text, p_extension text)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_id uuid;
  v_account uuid;
begin
  if p_extension is distinct from 'broadcast'
    or p_topic is null
    or p_topic !~ '^(account|overlay):[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    return false;
  end if;
  v_id := split_part(p_topic, ':', 2)::uuid;
  if p_topic like 'account:%' then
    return app.has_permission(v_id, 'events:read') and app.has_permission(v_id, 'events:userinfo');
  end if;
  if auth.jwt() ->> 'kind' = 'overlay' then
    return exists (
      select from app.keys k
      where k.id = (auth.jwt() ->> 'key_id')::uuid and k.kind = 'overlay' and k.overlay_id = v_id
        and app.is_live(k));
  end if;
  select o.account_id into v_account from app.overlays o where o.id = v_id;
  return v_account is not null and app.has_permission(v_account, 'overlays:read')
    and app.has_permission(v_account, 'events:userinfo');
end
$$;

create or replace function app.list_keys(p_account uuid, p_kind text default null, p_overlay uuid default null)
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
  if p_overlay is not null and not exists (
    select from app.overlays o where o.id = p_overlay and o.account_id = p_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
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

revoke execute on all functions in schema app from public;
grant execute on function app.may_join(text, text) to authenticated, service_role;
grant execute on function app.list_keys(uuid, text, uuid) to authenticated, service_role;

-- Overlays: documents made in the designer, and which events each of them wants.

create table app.overlays (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  name text not null check (char_length(name) between 1 and 100),
  -- Read by src/lib/overlay; the database only keeps it.
  document jsonb not null check (jsonb_typeof(document) = 'object'),
  revision integer not null default 1 check (revision > 0),
  width integer not null default 1920 check (width > 0),
  height integer not null default 1080 check (height > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index overlays_account on app.overlays (account_id);
alter table app.overlays enable row level security;
alter table app.overlays force row level security;

alter table app.keys add constraint keys_overlay_fkey
  foreign key (overlay_id) references app.overlays (id) on delete cascade;

-- Which events become plays on which overlay, and on which of its lanes. Where several patterns
-- match, the longest decides.
create table app.event_subscriptions (
  overlay_id uuid not null references app.overlays (id) on delete cascade,
  -- 'twitch:follower', 'twitch:*', '*'
  pattern text not null check (pattern ~ '^[a-z0-9_:*]{1,101}$'),
  account_id uuid not null references app.accounts (id) on delete cascade,
  lane text not null default 'main' check (lane ~ '^[a-z][a-z0-9_-]{0,39}$'),
  classes text[] not null default '{animated,alert,data}'
    check (classes <@ array['animated', 'data', 'alert', 'system']),
  -- The same for LIKE, in which an underscore would mean any character.
  like_pattern text not null generated always as
    (replace(replace(pattern, '_', '\_'), '*', '%')) stored,
  primary key (overlay_id, pattern)
);
create index event_subscriptions_account on app.event_subscriptions (account_id);
alter table app.event_subscriptions enable row level security;
alter table app.event_subscriptions force row level security;

create policy "Overlays can be read by who may read overlays" on app.overlays
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('overlays:read'))::uuid[]));
create policy "Subscriptions can be read by who may read overlays" on app.event_subscriptions
  for select to authenticated
  using (account_id = any ((select app.permitted_accounts('overlays:read'))::uuid[]));
grant select on app.overlays, app.event_subscriptions to authenticated;

-- Makes an overlay with its queue; it wants everything but system events.
create function app.add_overlay(p_account uuid, p_name text, p_document jsonb, p_now timestamptz)
returns uuid
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_overlay uuid;
begin
  insert into app.overlays (account_id, name, document, width, height, created_at, updated_at)
  values (p_account, p_name, p_document, coalesce((p_document #>> '{size,width}')::int, 1920),
    coalesce((p_document #>> '{size,height}')::int, 1080), p_now, p_now)
  returning id into v_overlay;
  insert into app.overlay_queues (overlay_id, account_id) values (v_overlay, p_account);
  insert into app.event_subscriptions (overlay_id, account_id, pattern)
  values (v_overlay, p_account, '*');
  return v_overlay;
end
$$;

-- A new account with its owner and a first overlay. p_document: the starter document, which
-- src/lib/overlay makes (one copy of it, in the language that reads it).
create function app.create_account(
  p_name text, p_owner uuid, p_document jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_account uuid;
  v_overlay uuid;
begin
  if p_name is null or char_length(p_name) not between 1 and 100 then
    perform app.refuse('CU400', 'name: an account needs a name of 1 to 100 characters');
  end if;
  if p_owner is null then
    perform app.refuse('CU400', 'owner: an account needs an owner');
  end if;
  insert into app.accounts (name, created_at) values (p_name, p_now) returning id into v_account;
  insert into app.members (account_id, user_id, role, created_at)
  values (v_account, p_owner, 'owner', p_now);
  v_overlay := app.add_overlay(v_account, 'My alerts', p_document, p_now);
  perform app.log_command(v_account, 'account.create', 'account', v_account,
    jsonb_build_object('owner', p_owner), p_now);
  return jsonb_build_object('account_id', v_account, 'overlay_id', v_overlay);
end
$$;

-- [{id, name, revision, width, height, created_at, updated_at}], oldest first.
create function app.list_overlays(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'overlays:read');
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision, 'width', o.width,
          'height', o.height, 'created_at', o.created_at, 'updated_at', o.updated_at)
        order by o.created_at, o.id),
      '[]')
    from app.overlays o
    where o.account_id = p_account);
end
$$;

-- The same with its document.
create function app.get_overlay(p_account uuid, p_overlay uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_overlay jsonb;
begin
  perform app.require_permission(p_account, 'overlays:read');
  select jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision, 'width', o.width,
    'height', o.height, 'created_at', o.created_at, 'updated_at', o.updated_at,
    'document', o.document)
  into v_overlay
  from app.overlays o
  where o.id = p_overlay and o.account_id = p_account;
  if v_overlay is null then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  return v_overlay;
end
$$;

-- What a page draws: {id, name, revision, document}. For the overlay's own key.
create function app.overlay_document(p_overlay uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_overlay_key(p_overlay);
  return (
    select jsonb_build_object('id', o.id, 'name', o.name, 'revision', o.revision,
      'document', o.document)
    from app.overlays o
    where o.id = p_overlay);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function app.create_account(text, uuid, jsonb, timestamptz) to service_role;
grant execute on function app.list_overlays(uuid), app.get_overlay(uuid, uuid),
  app.overlay_document(uuid) to authenticated, service_role;

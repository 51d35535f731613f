-- Connections: channels on platforms, each with the secret that its deliveries are signed with,
-- encrypted by the server before it comes here.

create table app.platform_connections (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  platform text not null check (platform ~ '^[a-z][a-z0-9_]{0,49}$'),
  channel_id text not null check (char_length(channel_id) between 1 and 200),
  channel_name text check (char_length(channel_name) <= 200),
  secret_ciphertext bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_delivery_at timestamptz,
  unique (account_id, platform, channel_id)
);
create index platform_connections_channel on app.platform_connections (platform, channel_id);
alter table app.platform_connections enable row level security;
-- No policy and no grant: the ciphertext is for the server.
alter table app.platform_connections force row level security;

create table app.webhook_deliveries (
  id bigint generated always as identity primary key,
  connection_id uuid not null references app.platform_connections (id) on delete cascade,
  message_id text,
  kind text not null,
  outcome text not null,
  at timestamptz not null
);
create index webhook_deliveries_connection on app.webhook_deliveries (connection_id, at desc);
alter table app.webhook_deliveries enable row level security;
-- No policy and no grant.
alter table app.webhook_deliveries force row level security;

-- What may be told of a connection: never its secret.
create function app.connection_document(p_connection uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', c.id, 'platform', c.platform, 'channel_id', c.channel_id,
      'channel_name', c.channel_name, 'created_at', c.created_at, 'updated_at', c.updated_at,
      'last_delivery_at', c.last_delivery_at)
    from app.platform_connections c
    where c.id = p_connection);
end
$$;

-- Makes a connection, or gives the one of this channel a new secret.
create function app.save_connection(
  p_account uuid, p_platform text, p_channel_id text, p_channel_name text, p_secret_ciphertext bytea,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'connections:edit');
  insert into app.platform_connections (account_id, platform, channel_id, channel_name,
    secret_ciphertext, created_at, updated_at)
  values (p_account, p_platform, p_channel_id, p_channel_name, p_secret_ciphertext, p_now, p_now)
  on conflict (account_id, platform, channel_id) do update
  set channel_name = coalesce(excluded.channel_name, platform_connections.channel_name),
    secret_ciphertext = excluded.secret_ciphertext,
    updated_at = excluded.updated_at
  returning id into v_id;
  perform app.log_command(p_account, 'connection.save', 'connection', v_id,
    jsonb_build_object('platform', p_platform, 'channel_id', p_channel_id), p_now);
  return app.connection_document(v_id);
end
$$;

create function app.list_connections(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(jsonb_agg(app.connection_document(c.id) order by c.created_at, c.id), '[]')
    from app.platform_connections c
    where c.account_id = p_account);
end
$$;

-- Whose secrets may have signed a delivery: [{id, account_id, channel_id, secret_ciphertext}],
-- ciphertext in base64. p_channel_id null: the delivery does not say, so all of the platform.
create function app.find_connections(p_platform text, p_channel_id text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('id', c.id, 'account_id', c.account_id, 'channel_id', c.channel_id,
          -- encode() breaks lines as in mail.
          'secret_ciphertext', translate(encode(c.secret_ciphertext, 'base64'), E'\n', ''))
        order by c.created_at, c.id),
      '[]')
    from app.platform_connections c
    where c.platform = p_platform and (p_channel_id is null or c.channel_id = p_channel_id));
end
$$;

-- Notes what became of a delivery. Kept for 30 days.
create function app.record_delivery(
  p_connection uuid, p_message_id text, p_kind text, p_outcome text,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.webhook_deliveries (connection_id, message_id, kind, outcome, at)
  values (p_connection, left(p_message_id, 300), left(p_kind, 100), left(p_outcome, 300), p_now);
  update app.platform_connections c
  set last_delivery_at = p_now
  where c.id = p_connection
    -- At most once a second: a burst must not fight over this row.
    and (c.last_delivery_at is null or c.last_delivery_at < p_now - interval '1 second');
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.save_connection(uuid, text, text, text, bytea, timestamptz),
  app.list_connections(uuid)
  to authenticated, service_role;
grant execute on function app.find_connections(text, text),
  app.record_delivery(uuid, text, text, text, timestamptz) to service_role;

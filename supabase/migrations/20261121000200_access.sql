-- Access: consents to channels, the tokens they gave, and the calls made with them. Whatever opens
-- something was sealed by the server before it came here.
--
-- Lock order here, after the account's: pending authorization, connection, its tokens.

alter table app.platform_connections
  -- A connection by consent has a webhook secret only once its events come by webhook.
  alter column secret_ciphertext drop not null,
  -- What there was before was connected by hand, by the secret of its webhooks.
  add column mode text not null default 'webhook'
    check (mode in ('websocket', 'webhook', 'relay', 'poll')),
  add column groups text[] not null default '{}',
  add column scopes text[] not null default '{}',
  add column status text not null default 'connected'
    check (status in ('connected', 'reconnect_needed', 'disconnected')),
  add column status_reason text check (char_length(status_reason) <= 500),
  add column login text check (char_length(login) <= 200),
  add column picture text check (char_length(picture) <= 2000),
  add column validated_at timestamptz;
alter table app.platform_connections alter column mode drop default;

-- Apart from the connections, which many statements read: these rows are for one purpose.
create table app.connection_tokens (
  connection_id uuid primary key references app.platform_connections (id) on delete cascade,
  -- The program they were granted to; another one cannot refresh them.
  client_id text not null check (char_length(client_id) between 1 and 200),
  access_ciphertext bytea not null,
  -- Null where the platform gave none.
  refresh_ciphertext bytea,
  expires_at timestamptz,
  -- Counts the tokens of this connection: who saw an older number holds tokens that are no more.
  version integer not null default 1,
  obtained_at timestamptz not null,
  -- Who is refreshing and until when that is believed. A lease and no lock of a transaction: the
  -- platform may take longer to answer than a transaction may stay open.
  refreshing_by uuid,
  refreshing_until timestamptz,
  -- Refreshes that were begun since the last one whose answer came.
  unanswered integer not null default 0,
  -- Not to be tried again before.
  refresh_after timestamptz,
  -- Until when somebody is believed to be checking them.
  validating_until timestamptz
);
alter table app.connection_tokens enable row level security;
-- No policy and no grant: the ciphertext is for the server.
alter table app.connection_tokens force row level security;

-- An account's own program on a platform, in place of the server's.
create table app.platform_clients (
  account_id uuid not null references app.accounts (id) on delete cascade,
  platform text not null check (platform ~ '^[a-z][a-z0-9_]{0,49}$'),
  client_id text not null check (char_length(client_id) between 1 and 200),
  -- Null: a public client, which has none.
  secret_ciphertext bytea,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (account_id, platform)
);
alter table app.platform_clients enable row level security;
-- No policy and no grant.
alter table app.platform_clients force row level security;

-- Consents that were asked for and have not come yet; kept for a day.
create table app.pending_authorizations (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Who began it: nobody else may end it.
  actor_kind text not null,
  actor_id uuid not null,
  platform text not null check (platform ~ '^[a-z][a-z0-9_]{0,49}$'),
  flow text not null check (flow in ('code', 'device')),
  -- Null: what the connection has, or the platform's usual.
  mode text check (mode in ('websocket', 'webhook', 'relay', 'poll')),
  groups text[] not null,
  scopes text[] not null,
  client_id text not null,
  redirect_uri text,
  -- SHA-256 of the state that comes back with the code.
  state_hash bytea unique,
  device_ciphertext bytea,
  interval_s integer check (interval_s between 1 and 600),
  next_poll_at timestamptz,
  status text not null default 'pending'
    check (status in ('pending', 'connected', 'denied', 'expired', 'failed')),
  reason text check (char_length(reason) <= 500),
  -- No foreign key: it is gone in a day.
  connection_id uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  -- When the state came back. It does so once.
  used_at timestamptz,
  check ((flow = 'code') = (state_hash is not null)),
  -- A device's code is forgotten with its use.
  check ((flow = 'device') = (interval_s is not null)),
  check ((flow = 'device' and status = 'pending') = (device_ciphertext is not null))
);
create index pending_authorizations_account on app.pending_authorizations (account_id, created_at desc);
create index pending_authorizations_polls on app.pending_authorizations (next_poll_at)
  where status = 'pending' and flow = 'device';
create index pending_authorizations_created on app.pending_authorizations (created_at);
alter table app.pending_authorizations enable row level security;
-- No policy and no grant.
alter table app.pending_authorizations force row level security;

-- Tokens of programs themselves; account_id null: the server's own program.
create table app.app_tokens (
  id uuid primary key default gen_random_uuid(),
  account_id uuid references app.accounts (id) on delete cascade,
  platform text not null,
  client_id text not null,
  ciphertext bytea not null,
  expires_at timestamptz,
  obtained_at timestamptz not null,
  unique nulls not distinct (account_id, platform, client_id)
);
alter table app.app_tokens enable row level security;
-- No policy and no grant.
alter table app.app_tokens force row level security;

-- Every request to a platform: how it went, never what was said.
create table app.fetch_log (
  id bigint generated always as identity primary key,
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Null: with the program's own token, or before there was a connection.
  connection_id uuid references app.platform_connections (id) on delete cascade,
  platform text not null,
  -- Which request: 'twitch.followers'.
  call text not null,
  -- Null: no answer came.
  status integer,
  -- Null: it brought what was asked for.
  failure text,
  duration_ms integer not null,
  points_left integer,
  at timestamptz not null
);
create index fetch_log_account on app.fetch_log (account_id, at desc);
create index fetch_log_connection on app.fetch_log (connection_id, at desc);
create index fetch_log_at on app.fetch_log (at);
alter table app.fetch_log enable row level security;
-- No policy and no grant.
alter table app.fetch_log force row level security;

-- Internal: bytes in a JSON document; encode() alone breaks lines as in mail.
create function app.base64(p_bytes bytea)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return translate(encode(p_bytes, 'base64'), E'\n', '');
end
$$;

-- Changes are told to the servers ------------------------------------------------------------

create function app.notify_connection_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- Row types differ, so the names are read from documents.
  v_row jsonb := to_jsonb(coalesce(new, old));
begin
  perform pg_notify('cuelight_connections', coalesce(v_row ->> 'connection_id', v_row ->> 'id'));
  return null;
end
$$;
create trigger platform_connections_made
  after insert or delete on app.platform_connections
  for each row execute function app.notify_connection_change();
-- Not for last_delivery_at and validated_at, which change all the time and change nothing.
create trigger platform_connections_changed
  after update on app.platform_connections
  for each row when ((old.mode, old.groups, old.scopes, old.status, old.secret_ciphertext)
    is distinct from (new.mode, new.groups, new.scopes, new.status, new.secret_ciphertext))
  execute function app.notify_connection_change();
create trigger connection_tokens_changed
  after update on app.connection_tokens
  for each row when (old.version is distinct from new.version)
  execute function app.notify_connection_change();

-- Connections --------------------------------------------------------------------------------

-- What may be told of a connection: never a secret or a token.
create or replace function app.connection_document(p_connection uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', c.id, 'platform', c.platform, 'channel_id', c.channel_id,
      'channel_name', c.channel_name, 'login', c.login, 'picture', c.picture, 'mode', c.mode,
      'groups', c.groups, 'scopes', c.scopes, 'status', c.status, 'status_reason', c.status_reason,
      'token_expires_at', t.expires_at, 'validated_at', c.validated_at,
      'created_at', c.created_at, 'updated_at', c.updated_at,
      'last_delivery_at', c.last_delivery_at)
    from app.platform_connections c
    left join app.connection_tokens t on t.connection_id = c.id
    where c.id = p_connection);
end
$$;

-- Internal: makes a connection's state known to the account's topic.
create function app.publish_connection(p_account uuid, p_connection uuid, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.publish_status(p_account, null, 'connection', false,
    (select jsonb_build_object('connection_id', c.id, 'platform', c.platform,
        'channel_id', c.channel_id, 'mode', c.mode, 'groups', c.groups, 'status', c.status,
        'status_reason', c.status_reason)
      from app.platform_connections c where c.id = p_connection), p_now);
end
$$;

-- Makes a connection by the secret of its webhooks, or gives the one of this channel a new secret.
create or replace function app.save_connection(
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
    secret_ciphertext, mode, created_at, updated_at)
  values (p_account, p_platform, p_channel_id, p_channel_name, p_secret_ciphertext, 'webhook', p_now, p_now)
  on conflict (account_id, platform, channel_id) do update
  set channel_name = coalesce(excluded.channel_name, platform_connections.channel_name),
    secret_ciphertext = excluded.secret_ciphertext,
    -- Without tokens its events can come by webhook only.
    mode = case when exists (
      select from app.connection_tokens t where t.connection_id = platform_connections.id)
      then platform_connections.mode else 'webhook' end,
    status = 'connected',
    status_reason = null,
    updated_at = excluded.updated_at
  returning id into v_id;
  perform app.log_command(p_account, 'connection.save', 'connection', v_id,
    jsonb_build_object('platform', p_platform, 'channel_id', p_channel_id), p_now);
  perform app.publish_connection(p_account, v_id, p_now);
  return app.connection_document(v_id);
end
$$;

create function app.get_connection(p_account uuid, p_connection uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:read');
  if not exists (select from app.platform_connections c where c.id = p_connection and c.account_id = p_account) then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  return app.connection_document(p_connection);
end
$$;

-- Changes how events come, or which; null leaves it. p_secret_ciphertext: for webhooks, when there
-- is no secret yet.
create function app.update_connection(
  p_account uuid, p_connection uuid, p_mode text, p_groups text[], p_secret_ciphertext bytea,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  if v_status = 'disconnected' then
    perform app.refuse('CU409', 'This channel is disconnected: connect it again');
  end if;
  update app.platform_connections c
  set mode = coalesce(p_mode, c.mode),
    groups = coalesce(p_groups, c.groups),
    secret_ciphertext = case when coalesce(p_mode, c.mode) = 'webhook'
      then coalesce(c.secret_ciphertext, p_secret_ciphertext) else c.secret_ciphertext end,
    updated_at = p_now
  where c.id = p_connection;
  perform app.log_command(p_account, 'connection.update', 'connection', p_connection,
    jsonb_strip_nulls(jsonb_build_object('mode', p_mode, 'groups', to_jsonb(p_groups))), p_now);
  perform app.publish_connection(p_account, p_connection, p_now);
  return app.connection_document(p_connection);
end
$$;

-- Ends a connection: its tokens and its secret are deleted, what came through it stays. Idempotent.
create function app.disconnect(
  p_account uuid, p_connection uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_status text;
begin
  perform app.require_permission(p_account, 'connections:edit');
  select c.status into v_status
  from app.platform_connections c
  where c.id = p_connection and c.account_id = p_account
  for update;
  if not found then
    perform app.refuse('CU404', format('There is no connection %s', p_connection));
  end if;
  if v_status <> 'disconnected' then
    delete from app.connection_tokens t where t.connection_id = p_connection;
    update app.platform_connections c
    set status = 'disconnected', status_reason = null, secret_ciphertext = null, scopes = '{}',
      updated_at = p_now
    where c.id = p_connection;
    perform app.log_command(p_account, 'connection.disconnect', 'connection', p_connection, null, p_now);
    perform app.publish_connection(p_account, p_connection, p_now);
  end if;
  return app.connection_document(p_connection);
end
$$;

-- Whose secrets may have signed a delivery: [{id, account_id, channel_id, secret_ciphertext}],
-- ciphertext in base64. p_channel_id null: the delivery does not say, so all of the platform.
-- Connections without a secret take no webhooks.
create or replace function app.find_connections(p_platform text, p_channel_id text)
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
          'secret_ciphertext', app.base64(c.secret_ciphertext))
        order by c.created_at, c.id),
      '[]')
    from app.platform_connections c
    where c.platform = p_platform and (p_channel_id is null or c.channel_id = p_channel_id)
      and c.secret_ciphertext is not null);
end
$$;

-- Clients ------------------------------------------------------------------------------------

-- Internal: tokens that were granted to another program than p_client_id cannot be used any more.
create function app.part_with_client(
  p_account uuid, p_platform text, p_client_id text, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  delete from app.app_tokens a
  where a.account_id = p_account and a.platform = p_platform;
  perform app.require_reconnect(c.id, null, 'client_changed', p_now)
  from app.platform_connections c
  join app.connection_tokens t on t.connection_id = c.id
  where c.account_id = p_account and c.platform = p_platform and t.client_id is distinct from p_client_id;
end
$$;

-- Gives the account a program of its own on a platform.
create function app.save_client(
  p_account uuid, p_platform text, p_client_id text, p_secret_ciphertext bytea,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:edit');
  insert into app.platform_clients (account_id, platform, client_id, secret_ciphertext, created_at, updated_at)
  values (p_account, p_platform, p_client_id, p_secret_ciphertext, p_now, p_now)
  on conflict (account_id, platform) do update
  set client_id = excluded.client_id, secret_ciphertext = excluded.secret_ciphertext,
    updated_at = excluded.updated_at;
  perform app.part_with_client(p_account, p_platform, p_client_id, p_now);
  perform app.log_command(p_account, 'client.save', 'client', null,
    jsonb_build_object('platform', p_platform, 'client_id', p_client_id,
      'has_secret', p_secret_ciphertext is not null), p_now);
  return jsonb_build_object('platform', p_platform, 'client_id', p_client_id,
    'has_secret', p_secret_ciphertext is not null);
end
$$;

-- Back to the server's program, p_fallback_client_id, if it has one. Idempotent.
create function app.remove_client(
  p_account uuid, p_platform text, p_fallback_client_id text,
  p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:edit');
  delete from app.platform_clients c where c.account_id = p_account and c.platform = p_platform;
  if not found then
    return false;
  end if;
  perform app.part_with_client(p_account, p_platform, p_fallback_client_id, p_now);
  perform app.log_command(p_account, 'client.remove', 'client', null,
    jsonb_build_object('platform', p_platform), p_now);
  return true;
end
$$;

-- The account's own programs, without their secrets.
create function app.list_clients(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:read');
  return (
    select coalesce(
      jsonb_agg(jsonb_build_object('platform', c.platform, 'client_id', c.client_id,
        'has_secret', c.secret_ciphertext is not null) order by c.platform),
      '[]')
    from app.platform_clients c
    where c.account_id = p_account);
end
$$;

-- The account's program with its sealed secret, or null. For the server.
create function app.find_client(p_account uuid, p_platform text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('client_id', c.client_id, 'secret_ciphertext', app.base64(c.secret_ciphertext))
    from app.platform_clients c
    where c.account_id = p_account and c.platform = p_platform);
end
$$;

-- Consents -----------------------------------------------------------------------------------

-- Remembers that a consent is being asked for. Answers its id.
create function app.begin_authorization(
  p_account uuid, p_platform text, p_flow text, p_mode text, p_groups text[], p_scopes text[],
  p_client_id text, p_redirect_uri text, p_state_hash bytea, p_device_ciphertext bytea,
  p_interval_s integer, p_lasts_s integer, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform app.require_permission(p_account, 'connections:edit');
  -- The code comes back to a browser, which must be the one that asked.
  if p_flow = 'code' and app.actor_kind() <> 'member' then
    perform app.refuse('CU403', 'Only a signed-in member can consent in the browser: use the device flow');
  end if;
  if (select count(*) from app.pending_authorizations a
      where a.account_id = p_account and a.status = 'pending' and a.expires_at > p_now) >= 20 then
    perform app.refuse('CU429', 'Twenty consents are waiting already: finish one, or wait some minutes');
  end if;
  insert into app.pending_authorizations (account_id, actor_kind, actor_id, platform, flow, mode,
    groups, scopes, client_id, redirect_uri, state_hash, device_ciphertext, interval_s,
    next_poll_at, created_at, expires_at)
  values (p_account, app.actor_kind(), app.actor_id(), p_platform, p_flow, p_mode, p_groups,
    p_scopes, p_client_id, p_redirect_uri, p_state_hash, p_device_ciphertext, p_interval_s,
    case when p_flow = 'device' then p_now + make_interval(secs => p_interval_s) end,
    p_now, p_now + make_interval(secs => p_lasts_s))
  returning id into v_id;
  perform app.log_command(p_account, 'connection.authorize', 'authorization', v_id,
    jsonb_build_object('platform', p_platform, 'flow', p_flow, 'groups', p_groups), p_now);
  return (select jsonb_build_object('id', a.id, 'expires_at', a.expires_at)
    from app.pending_authorizations a where a.id = v_id);
end
$$;

-- Internal: what a consent's end needs to know.
create function app.authorization_document(p_authorization uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', a.id, 'account_id', a.account_id, 'actor_kind', a.actor_kind,
      'actor_id', a.actor_id, 'platform', a.platform, 'flow', a.flow, 'groups', a.groups,
      'scopes', a.scopes, 'client_id', a.client_id, 'redirect_uri', a.redirect_uri,
      'device_ciphertext', app.base64(a.device_ciphertext))
    from app.pending_authorizations a
    where a.id = p_authorization);
end
$$;

-- Internal: whether the one who acts is the one who began it. To everybody else it is not there.
create function app.require_own_authorization(p_authorization uuid)
returns void
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  if not exists (
    select from app.pending_authorizations a
    where a.id = p_authorization and a.actor_kind = app.actor_kind() and a.actor_id = app.actor_id()
  ) then
    perform app.refuse('CU404', 'There is no such consent waiting');
  end if;
end
$$;

-- The consent that a state belongs to; the state is used up by it. Only for the member who began:
-- a state that somebody else was made to bring along is not theirs.
create function app.take_authorization(
  p_state_hash bytea, p_platform text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_found app.pending_authorizations;
begin
  select * into v_found
  from app.pending_authorizations a
  where a.state_hash = p_state_hash and a.platform = p_platform
  for update;
  perform app.require_own_authorization(v_found.id);
  perform app.require_permission(v_found.account_id, 'connections:edit');
  if v_found.used_at is not null or v_found.status <> 'pending' or v_found.expires_at <= p_now then
    perform app.refuse('CU410', 'This consent was used or is too old: begin again');
  end if;
  update app.pending_authorizations a set used_at = p_now where a.id = v_found.id;
  return app.authorization_document(v_found.id);
end
$$;

-- The device codes that are to be asked about now, at most p_limit: [authorization]. Each is in
-- the hands of whoever gets it for p_lease_s, or until app.await_device.
create function app.claim_devices(
  p_authorization uuid, p_limit integer, p_lease_s integer,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_claimed jsonb;
begin
  with due as (
    select a.id from app.pending_authorizations a
    where a.status = 'pending' and a.flow = 'device' and a.next_poll_at <= p_now
      and a.expires_at > p_now and (p_authorization is null or a.id = p_authorization)
    order by a.next_poll_at
    limit p_limit
    for update skip locked
  ),
  claimed as (
    update app.pending_authorizations a
    set next_poll_at = p_now + make_interval(secs => p_lease_s)
    from due
    where a.id = due.id
    returning a.id
  )
  select coalesce(jsonb_agg(app.authorization_document(c.id)), '[]') into v_claimed from claimed c;
  return v_claimed;
end
$$;

-- Puts a device code back: not answered yet. p_slower: the platform asks for longer pauses.
create function app.await_device(
  p_authorization uuid, p_slower boolean, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.pending_authorizations a
  set interval_s = least(a.interval_s + case when p_slower then 5 else 0 end, 600),
    next_poll_at = p_now
      + make_interval(secs => least(a.interval_s + case when p_slower then 5 else 0 end, 600))
  where a.id = p_authorization and a.status = 'pending';
end
$$;

-- Ends a consent that brought nothing. No effect on one that has ended.
create function app.end_authorization(
  p_authorization uuid, p_status text, p_reason text,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.pending_authorizations a
  set status = p_status, reason = left(p_reason, 500), device_ciphertext = null,
    used_at = coalesce(a.used_at, p_now)
  where a.id = p_authorization and a.status = 'pending';
end
$$;

-- Ends a consent that was given: the channel is connected, or connected again under its old id.
-- p_channel: {channel_id, login, name, picture}; p_groups: those of the wished that were granted.
-- Asked as the one who began it, who must still be allowed to.
create function app.complete_authorization(
  p_authorization uuid, p_channel jsonb, p_scopes text[], p_groups text[], p_default_mode text,
  p_access_ciphertext bytea, p_refresh_ciphertext bytea, p_expires_at timestamptz,
  p_secret_ciphertext bytea, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_begun app.pending_authorizations;
  v_connection uuid;
  v_mode text;
begin
  select * into v_begun
  from app.pending_authorizations a
  where a.id = p_authorization
  for update;
  perform app.require_own_authorization(p_authorization);
  perform app.require_permission(v_begun.account_id, 'connections:edit');
  if v_begun.status <> 'pending' or (v_begun.flow = 'code' and v_begun.used_at is null) then
    perform app.refuse('CU410', 'This consent was used or is too old: begin again');
  end if;
  v_mode := coalesce(v_begun.mode,
    (select c.mode from app.platform_connections c
      where c.account_id = v_begun.account_id and c.platform = v_begun.platform
        and c.channel_id = p_channel ->> 'channel_id' and c.status <> 'disconnected'),
    p_default_mode);
  insert into app.platform_connections (account_id, platform, channel_id, channel_name, login,
    picture, mode, groups, scopes, secret_ciphertext, validated_at, created_at, updated_at)
  values (v_begun.account_id, v_begun.platform, p_channel ->> 'channel_id',
    left(p_channel ->> 'name', 200), left(p_channel ->> 'login', 200), p_channel ->> 'picture',
    v_mode, p_groups, p_scopes, case when v_mode = 'webhook' then p_secret_ciphertext end,
    p_now, p_now, p_now)
  on conflict (account_id, platform, channel_id) do update
  set channel_name = excluded.channel_name, login = excluded.login, picture = excluded.picture,
    mode = excluded.mode, groups = excluded.groups, scopes = excluded.scopes,
    secret_ciphertext = coalesce(platform_connections.secret_ciphertext, excluded.secret_ciphertext),
    status = 'connected', status_reason = null, validated_at = excluded.validated_at,
    updated_at = excluded.updated_at
  returning id into v_connection;
  insert into app.connection_tokens (connection_id, client_id, access_ciphertext,
    refresh_ciphertext, expires_at, obtained_at)
  values (v_connection, v_begun.client_id, p_access_ciphertext, p_refresh_ciphertext, p_expires_at, p_now)
  on conflict (connection_id) do update
  set client_id = excluded.client_id, access_ciphertext = excluded.access_ciphertext,
    refresh_ciphertext = excluded.refresh_ciphertext, expires_at = excluded.expires_at,
    obtained_at = excluded.obtained_at, version = connection_tokens.version + 1,
    refreshing_by = null, refreshing_until = null, unanswered = 0, refresh_after = null,
    validating_until = null;
  update app.pending_authorizations a
  set status = 'connected', connection_id = v_connection, device_ciphertext = null,
    used_at = coalesce(a.used_at, p_now)
  where a.id = p_authorization;
  perform app.log_command(v_begun.account_id, 'connection.connect', 'connection', v_connection,
    jsonb_build_object('platform', v_begun.platform, 'channel_id', p_channel ->> 'channel_id',
      'flow', v_begun.flow, 'groups', p_groups, 'scopes', p_scopes), p_now);
  perform app.publish_connection(v_begun.account_id, v_connection, p_now);
  return app.connection_document(v_connection);
end
$$;

-- How a consent stands, for the one who began it:
-- {platform, status, reason, groups, connection}; groups: those that were asked for.
create function app.get_authorization(
  p_account uuid, p_authorization uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'connections:edit');
  perform app.require_own_authorization(p_authorization);
  return (
    select jsonb_build_object('platform', a.platform,
      'status', case when a.status = 'pending' and a.expires_at <= p_now then 'expired' else a.status end,
      'reason', a.reason, 'groups', a.groups,
      'connection', app.connection_document(a.connection_id))
    from app.pending_authorizations a
    where a.id = p_authorization);
end
$$;

-- Tokens -------------------------------------------------------------------------------------

-- All that a call on a connection's behalf needs, sealed; null: there is no such connection.
create function app.find_access(p_connection uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('id', c.id, 'account_id', c.account_id, 'platform', c.platform,
      'channel_id', c.channel_id, 'status', c.status, 'status_reason', c.status_reason,
      'tokens', case when t.connection_id is not null then jsonb_build_object(
        'client_id', t.client_id, 'version', t.version, 'expires_at', t.expires_at,
        'access_ciphertext', app.base64(t.access_ciphertext),
        'refresh_ciphertext', app.base64(t.refresh_ciphertext)) end,
      'client', app.find_client(c.account_id, c.platform))
    from app.platform_connections c
    left join app.connection_tokens t on t.connection_id = c.id
    where c.id = p_connection);
end
$$;

-- Takes the right to refresh the tokens of this version. {outcome, unanswered}: 'claimed' (and how
-- many earlier tries never got an answer: from now on this one counts as such, until it stores),
-- 'held' by somebody else, 'changed' (they are refreshed, or gone), 'later' (not yet again).
create function app.claim_refresh(
  p_connection uuid, p_version integer, p_holder uuid, p_lease_s integer,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_tokens app.connection_tokens;
begin
  select * into v_tokens
  from app.connection_tokens t
  where t.connection_id = p_connection
  for update;
  if not found or v_tokens.version <> p_version then
    return jsonb_build_object('outcome', 'changed', 'unanswered', 0);
  end if;
  if v_tokens.refreshing_until > p_now then
    return jsonb_build_object('outcome', 'held', 'unanswered', v_tokens.unanswered);
  end if;
  if v_tokens.refresh_after > p_now then
    return jsonb_build_object('outcome', 'later', 'unanswered', v_tokens.unanswered);
  end if;
  update app.connection_tokens t
  set refreshing_by = p_holder, refreshing_until = p_now + make_interval(secs => p_lease_s),
    unanswered = t.unanswered + 1
  where t.connection_id = p_connection;
  return jsonb_build_object('outcome', 'claimed', 'unanswered', v_tokens.unanswered);
end
$$;

-- Stores what a refresh brought. False: the connection has other tokens by now, or none.
-- By version alone, not by holder: tokens that the platform gave late are still the good ones.
create function app.store_tokens(
  p_connection uuid, p_version integer, p_access_ciphertext bytea, p_refresh_ciphertext bytea,
  p_expires_at timestamptz, p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.connection_tokens t
  set access_ciphertext = p_access_ciphertext,
    -- None given: the old one stays good.
    refresh_ciphertext = coalesce(p_refresh_ciphertext, t.refresh_ciphertext),
    expires_at = p_expires_at, obtained_at = p_now, version = t.version + 1,
    refreshing_by = null, refreshing_until = null, unanswered = 0, refresh_after = null
  where t.connection_id = p_connection and t.version = p_version;
  return found;
end
$$;

-- Gives the right to refresh back after a try that brought nothing; not to be tried for p_pause_s.
-- p_is_unanswered false: the platform said itself that it did nothing.
create function app.put_off_refresh(
  p_connection uuid, p_version integer, p_holder uuid, p_is_unanswered boolean, p_pause_s numeric,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.connection_tokens t
  set refreshing_by = null, refreshing_until = null,
    unanswered = t.unanswered - case when p_is_unanswered then 0 else 1 end,
    refresh_after = p_now + make_interval(secs => p_pause_s)
  where t.connection_id = p_connection and t.version = p_version and t.refreshing_by = p_holder;
end
$$;

-- The consent is gone: its tokens are deleted and its owner is told. p_version: only while the
-- tokens are these; null: whatever they are. False: nothing to do.
create function app.require_reconnect(
  p_connection uuid, p_version integer, p_reason text,
  p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_account uuid;
begin
  select c.account_id into v_account
  from app.platform_connections c
  where c.id = p_connection and c.status = 'connected'
    and (p_version is null or exists (
      select from app.connection_tokens t where t.connection_id = c.id and t.version = p_version))
  for update;
  if not found then
    return false;
  end if;
  delete from app.connection_tokens t
  where t.connection_id = p_connection and (p_version is null or t.version = p_version);
  -- Refreshed or connected again while this waited for the row.
  if p_version is not null and not found then
    return false;
  end if;
  update app.platform_connections c
  set status = 'reconnect_needed', status_reason = left(p_reason, 500), updated_at = p_now
  where c.id = p_connection;
  perform app.log_command(v_account, 'connection.reconnect_needed', 'connection', p_connection,
    jsonb_build_object('reason', left(p_reason, 500)), p_now);
  perform app.publish_connection(v_account, p_connection, p_now);
  return true;
end
$$;

-- A channel's owner took back what they had granted to a client. Answers how many connections.
create function app.require_reconnects(
  p_platform text, p_channel_id text, p_client_id text, p_reason text,
  p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
begin
  return (
    select count(*) filter (where app.require_reconnect(c.id, t.version, p_reason, p_now))
    from app.platform_connections c
    join app.connection_tokens t on t.connection_id = c.id
    where c.platform = p_platform and c.channel_id = p_channel_id and t.client_id = p_client_id);
end
$$;

-- Connections whose tokens were last checked before p_before, at most p_limit: [id]. Nobody else
-- gets them for two minutes.
create function app.claim_validations(
  p_before timestamptz, p_limit integer, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_claimed jsonb;
begin
  with due as (
    select t.connection_id
    from app.connection_tokens t
    join app.platform_connections c on c.id = t.connection_id
    where c.status = 'connected' and (c.validated_at is null or c.validated_at < p_before)
      and (t.validating_until is null or t.validating_until <= p_now)
    order by c.validated_at nulls first
    limit p_limit
    for update of t skip locked
  ),
  claimed as (
    update app.connection_tokens t
    set validating_until = p_now + interval '2 minutes'
    from due
    where t.connection_id = due.connection_id
    returning t.connection_id
  )
  select coalesce(jsonb_agg(c.connection_id), '[]') into v_claimed from claimed c;
  return v_claimed;
end
$$;

-- Notes that tokens were found good, and what the platform said of them. p_groups: those of the
-- connection's that these scopes still cover.
create function app.note_validation(
  p_connection uuid, p_version integer, p_scopes text[], p_groups text[], p_expires_at timestamptz,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.platform_connections c
  set validated_at = p_now, scopes = p_scopes,
    groups = array(select g.name from unnest(c.groups) with ordinality as g (name, ord)
      where g.name = any (p_groups) order by g.ord)
  where c.id = p_connection and exists (
    select from app.connection_tokens t where t.connection_id = c.id and t.version = p_version);
  update app.connection_tokens t
  set expires_at = coalesce(p_expires_at, t.expires_at), validating_until = null
  where t.connection_id = p_connection and t.version = p_version;
end
$$;

-- Programs' own tokens -----------------------------------------------------------------------

-- {ciphertext, expires_at, obtained_at} or null.
create function app.find_app_token(p_account uuid, p_platform text, p_client_id text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('ciphertext', app.base64(a.ciphertext), 'expires_at', a.expires_at,
      'obtained_at', a.obtained_at)
    from app.app_tokens a
    where a.account_id is not distinct from p_account and a.platform = p_platform
      and a.client_id = p_client_id);
end
$$;

create function app.save_app_token(
  p_account uuid, p_platform text, p_client_id text, p_ciphertext bytea, p_expires_at timestamptz,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.app_tokens (account_id, platform, client_id, ciphertext, expires_at, obtained_at)
  values (p_account, p_platform, p_client_id, p_ciphertext, p_expires_at, p_now)
  on conflict (account_id, platform, client_id) do update
  set ciphertext = excluded.ciphertext, expires_at = excluded.expires_at,
    obtained_at = excluded.obtained_at;
end
$$;

-- The fetch log ------------------------------------------------------------------------------

create function app.record_fetch(
  p_account uuid, p_connection uuid, p_platform text, p_call text, p_status integer,
  p_failure text, p_duration_ms integer, p_points_left integer,
  p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.fetch_log (account_id, connection_id, platform, call, status, failure,
    duration_ms, points_left, at)
  values (p_account, p_connection, p_platform, left(p_call, 100), p_status, left(p_failure, 100),
    p_duration_ms, p_points_left, p_now);
end
$$;

-- Forgets requests made before p_before; how many.
create function app.purge_fetch_log(p_before timestamptz)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_purged integer;
begin
  delete from app.fetch_log f where f.at < p_before;
  get diagnostics v_purged = row_count;
  return v_purged;
end
$$;

-- Forgets consents of yesterday and programs' tokens that have ended: {authorizations, app_tokens}.
create function app.purge_access(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_authorizations integer;
  v_app_tokens integer;
begin
  delete from app.pending_authorizations a where a.created_at < p_now - interval '1 day';
  get diagnostics v_authorizations = row_count;
  delete from app.app_tokens a where a.expires_at <= p_now;
  get diagnostics v_app_tokens = row_count;
  return jsonb_build_object('authorizations', v_authorizations, 'app_tokens', v_app_tokens);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.get_connection(uuid, uuid),
  app.update_connection(uuid, uuid, text, text[], bytea, timestamptz),
  app.disconnect(uuid, uuid, timestamptz),
  app.save_client(uuid, text, text, bytea, timestamptz),
  app.remove_client(uuid, text, text, timestamptz),
  app.list_clients(uuid),
  app.begin_authorization(uuid, text, text, text, text[], text[], text, text, bytea, bytea,
    integer, integer, timestamptz),
  app.take_authorization(bytea, text, timestamptz),
  app.complete_authorization(uuid, jsonb, text[], text[], text, bytea, bytea, timestamptz, bytea,
    timestamptz),
  app.get_authorization(uuid, uuid, timestamptz)
  to authenticated, service_role;
grant execute on function
  app.find_client(uuid, text),
  app.claim_devices(uuid, integer, integer, timestamptz),
  app.await_device(uuid, boolean, timestamptz),
  app.end_authorization(uuid, text, text, timestamptz),
  app.find_access(uuid),
  app.claim_refresh(uuid, integer, uuid, integer, timestamptz),
  app.store_tokens(uuid, integer, bytea, bytea, timestamptz, timestamptz),
  app.put_off_refresh(uuid, integer, uuid, boolean, numeric, timestamptz),
  app.require_reconnect(uuid, integer, text, timestamptz),
  app.require_reconnects(text, text, text, text, timestamptz),
  app.claim_validations(timestamptz, integer, timestamptz),
  app.note_validation(uuid, integer, text[], text[], timestamptz, timestamptz),
  app.find_app_token(uuid, text, text),
  app.save_app_token(uuid, text, text, bytea, timestamptz, timestamptz),
  app.record_fetch(uuid, uuid, text, text, integer, text, integer, integer, timestamptz),
  app.purge_fetch_log(timestamptz),
  app.purge_access(timestamptz)
  to service_role;

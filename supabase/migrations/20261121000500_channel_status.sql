-- Channel status: whether a streamer's channel is live on a platform, and with what; and the manual
-- Spotify connect. A worker asks the platforms, events tell at once; what both saw is judged by one
-- pure machine (src/lib/server/status/machine.ts), whose memory stands in the row.

create table app.channel_status (
  account_id uuid not null references app.accounts (id) on delete cascade,
  platform text not null check (platform ~ '^[a-z][a-z0-9_]{0,49}$'),
  is_online boolean not null default false,
  stream_title text check (char_length(stream_title) <= 500),
  category text check (char_length(category) <= 200),
  -- The platform's own name of it, for its picture.
  category_id text check (char_length(category_id) <= 100),
  viewer_count integer check (viewer_count >= 0),
  started_at timestamptz,
  updated_at timestamptz not null,
  -- What the machine remembers.
  watch jsonb not null default '{}',
  -- What events told and nobody has judged yet, in order of arrival.
  told jsonb not null default '[]',
  -- Counts changes of watch and told: who judged an older one judges again.
  version integer not null default 0,
  primary key (account_id, platform)
);
create index channel_status_told on app.channel_status (account_id) where told <> '[]';
create index channel_status_online on app.channel_status (account_id) where is_online;
alter table app.channel_status enable row level security;
-- No policy and no grant: get_status decides.
alter table app.channel_status force row level security;

-- Categories and their pictures; the same for all accounts.
create table app.categories (
  platform text not null,
  id text not null check (char_length(id) between 1 and 100),
  name text not null check (char_length(name) <= 200),
  picture text check (char_length(picture) <= 2000),
  updated_at timestamptz not null,
  primary key (platform, id)
);
alter table app.categories enable row level security;
-- No policy and no grant.
alter table app.categories force row level security;

-- "As if live" for the Spotify worker, for half an hour.
create table app.spotify_manual (
  account_id uuid primary key references app.accounts (id) on delete cascade,
  started_by uuid,
  expires_at timestamptz not null
);
alter table app.spotify_manual enable row level security;
-- No policy and no grant.
alter table app.spotify_manual force row level security;

-- Status ---------------------------------------------------------------------------------------

-- Internal: a status as people and programs see it.
create function app.status_document(p_account uuid, p_platform text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object('platform', s.platform, 'is_online', s.is_online,
      'stream_title', s.stream_title, 'category', s.category, 'category_picture', c.picture,
      'viewer_count', s.viewer_count, 'started_at', s.started_at, 'updated_at', s.updated_at)
    from app.channel_status s
    left join app.categories c on c.platform = s.platform and c.id = s.category_id
    where s.account_id = p_account and s.platform = p_platform);
end
$$;

-- Internal: makes a status known to the account's topic.
create function app.publish_channel(p_account uuid, p_platform text, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.publish_status(p_account, null, 'channel', false,
    app.status_document(p_account, p_platform), p_now);
end
$$;

-- The channel is live. p_stream: {title, category, category_id, viewer_count, started_at}; what is
-- not told stays as it is while it was live before, else it is not known.
create function app.set_online(
  p_account uuid, p_platform text, p_stream jsonb, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.channel_status as s (account_id, platform, is_online, stream_title, category,
    category_id, viewer_count, started_at, updated_at)
  values (p_account, p_platform, true, left(p_stream ->> 'title', 500), left(p_stream ->> 'category', 200),
    left(p_stream ->> 'category_id', 100), (p_stream ->> 'viewer_count')::integer,
    coalesce((p_stream ->> 'started_at')::timestamptz, p_now), p_now)
  on conflict (account_id, platform) do update
  set is_online = true,
    stream_title = coalesce(excluded.stream_title, case when s.is_online then s.stream_title end),
    category = coalesce(excluded.category, case when s.is_online then s.category end),
    category_id = coalesce(excluded.category_id, case when s.is_online then s.category_id end),
    viewer_count = coalesce(excluded.viewer_count, case when s.is_online then s.viewer_count end),
    started_at = case when s.is_online and p_stream ->> 'started_at' is null then s.started_at
      else excluded.started_at end,
    updated_at = excluded.updated_at;
  perform app.publish_channel(p_account, p_platform, p_now);
end
$$;

-- The channel is no longer live. What it last showed stays readable.
create function app.set_offline(
  p_account uuid, p_platform text, p_now timestamptz default clock_timestamp())
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.channel_status as s (account_id, platform, is_online, updated_at)
  values (p_account, p_platform, false, p_now)
  on conflict (account_id, platform) do update
  set is_online = false, started_at = null, viewer_count = null, updated_at = excluded.updated_at;
  perform app.publish_channel(p_account, p_platform, p_now);
end
$$;

-- New numbers and names of a channel that is live; of one that is not, nothing. What is not told
-- stays. Answers whether anything changed.
create function app.update_stream_data(
  p_account uuid, p_platform text, p_stream jsonb, p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  update app.channel_status s
  set stream_title = n.title, category = n.category, category_id = n.category_id,
    viewer_count = n.viewer_count, updated_at = p_now
  from (
    select coalesce(left(p_stream ->> 'title', 500), o.stream_title) as title,
      coalesce(left(p_stream ->> 'category', 200), o.category) as category,
      -- Without the id of a new category its picture would be the old one's.
      case when p_stream ->> 'category' is not null then left(p_stream ->> 'category_id', 100)
        else o.category_id end as category_id,
      coalesce((p_stream ->> 'viewer_count')::integer, o.viewer_count) as viewer_count
    from app.channel_status o
    where o.account_id = p_account and o.platform = p_platform
  ) n
  where s.account_id = p_account and s.platform = p_platform and s.is_online
    and (s.stream_title, s.category, s.category_id, s.viewer_count)
      is distinct from (n.title, n.category, n.category_id, n.viewer_count);
  if not found then
    return false;
  end if;
  perform app.publish_channel(p_account, p_platform, p_now);
  return true;
end
$$;

-- All statuses of an account, by platform.
create function app.get_status(p_account uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'spotify:read');
  return (
    select coalesce(jsonb_agg(app.status_document(s.account_id, s.platform) order by s.platform), '[]')
    from app.channel_status s
    where s.account_id = p_account);
end
$$;

create function app.is_any_online(p_account uuid)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return exists (select from app.channel_status s where s.account_id = p_account and s.is_online);
end
$$;

-- Who is live by what this database knows: [{account_id, platforms: [...]}]. After a restart the
-- worker begins with these, so that a stream which ended meanwhile is found to have ended.
create function app.get_all_online_accounts()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('account_id', o.account_id, 'platforms', o.platforms)
      order by o.account_id), '[]')
    from (
      select s.account_id, jsonb_agg(s.platform order by s.platform) as platforms
      from app.channel_status s
      where s.is_online
      group by s.account_id
    ) o);
end
$$;

-- Watching -------------------------------------------------------------------------------------

-- What the worker has to ask about: [{account_id, channel_id, connection_id}], one channel for each
-- account, the one that was connected first.
create function app.find_watched(p_platform text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(to_jsonb(w) order by w.account_id), '[]')
    from (
      select distinct on (c.account_id) c.account_id, c.channel_id, c.id as connection_id
      from app.platform_connections c
      where c.platform = p_platform and c.status = 'connected'
      order by c.account_id, c.created_at, c.id
    ) w);
end
$$;

-- Statuses where an event told something that nobody has judged yet: [{account_id, platform}].
create function app.find_told()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('account_id', s.account_id, 'platform', s.platform)), '[]')
    from app.channel_status s
    where s.told <> '[]');
end
$$;

-- {version, watch, told}; of a channel that nothing is known of: 0, {}, [].
create function app.get_watch(p_account uuid, p_platform text)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return coalesce(
    (select jsonb_build_object('version', s.version, 'watch', s.watch, 'told', s.told)
      from app.channel_status s
      where s.account_id = p_account and s.platform = p_platform),
    '{"version": 0, "watch": {}, "told": []}');
end
$$;

-- Stores what the machine made of a version and does what follows, all or nothing: p_changes, in
-- order [{kind: 'online' | 'offline' | 'data', stream}], and events for the log. False: another
-- process was first, or more was told meanwhile; nothing is done.
create function app.apply_watch(
  p_account uuid, p_platform text, p_version integer, p_watch jsonb, p_changes jsonb, p_drafts jsonb,
  p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_version integer;
  v_change jsonb;
begin
  -- First the account's lock, which recording takes: two that hold one each would wait for ever.
  perform 1 from app.accounts a where a.id = p_account for no key update;
  if not found then
    return false;
  end if;
  insert into app.channel_status (account_id, platform, updated_at)
  values (p_account, p_platform, p_now)
  on conflict do nothing;
  select s.version into v_version
  from app.channel_status s
  where s.account_id = p_account and s.platform = p_platform
  for update;
  if v_version <> p_version then
    return false;
  end if;
  update app.channel_status s
  set watch = p_watch, told = '[]', version = s.version + 1
  where s.account_id = p_account and s.platform = p_platform;
  for v_change in select c.value from jsonb_array_elements(p_changes) as c loop
    case v_change ->> 'kind'
      when 'online' then
        perform app.set_online(p_account, p_platform, v_change -> 'stream', p_now);
      when 'offline' then
        perform app.set_offline(p_account, p_platform, p_now);
      when 'data' then
        perform app.update_stream_data(p_account, p_platform, v_change -> 'stream', p_now);
    end case;
  end loop;
  if jsonb_array_length(p_drafts) > 0 then
    perform app.record_events(p_account, p_drafts, p_now);
  end if;
  return true;
end
$$;

insert into app.event_handlers (event_type, handler)
values ('twitch:stream_online', 'stream_online'), ('twitch:stream_offline', 'stream_offline'),
  ('twitch:stream_update', 'stream_update');

-- Internal: keeps what events tell of a stream for the machine. Not what was found by asking
-- (origin poll): that is what the machine itself recorded.
create function app.note_streams(p_account uuid, p_drafts jsonb, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  insert into app.channel_status as s (account_id, platform, updated_at, told, version)
  select p_account, d.platform, p_now,
    jsonb_agg(jsonb_build_object('kind', replace(h.handler, 'stream_', ''),
      'at', coalesce(d.occurred_at, p_now), 'stream_id', d.data ->> 'id',
      'started_at', d.data ->> 'started_at', 'title', d.data ->> 'title',
      'category', d.data #>> '{category,name}', 'category_id', d.data #>> '{category,id}')
      order by d.ord), 1
  from rows from (jsonb_to_recordset(p_drafts) as (event_type text, platform text, origin text,
      data jsonb, occurred_at timestamptz))
    with ordinality as d (event_type, platform, origin, data, occurred_at, ord)
  join app.event_handlers h on h.event_type = d.event_type
  where h.handler in ('stream_online', 'stream_offline', 'stream_update')
    and coalesce(d.origin, 'live') = 'live'
  group by d.platform
  on conflict (account_id, platform) do update
  set told = s.told || excluded.told, version = s.version + 1;
end
$$;

-- As before, and streams.
create or replace function app.handle_events(
  p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.note_viewers(p_account, p_drafts, p_events, p_first, p_now);
  perform app.note_streams(p_account, p_drafts, p_now);
end
$$;

-- Categories -----------------------------------------------------------------------------------

-- Categories of channels whose picture is not known, or was asked for before p_before:
-- [id], at most p_limit.
create function app.find_categories(p_platform text, p_before timestamptz, p_limit integer)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(w.category_id order by w.category_id), '[]')
    from (
      select distinct s.category_id
      from app.channel_status s
      where s.platform = p_platform and s.category_id is not null
        and not exists (
          select from app.categories c
          where c.platform = s.platform and c.id = s.category_id and c.updated_at >= p_before)
      order by s.category_id
      limit p_limit
    ) w);
end
$$;

-- Keeps categories: [{id, name, picture}]; who shows one is told. Answers how many changed.
create function app.save_categories(
  p_platform text, p_categories jsonb, p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_changed text[];
begin
  with given as (
    select distinct on (c.id) c.id, left(c.name, 200) as name, left(c.picture, 2000) as picture
    from jsonb_to_recordset(p_categories) as c (id text, name text, picture text)
    where char_length(c.id) between 1 and 100 and c.name is not null
    order by c.id
  ),
  known as (
    select k.id, k.name, k.picture from app.categories k where k.platform = p_platform
  ),
  kept as (
    insert into app.categories as k (platform, id, name, picture, updated_at)
    select p_platform, g.id, g.name, g.picture, p_now from given g
    on conflict (platform, id) do update
    set name = excluded.name, picture = excluded.picture, updated_at = excluded.updated_at
    returning k.id, k.name, k.picture
  )
  select array_agg(k.id) into v_changed
  from kept k
  -- Both CTEs see the table as it was before this statement.
  left join known o on o.id = k.id
  where (o.name, o.picture) is distinct from (k.name, k.picture);
  perform app.publish_channel(s.account_id, s.platform, p_now)
  from app.channel_status s
  where s.platform = p_platform and s.category_id = any (v_changed) and s.is_online;
  return coalesce(cardinality(v_changed), 0);
end
$$;

-- Spotify, by hand -----------------------------------------------------------------------------

-- Internal: {active, remaining_seconds}.
create function app.spotify_manual_document(p_account uuid, p_now timestamptz)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return coalesce(
    (select jsonb_build_object('active', true,
        'remaining_seconds', ceil(extract(epoch from m.expires_at - p_now))::integer)
      from app.spotify_manual m
      where m.account_id = p_account and m.expires_at > p_now),
    '{"active": false, "remaining_seconds": null}');
end
$$;

create function app.get_spotify_manual(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'spotify:read');
  return app.spotify_manual_document(p_account, p_now);
end
$$;

-- Starts half an hour, or starts it anew.
create function app.start_spotify_manual(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'spotify:worker');
  insert into app.spotify_manual (account_id, started_by, expires_at)
  values (p_account, app.actor_id(), p_now + interval '30 minutes')
  on conflict (account_id) do update
  set started_by = excluded.started_by, expires_at = excluded.expires_at;
  perform app.log_command(p_account, 'spotify.manual_start', 'account', p_account, '{}', p_now);
  perform app.publish_status(p_account, null, 'spotify', false,
    app.spotify_manual_document(p_account, p_now), p_now);
  return app.spotify_manual_document(p_account, p_now);
end
$$;

-- Ends it. Idempotent.
create function app.stop_spotify_manual(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_expires_at timestamptz;
begin
  perform app.require_permission(p_account, 'spotify:worker');
  delete from app.spotify_manual m where m.account_id = p_account returning m.expires_at into v_expires_at;
  if v_expires_at > p_now then
    perform app.log_command(p_account, 'spotify.manual_stop', 'account', p_account, '{}', p_now);
    perform app.publish_status(p_account, null, 'spotify', false,
      app.spotify_manual_document(p_account, p_now), p_now);
  end if;
  return app.spotify_manual_document(p_account, p_now);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.get_status(uuid),
  app.get_spotify_manual(uuid, timestamptz),
  app.start_spotify_manual(uuid, timestamptz),
  app.stop_spotify_manual(uuid, timestamptz)
  to authenticated, service_role;
grant execute on function
  app.set_online(uuid, text, jsonb, timestamptz),
  app.set_offline(uuid, text, timestamptz),
  app.update_stream_data(uuid, text, jsonb, timestamptz),
  app.is_any_online(uuid),
  app.get_all_online_accounts(),
  app.find_watched(text),
  app.find_told(),
  app.get_watch(uuid, text),
  app.apply_watch(uuid, text, integer, jsonb, jsonb, jsonb, timestamptz),
  app.find_categories(text, timestamptz, integer),
  app.save_categories(text, jsonb, timestamptz)
  to service_role;

-- Reading: the history, one event with its proof, the log from a cursor, the live queue.

-- Internal: a document without the persons in it: a viewer is an object with a login
-- (src/lib/platforms/platform.ts, Viewer); senders without that shape use the flat names.
create function app.without_viewers(p_document jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case jsonb_typeof(p_document)
    when 'object' then case
      when p_document ? 'login' then 'null'::jsonb
      else coalesce(
        (select jsonb_object_agg(f.key, app.without_viewers(f.value))
          from jsonb_each(p_document) as f
          where f.key !~ '^(user|viewer|username|nickname|display_name|email|ip|(user|viewer)_(id|login|name))$'
            or jsonb_typeof(f.value) = 'object'),
        '{}')
      end
    when 'array' then coalesce(
      (select jsonb_agg(app.without_viewers(f.value) order by f.ord)
        from jsonb_array_elements(p_document) with ordinality as f (value, ord)),
      '[]')
    else p_document
  end;
end
$$;

-- Internal: an event document for readers who may or may not know the viewers.
create function app.redact(p_event jsonb, p_userinfo boolean)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
begin
  if p_userinfo then
    return p_event;
  end if;
  return p_event || jsonb_build_object('external_id', null,
    'data', app.without_viewers(p_event -> 'data'), 'metadata', (p_event -> 'metadata') - 'user_id');
end
$$;

-- Internal: 'a' and ["a", "b"] alike, as an array; null when it is not there or empty.
create function app.read_list(p_value jsonb)
returns text[]
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case jsonb_typeof(p_value)
    when 'array' then (select array_agg(v) from jsonb_array_elements_text(p_value) as v)
    when 'string' then array[p_value #>> '{}']
  end;
end
$$;

-- A page of the history, newest first. p_filter: {types[], platform[], origin[], status[], search,
-- from, to, page, limit, cursor}; cursor (seq) means older than, costs the same on every page and
-- goes before page. Counts exactly up to 10,000.
-- {items, page, limit, total, total_is_exact, next_cursor}
create function app.list_events(p_account uuid, p_filter jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_types text[] := app.read_list(p_filter -> 'types');
  v_search text := nullif(trim(p_filter ->> 'search'), '');
  v_limit integer := least(greatest(coalesce((p_filter ->> 'limit')::integer, 50), 1), 200);
  v_page integer := greatest(coalesce((p_filter ->> 'page')::integer, 1), 1);
  v_cursor bigint := (p_filter ->> 'cursor')::bigint;
  v_offset bigint;
  v_most constant integer := 10000;
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_where text := 'e.account_id = $1';
  v_from text := 'app.platform_events e where %s';
  v_total bigint;
  v_items jsonb;
  v_last bigint;
begin
  perform app.require_permission(p_account, 'events:read');
  -- A filter on what one may not see would answer by the length of the list.
  if v_search is not null and not v_userinfo then
    perform app.refuse('CU403', 'search: this needs the permission events:userinfo');
  end if;
  v_offset := case when v_cursor is null then (v_page - 1)::bigint * v_limit else 0 end;

  -- Only the conditions that were asked for, and always planned for these very values: which
  -- index is best depends on them.
  v_where := concat_ws(' and ', v_where,
    case when p_filter ->> 'from' is not null then 'e.created_at >= $2' end,
    case when p_filter ->> 'to' is not null then 'e.created_at < $3' end,
    case when app.read_list(p_filter -> 'platform') is not null then 'e.platform = any ($4)' end,
    case when app.read_list(p_filter -> 'origin') is not null then 'e.origin = any ($5)' end,
    case when app.read_list(p_filter -> 'status') is not null then 'e.status = any ($6)' end,
    case when v_search is not null then 'e.search like $7' end);
  if v_search is not null then
    -- As it stands in the search column: lower case, escaped by JSON; then for LIKE.
    v_search := lower(to_jsonb(v_search)::text);
    v_search := substr(v_search, 2, length(v_search) - 2);
    v_search := '%' || replace(replace(replace(v_search, '\', '\\'), '%', '\%'), '_', '\_') || '%';
  end if;

  -- A range of the index for each type; in order within each, merged after.
  if v_types is not null then
    v_from := 'unnest($8) as t (type) cross join lateral (select e.id, e.created_at, e.seq '
      'from app.platform_events e where e.event_type = t.type and %s';
  end if;

  execute 'select count(*) from (select from ' || format(v_from, v_where)
    || case when v_types is not null then format(' limit %s) e', v_most + 1) else '' end
    || format(' limit %s) counted', v_most + 1)
  into v_total
  using p_account, (p_filter ->> 'from')::timestamptz, (p_filter ->> 'to')::timestamptz,
    app.read_list(p_filter -> 'platform'), app.read_list(p_filter -> 'origin'),
    app.read_list(p_filter -> 'status'), v_search, v_types;

  if v_cursor is not null then
    v_where := v_where || ' and e.seq < $9';
  end if;
  execute 'with page as (select e.id, e.created_at, e.seq from ' || format(v_from, v_where)
    || case when v_types is not null
      then format(' order by e.seq desc limit %s) e', v_limit + v_offset) else '' end
    || format(' order by e.seq desc limit %s offset %s)', v_limit, v_offset)
    || ' select coalesce(jsonb_agg(app.redact(d.document, $10) order by d.seq desc), ''[]''), min(d.seq)'
    || ' from page join app.event_documents d on d.id = page.id and d.created_at = page.created_at'
  into v_items, v_last
  using p_account, (p_filter ->> 'from')::timestamptz, (p_filter ->> 'to')::timestamptz,
    app.read_list(p_filter -> 'platform'), app.read_list(p_filter -> 'origin'),
    app.read_list(p_filter -> 'status'), v_search, v_types, v_cursor, v_userinfo;

  return jsonb_build_object('items', v_items, 'page', v_page, 'limit', v_limit,
    'total', least(v_total, v_most), 'total_is_exact', v_total <= v_most,
    -- A full page may have more behind it.
    'next_cursor', case when jsonb_array_length(v_items) = v_limit then v_last end);
end
$$;

-- One event with what the platform sent and the proof of what became of it:
-- StreamingEvent + {raw, plays: [Play + transitions[]]}.
create function app.get_event(
  p_account uuid, p_event uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_event jsonb;
begin
  perform app.require_permission(p_account, 'events:read');
  select app.redact(d.document, v_userinfo)
    || jsonb_build_object('raw', case when v_userinfo then e.raw end)
  into v_event
  from app.platform_events e
  join app.event_documents d on d.id = e.id and d.created_at = e.created_at
  where e.id = p_event and e.account_id = p_account;
  if v_event is null then
    perform app.refuse('CU404', format('There is no event %s', p_event));
  end if;
  return v_event || jsonb_build_object('plays', (
    select coalesce(
      jsonb_agg(
        p.document || jsonb_build_object(
          'elapsed_ms', app.elapsed_ms(p.playing_since, p_now),
          'transitions', (
            select coalesce(
              jsonb_agg(
                jsonb_build_object('at', t.at, 'from_status', t.from_status, 'to_status', t.to_status,
                  'actor_kind', t.actor_kind, 'actor_id', t.actor_id, 'reason', t.reason)
                order by t.id),
              '[]')
            from app.play_transitions t
            where t.play_id = p.id))
        order by p.overlay_id, (p.document ->> 'play_no')::integer),
      '[]')
    from app.play_documents p
    where p.event_id = p_event));
end
$$;

-- The log after a cursor, oldest first, for the studio and streams.
-- {epoch, recovered, top_seq, cursor, more, events[]}; not recovered: events starts afresh.
create function app.pull_events(p_account uuid, p_epoch text, p_cursor bigint, p_limit integer)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_limit integer := least(greatest(coalesce(p_limit, 100), 1), 500);
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
  v_top bigint;
  v_epoch uuid;
  v_recovered boolean;
  v_cursor bigint;
  v_events jsonb;
begin
  perform app.require_permission(p_account, 'events:read');
  select a.next_seq - 1, a.epoch into v_top, v_epoch from app.accounts a where a.id = p_account;
  v_recovered := app.is_recoverable(p_account, v_epoch, v_top, p_epoch, p_cursor);
  v_cursor := case when v_recovered then p_cursor else v_top end;
  select coalesce(jsonb_agg(app.redact(e.document, v_userinfo) order by e.seq), '[]'),
    coalesce(max(e.seq), v_cursor)
  into v_events, v_cursor
  from (
    select d.seq, d.document from app.event_documents d
    where d.account_id = p_account and d.seq > v_cursor and d.seq <= v_top
    order by d.seq
    limit v_limit
  ) e;
  return jsonb_build_object('epoch', v_epoch, 'recovered', v_recovered, 'top_seq', v_top,
    'cursor', v_cursor, 'more', v_cursor < v_top, 'events', v_events);
end
$$;

-- Internal: plays for readers who may or may not know the viewers.
create function app.describe_plays_for(p_plays uuid[], p_userinfo boolean, p_now timestamptz)
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
        case when p_userinfo then d.play
          else d.play || jsonb_build_object('event', app.redact(d.play -> 'event', false)) end
        order by d.ord),
      '[]')
    from app.describe_plays(p_plays, p_now) d);
end
$$;

-- What every overlay of the account shows, what waits (at most 50 each) and what ended (20).
-- {epoch, top_seq, paused, overlays: [{overlay_id, name, rev, paused, leader_id, instances,
-- playing, waiting, waiting_count, recent}]}; `paused` of an overlay: by itself or by the account.
create function app.get_queue(p_account uuid, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_userinfo boolean := app.has_permission(p_account, 'events:userinfo');
begin
  perform app.require_permission(p_account, 'events:read');
  return (
    select jsonb_build_object('epoch', a.epoch, 'top_seq', a.next_seq - 1,
      'paused', a.paused_at is not null,
      'overlays', (
        select coalesce(
          jsonb_agg(
            jsonb_build_object('overlay_id', o.id, 'name', o.name, 'rev', q.rev,
              'paused', q.paused_at is not null or a.paused_at is not null,
              'leader_id', case when q.lease_until > p_now then q.leader_id end,
              'instances', (
                -- Pages call every 5 s at the least: two calls missed and a page is gone.
                select coalesce(
                  jsonb_agg(
                    jsonb_build_object('id', i.id, 'last_seen_at', i.last_seen_at,
                      'visible', i.visible, 'user_agent', i.user_agent,
                      'leads', i.id = q.leader_id and q.lease_until > p_now)
                    order by i.first_seen_at, i.id),
                  '[]')
                from app.overlay_instances i
                where i.overlay_id = o.id and i.last_seen_at > p_now - interval '15 seconds'),
              'playing', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.status = 'playing' order by p.lane), v_userinfo, p_now),
              'waiting', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.status = 'queued'
                order by p.priority desc, p.seq, p.play_no limit 50), v_userinfo, p_now),
              'waiting_count', (
                select count(*) from app.plays p where p.overlay_id = o.id and p.status = 'queued'),
              'recent', app.describe_plays_for(array(
                select p.id from app.plays p
                where p.overlay_id = o.id and p.ended_at is not null
                order by p.ended_at desc, p.seq desc limit 20), v_userinfo, p_now))
            order by o.created_at, o.id),
          '[]')
        from app.overlays o
        join app.overlay_queues q on q.overlay_id = o.id
        where o.account_id = p_account))
    from app.accounts a
    where a.id = p_account);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.list_events(uuid, jsonb),
  app.get_event(uuid, uuid, timestamptz),
  app.pull_events(uuid, text, bigint, integer),
  app.get_queue(uuid, timestamptz)
  to authenticated, service_role;

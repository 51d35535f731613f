-- Subscriptions: which events an overlay wants, on which lane, and under which condition. A
-- condition is data (src/lib/bus/condition.ts has the form and the same rule in TypeScript; a
-- property test compares them): no text of it ever becomes SQL or a regular expression, and what
-- it costs is bounded by app.check_condition.

alter table app.event_subscriptions add column condition jsonb;

-- Internal: whether an event, or its draft, meets a condition. Total: a field that is not there is
-- an answer, never an error.
create function app.meets(p_condition jsonb, p_event jsonb)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_part jsonb;
  v_value jsonb;
  v_with jsonb := p_condition -> 'value';
  v_op text := p_condition ->> 'op';
  v_order integer;
begin
  if p_condition ? 'all' then
    for v_part in select * from jsonb_array_elements(p_condition -> 'all') loop
      if not app.meets(v_part, p_event) then
        return false;
      end if;
    end loop;
    return true;
  elsif p_condition ? 'any' then
    for v_part in select * from jsonb_array_elements(p_condition -> 'any') loop
      if app.meets(v_part, p_event) then
        return true;
      end if;
    end loop;
    return false;
  elsif p_condition ? 'not' then
    return not app.meets(p_condition -> 'not', p_event);
  end if;

  -- Null is as good as absent.
  v_value := nullif(p_event #> string_to_array(p_condition ->> 'field', '.'), 'null');
  if v_op = 'exists' then
    return (v_value is not null) = (coalesce(v_with, 'true') = 'true'::jsonb);
  elsif v_op = 'ne' then
    return v_value is distinct from v_with;
  elsif v_value is null then
    return false;
  elsif v_op = 'eq' then
    return v_value = v_with;
  elsif v_op = 'in' then
    return jsonb_typeof(v_value) in ('string', 'number', 'boolean')
      and v_with @> jsonb_build_array(v_value);
  elsif v_op = 'contains' then
    return case
      when jsonb_typeof(v_value) = 'array' then v_value @> jsonb_build_array(v_with)
      when jsonb_typeof(v_value) = 'string' and jsonb_typeof(v_with) = 'string'
        then strpos(v_value #>> '{}', v_with #>> '{}') > 0
      else false
    end;
  end if;
  v_order := case
    when jsonb_typeof(v_value) <> jsonb_typeof(v_with) then null
    when jsonb_typeof(v_value) = 'number' then
      sign((v_value #>> '{}')::numeric - (v_with #>> '{}')::numeric)::integer
    -- By code point, as in every language and on every machine.
    when jsonb_typeof(v_value) = 'string' then case
      when (v_value #>> '{}') collate "C" < (v_with #>> '{}') collate "C" then -1
      when (v_value #>> '{}') collate "C" > (v_with #>> '{}') collate "C" then 1
      else 0 end
  end;
  return coalesce(case v_op
    when 'lt' then v_order < 0
    when 'lte' then v_order <= 0
    when 'gt' then v_order > 0
    when 'gte' then v_order >= 0
  end, false);
end
$$;

-- Internal: the number of tests in a condition; null when it is not one, or nests deeper than
-- p_depth. Whoever stores one asks here, wherever it came from.
create function app.check_condition(p_condition jsonb, p_depth integer)
returns integer
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_with jsonb := p_condition -> 'value';
  v_scalars constant text[] := array['string', 'number', 'boolean'];
  v_parts jsonb;
  v_part jsonb;
  v_count integer := 0;
begin
  if p_depth < 1 or jsonb_typeof(p_condition) <> 'object' then
    return null;
  end if;
  if p_condition ?| array['all', 'any', 'not'] then
    v_parts := case when p_condition ? 'not' then jsonb_build_array(p_condition -> 'not')
      else coalesce(p_condition -> 'all', p_condition -> 'any') end;
    if (select count(*) from jsonb_object_keys(p_condition)) <> 1 or jsonb_typeof(v_parts) <> 'array'
      or jsonb_array_length(v_parts) not between 1 and 50 then
      return null;
    end if;
    for v_part in select * from jsonb_array_elements(v_parts) loop
      -- Null as soon as one part is.
      v_count := v_count + app.check_condition(v_part, p_depth - 1);
    end loop;
    return v_count;
  end if;
  if p_condition - array['field', 'op', 'value'] <> '{}'
    or coalesce(p_condition ->> 'field', '') !~ '^(event_type|class|platform|origin|priority|((data|metadata)(\.[A-Za-z_][A-Za-z0-9_]{0,59}){1,6}))$'
    -- What is missing compares with null.
    or not coalesce(case p_condition ->> 'op'
      when 'exists' then coalesce(jsonb_typeof(v_with), 'boolean') = 'boolean'
      when 'in' then jsonb_typeof(v_with) = 'array' and jsonb_array_length(v_with) between 1 and 100
        and (select bool_and(jsonb_typeof(v) = any (v_scalars)) from jsonb_array_elements(v_with) as v)
      else (p_condition ->> 'op') = any (array['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'contains'])
        and jsonb_typeof(v_with) = any (v_scalars)
    end, false) then
    return null;
  end if;
  return 1;
end
$$;

-- {overlay_id, items: [{pattern, classes, lane, condition}]}, the most specific pattern first: the
-- order in which they decide.
create function app.get_subscriptions(p_account uuid, p_overlay uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  perform app.require_permission(p_account, 'overlays:read');
  perform app.require_overlay(p_account, p_overlay);
  return jsonb_build_object('overlay_id', p_overlay, 'items', (
    select coalesce(
      jsonb_agg(
        jsonb_build_object('pattern', s.pattern, 'classes', s.classes, 'lane', s.lane,
          'condition', s.condition)
        order by length(s.pattern) desc, s.pattern),
      '[]')
    from app.event_subscriptions s
    where s.overlay_id = p_overlay));
end
$$;

-- Puts these in place of all that an overlay had, from the next event on. Answers as above.
create function app.set_subscriptions(
  p_account uuid, p_overlay uuid, p_items jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_before jsonb;
  v_wrong text;
begin
  perform app.require_permission(p_account, 'overlays:edit');
  -- Recording takes this lock too: a batch is routed by the old ones or by the new.
  perform from app.accounts a where a.id = p_account for no key update;
  v_before := app.get_subscriptions(p_account, p_overlay) -> 'items';
  if jsonb_typeof(p_items) <> 'array' or jsonb_array_length(p_items) > 100 then
    perform app.refuse('CU400', 'items: an overlay has at most 100 subscriptions');
  end if;
  select min(i.pattern) into v_wrong
  from jsonb_to_recordset(p_items) as i (pattern text, condition jsonb)
  where jsonb_typeof(i.condition) <> 'null'
    and coalesce(app.check_condition(i.condition, 5) > 50 or pg_column_size(i.condition) > 16384, true);
  if v_wrong is not null then
    perform app.refuse('CU400', format('items: the condition of %s is not one', v_wrong));
  end if;
  select min(i.pattern) into v_wrong
  from (
    select i.pattern from jsonb_to_recordset(p_items) as i (pattern text)
    group by i.pattern having count(*) > 1) i;
  if v_wrong is not null then
    perform app.refuse('CU400', format('items: %s is there twice', v_wrong));
  end if;
  delete from app.event_subscriptions s where s.overlay_id = p_overlay;
  insert into app.event_subscriptions (overlay_id, account_id, pattern, classes, lane, condition)
  select p_overlay, p_account, i.pattern, i.classes, i.lane, nullif(i.condition, 'null')
  from jsonb_to_recordset(p_items)
    as i (pattern text, classes text[], lane text, condition jsonb);
  perform app.log_command(p_account, 'subscriptions.set', 'overlay', p_overlay,
    jsonb_build_object('before', v_before, 'items', p_items), p_now);
  return app.get_subscriptions(p_account, p_overlay);
end
$$;

-- As before, and a condition is asked where there is one.

-- Internal: plays for new events, on every overlay with a subscription that matches and whose
-- condition is met; of those the most specific pattern gives the lane. The best one for an idle
-- lane is born playing: no second write,
-- and its first message already says so. Answers, by position, how each event starts, and the
-- overlays where an idle lane has a line (rare: there app.advance decides).
-- The caller holds the locks of p_overlays; p_live are those that may start something.
create or replace function app.make_plays(
  p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_overlays uuid[], p_live uuid[],
  p_now timestamptz, out p_statuses text[], out p_behind uuid[])
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_events uuid[];
  v_statuses text[];
begin
  with route as materialized (
    select distinct on (d.ord, s.overlay_id) d.ord, s.overlay_id, s.lane, d.origin, d.duration_ms,
      d.scheduled_at, d.scheduled_at is null or d.scheduled_at <= p_now as is_due,
      case d.priority when 'low' then 0 when 'high' then 20 when 'critical' then 30 else 10 end::smallint as priority
    from rows from (jsonb_to_recordset(p_drafts) as (event_type text, class text, origin text,
        priority text, duration_ms integer, scheduled_at timestamptz))
      with ordinality as d (event_type, class, origin, priority, duration_ms, scheduled_at, ord)
    join app.event_subscriptions s
      on s.overlay_id = any (p_overlays) and d.class = any (s.classes) and d.event_type like s.like_pattern
        and (s.condition is null or app.meets(s.condition, p_drafts -> (d.ord - 1)::integer))
    where d.class in ('animated', 'alert')
    order by d.ord, s.overlay_id, length(s.pattern) desc, s.pattern
  ),
  -- Lanes that show nothing though they could.
  idle as materialized (
    select l.overlay_id, l.lane, q.leader_id, q.lease_version,
      exists (select from app.plays x
        where x.overlay_id = l.overlay_id and x.lane = l.lane and x.status = 'queued'
          and (x.scheduled_at is null or x.scheduled_at <= p_now)) as has_line
    from (select distinct r.overlay_id, r.lane from route r where r.overlay_id = any (p_live)) l
    join app.overlay_queues q on q.overlay_id = l.overlay_id
    where not exists (select from app.plays x
      where x.overlay_id = l.overlay_id and x.lane = l.lane and x.status = 'playing')
  ),
  born as (
    select r.*, case when r.is_due and row_number() over (
      partition by r.overlay_id, r.lane, r.is_due order by r.priority desc, r.ord) = 1 then 1 else 0 end as is_best
    from route r
  ),
  play as (
    insert into app.plays (account_id, overlay_id, event_id, event_created_at, seq, priority, lane,
      status, reason, play_no, attempt, duration_ms, instance_id, lease_version, claimed_at,
      scheduled_at, created_at)
    select p_account, b.overlay_id, p_events[b.ord], p_now, p_first - 1 + b.ord, b.priority, b.lane,
      case when i.lane is null then 'queued' else 'playing' end,
      case when b.origin = 'test' then 'test' else 'live' end, 1,
      case when i.lane is null then 0 else 1 end, coalesce(b.duration_ms, 6000),
      i.leader_id, i.lease_version, case when i.lane is not null then p_now end, b.scheduled_at, p_now
    from born b
    left join idle i
      on i.overlay_id = b.overlay_id and i.lane = b.lane and b.is_best = 1 and not i.has_line
    returning id, event_id, overlay_id, status, instance_id
  ),
  transition as (
    insert into app.play_transitions (play_id, account_id, at, from_status, to_status, actor_kind,
      actor_id, reason)
    select p.id, p_account, p_now, 'queued', 'playing', 'overlay', p.instance_id, 'claimed'
    from play p
    where p.status = 'playing'
  ),
  queue as (
    update app.overlay_queues q
    set rev = q.rev + made.number
    from (select p.overlay_id, count(*) as number from play p group by p.overlay_id) made
    where q.overlay_id = made.overlay_id
  )
  select array_agg(p.event_id), array_agg(p.status),
    (select array_agg(distinct i.overlay_id) from idle i where i.has_line)
  into v_events, v_statuses, p_behind
  from play p;

  -- app.derive_event_status, for the two statuses that plays are born with.
  p_statuses := array(
    select case when bool_or(p.status = 'playing') then 'active'
      when bool_or(p.status = 'queued') then 'pending' else 'completed' end
    from unnest(p_events) with ordinality as e (id, ord)
    left join unnest(v_events, v_statuses) as p (event_id, status) on p.event_id = e.id
    group by e.ord
    order by e.ord);
end
$$;

-- Internal: the messages of newly recorded events, in order of seq: to the account with the plays
-- they became, to each overlay that wanted them with its own play and the rev that this took.
-- Data and system events change no queue: no play, no rev.
create or replace function app.publish_events(
  p_account uuid, p_epoch uuid, p_first bigint, p_last bigint, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  with event as materialized (
    select e.id, e.seq, e.event_type, e.class, e.document
    from app.event_documents e
    where e.account_id = p_account and e.seq between p_first and p_last and e.created_at = p_now
  ),
  play as materialized (
    select p.event_id, p.overlay_id,
      p.document || jsonb_build_object('elapsed_ms', app.elapsed_ms(p.playing_since, p_now)) as document,
      -- This batch has just raised the rev by its number of plays, one for each in order of seq.
      q.rev - count(*) over (partition by p.overlay_id)
        + row_number() over (partition by p.overlay_id order by p.seq) as rev
    from event e
    join app.play_documents p on p.event_id = e.id
    join app.overlay_queues q on q.overlay_id = p.overlay_id
  ),
  shown as (
    select p.event_id, jsonb_agg(p.document || jsonb_build_object('rev', p.rev) order by p.overlay_id) as plays
    from play p
    group by p.event_id
  ),
  message as (
    select e.seq, 'account:' || p_account as topic, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'plays', coalesce(s.plays, '[]')) as payload
    from event e
    left join shown s on s.event_id = e.id
    union all
    select e.seq, 'overlay:' || p.overlay_id, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'overlay_id', p.overlay_id, 'rev', p.rev, 'play', p.document)
    from event e
    join play p on p.event_id = e.id
    union all
    select e.seq, 'overlay:' || o.overlay_id, jsonb_build_object(
      'type', 'EVENT_BROADCAST', 'epoch', p_epoch, 'at', p_now, 'event', e.document,
      'overlay_id', o.overlay_id, 'play', null)
    from event e
    cross join lateral (
      select distinct s.overlay_id from app.event_subscriptions s
      where s.account_id = p_account and e.class = any (s.classes) and e.event_type like s.like_pattern
        and (s.condition is null or app.meets(s.condition, e.document))
    ) o
    where e.class in ('data', 'system')
  )
  -- 'account:' sorts before 'overlay:'.
  select array_agg(m.topic order by m.seq, m.topic), array_agg(m.payload order by m.seq, m.topic)
  into v_topics, v_payloads
  from message m;
  perform app.send_hints(v_topics, array_fill('EVENT_BROADCAST'::text, array[cardinality(v_topics)]), v_payloads);
end
$$;

-- Everything a page needs to be whole (OverlayState in src/lib/bus/message.ts). Stable: all of it
-- is read from one snapshot, so rev, plays and events belong together.
create or replace function app.pull_overlay(
  p_overlay uuid, p_epoch text, p_cursor bigint, p_limit integer,
  p_now timestamptz default clock_timestamp())
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
  v_account uuid := app.require_overlay_reader(p_overlay);
  v_limit integer := least(greatest(coalesce(p_limit, 100), 1), 500);
  -- Events looked at in one pull: a page that was away for a month asks more often, never longer.
  v_window constant integer := 2000;
  v_top bigint;
  v_epoch uuid;
  v_state jsonb;
  v_plays uuid[];
  v_recovered boolean;
  v_cursor bigint;
  v_end bigint;
  v_events jsonb := '[]';
  v_found integer;
  v_last bigint;
begin
  select a.next_seq - 1, a.epoch, jsonb_build_object('rev', q.rev,
    'paused', q.paused_at is not null or a.paused_at is not null,
    'leader_id', case when q.lease_until > p_now then q.leader_id end)
  into v_top, v_epoch, v_state
  from app.overlay_queues q
  join app.accounts a on a.id = q.account_id
  where q.overlay_id = p_overlay;

  -- All that is shown and the head of each line, in the order in which it would play.
  v_plays := array(
    (select p.id from app.plays p
      where p.overlay_id = p_overlay and p.status = 'playing' order by p.lane)
    union all
    (select p.id from app.plays p
      where p.overlay_id = p_overlay and p.status = 'queued'
      order by p.priority desc, p.seq, p.play_no limit 50));

  v_recovered := app.is_recoverable(v_account, v_epoch, v_top, p_epoch, p_cursor);
  v_cursor := case when v_recovered then p_cursor else v_top end;
  v_end := least(v_top, v_cursor + v_window);
  if v_cursor < v_top then
    select coalesce(jsonb_agg(found.document order by found.seq), '[]'), count(*), max(found.seq)
    into v_events, v_found, v_last
    from (
      select e.seq, e.document
      from app.event_documents e
      where e.account_id = v_account and e.seq > v_cursor and e.seq <= v_end
        and e.class in ('data', 'system')
        and exists (
          select from app.event_subscriptions s
          where s.overlay_id = p_overlay and e.class = any (s.classes)
            and e.event_type like s.like_pattern
            and (s.condition is null or app.meets(s.condition, e.document)))
      order by e.seq
      limit v_limit
    ) found;
    v_cursor := case when v_found = v_limit then v_last else v_end end;
  end if;

  return v_state || jsonb_build_object(
    'epoch', v_epoch, 'recovered', v_recovered, 'top_seq', v_top, 'cursor', v_cursor,
    'more', v_cursor < v_top, 'events', v_events,
    'plays', (select coalesce(jsonb_agg(d.play order by d.ord), '[]')
      from app.describe_plays(v_plays, p_now) d));
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.get_subscriptions(uuid, uuid),
  app.set_subscriptions(uuid, uuid, jsonb, timestamptz)
  to authenticated, service_role;

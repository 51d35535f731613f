-- The one door into the log: record_events takes a batch of drafts and, in one transaction,
-- leaves out what it knows, numbers the rest, stores it, routes it to overlays, makes and starts
-- plays, and tells everyone. Set-based: a batch of a hundred costs little more than one event.

-- Internal: writes down the keys of a batch of drafts that are to get the numbers from p_first on;
-- answers how many were new. Fewer than there are keys: some draft is a duplicate.
create function app.remember_keys(
  p_account uuid, p_drafts jsonb, p_events uuid[], p_first bigint, p_now timestamptz)
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_new integer;
begin
  insert into app.event_keys (account_id, kind, key, event_id, event_created_at, seq, created_at)
  select p_account, name.kind, name.key, p_events[d.ord], p_now, p_first - 1 + d.ord, p_now
  from rows from (jsonb_to_recordset(p_drafts) as (transport_key text, business_key text))
    with ordinality as d (transport_key, business_key, ord)
  cross join lateral (
    values ('transport', d.transport_key), ('business', d.business_key)) as name (kind, key)
  where name.key is not null
  on conflict do nothing;
  get diagnostics v_new = row_count;
  return v_new;
end
$$;

-- Internal: which drafts of a batch are duplicates, by position: of an event that is stored, or of
-- an earlier draft of the same batch (twin: its position). As if the drafts had come one after the
-- other: one that is left out leaves no keys behind.
create function app.find_duplicates(p_account uuid, p_drafts jsonb)
returns table (ord integer, event_id uuid, seq bigint, twin integer)
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_draft record;
  v_seen jsonb := '{}';
begin
  for v_draft in
    select d.ord::integer as ord, d.transport_key, d.business_key, known.event_id, known.seq
    from rows from (jsonb_to_recordset(p_drafts) as (transport_key text, business_key text))
      with ordinality as d (transport_key, business_key, ord)
    left join lateral (
      select k.event_id, k.seq from app.event_keys k
      where k.account_id = p_account
        and ((k.kind = 'transport' and k.key = d.transport_key) or (k.kind = 'business' and k.key = d.business_key))
      order by k.seq
      limit 1
    ) known on true
    order by d.ord
  loop
    ord := v_draft.ord;
    event_id := v_draft.event_id;
    seq := v_draft.seq;
    -- least() skips nulls: the earlier of the two, if any.
    twin := least((v_seen ->> ('transport ' || v_draft.transport_key))::integer,
      (v_seen ->> ('business ' || v_draft.business_key))::integer);
    if event_id is not null or twin is not null then
      return next;
    else
      v_seen := v_seen
        || jsonb_build_object(coalesce('transport ' || v_draft.transport_key, ''), ord)
        || jsonb_build_object(coalesce('business ' || v_draft.business_key, ''), ord);
    end if;
  end loop;
end
$$;

-- Internal: plays for new events, on every overlay whose subscription matches; the most specific
-- pattern wins and gives the lane. The best one for an idle lane is born playing: no second write,
-- and its first message already says so. Answers, by position, how each event starts, and the
-- overlays where an idle lane has a line (rare: there app.advance decides).
-- The caller holds the locks of p_overlays; p_live are those that may start something.
create function app.make_plays(
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
create function app.publish_events(
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

-- Stores a batch of drafts (src/lib/bus/event.ts, Draft, already parsed), all or nothing. Answers
-- in their order [{index, outcome: 'recorded' | 'duplicate', event_id, seq, status}]; a duplicate
-- names the event that was first. For the trusted server only: it asks nobody's permission.
create function app.record_events(
  p_account uuid, p_drafts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_count integer := jsonb_array_length(p_drafts);
  v_first bigint;
  v_epoch uuid;
  v_paused boolean;
  v_names integer;
  v_showable text[];
  -- The new ones, by position, and what they become.
  v_drafts jsonb := p_drafts;
  v_events uuid[];
  v_statuses text[];
  -- The duplicates: position, first event, its seq; or the position of the twin.
  v_known integer[] := '{}';
  v_known_events uuid[];
  v_known_seqs bigint[];
  v_twins integer[];
  v_overlays uuid[];
  v_live uuid[];
  v_behind uuid[];
  v_started uuid[];
begin
  if v_count = 0 then
    return '[]';
  end if;
  -- Before any lock, as making a partition waits for every writer. Two lookups in the catalog's
  -- cache when both are there.
  if to_regclass('app.platform_events_' || to_char(p_now at time zone 'UTC', 'YYYY_MM')) is null
    or to_regclass('app.platform_events_'
      || to_char((p_now at time zone 'UTC') + interval '1 month', 'YYYY_MM')) is null then
    perform app.ensure_event_partitions(p_now, 1);
  end if;

  -- The account's lock, and numbers for all drafts; those of duplicates are given back below.
  update app.accounts
  set next_seq = next_seq + v_count
  where id = p_account
  returning next_seq - v_count, epoch, paused_at is not null into v_first, v_epoch, v_paused;
  if not found then
    perform app.refuse('CU404', format('There is no account %s', p_account));
  end if;

  select count(d.transport_key) + count(d.business_key), array_agg(gen_random_uuid()),
    array_agg(distinct d.event_type) filter (where d.class in ('animated', 'alert'))
  into v_names, v_events, v_showable
  from jsonb_to_recordset(p_drafts)
    as d (event_type text, class text, transport_key text, business_key text);

  -- Nearly always all are new, so first as if they were.
  if v_names > 0 and app.remember_keys(p_account, p_drafts, v_events, v_first, p_now) < v_names then
    delete from app.event_keys k
    using jsonb_to_recordset(p_drafts) as d (transport_key text, business_key text)
    where k.account_id = p_account and k.event_id = any (v_events)
      and ((k.kind = 'transport' and k.key = d.transport_key) or (k.kind = 'business' and k.key = d.business_key));
    select coalesce(array_agg(f.ord), '{}'), array_agg(f.event_id), array_agg(f.seq), array_agg(f.twin)
    into v_known, v_known_events, v_known_seqs, v_twins
    from app.find_duplicates(p_account, p_drafts) f;
    select coalesce(jsonb_agg(d.draft order by d.ord), '[]'),
      coalesce(array_agg(v_events[d.ord] order by d.ord), '{}')
    into v_drafts, v_events
    from jsonb_array_elements(p_drafts) with ordinality as d (draft, ord)
    where not d.ord = any (v_known);
    update app.accounts set next_seq = v_first + cardinality(v_events) where id = p_account;
    perform app.remember_keys(p_account, v_drafts, v_events, v_first, p_now);
  end if;

  if cardinality(v_events) > 0 then
    v_statuses := array_fill('completed'::text, array[cardinality(v_events)]);
    if v_showable is not null then
      -- The queues that may get plays, in the one lock order.
      select array_agg(q.overlay_id), array_agg(q.overlay_id) filter (where q.is_live)
      into v_overlays, v_live
      from (
        select q.overlay_id, not v_paused and q.paused_at is null and q.lease_until > p_now as is_live
        from app.overlay_queues q
        where q.account_id = p_account and exists (
          select from app.event_subscriptions s
          cross join unnest(v_showable) as t (event_type)
          where s.overlay_id = q.overlay_id and t.event_type like s.like_pattern)
        order by q.overlay_id
        for no key update
      ) q;
      if v_overlays is not null then
        select m.p_statuses, m.p_behind into v_statuses, v_behind
        from app.make_plays(p_account, v_drafts, v_events, v_first, v_overlays, coalesce(v_live, '{}'), p_now) m;
      end if;
    end if;

    insert into app.platform_events (id, created_at, account_id, seq, event_type, class, platform,
      origin, external_id, data, raw, metadata, priority, status, duration_ms, cancelable,
      replayable, scheduled_at, occurred_at, completed_at)
    select v_events[d.ord], p_now, p_account, v_first - 1 + d.ord, d.event_type, d.class, d.platform,
      coalesce(d.origin, 'live'), d.external_id, coalesce(d.data, '{}'), d.raw, coalesce(d.metadata, '{}'),
      case d.priority when 'low' then 0 when 'high' then 20 when 'critical' then 30 else 10 end,
      v_statuses[d.ord], d.duration_ms, coalesce(d.cancelable, true), coalesce(d.replayable, true),
      d.scheduled_at, d.occurred_at, case when v_statuses[d.ord] = 'completed' then p_now end
    from rows from (jsonb_to_recordset(v_drafts) as (event_type text, class text, platform text,
        origin text, external_id text, data jsonb, raw jsonb, metadata jsonb, priority text,
        duration_ms integer, cancelable boolean, replayable boolean, scheduled_at timestamptz,
        occurred_at timestamptz))
      with ordinality as d (event_type, class, platform, origin, external_id, data, raw, metadata,
        priority, duration_ms, cancelable, replayable, scheduled_at, occurred_at, ord);

    perform app.publish_events(p_account, v_epoch, v_first, v_first - 1 + cardinality(v_events), p_now);

    if v_behind is not null then
      v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_behind) as o order by o);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;

  if cardinality(v_known) = 0 then
    return (
      select jsonb_agg(
        jsonb_build_object('index', e.ord - 1, 'outcome', 'recorded', 'event_id', e.id,
          'seq', v_first - 1 + e.ord, 'status', e.status)
        order by e.ord)
      from unnest(v_events, v_statuses) with ordinality as e (id, status, ord));
  end if;
  return (
    with fresh as (
      select i as ord, row_number() over (order by i) as place
      from generate_series(1, v_count) as i
      where not i = any (v_known)
    ),
    known as (
      select k.ord, k.event_id, k.seq, k.twin
      from unnest(v_known, v_known_events, v_known_seqs, v_twins) as k (ord, event_id, seq, twin)
    ),
    answer as (
      select i as ord, k.ord is null as is_new, coalesce(k.event_id, v_events[f.place]) as event_id,
        coalesce(k.seq, v_first - 1 + f.place) as seq, v_statuses[f.place] as status
      from generate_series(1, v_count) as i
      left join known k on k.ord = i
      left join fresh f on f.ord = coalesce(k.twin, i)
    )
    select jsonb_agg(
      jsonb_build_object('index', a.ord - 1,
        'outcome', case when a.is_new then 'recorded' else 'duplicate' end,
        'event_id', a.event_id, 'seq', a.seq,
        'status', coalesce(a.status,
          (select e.status from app.platform_events e where e.account_id = p_account and e.seq = a.seq)))
      order by a.ord)
    from answer a);
end
$$;

-- The same for who may create events: moderators' buttons, API keys. Leaves an audit entry.
create function app.emit_events(
  p_account uuid, p_drafts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_outcomes jsonb;
begin
  perform app.require_permission(p_account, 'events:create');
  v_outcomes := app.record_events(p_account, p_drafts, p_now);
  perform app.log_command(p_account, 'event.emit', 'event', (v_outcomes -> 0 ->> 'event_id')::uuid,
    jsonb_build_object('events', v_outcomes), p_now);
  return v_outcomes;
end
$$;

-- Forgets what is kept for a time only: keys of duplicates and deliveries after 30 days, pages not
-- seen for a day.
create function app.purge_expired(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_keys integer;
  v_deliveries integer;
  v_instances integer;
begin
  delete from app.event_keys k where k.created_at < p_now - interval '30 days';
  get diagnostics v_keys = row_count;
  delete from app.webhook_deliveries d where d.at < p_now - interval '30 days';
  get diagnostics v_deliveries = row_count;
  delete from app.overlay_instances i where i.last_seen_at < p_now - interval '1 day';
  get diagnostics v_instances = row_count;
  return jsonb_build_object('event_keys', v_keys, 'deliveries', v_deliveries, 'instances', v_instances);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function app.record_events(uuid, jsonb, timestamptz),
  app.purge_expired(timestamptz) to service_role;
grant execute on function app.emit_events(uuid, jsonb, timestamptz) to authenticated, service_role;

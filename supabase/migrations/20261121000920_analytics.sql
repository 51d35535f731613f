-- Analytics: what happened and what became of it, counted. Old counts are kept ready in quarters of
-- an hour, of which the days of every time zone are made; what is newer is counted when asked. So
-- an answer is exact at every moment, and costs the same at a million events. Tests enter nothing.

create table app.analytics_events (
  account_id uuid not null references app.accounts (id) on delete cascade,
  -- Start of the quarter in which they were recorded.
  at timestamptz not null,
  event_type text not null,
  platform text not null,
  events bigint not null,
  primary key (account_id, at, event_type, platform)
);
alter table app.analytics_events enable row level security;
-- No policy and no grant: the functions decide.
alter table app.analytics_events force row level security;

-- Plays by the quarter in which they ended: from then on nothing about them changes.
create table app.analytics_plays (
  account_id uuid not null,
  overlay_id uuid not null references app.overlays (id) on delete cascade,
  at timestamptz not null,
  -- How long the first frame came after the event (as app.count_plays sorts them); -1: of no interest.
  bucket smallint not null,
  plays bigint not null,
  shown bigint not null,
  completed bigint not null,
  cancelled bigint not null,
  skipped bigint not null,
  expired bigint not null,
  failed bigint not null,
  max_ms bigint,
  primary key (overlay_id, at, bucket)
);
alter table app.analytics_plays enable row level security;
-- No policy and no grant: the functions decide.
alter table app.analytics_plays force row level security;

-- How far the tables above go. Events by seq, which has no holes and follows the commits: exact
-- whatever a clock does. Plays by a quarter's start.
create table app.analytics_marks (
  account_id uuid primary key references app.accounts (id) on delete cascade,
  events_seq bigint not null default 0,
  plays_until timestamptz not null default '-infinity'
);
alter table app.analytics_marks enable row level security;
-- No policy and no grant.
alter table app.analytics_marks force row level security;

-- Internal: the start of the quarter of an hour.
create function app.quarter_of(p_at timestamptz)
returns timestamptz
language sql
immutable
set search_path = ''
as $$
  select date_bin('15 minutes', p_at, '2000-01-01 00:00:00+00')
$$;

-- Internal: the milliseconds that a bucket stands for.
create function app.bucket_ms(p_bucket smallint)
returns bigint
language sql
immutable
set search_path = ''
as $$
  select case when p_bucket < 1 then 0 else round(power(1.02::double precision, p_bucket - 0.5)) end::bigint
$$;

-- Internal: events of an account by quarter, type and platform, of these seqs and this time.
create function app.count_events(
  p_account uuid, p_after bigint, p_to_seq bigint, p_from timestamptz, p_to timestamptz)
returns table (at timestamptz, event_type text, platform text, events bigint)
language sql
stable
security definer
set search_path = ''
as $$
  -- app.quarter_of, written out: a call for each of very many rows would be most of the work.
  select date_bin('15 minutes', e.created_at, '2000-01-01 00:00:00+00'), e.event_type, e.platform, count(*)
  from app.platform_events e
  where e.account_id = p_account and e.seq > p_after and e.seq <= p_to_seq
    and e.created_at >= p_from and e.created_at < p_to and e.origin <> 'test'
  group by 1, 2, 3
$$;

-- Internal: plays that ended in this time, by overlay, quarter and delay. The delay is that of the
-- first showing, from the event, or from the time it was scheduled for, to the first frame. A
-- replay of a test is a test. Delays are sorted into buckets, each 2 % wider than the one before: a
-- percentile read from them is within 1 % of the true one.
create function app.count_plays(p_account uuid, p_from timestamptz, p_to timestamptz)
returns table (overlay_id uuid, at timestamptz, bucket smallint, plays bigint, shown bigint,
  completed bigint, cancelled bigint, skipped bigint, expired bigint, failed bigint, max_ms bigint)
language sql
stable
security definer
set search_path = ''
as $$
  select p.overlay_id, date_bin('15 minutes', p.ended_at, '2000-01-01 00:00:00+00'),
    case when p.delay_ms is null then -1 when p.delay_ms < 1 then 0
      else 1 + floor(ln(p.delay_ms::double precision) / ln(1.02::double precision)) end::smallint,
    count(*), count(p.started_at), count(*) filter (where p.status = 'completed'),
    count(*) filter (where p.status = 'cancelled'), count(*) filter (where p.status = 'skipped'),
    count(*) filter (where p.status = 'expired'), count(*) filter (where p.status = 'failed'),
    max(p.delay_ms)
  from (
    select p.overlay_id, p.ended_at, p.started_at, p.status,
      case when p.play_no = 1 and p.reason = 'live' and p.started_at is not null then
        greatest(0, floor(extract(epoch from
          p.started_at - greatest(p.event_created_at, p.scheduled_at)) * 1000))::bigint end as delay_ms
    from app.overlays o
    join app.plays p on p.overlay_id = o.id
    where o.account_id = p_account and p.ended_at >= p_from and p.ended_at < p_to
      -- One look for each replay; `not exists` might read all events at once instead.
      and (p.reason = 'live' or (p.reason = 'replay' and (
        select e.origin from app.platform_events e
        where e.id = p.event_id and e.created_at = p.event_created_at) is distinct from 'test'))
  ) p
  group by 1, 2, 3
$$;

-- Brings the ready counts of every account up to date; answers how many accounts were behind. By
-- a task, every minute. A long history is taken in steps of 50,000 events and 7 days of plays, and
-- a call ends after two seconds: what is left waits for the next, and is counted when asked.
create function app.roll_analytics(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
as $$
declare
  -- A play's end is written down when its statement begins and seen when it commits; statements
  -- are ended after seconds (src/lib/server/backend/connection.ts).
  v_settled timestamptz := app.quarter_of(p_now - interval '15 minutes');
  v_account record;
  v_mark app.analytics_marks;
  v_top bigint;
  v_until timestamptz;
  v_begun timestamptz := clock_timestamp();
  v_rolled integer := 0;
begin
  for v_account in
    select a.id
    from app.accounts a
    left join app.analytics_marks m on m.account_id = a.id
    where a.next_seq - 1 > coalesce(m.events_seq, 0) or v_settled > coalesce(m.plays_until, '-infinity')
    -- The one that has waited longest first.
    order by m.plays_until nulls first, a.id
  loop
    -- One that is being deleted is left alone.
    perform from app.accounts a where a.id = v_account.id for key share skip locked;
    continue when not found;
    insert into app.analytics_marks (account_id) values (v_account.id) on conflict do nothing;
    select * into v_mark from app.analytics_marks m where m.account_id = v_account.id for update;
    select least(a.next_seq - 1, v_mark.events_seq + 50000) into v_top
    from app.accounts a where a.id = v_account.id;
    if v_top > v_mark.events_seq then
      insert into app.analytics_events as r (account_id, at, event_type, platform, events)
      select v_account.id, c.at, c.event_type, c.platform, c.events
      from app.count_events(v_account.id, v_mark.events_seq, v_top, '-infinity', 'infinity') c
      on conflict (account_id, at, event_type, platform) do update
      set events = r.events + excluded.events;
    end if;

    v_until := v_mark.plays_until;
    if v_settled > v_until then
      select least(v_settled, app.quarter_of(min(f.ended_at)) + interval '7 days') into v_until
      from app.overlays o
      cross join lateral (
        select p.ended_at from app.plays p
        where p.overlay_id = o.id and p.ended_at >= v_mark.plays_until
        order by p.ended_at limit 1
      ) f
      where o.account_id = v_account.id;
      v_until := coalesce(v_until, v_settled);
      insert into app.analytics_plays (account_id, overlay_id, at, bucket, plays, shown, completed,
        cancelled, skipped, expired, failed, max_ms)
      select v_account.id, c.* from app.count_plays(v_account.id, v_mark.plays_until, v_until) c;
    end if;
    update app.analytics_marks m
    set events_seq = greatest(v_top, m.events_seq), plays_until = v_until
    where m.account_id = v_account.id;
    v_rolled := v_rolled + 1;
    exit when clock_timestamp() > v_begun + interval '2 seconds';
  end loop;
  return v_rolled;
end
$$;

-- Internal: {from, to, time_zone, interval} as they are used: from the start of a quarter to the
-- start of another, by default the last 30 days. CU400 for a time zone that nobody knows.
create function app.analytics_span(p_filter jsonb, p_now timestamptz)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_zone text := coalesce(p_filter ->> 'time_zone', 'UTC');
  v_interval text := coalesce(p_filter ->> 'interval', 'day');
  v_quarter constant interval := interval '15 minutes';
  v_to timestamptz := coalesce((p_filter ->> 'to')::timestamptz, p_now);
  v_from timestamptz;
  v_most interval := case v_interval when 'hour' then interval '62 days' else interval '1100 days' end;
begin
  begin
    perform p_now at time zone v_zone;
  exception when invalid_parameter_value then
    perform app.refuse('CU400', format('time_zone: %s is not a time zone', v_zone));
  end;
  if v_interval not in ('hour', 'day') then
    perform app.refuse('CU400', 'interval: must be hour or day');
  end if;
  v_to := app.quarter_of(v_to - interval '1 microsecond') + v_quarter;
  v_from := app.quarter_of(coalesce((p_filter ->> 'from')::timestamptz, v_to - interval '30 days'));
  if v_from > v_to or v_to - v_from > v_most then
    perform app.refuse('CU400', 'from: must be before "to", by 1,100 days at most, by 62 when counted by the hour');
  end if;
  return jsonb_build_object('from', v_from, 'to', v_to, 'time_zone', v_zone, 'interval', v_interval);
end
$$;

-- How many events there were. p_filter: {from, to, time_zone, interval: 'hour' | 'day', types[],
-- platform[]}. {from, to, time_zone, interval, total, by_type: [{event_type, count}], by_platform:
-- [{platform, count}], by_hour: [{hour, count}] (of the day, in the zone), series: [{at, count}]};
-- what is nought is left out of the lists.
create function app.event_analytics(
  p_account uuid, p_filter jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_span jsonb;
  v_zone text;
  v_from timestamptz;
  v_to timestamptz;
  v_types text[] := app.read_list(p_filter -> 'types');
  v_platforms text[] := app.read_list(p_filter -> 'platform');
  v_mark bigint;
begin
  perform app.require_permission(p_account, 'events:read');
  v_span := app.analytics_span(p_filter, p_now);
  v_zone := v_span ->> 'time_zone';
  v_from := (v_span ->> 'from')::timestamptz;
  v_to := (v_span ->> 'to')::timestamptz;
  -- One snapshot for the mark and both tables: the function is stable.
  select m.events_seq into v_mark from app.analytics_marks m where m.account_id = p_account;
  return v_span || (
    with counted as materialized (
      select c.at, c.event_type, c.platform, c.events
      from (
        select r.at, r.event_type, r.platform, r.events
        from app.analytics_events r
        where r.account_id = p_account and r.at >= v_from and r.at < v_to
        union all
        select t.at, t.event_type, t.platform, t.events
        from app.count_events(p_account, coalesce(v_mark, 0), 9223372036854775807, v_from, v_to) t
      ) c
      where (v_types is null or c.event_type = any (v_types))
        and (v_platforms is null or c.platform = any (v_platforms))
    ),
    quarter as materialized (
      select c.at, sum(c.events) as events from counted c group by c.at
    )
    select jsonb_build_object(
      'total', (select coalesce(sum(q.events), 0) from quarter q),
      'by_type', (
        select coalesce(jsonb_agg(jsonb_build_object('event_type', g.event_type, 'count', g.events)
          order by g.events desc, g.event_type), '[]')
        from (select c.event_type, sum(c.events) as events from counted c group by c.event_type) g),
      'by_platform', (
        select coalesce(jsonb_agg(jsonb_build_object('platform', g.platform, 'count', g.events)
          order by g.events desc, g.platform), '[]')
        from (select c.platform, sum(c.events) as events from counted c group by c.platform) g),
      'by_hour', (
        select coalesce(jsonb_agg(jsonb_build_object('hour', g.hour, 'count', g.events) order by g.hour), '[]')
        from (
          select extract(hour from q.at at time zone v_zone)::integer as hour, sum(q.events) as events
          from quarter q group by 1) g),
      'series', (
        select coalesce(jsonb_agg(jsonb_build_object('at', g.at, 'count', g.events) order by g.at), '[]')
        from (
          select date_trunc(v_span ->> 'interval', q.at, v_zone) as at, sum(q.events) as events
          from quarter q group by 1) g)));
end
$$;

-- What became of plays, for each overlay of the account, by the time at which they ended. p_filter:
-- {from, to, time_zone, interval}. {from, to, time_zone, interval, items: [{overlay_id, name, plays,
-- shown, completed, cancelled, skipped, expired, failed, delay: {plays, p50_ms, p95_ms, max_ms},
-- series: [{at, plays, shown, cancelled, expired, failed}]}]}
create function app.overlay_analytics(
  p_account uuid, p_filter jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_span jsonb;
  v_zone text;
  v_from timestamptz;
  v_to timestamptz;
  v_mark timestamptz;
begin
  perform app.require_permission(p_account, 'events:read');
  v_span := app.analytics_span(p_filter, p_now);
  v_zone := v_span ->> 'time_zone';
  v_from := (v_span ->> 'from')::timestamptz;
  v_to := (v_span ->> 'to')::timestamptz;
  select m.plays_until into v_mark from app.analytics_marks m where m.account_id = p_account;
  v_mark := coalesce(v_mark, '-infinity');
  return v_span || (
    with counted as materialized (
      select r.overlay_id, r.at, r.bucket, r.plays, r.shown, r.completed, r.cancelled, r.skipped,
        r.expired, r.failed, r.max_ms
      from app.overlays o
      join app.analytics_plays r on r.overlay_id = o.id
      where o.account_id = p_account and r.at >= v_from and r.at < least(v_to, v_mark)
      union all
      select t.* from app.count_plays(p_account, greatest(v_from, v_mark), v_to) t
    ),
    total as (
      select c.overlay_id, sum(c.plays) as plays, sum(c.shown) as shown, sum(c.completed) as completed,
        sum(c.cancelled) as cancelled, sum(c.skipped) as skipped, sum(c.expired) as expired,
        sum(c.failed) as failed, max(c.max_ms) as max_ms
      from counted c
      group by c.overlay_id
    ),
    delay as (
      select c.overlay_id, c.bucket, sum(c.plays) as plays,
        sum(sum(c.plays)) over (partition by c.overlay_id order by c.bucket) as reached,
        sum(sum(c.plays)) over (partition by c.overlay_id) as total
      from counted c
      where c.bucket >= 0
      group by c.overlay_id, c.bucket
    ),
    percentile as (
      select d.overlay_id, max(d.total) as plays,
        min(d.bucket) filter (where d.reached >= d.total * 0.5) as p50,
        min(d.bucket) filter (where d.reached >= d.total * 0.95) as p95
      from delay d
      group by d.overlay_id
    ),
    step as (
      select c.overlay_id, date_trunc(v_span ->> 'interval', c.at, v_zone) as at, sum(c.plays) as plays,
        sum(c.shown) as shown, sum(c.cancelled) as cancelled, sum(c.expired) as expired,
        sum(c.failed) as failed
      from counted c
      group by 1, 2
    )
    select jsonb_build_object('items', coalesce(
      jsonb_agg(
        jsonb_build_object('overlay_id', o.id, 'name', o.name, 'plays', coalesce(t.plays, 0),
          'shown', coalesce(t.shown, 0), 'completed', coalesce(t.completed, 0),
          'cancelled', coalesce(t.cancelled, 0), 'skipped', coalesce(t.skipped, 0),
          'expired', coalesce(t.expired, 0), 'failed', coalesce(t.failed, 0),
          'delay', jsonb_build_object('plays', coalesce(p.plays, 0),
            -- Never above the slowest one, which is known exactly.
            'p50_ms', least(app.bucket_ms(p.p50), t.max_ms),
            'p95_ms', least(app.bucket_ms(p.p95), t.max_ms), 'max_ms', t.max_ms),
          'series', (
            select coalesce(
              jsonb_agg(
                jsonb_build_object('at', s.at, 'plays', s.plays, 'shown', s.shown,
                  'cancelled', s.cancelled, 'expired', s.expired, 'failed', s.failed)
                order by s.at),
              '[]')
            from step s
            where s.overlay_id = o.id))
        order by o.created_at, o.id),
      '[]'))
    from app.overlays o
    left join total t on t.overlay_id = o.id
    left join percentile p on p.overlay_id = o.id
    where o.account_id = p_account);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.event_analytics(uuid, jsonb, timestamptz),
  app.overlay_analytics(uuid, jsonb, timestamptz)
  to authenticated, service_role;
grant execute on function app.roll_analytics(timestamptz) to service_role;

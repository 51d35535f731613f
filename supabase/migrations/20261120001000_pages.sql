-- What overlay pages call: heartbeat, pull, claim, report. And the clock that settles what pages
-- leave behind.

-- Internal: the account of an overlay for a reader: its own key, or a member who may read overlays.
create function app.require_overlay_reader(p_overlay uuid)
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_account uuid;
begin
  if auth.jwt() ->> 'kind' = 'overlay' then
    return app.require_overlay_key(p_overlay);
  end if;
  select o.account_id into v_account from app.overlays o where o.id = p_overlay;
  if v_account is null or not app.is_related(v_account) then
    perform app.refuse('CU404', format('There is no overlay %s', p_overlay));
  end if;
  perform app.require_permission(v_account, 'overlays:read');
  perform app.require_permission(v_account, 'events:userinfo');
  return v_account;
end
$$;

-- Internal: whether a reader's cursor still holds: same life of the log, not from the future, and
-- the next event not yet dropped by retention (seq has no holes, so its absence is proof).
create function app.is_recoverable(
  p_account uuid, p_own_epoch uuid, p_top bigint, p_epoch text, p_cursor bigint)
returns boolean
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return p_cursor is not null and p_epoch is not null and p_epoch = p_own_epoch::text
    and p_cursor between 0 and p_top
    and (p_cursor = p_top or exists (
      select from app.platform_events e where e.account_id = p_account and e.seq = p_cursor + 1));
end
$$;

-- Everything a page needs to be whole (OverlayState in src/lib/bus/message.ts). Stable: all of it
-- is read from one snapshot, so rev, plays and events belong together.
create function app.pull_overlay(
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
            and e.event_type like s.like_pattern)
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

-- Internal: gives the lead to an instance, with the plays in hand. A play whose time is over and
-- that was seen to start is settled; any other goes on with the new leader (attempt + 1), from
-- where it was if it had started. The caller holds the queue's lock.
create function app.take_lead(
  p_account uuid, p_overlay uuid, p_instance uuid, p_lease_until timestamptz, p_now timestamptz)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_lease bigint;
  v_over uuid[];
  v_adopted uuid[];
  v_started uuid[];
begin
  update app.overlay_queues q
  set leader_id = p_instance, lease_version = q.lease_version + 1, lease_until = p_lease_until
  where q.overlay_id = p_overlay
  returning q.lease_version into v_lease;
  perform app.publish_status(p_account, p_overlay, 'leader', true,
    jsonb_build_object('leader_id', p_instance, 'lease_version', v_lease), p_now);

  v_over := array(
    select p.id from app.plays p
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
      and p.started_at is not null
      and p.claimed_at + p.duration_ms * interval '1 millisecond' <= p_now
    order by p.lane);
  perform app.move_plays(v_over, 'completed', 'settled', 'leader gone', p_now);
  with adopted as (
    update app.plays p
    set instance_id = p_instance, lease_version = v_lease, attempt = p.attempt + 1,
      claimed_at = case when p.started_at is null then p_now else p.claimed_at end
    where p.overlay_id = p_overlay and p.status = 'playing' and p.instance_id <> p_instance
    returning p.id, p.lane
  )
  select coalesce(array_agg(a.id order by a.lane), '{}') into v_adopted from adopted a;
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_over || v_adopted || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_over)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_adopted) + cardinality(v_started)]),
    p_now);
end
$$;

-- A page says that it lives. Renews its lease when it leads (also a lapsed one that nobody took),
-- takes a free or lapsed lead, or follows. p_facts: {visible, muted, protocol, user_agent}.
-- {leads, leader_id, lease_version, lease_ms, rev, next_in_ms}
create function app.heartbeat(
  p_overlay uuid, p_instance uuid, p_facts jsonb, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_account uuid := app.require_overlay_key(p_overlay);
  v_lease_until timestamptz := p_now + interval '5 seconds';
  v_queue app.overlay_queues;
  v_started uuid[];
begin
  if p_instance is null then
    perform app.refuse('CU400', 'instance_id: a page needs an id');
  end if;
  select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  if v_queue.leader_id = p_instance and v_queue.lease_until > p_now then
    -- Again in the condition: between the look and this update somebody may have taken over.
    update app.overlay_queues q
    set lease_until = greatest(q.lease_until, v_lease_until)
    where q.overlay_id = p_overlay and q.leader_id = p_instance
    returning * into v_queue;
    if not found then
      select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
    end if;
  elsif v_queue.leader_id is null or v_queue.lease_until < p_now or v_queue.leader_id = p_instance then
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay for no key update;
    if v_queue.leader_id = p_instance then
      update app.overlay_queues q set lease_until = greatest(q.lease_until, v_lease_until)
      where q.overlay_id = p_overlay;
      v_started := app.advance(p_overlay, p_now);
      perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    elsif v_queue.leader_id is null or v_queue.lease_until < p_now then
      perform app.take_lead(v_account, p_overlay, p_instance, v_lease_until, p_now);
    end if;
    select * into v_queue from app.overlay_queues q where q.overlay_id = p_overlay;
  end if;

  insert into app.overlay_instances (overlay_id, id, account_id, first_seen_at, last_seen_at, visible,
    muted, protocol, user_agent)
  values (p_overlay, p_instance, v_account, p_now, p_now, (p_facts ->> 'visible')::boolean,
    (p_facts ->> 'muted')::boolean, left(p_facts ->> 'protocol', 40), left(p_facts ->> 'user_agent', 300))
  on conflict (overlay_id, id) do update
  set last_seen_at = excluded.last_seen_at, visible = excluded.visible, muted = excluded.muted,
    protocol = excluded.protocol, user_agent = excluded.user_agent;

  return jsonb_build_object('leads', v_queue.leader_id = p_instance, 'leader_id', v_queue.leader_id,
    'lease_version', v_queue.lease_version,
    'lease_ms', app.elapsed_ms(p_now, v_queue.lease_until), 'rev', v_queue.rev,
    'next_in_ms', case when v_queue.leader_id = p_instance then 2000 else 5000 end);
end
$$;

-- The leader asks for the lane's play (PlayWithEvent) or null. The server starts plays by itself;
-- this is for a leader that believes its lane idle. Asked again, it answers the same play.
create function app.claim_next(
  p_overlay uuid, p_instance uuid, p_lane text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_started uuid[];
begin
  perform app.require_overlay_key(p_overlay);
  perform from app.overlay_queues q
  where q.overlay_id = p_overlay and q.leader_id = p_instance and q.lease_until > p_now
  for no key update;
  if not found then
    return null;
  end if;
  v_started := app.advance(p_overlay, p_now);
  perform app.publish_plays(v_started, array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
  return (
    select d.play
    from app.describe_plays(array(
      select p.id from app.plays p
      where p.overlay_id = p_overlay and p.lane = p_lane and p.status = 'playing'
        and p.instance_id = p_instance), p_now) d);
end
$$;

-- A page tells what became of a play: started, ended or failed (detail: {missing, error, delay_ms}).
-- Believed from the instance that claimed it last, also when the play was meanwhile put back to
-- wait: then it was shown after all, and is never shown again. Idempotent and never an error:
-- {accepted, reason, play, rev}.
create function app.report_play(
  p_overlay uuid, p_play uuid, p_instance uuid, p_attempt integer, p_report text, p_detail jsonb,
  p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_play app.plays;
  v_refusal text;
  v_to text;
  v_outcome text;
  v_started uuid[] := '{}';
begin
  perform app.require_overlay_key(p_overlay);
  if p_report is null or p_report not in ('started', 'ended', 'failed') then
    perform app.refuse('CU400', format('report: %s is not a report', coalesce(p_report, 'null')));
  end if;
  perform app.lock_queues(array[p_overlay]);
  select * into v_play from app.plays p where p.id = p_play and p.overlay_id = p_overlay;
  v_refusal := case
    when v_play.id is null then 'unknown'
    when v_play.ended_at is not null then 'already ' || v_play.status
    when v_play.instance_id is null then 'not claimed'
    when v_play.instance_id is distinct from p_instance then 'taken over'
    when p_attempt is null or p_attempt > v_play.attempt then 'not claimed'
    when v_play.status not in ('playing', 'queued') then 'already ' || v_play.status
  end;
  if v_refusal is null then
    if p_detail is not null then
      update app.plays p set detail = coalesce(p.detail, '{}') || p_detail where p.id = p_play;
    end if;
    if p_report = 'started' and v_play.status = 'playing' then
      if v_play.started_at is null then
        update app.plays p set started_at = p_now where p.id = p_play;
        perform app.publish_plays(array[p_play], array['ANIMATION_STARTED'], p_now);
      end if;
    else
      v_to := case when p_report = 'failed' then 'failed' else 'completed' end;
      v_outcome := case
        when p_report = 'failed' then coalesce(left(p_detail ->> 'error', 200), 'failed')
        when v_play.status = 'queued' then 'shown late'
        else 'ended'
      end;
      perform app.move_plays(array[p_play], v_to, v_outcome, 'reported ' || p_report, p_now);
      v_started := app.advance(p_overlay, p_now);
      perform app.publish_plays(array[p_play] || v_started,
        array['ANIMATION_ENDED'] || array_fill('PLAY_CHANGED'::text, array[cardinality(v_started)]), p_now);
    end if;
  end if;
  return jsonb_build_object('accepted', v_refusal is null, 'reason', v_refusal,
    'play', (select d.play from app.describe_plays(array[v_play.id], p_now) d),
    'rev', (select q.rev from app.overlay_queues q where q.overlay_id = p_overlay));
end
$$;

-- Once a second, by the server: ends what pages left behind, and starts what was scheduled.
-- A play past its time by 5 s is completed if it was seen to start; else it waits again, and after
-- the fifth time it has failed. Answers how many plays it moved.
create function app.settle_plays(p_now timestamptz default clock_timestamp())
returns integer
language plpgsql
security definer
set search_path = ''
set plan_cache_mode = 'force_generic_plan'
set enable_seqscan = off
set jit = off
as $$
declare
  v_overlays uuid[];
  v_late uuid[];
  v_completed uuid[];
  v_failed uuid[];
  v_requeued uuid[];
  v_started uuid[];
begin
  v_overlays := array(
    select p.overlay_id from app.plays p
    where p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now
    union
    select p.overlay_id from app.plays p
    where p.status = 'queued' and p.scheduled_at <= p_now
    limit 500);
  if cardinality(v_overlays) = 0 then
    return 0;
  end if;
  -- A queue that is busy at this moment is looked at a second later.
  v_overlays := array(
    select q.overlay_id from app.overlay_queues q
    where q.overlay_id = any (v_overlays)
    order by q.overlay_id
    for no key update skip locked);
  -- Read again under the locks.
  v_late := array(
    select p.id from app.plays p
    where p.overlay_id = any (v_overlays) and p.status = 'playing'
      and p.claimed_at + (p.duration_ms + 5000) * interval '1 millisecond' < p_now);
  v_completed := array(select p.id from app.plays p where p.id = any (v_late) and p.started_at is not null);
  v_failed := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt >= 5);
  v_requeued := array(select p.id from app.plays p
    where p.id = any (v_late) and p.started_at is null and p.attempt < 5);
  perform app.move_plays(v_completed, 'completed', 'settled', 'time over', p_now);
  perform app.move_plays(v_failed, 'failed', 'never started', 'time over', p_now);
  perform app.move_plays(v_requeued, 'queued', null, 'never started', p_now);
  v_started := array(select unnest(app.advance(o, p_now)) from unnest(v_overlays) as o order by o);
  perform app.publish_plays(v_completed || v_failed || v_requeued || v_started,
    array_fill('ANIMATION_ENDED'::text, array[cardinality(v_completed) + cardinality(v_failed)])
      || array_fill('PLAY_CHANGED'::text, array[cardinality(v_requeued) + cardinality(v_started)]),
    p_now);
  return cardinality(v_late) + cardinality(v_started);
end
$$;

revoke execute on all functions in schema app from public;
grant execute on function
  app.pull_overlay(uuid, text, bigint, integer, timestamptz),
  app.heartbeat(uuid, uuid, jsonb, timestamptz),
  app.claim_next(uuid, uuid, text, timestamptz),
  app.report_play(uuid, uuid, uuid, integer, text, jsonb, timestamptz)
  to authenticated, service_role;
grant execute on function app.settle_plays(timestamptz) to service_role;
